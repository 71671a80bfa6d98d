"""The suite that a search leaves: it reads as it was, and keeps what the search has seen."""

import tomllib
from datetime import date

import pytest

from pgsuite.errors import UsageError
from pgsuite.results.tuned import Tuned
from pgsuite.suites.files import shipped
from pgsuite.suites.schema import AlgorithmTable, TuningTable, load_suite, parse_suite
from pgsuite.suites.tuning.measuring import with_trial
from pgsuite.suites.tuning.written import tuned_suite, written

STRANGE = parse_suite(
    {
        "name": "strange",
        "description": 'quotes " and \\ and \n lines, ü, \x7f',
        "seeds": "3,0-2,9",
        "check": {"margin": 0.2, "waivers": [{"cell": "a on b", "reason": "x", "until": date(2027, 1, 2)}]},
        "environments": {
            "ALE/Pong v5": {
                "steps": 10,
                "options": {"a": [1, 2.5, {"b": True}], "c": {}},
                "anchors": {"random": -1.0, "reference": 1e20, "source": "here"},
            },
            "two": {"id": "CartPole-v1", "steps": 20},
        },
        "algorithms": {
            "trpo": {"max_kl": 1e-05, "hidden": [], "environments": {"two": {"max_kl": 0.5, "damping": 0.1}}},
            "mine": {"class": "file.py:Mine"},
        },
    },
    "test",
)
NOTHING = Tuned("strange", "random", 'A "sentence".', (), (), {}, frozenset(), 0)


@pytest.mark.parametrize("suite", [STRANGE, *map(load_suite, shipped())], ids=lambda suite: suite.name)
def test_what_is_written_reads_the_same(suite):
    assert parse_suite(tomllib.loads(written(suite)), "written") == suite


def test_a_trial_holds_everywhere_and_leaves_the_rest():
    table = with_trial(STRANGE, "trpo", "", {"max_kl": 0.02, "num_steps": 64})
    assert table.model_extra == {"max_kl": 0.02, "hidden": [], "num_steps": 64}
    assert {env: own.model_extra for env, own in table.environments.items()} == {"two": {"damping": 0.1}}
    assert with_trial(STRANGE, "ppo", "ppo", {"epochs": 2}) == AlgorithmTable(reference="ppo", epochs=2)


def test_what_was_found_is_in_the_suite_with_the_seeds_that_were_seen():
    found = tuned_suite(STRANGE, {"trpo": AlgorithmTable(max_kl=0.02)}, NOTHING, range(1000, 1004))
    read = parse_suite(tomllib.loads(written(found)), "written")
    assert read.name == "strange-tuned"
    assert read.options("trpo", "two") == {"max_kl": 0.02}
    assert read.algorithms["mine"] == STRANGE.algorithms["mine"]
    assert read.tuning == TuningTable(seeds="1000-1003", algorithms=("trpo",), sentence='A "sentence".')
    assert read.tuned_on("trpo") == (1000, 1001, 1002, 1003)
    assert read.tuned_on("mine") == ()
    again = tuned_suite(read, {"mine": AlgorithmTable(reference="ppo")}, NOTHING, [2000])
    assert again.name == "strange-tuned"
    assert again.tuning
    assert again.tuning.seeds == (1000, 1001, 1002, 1003, 2000)
    assert again.tuning.algorithms == ("trpo", "mine")


def test_a_suite_that_reports_what_its_search_has_seen_is_refused():
    tree = tomllib.loads(written(STRANGE)) | {"tuning": {"seeds": "9-20"}}
    with pytest.raises(UsageError, match=r"f: seeds: the search that found these hyperparameters has seen 9 "):
        parse_suite(tree, "f")
    tree["tuning"] = {"seeds": "1000", "algorithms": ["dqn"]}
    with pytest.raises(UsageError, match=r"f: tuning.algorithms: 'dqn' is not an algorithm of this suite \(trpo"):
        parse_suite(tree, "f")
    assert parse_suite(tree | {"tuning": {"seeds": "1000"}}, "f").tuned_on("mine") == (1000,)
