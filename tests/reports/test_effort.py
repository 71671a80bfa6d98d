"""Effort: which runs count, whose trials are on one axis, and the figure."""

import numpy as np
import pandas as pd
import pytest

from pgsuite.errors import UsageError
from pgsuite.reports.effort import COLUMNS, effort_table, runs_of_search, runs_of_sweep
from pgsuite.reports.figures.effort import effort_figure
from pgsuite.reports.figures.style import line_styles

from ..sweeps import runs_of, sweep_of
from .test_tuning import TUNED


def trials(algorithm, number, *, env="A", steps=100, runs=4):
    random = np.random.default_rng(number)
    rows = [
        (algorithm, str(n), env, steps, "complete", score, True)
        for n in range(number)
        for score in random.normal(n / number, 0.1, size=runs)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_a_row_for_every_number_of_trials():
    table = effort_table(pd.concat([trials("trpo", 8), trials("ppo", 5), trials("lone", 2)]))
    assert table.groupby("algorithm", sort=False).trials.apply(list).to_dict() == {
        "trpo": [1, 2, 3, 4, 5, 6, 7, 8],
        "ppo": [1, 2, 3, 4, 5],
    }
    assert list(table.steps[:3]) == [200, 400, 600]  # two of four runs choose
    last = table.groupby("algorithm").tail(1)
    assert list(last.score) == pytest.approx([7 / 8, 4 / 5], abs=0.15)
    assert (last.search_score > table.groupby("algorithm").head(1).search_score.to_numpy() + 0.2).all()


@pytest.mark.parametrize("change", [{"steps": 200}, {"env": "B"}])
def test_other_budgets_or_environments_are_not_on_one_axis(change):
    with pytest.raises(
        UsageError, match=r"trials of trpo are 100 steps on A, those of ppo .* not on one axis of effort"
    ):
        effort_table(pd.concat([trials("trpo", 4), trials("ppo", 4, **change)]))
    with pytest.raises(UsageError, match="the trials of trpo ran with other budgets"):
        effort_table(pd.concat([trials("trpo", 4), trials("trpo", 4, steps=200)]))


def test_the_suites_own_is_one_trial_whatever_is_swept():
    parts = [runs_of("a", name, [1.0, 2.0], lambda _, v, s: v + 0.1 * s, own=1.0) for name in ("x", "y")]
    runs = runs_of_sweep(sweep_of(*parts))
    assert list(dict.fromkeys(runs[runs.in_effort].trial)) == ["x=1", "x=2", "y=2"]


def test_of_a_search_the_first_rung_counts_and_what_was_drawn_at_random():
    runs = runs_of_search(TUNED._replace(at_random=3))
    assert len(runs) == 2 * 6
    assert runs.groupby("trial").in_effort.sum().to_dict() == {"0": 2, "1": 2, "2": 2, "3": 0}
    assert sorted(runs[runs.trial == "3"].final_score) == pytest.approx([-1.0, -0.9])


def test_the_figure_has_both_axes_where_trials_cost_the_same():
    table = effort_table(pd.concat([trials("trpo", 8), trials("ppo", 5)]))
    drawing = effort_figure(table, line_styles(["trpo", "ppo"]))
    text = drawing.svg.decode()
    for said in ("environment steps of tuning", "expected score of the best trial", "trials", "trpo", "ppo"):
        assert f">{said}<" in text
    assert "chosen by 2 runs of each" in drawing.caption
    assert "the others of its runs say how good it is" in drawing.caption
    alone = effort_figure(effort_table(trials("trpo", 5, runs=1)), line_styles(["trpo"]))
    assert "chosen by 1 run of each" in alone.caption
    assert "and so too high" in alone.caption
    assert effort_figure(table[:0], {}) is None
