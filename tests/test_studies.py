"""Sweeps and searches from Python: what they give, and that they say nothing unless asked."""

from pathlib import Path

import pytest

import pgsuite
from pgsuite.suites.running import Outcome
from pgsuite.suites.tuning import sweep as module

SUITE = """
name = "mine"
description = ""
seeds = "0-1"
[evaluation]
checkpoints = 2
episodes = 1
[environments."CartPole-v1"]
steps = 80
[algorithms.reinforce]
num_envs = 2
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SUITE)
    return "mine.toml"


def test_a_sweep_gives_tables_and_figures_and_prints_nothing(suite, capfd):
    values = {"learning_rate": [0.001, 0.1], "num_envs": "1..3:3"}
    found = pgsuite.sweep(suite, values, seeds=range(1000, 1002), workers=1)
    assert capfd.readouterr() == ("", "")
    assert found.ok
    assert str(found.out) == "runs/sweeps/mine"
    assert set(found.points[found.points.hyperparameter == "num_envs"].value) == {"1", "2", "3"}
    assert len(found.runs) == 2 * (3 + 3)
    assert found.effort.trials.max() == 5
    assert {path.suffix for path in found.figures} == {".svg", ".png"}
    assert all(path.is_file() for path in (*found.figures, *found.paths))
    assert str(found) == "\n".join(found.lines)
    assert "too few to show a value worse" in found._repr_html_()
    assert "learning_rate of reinforce" in found._repr_html_()
    again = pgsuite.sweep(suite, values, seeds="1000-1001", workers=1, progress=True, formats="pdf")
    assert "10 of 10 runs are there, 0 to do" in capfd.readouterr().err
    assert again.points.equals(found.points)
    assert {path.suffix for path in again.figures} == {".pdf"}


def test_a_search_gives_settings_and_trials_and_prints_nothing(suite, capfd):
    space = Path("space.toml")
    space.write_text("[reinforce]\nlearning_rate = { low = 0.001, high = 0.1, log = true }\n")
    found = pgsuite.tune(
        suite, trials=3, seeds_per_trial=1, finalists=1, final_seeds=1, budgets=[1], spaces=space, workers=1
    )
    assert capfd.readouterr() == ("", "")
    assert found.ok
    assert found.suite.name == "mine-tuned.toml"
    assert 0.001 <= found.settings["reinforce"]["learning_rate"] <= 0.1
    assert list(found.trials.trial) == [0, 1, 2]
    assert list(found.effort.trials) == [1, 2, 3]
    assert found.sentence in str(found)
    assert any(path.name == "effort.png" for path in found.figures)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda suite: pgsuite.sweep(suite, {"learning_rate": 5}), r"learning_rate=5: give several values in a list"),
        (lambda suite: pgsuite.sweep(suite, {}), "no hyperparameter is named"),
        (lambda suite: pgsuite.sweep(suite, {"learning_rat": [1]}), "did you mean 'learning_rate'"),
        (lambda suite: pgsuite.sweep(suite, {"num_envs": [1]}, workers=0), "workers=0: give a whole number"),
        (lambda suite: pgsuite.sweep(suite, {"num_envs": [1]}, seeds=5), r"give numbers, such as range\(5\)"),
        (lambda suite: pgsuite.tune(suite, trials=0), "trials=0: give a whole number of at least 1"),
        (lambda suite: pgsuite.tune(suite, sampler="best"), "choose from random, tpe, gp"),
        (lambda suite: pgsuite.tune("quik"), "did you mean 'quick'"),
    ],
)
def test_errors_are_those_of_the_command_line(call, says, suite):
    with pytest.raises(pgsuite.UsageError, match=says):
        call(suite)


def test_an_interruption_is_raised(suite, monkeypatch):
    monkeypatch.setattr(module, "run_trials", lambda *_, **__: Outcome([], KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        pgsuite.sweep(suite, {"num_envs": [1, 2]})


def test_studies_are_put_on_one_axis(suite, tmp_path):
    values = {"learning_rate": [0.001, 0.01, 0.1]}
    swept = pgsuite.sweep(suite, values, seeds=[1000], workers=1, out="one")
    found = pgsuite.effort("one", out="both", formats="svg")
    assert found.effort.score.tolist() == pytest.approx(swept.effort.score.tolist())
    assert (tmp_path / "both/effort.svg").is_file()
    assert "expected score" in found._repr_html_()
    with pytest.raises(pgsuite.UsageError, match="name the folder of a `pgsuite tune` or `pgsuite sweep`"):
        pgsuite.effort("nowhere")
