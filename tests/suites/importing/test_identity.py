"""Whose a run is."""

from pathlib import Path

import pytest

from pgsuite.suites.importing.identity import Origin, origin, origin_in


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/logs/ppo/CartPole-v1_12/0.monitor.csv", Origin("ppo", "CartPole-v1", 12, counted=True)),
        ("/logs/a2c/Half_Cheetah-v5_1/evaluations.npz", Origin("a2c", "Half_Cheetah-v5", 1, counted=True)),
        ("/x/seed-3/monitor.csv", Origin(None, None, 3)),
        ("/x/seed7_run/seed_04.monitor.csv", Origin(None, None, 4)),
        ("/x/Seed=5/monitor.csv", Origin(None, None, 5)),
        ("/x/reseed3/unseeded/monitor.csv", Origin(None, None, None)),
        ("/x/CartPole-v1_1/monitor.csv", Origin("x", "CartPole-v1", 1, counted=True)),
        ("/logs/a2c/CartPole-v1_1.monitor.csv", Origin("a2c", "CartPole-v1", 1, counted=True)),
        ("/logs/a2c/CartPole-v1_2.monitor.csv.gz", Origin("a2c", "CartPole-v1", 2, counted=True)),
        ("/x/run seed 6/monitor.csv", Origin(None, None, 6)),
    ],
)
def test_what_a_path_tells(path, expected):
    assert origin(Path(path)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CartPole-v1__ppo__3__1667432123", Origin("ppo", "CartPole-v1", 3)),
        ("ALE/Pong-v5__ppo_atari__12__1667432123", Origin("ppo_atari", "ALE/Pong-v5", 12)),
        ("trpo · CartPole-v1 · seed 3", Origin("trpo", "CartPole-v1", 3)),
        ("trpo--CartPole-v1--0123456789ab", Origin("trpo", "CartPole-v1", None)),
        ("PPO_12", Origin("PPO", None, 12, counted=True)),
        ("dandy-sun-12", Origin(None, None, None)),
        ("my run, seed 4", Origin(None, None, 4)),
    ],
)
def test_what_the_name_of_a_run_tells(name, expected):
    assert origin_in(name) == expected


def test_folders_of_event_files():
    assert origin(Path("/x/trpo--A-v1--0123456789ab/seed-3/events.out.tfevents.0")) == Origin("trpo", "A-v1", 3)
    assert origin(Path("/runs/A-v1__ppo__3__1667/events.out.tfevents.0")) == Origin("ppo", "A-v1", 3)
    assert origin(Path("/tb/seed-7/PPO_1/events.out.tfevents.0"))[:3] == ("PPO", None, 7)
