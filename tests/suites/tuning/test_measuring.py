"""A stage that is really run: what fails, diverges or cannot be built is a bad score, told."""

import pytest
from rich.console import Console

from pgsuite.results.tuned import WORST
from pgsuite.suites.schema import parse_suite
from pgsuite.suites.tuning.halving import Stage
from pgsuite.suites.tuning.measuring import Task, measure

MINE = """
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    fate: str = ""

    def update(self, state, rollout):
        if self.fate == "raises":
            raise RuntimeError("no luck")
        learned, metrics = super().update(state, rollout)
        return learned, {**metrics, "loss": metrics["loss"] + (float("nan") if self.fate == "diverges" else 0)}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measuring")
    (folder / "mine.py").write_text(MINE)
    mine = f"{folder / 'mine.py'}:Mine"
    tables = {
        "good#0": {"class": "reinforce"},
        "bad#1": {"class": "reinforce", "learning_rate": -1.0},
        "raises#2": {"class": mine, "fate": "raises"},
        "diverges#3": {"class": mine, "fate": "diverges"},
    }
    suite = parse_suite(
        {
            "name": "mine",
            "description": "",
            "seeds": "0",
            "evaluation": {"checkpoints": 2, "episodes": 1},
            "environments": {"CartPole-v1": {"steps": 400}},
            "algorithms": tables,
        },
        "test",
    )
    task = Task(suite, (Stage("CartPole-v1", 200),), (5, 6), folder / "runs")
    return measure(task, workers=1, console=Console(quiet=True)) | {"task": task}


def test_trials_are_measured_in_an_ordinary_results_folder(found):
    from pgsuite.results import load

    (good,) = found["good#0"]
    runs = load(found["task"].folder).query("algorithm == 'good#0'")
    last = runs[runs.env_steps == 200].sort_values("seed")
    assert good.scores == tuple(last.score)
    assert good.returned == pytest.approx(last.return_mean.mean())
    assert good.area == pytest.approx(runs.groupby("seed").score.mean().mean())
    assert (good.environment, good.steps, good.failure) == ("CartPole-v1", 200, "")


@pytest.mark.parametrize(
    ("trial", "reason"),
    [
        ("bad#1", "Reinforce.learning_rate = -1.0: input should be greater than 0"),
        ("raises#2", "RuntimeError: no luck"),
        ("diverges#3", "2 of 2 runs diverged"),
    ],
)
def test_what_gives_no_result_scores_worst_and_says_why(trial, reason, found):
    (one,) = found[trial]
    assert one.scores == (WORST, WORST)
    assert one.area == WORST
    assert one.returned is None
    assert reason in one.failure
