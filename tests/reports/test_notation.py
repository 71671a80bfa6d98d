import pytest

from pgsuite.reports.notation import (
    common_decimals,
    decimals,
    duration,
    fixed,
    interval,
    mebibytes,
    p_value,
    percent,
    ranges,
    si,
    signed,
    significant,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (850, "850"),
        (1000, "1k"),
        (12_543, "12.5k"),
        (999_600, "1M"),
        (100_000, "100k"),
        (2e9, "2G"),
        (2.5e202, "2.50e202"),
        (-1500, "−1.5k"),
        (NAN, "—"),
    ],
)
def test_counts(value, text):
    assert si(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(24.94, "24.9"), (500.2, "500"), (-0.0823, "−0.0823"), (2.14e-5, "2.14e−05"), (0, "0.00"), (NAN, "—")],
)
def test_quantities_of_any_size(value, text):
    assert significant(value) == text


def test_long_numbers_are_written_with_an_exponent():
    assert fixed(-2.487e202, 1) == "−2.49e202"
    assert interval(-1e300, 2.5e202, 0) == "[−1.00e300, 2.50e202]"
    assert fixed(123_456_789, 0) == "123456789"


@pytest.mark.parametrize(("value", "places"), [(0.5, 2), (-9.99, 2), (-83.4, 1), (500, 1), (4471, 0), (NAN, 0)])
def test_decimal_places_follow_the_size(value, places):
    assert decimals(value) == places


def test_a_column_has_the_decimal_places_of_its_largest_number():
    assert common_decimals([0.5, -1200.0, NAN]) == 0
    assert common_decimals([0.5, 12.0]) == 1
    assert common_decimals([]) == 0


def test_minus_is_a_minus_and_zero_has_none():
    assert fixed(-0.254, 2) == "−0.25"
    assert fixed(-0.001, 2) == "0.00"
    assert fixed(NAN, 2) == "—"
    assert signed(12.5, 1) == "+12.5"
    assert signed(-12.5, 1) == "−12.5"
    assert signed(0.04, 1) == "0.0"


def test_an_interval_that_is_not_there_is_nothing():
    assert interval(0.5, 0.75, 2) == "[0.50, 0.75]"
    assert interval(NAN, 0.75, 2) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.421, "0.42 s"), (12.34, "12.3 s"), (99.96, "1.7 min"), (246, "4.1 min"), (8280, "2.3 h"), (NAN, "—")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_sizes_shares_and_probabilities():
    assert mebibytes(312 * 2**20) == "312 MiB"
    assert mebibytes(NAN) == "—"
    assert [percent(0.95), percent(0.975), percent(0.999)] == ["95%", "97.5%", "99.9%"]
    assert [p_value(0.0231), p_value(0.0005), p_value(1.0), p_value(NAN)] == ["0.023", "<0.001", "1.000", "—"]


@pytest.mark.parametrize(
    ("seeds", "text"), [(range(10), "0–9"), ([0, 1, 5], "0, 1, 5"), ([7, 3, 4, 5], "3–5, 7"), ([], "—"), ([2], "2")]
)
def test_seeds_in_short(seeds, text):
    assert ranges(seeds) == text
