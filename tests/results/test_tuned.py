"""How a trial stands, by numbers worked by hand."""

import pytest

from pgsuite.results.tuned import Measured, Trial, standing, worse_half


def measured(environment, steps, scores, area=0.0, failure="", returned=1.0):
    return Measured(environment, steps, tuple(scores), area, returned, failure)


def test_the_worse_half_is_rounded_up():
    assert worse_half([0.4]) == 0.4
    assert worse_half([1.0, 0.2, 0.6]) == pytest.approx(0.4)  # of 0.2 and 0.6
    assert worse_half([1.0, -1.0, 0.0, 0.5]) == pytest.approx(-0.5)


def test_a_trial_stands_on_every_environment_by_its_largest_budget():
    found = standing(
        [
            measured("A", 25, [1.0, 1.0], area=0.9),
            measured("B", 25, [0.2, 0.6], area=0.1),
            measured("A", 100, [0.4, 0.8], area=0.5),
        ]
    )
    assert found.reliable == pytest.approx((0.4 + 0.2) / 2)
    assert found.score == pytest.approx((0.6 + 0.4) / 2)
    assert found.area == pytest.approx((0.5 + 0.1) / 2)


def test_a_trial_tells_each_failure_once():
    trial = Trial(
        "trpo",
        3,
        {},
        (measured("A", 1, [-1], failure="x"), measured("B", 1, [0])),
        (measured("A", 1, [-1], failure="x"),),
    )
    assert trial.name == "trpo#3"
    assert trial.failures == ("x",)
