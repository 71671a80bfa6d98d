"""Boundaries of looks at growing samples, against published ones, hand-worked ones and simulation."""

import numpy as np
import pytest
from scipy import stats

from pgsuite.results.statistics.sequential import boundaries, spent


def test_one_look_is_an_ordinary_test():
    assert boundaries(0.05, (10,)) == pytest.approx((stats.norm.isf(0.05),), abs=1e-6)


def test_the_first_of_two_looks_spends_what_is_due():
    first, _ = boundaries(0.05, (20, 40))
    assert stats.norm.sf(first) == pytest.approx(2 * stats.norm.sf(stats.norm.isf(0.025) / np.sqrt(0.5)), abs=1e-9)


def test_the_second_of_two_looks_by_the_bivariate_normal():
    first, second = boundaries(0.05, (20, 40))
    both_below = stats.multivariate_normal(cov=[[1, np.sqrt(0.5)], [np.sqrt(0.5), 1]]).cdf([first, second])
    assert 1 - both_below == pytest.approx(0.05, abs=1e-5)


def test_published_boundaries_of_five_equal_looks():
    # Lan & DeMets's O'Brien-Fleming spending, one-sided .025: Jennison & Turnbull (2000), table 7.1 and ldbounds.
    assert boundaries(0.025, (1, 2, 3, 4, 5)) == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=0.002)


def test_the_gates_own_looks():
    assert boundaries(0.05, (10, 20, 40, 80)) == pytest.approx((5.42, 3.75, 2.54, 1.66), abs=0.005)


@pytest.mark.parametrize("shape", ["late", "early"])
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_all_of_the_level_is_spent_and_no_more(shape, level):
    looks = (5, 10, 20, 40, 80)
    bounds = boundaries(level, looks, shape)
    walks = np.cumsum(np.random.default_rng(0).normal(size=(40_000, 80)), axis=1)
    crossed = np.any([walks[:, n - 1] / np.sqrt(n) >= bound for n, bound in zip(looks, bounds, strict=True)], axis=0)
    assert crossed.mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 40_000))


@pytest.mark.parametrize("shape", ["late", "early"])
def test_spending_grows_to_the_level(shape):
    shares = [spent(0.1, share, shape) for share in (0.1, 0.3, 0.6, 1.0)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.1)
