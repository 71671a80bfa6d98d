"""Algorithms of another library in a suite: run, told, reported, replayed."""

import pytest

from pgsuite import load_policy
from pgsuite.errors import UsageError
from pgsuite.results import gather

pytest.importorskip("stable_baselines3")
pytest.importorskip("sb3_contrib")

SUITE = """
name = "peers"
description = "of two libraries"
seeds = "0-1"
[evaluation]
checkpoints = 2
episodes = 2
[environments."CartPole-v1"]
steps = 60
[environments."Pendulum-v1"]
steps = 60
[algorithms.reinforce]
num_envs = 1
[algorithms.sb3-dqn]
learning_starts = 10
buffer_size = 100
policy_kwargs = { net_arch = [4] }
"""


@pytest.fixture(scope="module")
def ran(place, start):
    """The suite, run: exit code, stdout, stderr."""
    (place / "peers.toml").write_text(SUITE)
    process = start("run", "peers.toml", "--out", "peers", "--workers", "2")
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_a_pair_that_cannot_work_is_no_failure_and_is_shown(ran, place):
    code, out, err = ran
    assert code == 0, err
    assert "note: sb3-dqn on Pendulum-v1 is not applicable: The algorithm only supports (Discrete)" in err
    assert "All 6 runs that were asked for are complete." in out
    (row,) = [line.split() for line in out.splitlines() if line.split()[:3] == ["sb3-dqn", "not", "applicable"]]
    assert set(row[3:]) == {"—"}
    assert "sb3-dqn lacks Pendulum-v1 (not applicable)" in " ".join(out.split())
    gathered = gather([place / "peers"])
    assert gathered.whole
    assert list(gathered.refusals) == [("sb3-dqn", "Pendulum-v1")]
    for name in ("report.html", "report.md", "report.tex"):
        assert "not applicable" in (place / "peers/report" / name).read_text()


def test_its_runs_are_jobs_of_their_own(ran):
    started = [line for line in ran[2].splitlines() if "started" in line and "sb3-dqn" in line]
    assert sorted(line[-6:] for line in started) == ["seed 0", "seed 1"]


def test_what_is_there_is_not_run_again(ran, pgsuite):
    code, _, err = pgsuite("run", "peers.toml", "--out", "peers", "--no-report")
    assert code == 0
    assert "6 of 6 runs are there, 0 to do" in err


def test_its_evaluation_is_replayed_to_the_bit(ran, pgsuite):
    code, out, _ = pgsuite("replay", "peers", "-a", "sb3-dqn", "-e", "CartPole-v1", "--seed", "1")
    assert (code, "bit-equal" in out) == (0, True)


def test_a_policy_that_cannot_be_there_is_told_so(ran, pgsuite, place):
    code, _, err = pgsuite("replay", "peers", "-a", "sb3-dqn", "-e", "Pendulum-v1")
    assert code == 2
    assert err.startswith(
        "pgsuite: peers has no such policy: sb3-dqn on Pendulum-v1 is not applicable: The algorithm only"
    )
    with pytest.raises(UsageError, match="sb3-dqn on Pendulum-v1 is not applicable: The algorithm only"):
        load_policy(place / "peers", algorithm="sb3-dqn", env="Pendulum-v1")


def test_nothing_but_pairs_that_cannot_work_is_refused(ran, pgsuite):
    code, _, err = pgsuite("run", "peers.toml", "-a", "sb3-dqn", "-e", "Pendulum-v1", "--out", "nothing")
    assert code == 2
    assert err.startswith("pgsuite: sb3-dqn on Pendulum-v1 is not applicable")
