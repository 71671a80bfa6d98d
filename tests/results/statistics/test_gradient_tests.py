"""Tests of tests: against scipy in one dimension, uniform p-values under the null, and cases by hand."""

import numpy as np
import pytest
from scipy import stats

from pgsuite.results.statistics.gradient_tests import (
    GUARD,
    cosine_and_length,
    describe_estimates,
    excess_variance,
    hotelling,
    interval,
    resampled,
    resampling_shares,
    signal_to_noise,
)

RANDOM = np.random.default_rng(0)


def test_one_direction_is_students_test():
    x = RANDOM.normal(0.2, 1.0, (60, 1))
    found = hotelling(x)
    t, p = stats.ttest_1samp(x[:, 0], 0.0)
    assert found.statistic == pytest.approx(t**2)
    assert found.p_value == pytest.approx(p)


def test_statistic_is_the_mahalanobis_length_of_the_mean():
    x = RANDOM.normal(size=(80, 4)) @ RANDOM.normal(size=(4, 4)) + 0.3
    mean = x.mean(0)
    expected = 80 * mean @ np.linalg.solve(np.cov(x.T), mean)
    assert hotelling(x).statistic == pytest.approx(expected)
    f = expected * (80 - 4) / (4 * 79)
    assert hotelling(x).p_value == pytest.approx(stats.f.sf(f, 4, 76))


def test_p_values_are_uniform_where_the_mean_is_zero():
    mixing = RANDOM.normal(size=(5, 5))
    p = [hotelling(RANDOM.normal(size=(60, 5)) @ mixing).p_value for _ in range(600)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_directions_without_variance_are_dropped():
    x = RANDOM.normal(size=(100, 3))
    redundant = np.concatenate([x, -x.sum(1, keepdims=True), np.zeros((100, 2))], 1)
    found = hotelling(redundant)
    assert found.directions == 3
    assert found.statistic == pytest.approx(hotelling(x).statistic)


def test_a_mean_without_variance_is_a_certain_departure():
    x = np.concatenate([RANDOM.normal(size=(100, 2)), np.full((100, 1), 0.5)], 1)
    assert hotelling(x).p_value == 0.0
    assert hotelling(np.full((100, 2), 0.5)).p_value == 0.0


def test_differences_of_rounding_are_none():
    assert hotelling(np.zeros((100, 3))) == (1.0, 0.0, 0)
    assert hotelling(RANDOM.normal(1e-8, 1e-8, (100, 3))).p_value == 1.0


def test_numbers_that_are_not_finite_depart():
    x = RANDOM.normal(size=(100, 2))
    x[3, 1] = np.nan
    assert hotelling(x).p_value == 0.0
    assert excess_variance(x, np.ones_like(x)) == 0.0
    assert describe_estimates(x, np.ones(2), x, x, 0) == {"finite": False}


def test_variance_above_the_references_is_found_and_equal_or_smaller_is_not():
    reference = RANDOM.normal(size=(500, 4))
    assert excess_variance(reference, reference) == 1.0
    assert excess_variance(0.5 * reference, reference) == 1.0
    assert excess_variance(1.2 * reference + 0.1 * RANDOM.normal(size=(500, 4)), reference) < 1e-6
    assert excess_variance(1.02 * reference, reference) == 1.0  # within the tolerance


def test_variance_of_independent_samples_alarms_as_rarely_as_it_says():
    p = [excess_variance(RANDOM.normal(size=(200, 3)), RANDOM.normal(size=(200, 3)), 1.0) for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) < 0.09


def test_cosine_and_length_take_the_noise_off():
    """At a signal of 1 and a noise of the mean of 1, the raw length would be √2."""
    target = np.zeros(50)
    target[0] = 1.0
    lengths, cosines = [], []
    for seed in range(60):
        x = np.random.default_rng(seed).normal(size=(100, 50)) * np.sqrt(2) + target
        cosine, length = cosine_and_length(resampled(x, resampling_shares(100, 0)), target)
        lengths.append(length.estimate)
        cosines.append(cosine.estimate)
    assert np.mean(lengths) == pytest.approx(1.0, abs=0.08)
    assert max(cosines) <= 1.0


def test_no_target_has_neither_direction_nor_length():
    x = RANDOM.normal(size=(50, 3))
    assert np.isnan(cosine_and_length(resampled(x, resampling_shares(50, 0)), np.zeros(3))[0]).all()


def test_variance_is_the_trace_of_the_covariance():
    x = RANDOM.normal(size=(70, 3)) * [1.0, 2.0, 3.0]
    assert resampled(x, resampling_shares(70, 1)).variance[0] == pytest.approx(np.trace(np.cov(x.T)))


def test_intervals_cover():
    covered = 0
    for seed in range(200):
        x = np.random.default_rng(seed).normal(size=(80, 2))
        found = interval(resampled(x, resampling_shares(80, seed)).variance)
        covered += found.low <= 2.0 <= found.high
    assert covered > 170


def test_signal_to_noise_grows_with_the_root_of_the_batch():
    x = RANDOM.normal(size=(6400, 2)) + np.array([1.0, 0.0])
    found = dict(signal_to_noise(x))
    assert found[1] == pytest.approx(1 / np.sqrt(2), rel=0.1)
    assert found[64] / found[1] == pytest.approx(8.0, rel=0.15)
    assert dict(signal_to_noise(x[:20])).keys() == {1}


def test_the_guard_of_a_standardising_divisor_is_no_departure_and_a_percent_is():
    estimate = RANDOM.normal(size=(200, 3))
    assert hotelling(2e-4 * estimate + 1e-4, GUARD).p_value == 1.0
    assert hotelling(0.01 * RANDOM.normal(size=(200, 3)) + 0.01, GUARD).p_value < 1e-9
