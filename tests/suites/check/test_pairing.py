"""From runs to pairs, worked by hand."""

import math

import numpy as np
import pytest

from pgsuite.results.store.bank import Run
from pgsuite.suites.check.pairing import Arms, Scale, correlation, estimate, lower_tail

STEPS = np.array([0, 100, 200])
SCALE = Scale(0.0, 10.0, STEPS)


def run(*returns, **diagnostics):
    status = "complete" if len(returns) == 3 else "diverged"
    return Run(status, STEPS[: len(returns)], np.array(returns, float), "", diagnostics)


def test_scores_by_the_anchors():
    scale = Scale.of({"random": 0.0, "reference": 10.0}, [run(0, 5, 10)])
    assert scale.score(run(0, 5, 10), "auc") == pytest.approx(0.5)
    assert scale.score(run(0, 5, 10), "final") == pytest.approx(1.0)
    assert not scale.own


def test_a_diverged_run_is_worth_nothing_from_there_on():
    assert SCALE.score(run(10, 10), "auc") == pytest.approx(0.75)  # trapezoids of 1, 1, 0
    assert SCALE.score(run(10, 10), "final") == 0.0


def test_without_anchors_the_baseline_is_the_measure():
    scale = Scale.of(None, [run(20, 30, 40), run(20, 30, 60)])
    assert (scale.low, scale.high, scale.own) == (20.0, 50.0, True)


def test_a_baseline_that_learns_nothing_still_is_a_measure():
    scale = Scale.of(None, [run(5, 5, 5), run(5, 5, 5)])
    assert math.isfinite(scale.score(run(7, 7, 7), "auc"))


def test_more_is_better_also_where_the_baseline_becomes_worse():
    scale = Scale.of(None, [run(10, 9, 8), run(11, 9, 8)])
    assert scale.score(run(10, 10, 10), "auc") > scale.score(run(8, 8, 8), "auc")


def test_a_baseline_that_diverged_at_once_does_not_hide_a_candidate_that_does_not():
    scale = Scale.of(None, [run(1, 2)], [run(1, 2, 3)])
    assert math.isfinite(scale.score(run(1, 2, 3), "auc"))


def test_pairs_are_differences_within_a_seed():
    arms = Arms([run(0, 0, 10), run(0, 0, 0), run(0, 0)], [run(0, 0, 5), run(0, 0), run(0, 0, 0)])
    found = arms.pairs(SCALE, "final")
    assert found.difference.tolist() == [-0.5, 0.0, 0.0]
    assert found.lost.tolist() == [False, True, False]
    assert found.saved.tolist() == [False, False, True]
    assert arms.diverged() == (1, 1)


def test_diagnostics_that_differ_are_found_and_others_are_not():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 12))
    before = [run(0, 0, 0, entropy=0.5 + 0.01 * x, loss=y) for x, y in noise.T]
    after = [run(0, 0, 0, entropy=0.3 + 0.01 * x, loss=y) for x, y in noise.T[::-1]]
    (found,) = Arms(before, after).diagnostics()
    assert found.name == "entropy"
    assert (found.baseline, found.candidate) == pytest.approx((0.5, 0.3), abs=0.02)


def test_the_tail_is_the_worst_quarter():
    assert lower_tail(np.arange(8.0)) == 0.5
    assert lower_tail(np.array([3.0, 4.0])) == 3.0


def test_a_correlation_needs_something_that_varies():
    assert math.isnan(correlation(np.ones(5), np.arange(5.0)))
    assert correlation(np.arange(5.0), 2 * np.arange(5.0)) == pytest.approx(1.0)


def test_no_pairs_are_no_estimate():
    assert math.isnan(estimate(np.empty(0))[0])
