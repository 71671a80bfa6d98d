"""Values of a sweep: what is written, what is made of it, and what is refused."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgsuite.errors import UsageError
from pgsuite.results.swept import spelled
from pgsuite.suites.tuning.values import Interval, Listed, parse_values, read_values, values_for

FINITE = {"allow_nan": False, "allow_infinity": False}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("max_kl=0.001..0.1:log:3", Interval(0.001, 0.1, True, 3)),
        ("max_kl = 1e-3..1e-1:5", Interval(0.001, 0.1, False, 5)),
        ("max_kl=-2..2:5", Interval(-2.0, 2.0, False, 5)),
        ("num_steps=16,64", Listed((16, 64))),
        ("trace=.5,1,1e-2", Listed((0.5, 1, 0.01))),
        ("normalise=true,false", Listed((True, False))),
        ("weighting=discounted,undiscounted", Listed(("discounted", "undiscounted"))),
        ("rate='lin_0.1','0.1'", Listed(("lin_0.1", "0.1"))),
        ("hidden=[64],[64, 64]", Listed(([64], [64, 64]))),
        ("base={ class = 'ppo', epochs = 4 },{}", Listed(({"class": "ppo", "epochs": 4}, {}))),
        ("base.learning_rate=0.1", Listed((0.1,))),
    ],
)
def test_what_is_written_is_read(text, values):
    assert parse_values([text]) == {text.partition("=")[0].strip(): values}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("max_kl", "'max_kl' says no values: write NAME=LOW..HIGH:log:COUNT"),
        ("max_kl=", "'max_kl=' says no values"),
        ("=1,2", "'=1,2' says no values"),
        ("max_kl=0.1..1", "say how many values, from 2 to 100, as in max_kl=0.1..1:8"),
        ("max_kl=0.1..1:log", "as in max_kl=0.1..1:log:8"),
        ("max_kl=0.1..1:1", "from 2 to 100"),
        ("max_kl=0.1..1:101", "from 2 to 100"),
        ("max_kl=0.1..1:-4", "say how many"),
        ("max_kl=1e-3..1:lin:4", "behind its ends a range has :log:COUNT, or :COUNT for an even one, and not ':lin:4'"),
        ("max_kl=1e-3..1:lin:4", "; as in max_kl=1e-3..1:4"),
        ("max_kl=0.1..1:log:four", "and not ':log:four'; as in max_kl=0.1..1:log:8"),
        ("max_kl=0.1..1:4:log", "and not ':4:log'; as in max_kl=0.1..1:8"),
        ("max_kl=0.1..b:4", "the ends of a range are numbers"),
        ("max_kl=1..0.1:4", "low is below high"),
        ("max_kl=0..1:log:4", "low is below high, and low is above 0 where it is logarithmic"),
        ("max_kl=0..inf:4", "low is below high"),
        ("max_kl=1,,2", "a value is missing"),
        ("max_kl=1,2,1", "the value '1' is there twice"),
        ("max_kl=1,1.0", "the value '1' is there twice"),
    ],
)
def test_what_is_no_value_is_refused_with_the_way_to_write_it(text, reason):
    with pytest.raises(UsageError, match=re.escape(reason)):
        parse_values([text])


def test_a_hyperparameter_that_is_there_twice():
    with pytest.raises(UsageError, match="max_kl is there twice"):
        parse_values(["max_kl=1", "max_kl=2"])


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.integers(2, 40), st.booleans())
def test_numbers_go_from_end_to_end_evenly(low, factor, count, log):
    high = low * factor
    found = Interval(low, high, log, count).numbers(whole=False)
    assert (found[0], found[-1], len(found)) == (low, high, count)
    assert sorted(set(found)) == list(found)
    scale = math.log if log else float
    step = (scale(high) - scale(low)) / (count - 1)
    for n, number in enumerate(found):
        assert scale(number) == pytest.approx(scale(low) + n * step, abs=0.03 * step)


def test_numbers_have_few_digits():
    """Worked by hand: 0.001 · 10^(n/2), and a discount whose values are close together."""
    assert Interval(0.001, 0.1, True, 5).numbers(whole=False) == (0.001, 0.00316, 0.01, 0.0316, 0.1)
    assert Interval(0.99, 0.999, False, 5).numbers(whole=False) == (0.99, 0.99225, 0.9945, 0.99675, 0.999)


@given(st.integers(-50, 50), st.integers(1, 500), st.integers(2, 40))
def test_whole_numbers_come_once(low, span, count):
    found = Interval(low, low + span, False, count).numbers(whole=True)
    assert all(isinstance(one, int) for one in found)
    assert list(found) == sorted(set(found))
    assert (found[0], found[-1]) == (low, low + span)
    assert len(found) == min(count, span + 1) or count > span / 2  # rounding may bring two together


@given(
    st.lists(st.one_of(st.integers(), st.floats(**FINITE), st.booleans(), st.text(min_size=1)), min_size=1, max_size=6)
)
def test_values_of_python_are_taken_as_they_are(values):
    if len({spelled(one) for one in values}) == len(values):
        assert read_values("x", values) == Listed(tuple(values))


def test_a_value_has_the_kind_of_the_suites_own():
    assert values_for("x", Interval(1, 8, True, 4), 16) == (1, 2, 4, 8)
    assert values_for("x", Interval(1, 2, False, 3), 0.5) == (1.0, 1.5, 2.0)
    found = values_for("x", Listed((1, True, 2.5)), 0.5)
    assert found == (1.0, True, 2.5)
    assert [type(one) for one in found] == [float, bool, float]
    assert values_for("x", Listed((1, "lin_0.1")), "lin_0.3") == (1, "lin_0.1")


@pytest.mark.parametrize(
    ("values", "own", "reason"),
    [
        (Interval(0.0, 1.0, False, 3), True, "x is no number but true in the suite: list its values, as in x=true,..."),
        (Interval(0.0, 1.0, False, 3), "linear", "x is no number but linear in the suite"),
        (Interval(1.0, 2.5, False, 3), 16, "x=1..2.5: it takes whole numbers, so its ends are whole numbers"),
    ],
)
def test_a_range_of_what_has_none(values, own, reason):
    with pytest.raises(UsageError, match=re.escape(reason)):
        values_for("x", values, own)
