import math

import numpy as np
import pytest

from pgsuite.results.statistics.metrics import area_under_curve, average, mean_interval, spread


def test_area_by_hand():
    # Trapezoids 0..1: (0 + 2) / 2 = 1, and 1..4: 3 * (2 + 4) / 2 = 9; ten over a width of four.
    assert area_under_curve([0, 1, 4], [0, 2, 4]) == 2.5


def test_area_of_a_curve_that_begins_later_is_over_its_own_width():
    # As imported curves do: trapezoids 2..3: (1 + 3) / 2 = 2, and 3..6: 3 * (3 + 5) / 2 = 12; 14 over a width of four.
    assert area_under_curve([2, 3, 6], [1, 3, 5]) == 3.5


def test_area_of_a_constant_is_the_constant_and_leading_axes_are_kept():
    returns = np.broadcast_to(np.array([[1.0], [7.0]])[..., None], (2, 3, 5))
    area = area_under_curve(np.linspace(0, 100_000, 5), returns)
    assert area.shape == (2, 3)
    np.testing.assert_allclose(area, [[1.0] * 3, [7.0] * 3])


@pytest.mark.parametrize("grid", [[0], [0, 0], [0, 2, 1], [[0, 1]]])
def test_a_grid_that_does_not_increase_is_refused(grid):
    with pytest.raises(ValueError, match="increasing"):
        area_under_curve(grid, np.zeros(np.shape(grid)))


def test_interval_against_the_printed_t_table():
    # Five runs 1..5: mean 3, s = sqrt(2.5), t(.975, 4) = 2.776: half-width 2.776 * sqrt(2.5 / 5) = 1.963.
    low, high = mean_interval([1, 2, 3, 4, 5])
    assert low == pytest.approx(3 - 1.963, abs=1e-3)
    assert high == pytest.approx(3 + 1.963, abs=1e-3)


def test_the_level_is_two_sided():
    # t(.95, 4) = 2.132
    low, high = mean_interval([1, 2, 3, 4, 5], level=0.9)
    assert (high - low) / 2 == pytest.approx(2.132 * math.sqrt(0.5), abs=1e-3)


@pytest.mark.parametrize("runs", [[], [3.0]])
def test_one_run_has_no_interval(runs):
    assert all(math.isnan(bound) for bound in mean_interval(runs))


def test_what_is_equal_has_no_spread_and_is_its_own_mean():
    values = np.full(6, 123.4)
    assert values.std(ddof=1) != 0  # as numpy computes it
    assert (average(values), spread(values), mean_interval(values)) == (123.4, 0.0, (123.4, 123.4))
    assert math.isnan(spread([1.0]))


def test_large_numbers_do_not_overflow():
    values = np.array([1.0, 2.0, 3.0, 4.0]) * 4e307
    assert average(values) == 1e308
    assert spread(values) == pytest.approx(np.std([4, 8, 12, 16], ddof=1) * 1e307)
    assert area_under_curve([0, 1, 2], np.full((2, 3), 1.7e308)) == pytest.approx(np.full(2, 1.7e308))


def test_scaling_changes_no_bit():
    values = np.random.default_rng(0).normal(100, 30, 17)
    assert (average(values), spread(values)) == (values.mean(), values.std(ddof=1))


def test_an_interval_within_what_is_possible_by_hand():
    """Mean 480 of 500 is a share of 0.96, standard error 20; t with 9 degrees of freedom is 2.2622.

    logit(0.96) = ln 24 = 3.17805; the error there is 0.04 / (0.96 · 0.04) = 1.041667; the ends 0.82160 and 5.53450.
    """
    values = [500.0] * 9 + [300.0]
    low, high = mean_interval(values, 0.95, (0, 500))
    assert low == pytest.approx(500 / (1 + math.exp(-0.82160)), abs=0.01)
    assert high == pytest.approx(500 / (1 + math.exp(-5.53450)), abs=0.01)
    assert mean_interval(values)[1] > 500


@pytest.mark.parametrize("values", [[500.0] * 9 + [499.999], [0.0] * 9 + [1e-9], [0.0, 500.0], [500.0] * 5])
def test_an_interval_does_not_leave_what_is_possible(values):
    low, high = mean_interval(values, 0.999, (0, 500))
    assert 0 <= low <= np.mean(values) <= high <= 500


def test_a_run_beyond_what_is_possible_makes_the_range_void():
    values = [400.0, 510.0, 450.0]
    assert mean_interval(values, within=(0, 500)) == mean_interval(values)


def test_the_two_ends_are_treated_alike():
    low, high = mean_interval([1.0, 2.0, 4.0, 9.0], within=(0, 10))
    mirrored = mean_interval([9.0, 8.0, 6.0, 1.0], within=(0, 10))
    assert mirrored == pytest.approx((10 - high, 10 - low))
