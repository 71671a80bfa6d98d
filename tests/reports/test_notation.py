import pytest

from pgsuite.reports.notation import decimals, mean_and_spread, si

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
        (NAN, "—"),
    ],
)
def test_counts(value, text):
    assert si(value) == text


@pytest.mark.parametrize(("value", "places"), [(0.5, 2), (-9.99, 2), (-83.4, 1), (500, 1), (4471, 0), (NAN, 0)])
def test_decimal_places_follow_the_size(value, places):
    assert decimals(value) == places


@pytest.mark.parametrize(
    ("mean", "spread", "text"),
    [
        (470.25, 12.94, "470.2 ± 12.9"),
        (4471.3, 805.2, "4471 ± 805"),
        (-5.213, 0.1, "-5.21 ± 0.10"),
        (3.0, NAN, "3.00"),
        (NAN, NAN, "—"),
    ],
)
def test_means(mean, spread, text):
    assert mean_and_spread(mean, spread) == text
