"""`pgsuite sweep`: from a suite to figures, really run; and requests that cannot be carried out."""

import pandas as pd
import pytest

SUITE = """
name = "{}"
description = "of mine"
seeds = "0-2"
modules = ["environments_of_test_cli"]
[evaluation]
checkpoints = 2
episodes = 1
[environments."CartPole-v1"]
steps = 80
[algorithms.reinforce]
num_envs = 2
[algorithms.trpo]
"""


@pytest.fixture
def suite(place):
    (place / "sweeping.toml").write_text(SUITE.format("sweeping"))
    return "sweeping.toml"


def test_a_sweep_is_said_run_and_written(pgsuite, suite, place):
    words = ("sweep", suite, "-a", "reinforce", "learning_rate=0.001..0.1:log:2", "--workers", "1", "-o", "swept")
    code, said, errors = pgsuite(*words)
    assert code == 0
    before, _, after = said.partition("9 runs, 720 environment steps, less what is there already\n")
    assert "reinforce  learning_rate  0.001, 0.1; the suite has 0.01" in before
    assert "9 to do" in errors
    assert "started   reinforce and 2 others · CartPole-v1" in errors  # one program
    assert "learning_rate of reinforce" in after
    assert "reinforce on CartPole-v1, learning_rate: final score from " in after
    assert after.endswith("wrote sweep.md, points.csv, runs.csv, effort.csv and figures into swept\n")
    assert set(pd.read_csv(place / "swept/points.csv").value) == {0.001, 0.01, 0.1}
    code, said, errors = pgsuite(*words)
    assert code == 0
    assert "9 of 9 runs are there, 0 to do" in errors
    assert said.endswith(after)
    code, said, errors = pgsuite("effort", "swept", "-o", "effort")
    assert code == 2
    assert errors == "pgsuite: no algorithm has 3 trials that ran on all environments: there is nothing to draw\n"
    pgsuite("sweep", suite, "-a", "reinforce", "num_envs=1,2", "--workers", "1", "-o", "swept")
    code, said, errors = pgsuite("effort", "swept", "-o", "effort", "--formats", "svg,pdf")
    assert (code, errors) == (0, "")
    assert "Expected score of the best trial" in said
    assert said.endswith("wrote effort.csv, effort.svg, effort.pdf into effort\n")


def test_what_failed_is_a_point_and_exit_code_1(pgsuite, suite, place):
    mine = "algorithms.py:Raises"
    code, said, errors = pgsuite(
        "sweep", suite, "-a", mine, "learning_rate=0.1", "--seeds", "7", "--workers", "1", "-o", "swept-2"
    )
    assert code == 1
    assert "failed: Raises on CartPole-v1; Raises#learning_rate=0.1 on CartPole-v1: RuntimeError: no luck" in errors
    assert "no run has a result" not in said
    assert "diverged or failed: 1 of 1 run at 0.01, 1 of 1 run at 0.1\n" in said
    assert pd.read_csv(place / "swept-2/points.csv").failed.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["max_kl=0.1,0.2"], "algorithm 'reinforce' has no option 'max_kl'"),
        (["-a", "trpo", "max_kll=0.1,0.2"], "algorithm 'trpo' has no option 'max_kll': did you mean 'max_kl'?"),
        (["-a", "trpo", "max_kl=0..1"], "max_kl='0..1': say how many values, from 2 to 100, as in max_kl=0..1:8"),
        (
            ["-a", "trpo", "max_kl=-1..1:4"],
            "max_kl=-1 of trpo on CartPole-v1: TRPO.max_kl = -1.0: input should be greater than",
        ),
        (["-a", "trpo", "max_kl"], "'max_kl' says no values: write NAME=LOW..HIGH:log:COUNT"),
        (
            ["-a", "trpo", "max_kl=1,2", "-e", "CartPole"],
            "environment 'CartPole' is not in suite sweeping",
        ),
        (["-a", "trpo", "max_kl=1,2", "--seeds", "5-1"], "--seeds: seeds '5-1': a range goes upwards"),
        (["-a", "trpo", "max_kl=1,2", "--formats", "gif"], "figures cannot be written as 'gif': choose from svg, png"),
        (["-a", "trpo", "max_kl=1,2", "--on", "moon"], "--on 'moon': give local, ray or ray://HOST:PORT"),
        (["-a", "trpo", "max_kl=1,2", "-o", "s3://aaa/b"], "--out s3://aaa/b: this is not written to URLs"),
        (["-a", "trpo", "max_kl=1,2", "-o", "s3://x/y"], "--out s3://x/y: this is not written to URLs; name a folder"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line(arguments, reason, pgsuite, suite, place):
    code, said, errors = pgsuite("sweep", suite, *arguments)
    assert code == 2
    assert not said
    assert errors.startswith(f"pgsuite: {reason}")
    assert errors.count("\n") == 1
    assert not (place / "runs/sweeps").exists()


def test_an_interruption_keeps_what_is_done(pgsuite, suite, monkeypatch):
    from pgsuite.suites.running import Outcome
    from pgsuite.suites.tuning import sweep

    monkeypatch.setattr(sweep, "run_trials", lambda *_, **__: Outcome([], KeyboardInterrupt()))
    code, said, errors = pgsuite("sweep", suite, "-a", "trpo", "max_kl=1,2", "-o", "stopped")
    assert code == 130
    assert errors == "interrupted; what is done is kept in stopped: run the same command again to go on\n"
    assert said.endswith("less what is there already\n")
