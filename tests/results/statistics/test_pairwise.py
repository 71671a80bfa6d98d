from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from pgsuite.results.statistics import pairwise
from pgsuite.results.statistics.pairwise import difference, hedges_g, holm, permutation_p

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(3, 1, 9), RANDOM.normal(2, 4, 6)


def test_welch_against_scipy():
    found, expected = difference(X, Y), stats.ttest_ind(X, Y, equal_var=False)
    assert found.p_value() == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.freedom == pytest.approx(expected.df, rel=1e-12)
    assert found.interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)), rel=1e-12)


def test_samples_without_spread_have_no_welch_test():
    found = difference(np.full(5, 500.0), np.full(5, 400.0))
    assert found.estimate == 100
    assert found.error == 0
    assert np.isnan([found.p_value(), found.detectable(0.05), *found.interval(0.95)]).all()
    assert np.isnan(hedges_g(np.full(5, 500.0), np.full(5, 400.0)))


def test_one_run_tells_nothing_of_a_spread():
    one, more = np.array([1.0]), np.array([1.0, 2.0])
    found = difference(one, more)
    assert found.estimate == -0.5
    assert np.isnan([found.p_value(), hedges_g(one, more), permutation_p(one, more, RANDOM)]).all()


def test_detectable_by_the_printed_t_table():
    # Ten runs each of variance 9: error sqrt(1.8), 18 degrees of freedom: t(.975) = 2.101, t(.90) = 1.330.
    x = np.array([-3.0, 3.0] * 5) * np.sqrt(0.9)
    assert difference(x, x).detectable(0.05) == pytest.approx((2.101 + 1.330) * np.sqrt(1.8), rel=1e-3)


def test_hedges_g_by_hand():
    # Means 4 and 2, both variances 2.5, so d = 2 / sqrt(2.5); 8 degrees of freedom: J = 1 - 3 / 31 to three digits.
    x, y = np.arange(2.0, 7.0), np.arange(0.0, 5.0)
    assert hedges_g(x, y) == pytest.approx(2 / np.sqrt(2.5) * (1 - 3 / 31), rel=1e-3)


def test_holm_by_hand():
    # .01 * 4, .03 * 3, max(.09, .04 * 2), max(.09, .05 * 1)
    assert holm([0.04, 0.01, 0.05, 0.03]) == pytest.approx([0.09, 0.04, 0.09, 0.09])
    assert list(holm([0.5, 0.9])) == [1.0, 1.0]


def test_no_test_belongs_to_no_family():
    adjusted = holm([0.01, np.nan, 0.04])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(adjusted[1])


def every_split(x, y):
    """The share of all splits whose Welch t is as far out, by a loop over scipy's."""
    pooled, extreme, splits = np.concatenate([x, y]), 0, 0
    observed = abs(stats.ttest_ind(x, y, equal_var=False).statistic)
    for chosen in combinations(range(pooled.size), x.size):
        mask = np.isin(np.arange(pooled.size), chosen)
        splits += 1
        extreme += abs(stats.ttest_ind(pooled[mask], pooled[~mask], equal_var=False).statistic) >= observed - 1e-9
    return extreme / splits


@pytest.mark.parametrize(("n", "m"), [(4, 4), (3, 5), (5, 3), (2, 6)])
def test_all_splits_against_a_loop(n, m):
    random = np.random.default_rng(n)
    for spread in (0.5, 1, 4):
        x, y = random.normal(1, 1, n), random.normal(0, spread, m)
        assert permutation_p(x, y, RANDOM) == pytest.approx(every_split(x, y), abs=1e-12)


def test_separated_samples_have_the_smallest_p_value_there_is():
    # Of the 252 splits of 5 and 5 only the one observed and its mirror image.
    x = np.array([1.0, 2, 3, 4, 5])
    assert permutation_p(x, x + 10, RANDOM) == pytest.approx(2 / 252, abs=1e-12)


def test_constant_samples_can_be_tested():
    for x, y in ((500.0, 100.1), (-83.1, -81.9), (0.1, 0.7), (1 / 3, 1e4)):
        assert permutation_p(np.full(5, x), np.full(5, y), RANDOM) == pytest.approx(2 / 252, abs=1e-12)
        assert permutation_p(np.full(5, x), np.full(6, y), RANDOM) == pytest.approx(1 / 462, abs=1e-12)
    for value in (0.1, -83.1, 499.9, 1 / 3):
        for n, m in ((5, 5), (5, 6), (7, 5)):
            assert permutation_p(np.full(n, value), np.full(m, value), RANDOM) == 1


def test_scale_and_shift_do_not_matter():
    expected = permutation_p(X, Y, RANDOM)
    assert permutation_p(1e6 + 1e-3 * X, 1e6 + 1e-3 * Y, RANDOM) == pytest.approx(expected, abs=1e-12)


def test_a_sampled_test_is_near_the_exact_one_and_never_zero(monkeypatch):
    exact = permutation_p(X, Y, RANDOM)
    monkeypatch.setattr(pairwise, "EXACT", 0)
    sampled = permutation_p(X, Y, np.random.default_rng(1))
    assert sampled != exact
    assert sampled == pytest.approx(exact, abs=5 * np.sqrt(exact / pairwise.SAMPLED))
    assert permutation_p(X, Y, np.random.default_rng(1)) == sampled
    far = np.arange(20.0)
    assert permutation_p(far, far + 1000, np.random.default_rng(1)) == pytest.approx(1 / (pairwise.SAMPLED + 1))


def test_false_alarms_stay_below_the_level_on_bimodal_returns():
    """Runs that either solve the task or fail: 400 A/A comparisons of 6 and 6 at .05, up to 1 + 5 standard errors."""
    random = np.random.default_rng(2)
    samples = np.where(random.random((400, 12)) < 0.7, 500.0, 20.0) + random.normal(0, 1, (400, 12))
    alarms = np.mean([permutation_p(s[:6], s[6:], random) <= 0.05 for s in samples])
    assert 0 < alarms <= 0.05 + 5 * np.sqrt(0.05 * 0.95 / 400)


def test_equal_numbers_have_no_spread_whatever_their_mean_rounds_to():
    """The mean of six times 123.4 is not 123.4 in floating point, and they still have no spread."""
    x, y = np.full(6, 123.4), np.full(6, 321.7)
    assert np.isnan(hedges_g(x, y))
    found = difference(x, y)
    assert (found.estimate, found.error) == (123.4 - 321.7, 0.0)
    assert np.isnan(found.p_value())


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e307])
def test_the_size_of_numbers_does_not_matter(scale):
    x, y = np.array([1.0, 2.0, 4.0, 3.0, 2.5]), np.array([2.0, 5.0, 6.0, 7.0, 3.0])
    found, plain = difference(x * scale, y * scale), difference(x, y)
    assert found.p_value() == pytest.approx(plain.p_value())
    assert found.interval(0.95) == pytest.approx(tuple(end * scale for end in plain.interval(0.95)))
    assert hedges_g(x * scale, y * scale) == pytest.approx(hedges_g(x, y))
    random = np.random.default_rng(0)
    assert permutation_p(x * scale, y * scale, random) == permutation_p(x, y, random)
