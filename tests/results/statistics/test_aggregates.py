"""The published definitions, against scipy and plain loops. Matrices are (runs, tasks), as in the paper."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pgsuite.results.statistics.aggregates import average_ranks, improvement, iqm, mean, median, optimality_gap, profile

EXACT = {"rtol": 0, "atol": 1e-12}


@st.composite
def matrices(draw, several=1):
    """Random score matrices, with ties in half of the cases."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tasks = draw(st.integers(1, 9))
    found = [random.normal(0.7, 0.6, size=(draw(st.integers(1, 13)), tasks)) for _ in range(several)]
    return [matrix.round(1) if draw(st.booleans()) else matrix for matrix in found]


def tasks(matrix):
    return list(matrix.T)


def test_iqm_by_hand():
    # 1..8 in two tasks: two are cut off at each end, (3 + 4 + 5 + 6) / 4.
    assert iqm([np.array([8.0, 1, 6, 3]), np.array([2.0, 7, 4, 5])]) == 4.5


@given(matrices())
def test_aggregates_of_random_matrices(found):
    (matrix,) = found
    np.testing.assert_allclose(iqm(tasks(matrix)), stats.trim_mean(matrix, 0.25, axis=None), **EXACT)
    np.testing.assert_allclose(mean(tasks(matrix)), np.mean(matrix), **EXACT)
    np.testing.assert_allclose(median(tasks(matrix)), np.median(np.mean(matrix, axis=0)), **EXACT)
    shortfall = 1 - sum(min(x, 1.0) for x in matrix.flat) / matrix.size
    np.testing.assert_allclose(optimality_gap(tasks(matrix)), shortfall, **EXACT)


@given(matrices())
def test_profile_of_random_matrices(found):
    (matrix,) = found
    thresholds = np.unique(np.concatenate([matrix.ravel(), [-5.0, 0.0, 0.5, 5.0]]))
    expected = [sum(x > tau for x in matrix.flat) / matrix.size for tau in thresholds]
    np.testing.assert_allclose(profile(tasks(matrix), thresholds), expected, **EXACT)


@given(matrices(several=2))
def test_improvement_of_random_matrices(found):
    x, y = found
    u = [stats.mannwhitneyu(x[:, k], y[:, k], method="asymptotic").statistic for k in range(x.shape[1])]
    np.testing.assert_allclose(improvement(tasks(x), tasks(y)), np.mean(u) / (len(x) * len(y)), **EXACT)


def test_improvement_by_hand():
    # (2 beats 1, ties with 2) and (5 beats both): (1 + 1/2 + 2) / 4; the other task is lost: 0.
    x, y = [np.array([2.0, 5.0]), np.array([0.0])], [np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])]
    assert improvement(x, y) == (3.5 / 4 + 0) / 2


@settings(max_examples=25)
@given(matrices(several=3))
def test_average_ranks_are_the_mean_over_all_draws_of_one_run_each(found):
    """Agarwal et al. draw one run of each algorithm on each task and rank them; here all draws are gone through."""
    expected = np.zeros(3)
    number_of_tasks = found[0].shape[1]
    for k in range(number_of_tasks):
        drawn = [stats.rankdata([-value for value in draw]) for draw in product(*(m[:5, k] for m in found))]
        expected += np.mean(drawn, axis=0) / number_of_tasks
    np.testing.assert_allclose(average_ranks([tasks(m[:5]) for m in found]), expected, **EXACT)


def test_counts_are_what_resampling_does():
    random = np.random.default_rng(1)
    ragged = [random.normal(size=n) for n in (4, 4, 4)]
    other = [random.normal(size=n) for n in (3, 5, 2)]
    chosen = [[random.integers(x.size, size=(7, x.size)) for x in one] for one in (ragged, other)]
    counts = [[np.apply_along_axis(np.bincount, 1, i, minlength=i.shape[1]) for i in one] for one in chosen]
    for b in range(7):
        x, y = (
            [values[i[b]] for values, i in zip(one, index, strict=True)]
            for one, index in zip((ragged, other), chosen, strict=True)
        )
        for aggregate in (iqm, mean, median, optimality_gap):
            np.testing.assert_allclose(aggregate(ragged, counts[0])[b], aggregate(x), **EXACT)
            np.testing.assert_allclose(aggregate(other, counts[1])[b], aggregate(y), **EXACT)
        np.testing.assert_allclose(profile(ragged, [0.0, 0.5], counts[0])[b], profile(x, [0.0, 0.5]), **EXACT)
        np.testing.assert_allclose(improvement(ragged, other, *counts)[b], improvement(x, y), **EXACT)
        np.testing.assert_allclose(average_ranks([ragged, other], counts)[b], average_ranks([x, y]), **EXACT)


def test_counts_keep_their_leading_axes():
    ones = [np.ones((2, 3, n)) for n in (4, 5)]
    x = [np.arange(4.0), np.arange(5.0)]
    assert iqm(x, ones).shape == mean(x, ones).shape == median(x, ones).shape == improvement(x, x, ones, ones).shape
    assert profile(x, [0.0, 1.0], ones).shape == (2, 3, 2)
    assert average_ranks([x, x, x], [ones] * 3).shape == (2, 3, 3)


def test_with_unequal_runs_every_task_weighs_the_same():
    # Two runs and three: repeated to six each, which scipy trims.
    x = [np.array([0.0, 1.0]), np.array([0.2, 0.5, 3.0])]
    repeated = np.concatenate([np.repeat(x[0], 3), np.repeat(x[1], 2)])
    assert iqm(x) == pytest.approx(stats.trim_mean(repeated, 0.25), abs=1e-12)
    assert mean(x) == pytest.approx((0.5 + 3.7 / 3) / 2, abs=1e-12)
    assert optimality_gap(x) == pytest.approx(1 - (0.5 + 1.7 / 3) / 2, abs=1e-12)
    assert profile(x, [0.4])[0] == pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-12)
