"""Waivers: for a cell of the suite, until a day."""

from datetime import date

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.check.waivers import waived
from pgsuite.suites.schema import parse_suite

KEYS = [("trpo", "CartPole-v1")]


def suite(**waiver):
    given = {"cell": "trpo on CartPole-v1", "reason": "known, #12", "until": date(2026, 5, 1), **waiver}
    return parse_suite(
        {
            "name": "tiny",
            "description": "tiny",
            "seeds": "0-1",
            "environments": {"CartPole-v1": {"steps": 100}, "Acrobot-v1": {"steps": 100}},
            "algorithms": {"trpo": {}},
            "check": {"margin": 0.2, "waivers": [given]},
        },
        "tiny.toml",
    )


def test_a_waiver_holds_until_its_last_day():
    assert waived(suite(), KEYS, date(2026, 5, 1)) == {KEYS[0]: "known, #12, until 2026-05-01"}


def test_an_expired_one_is_refused():
    with pytest.raises(UsageError, match="expired on 2026-05-01"):
        waived(suite(), KEYS, date(2026, 5, 2))


def test_one_of_a_cell_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="is no cell of it"):
        waived(suite(cell="trpo on CartPole"), KEYS, date(2026, 1, 1))


def test_one_of_a_cell_that_is_not_asked_for_waits():
    assert waived(suite(cell="trpo on Acrobot-v1"), KEYS, date(2026, 1, 1)) == {}


def test_the_table_is_validated():
    with pytest.raises(UsageError, match=r"check.waivers.0.until"):
        suite(until="next year")
    with pytest.raises(UsageError, match=r"unknown key 'check\.waivers\.0\.why'"):
        suite(why="because")
