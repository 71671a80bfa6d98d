import numpy as np
import pytest
from scipy import stats

from pgsuite.results.statistics.survival import first_reached, median_time


def test_the_first_checkpoint_that_is_as_high_counts():
    curves = [[0, 0.5, 0.4, 0.9], [0.7, 0, 0, 0], [0, 0.1, 0.2, 0.49]]
    times, reached = first_reached(curves, [0, 10, 20, 30], 0.5)
    assert list(times) == [10, 0, 30]
    assert list(reached) == [True, True, False]


def test_every_run_can_have_its_own_clock():
    times, _ = first_reached([[0, 1], [0, 1]], [[0, 3], [0, 5]], 1)
    assert list(times) == [3, 5]


def test_the_published_remission_times():
    """Freireich et al. (1963), 6-mercaptopurine against placebo, weeks: the medians are 23 and 8."""
    drug = [6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    reached = np.repeat([True, False], [9, 12])
    assert median_time(np.concatenate(drug), reached) == 23
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    assert median_time(placebo, [True] * 21) == 8


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_without_censoring_it_is_the_median(size):
    times = np.random.default_rng(size).permutation(100)[:size]
    assert median_time(times, [True] * size) == pytest.approx(np.median(times))


def test_half_or_more_censored_at_the_horizon_is_unknown():
    assert np.isnan(median_time([1, 2, 9, 9], [True, True, False, False]))
    assert np.isnan(median_time([9, 9], [False, False]))
    assert median_time([1, 2, 3, 9, 9], [True, True, True, False, False]) == 3


def test_random_censoring_against_scipy():
    """The median is where scipy's survival function falls below one half."""
    random = np.random.default_rng(0)
    for _ in range(20):
        times, reached = random.permutation(50)[:15].astype(float), random.random(15) < 0.7
        data = stats.CensoredData(uncensored=times[reached], right=times[~reached])
        survival = stats.ecdf(data).sf
        below = survival.quantiles[survival.probabilities < 0.5]
        found = median_time(times, reached)
        assert np.isnan(found) if not below.size else found <= below[0]
        if below.size and not np.isclose(survival.probabilities, 0.5).any():
            assert found == below[0]


def test_a_time_that_nobody_measured_leaves_the_median_unknown():
    assert np.isnan(median_time([1, np.nan, 3], [True, True, True]))


def test_runs_that_reach_it_at_one_checkpoint_are_at_risk_together():
    # Of five, two at 1: 3/5 are left; two of the three at 2: 1/5 are left, so half have reached it at 2.
    assert median_time([1, 1, 2, 2, 3], [True] * 5) == 2
    # With one of two censored at 1 the third alone is at risk at 2: 1 - 1/3 = 2/3, then 0.
    assert median_time([1, 1, 2], [True, False, True]) == 2
