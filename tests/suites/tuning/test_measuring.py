"""A stage that is really run: what fails, diverges or cannot be built is a bad score, told; what is killed is none."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from pgsuite.results.tuned import WORST
from pgsuite.suites.running import Outcome
from pgsuite.suites.scheduling.interface import Failure
from pgsuite.suites.schema import AlgorithmTable, parse_suite
from pgsuite.suites.tuning import measuring as module
from pgsuite.suites.tuning.halving import Stage
from pgsuite.suites.tuning.measuring import Task, Unmeasured, measure, run_trials

MINE = """
import os, signal
from dataclasses import dataclass
from pathlib import Path
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    fate: str = ""

    def update(self, state, rollout):
        if self.fate == "raises":
            raise RuntimeError("no luck")
        if self.fate == "killed" and not Path(__file__).with_name("enough").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        learned, metrics = super().update(state, rollout)
        return learned, {**metrics, "loss": metrics["loss"] + (float("nan") if self.fate == "diverges" else 0)}
"""


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """A stage for trials, some of our class with a fate."""

    def make(**fates):
        folder = tmp_path_factory.mktemp("measuring")
        (folder / "mine.py").write_text(MINE)
        mine = f"{folder / 'mine.py'}:Mine"
        own = {f"{fate}#{n}": {"class": mine, "fate": fate} for fate, n in fates.items()}
        return _task(folder, {"good#0": {"class": "reinforce"}, **own})

    return make


def _task(folder, tables):
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
    return Task(suite, (Stage("CartPole-v1", 200),), (5, 6), folder / "runs")


@pytest.fixture(scope="module")
def found(task):
    whole = task(raises=2, diverges=3)
    bad = AlgorithmTable(reference="reinforce", learning_rate=-1.0)
    whole = whole._replace(
        suite=whole.suite.model_copy(update={"algorithms": {**whole.suite.algorithms, "bad#1": bad}})
    )
    said = io.StringIO()
    console = Console(file=said, width=200)
    return measure(whole, workers=1, console=console) | {"task": whole, "said": said.getvalue()}


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


def test_what_failed_alone_is_neither_run_nor_told_again(found):
    assert found["said"].count("failed    raises#2") == 1
    assert found["said"].count("raises#2") == 2  # it began, and it failed
    assert "runs again" not in found["said"]


def test_what_failed_in_company_runs_again_alone(monkeypatch):
    """Of three that fail together one is to blame; the fourth was alone."""
    planned = [SimpleNamespace(cell=SimpleNamespace(name=name)) for name in "abcd"]
    asked = []

    def pretend(planned, folder, *, together=False, **facts):
        asked.append(("".join(one.cell.name for one in planned), folder, together, facts["on"], facts["mixed"]))
        to_blame = [one for one in planned if together or one.cell.name in "bd"]
        failures = [Failure(one.cell, "no luck", in_company=together and one.cell.name != "d") for one in to_blame]
        return Outcome(failures)

    monkeypatch.setattr(module, "run_cells", pretend)
    outcome = run_trials(planned, "there", workers=1, console=Console(quiet=True), on="ray", mixed=True)
    assert asked == [("abcd", "there", True, "ray", True), ("abc", "there", False, "ray", True)]
    assert [(one.cell.name, one.in_company) for one in outcome.failures] == [("d", False), ("b", False)]


def test_a_trial_whose_worker_is_killed_has_no_score_until_it_is_run_to_its_end(task):
    whole = task(killed=4)
    with pytest.raises(Unmeasured, match=r"killed#4 cannot be measured, .*process died \(signal SIGKILL.*") as told:
        measure(whole, workers=1, console=Console(quiet=True))
    assert told.value.measured.keys() == {"good#0"}
    assert told.value.exit_code == 1
    (whole.folder.parent / "enough").touch()
    found = measure(whole, workers=1, console=Console(quiet=True))
    assert found.pop("good#0") == told.value.measured["good#0"]
    assert found["killed#4"][0].failure == ""
    assert min(found["killed#4"][0].scores) > WORST


def test_a_trial_whose_results_are_damaged_has_no_score(task, monkeypatch):
    whole = task()
    monkeypatch.setattr(module, "run_cells", lambda *_, **__: Outcome([]))
    with pytest.raises(Unmeasured, match=r": 2 of 2 runs not complete on CartPole-v1$"):
        measure(whole, workers=1, console=Console(quiet=True))
