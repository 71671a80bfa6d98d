"""A stored policy is found and rebuilt, and no code runs on the word of a folder."""

import numpy as np
import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results.store.curve import curve_rows
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import replay

from .conftest import cell


def test_cells_are_found_by_folder_or_by_names(results):
    store = cell(results)
    assert find_cell(store.path, None, None).path == store.path
    with pytest.raises(UsageError, match="2 such cells: choose one with algorithm= and env= among actor-critic on P"):
        find_cell(results, None, "Pendulum-v1")
    with pytest.raises(UsageError, match="holds 0 such cells"):
        find_cell(results, "trpo", "Pendulum-v0")


def test_what_is_not_there_is_named(results):
    with pytest.raises(UsageError, match="no policy of seed 7: seeds that are there: 0, 1"):
        open_policy(cell(results), 7)
    with pytest.raises(UsageError, match="policy of checkpoint 2 alone, not of 1"):
        open_policy(cell(results), 1, checkpoint=1)
    assert open_policy(cell(results), 1, checkpoint=2).row.checkpoint == 2


def test_a_run_whose_last_policy_was_not_evaluated(results, copied):
    store = copied(cell(results), lambda record: None)
    frame, _ = store.read_curve(1)
    store.write_curve(1, curve_rows(frame)[:-1], {"status": "diverged", "diverged_at": 300})
    with pytest.raises(PgsuiteError, match="at checkpoint 2: the run diverged at step 300; choose another seed"):
        open_policy(store, 1)


def test_a_policy_of_numbers_that_are_not_finite_is_refused(results, copied):
    store = copied(cell(results), lambda record: None)
    tensors, meta = store.read_snapshot(1)
    tensors["behaviour.parameters"][0, 3] = np.nan
    store.write_snapshot(1, tensors, meta)
    with pytest.raises(PgsuiteError, match="the policy of seed 1 has numbers that are not finite; choose another seed"):
        open_policy(store, 1)
    assert open_policy(store, 0).seed == 0


HOSTILE = """
from pathlib import Path
Path(__file__).with_name("executed").write_text("")
from dataclasses import dataclass
from pgsuite.algorithms import TRPO

@dataclass(frozen=True, kw_only=True)
class Mine(TRPO):
    pass
"""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda record, code: record.update(reference=f"{code}/hostile.py:Mine"), "hostile.py:Mine"),
        (lambda record, code: record.update(reference="hostile_of_test_replay:Mine"), "hostile_of_test_replay:Mine"),
        (lambda record, code: record.pop("reference"), "None"),
        (lambda record, code: record.update(modules=["hostile_of_test_replay"]), "hostile_of_test_replay"),
        (lambda record, code: record.update(env="hostile_of_test_replay:E-v0"), "hostile_of_test_replay:E-v0"),
        (lambda record, code: record["environment"].update(id="hostile_of_test_replay:E-v0"), "replay:E-v0"),
        (lambda record, code: record["environment"].update(options={"a": [{"b": "m:E-v0"}]}), "m:E-v0"),
    ],
)
def test_code_that_a_folder_names_is_not_imported(change, named, results, copied, tmp_path, monkeypatch):
    code = tmp_path / "code"
    code.mkdir()
    for name in ("hostile", "hostile_of_test_replay"):
        (code / f"{name}.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(str(code))
    store = copied(cell(results), lambda record: change(record, code))
    with pytest.raises(UsageError, match=r"all that the folder names with trust=True") as error:
        open_policy(store, 1)
    assert named in str(error.value)
    assert not (code / "executed").exists()


def test_code_that_the_user_names_or_trusts_is_imported(results, copied, tmp_path):
    (tmp_path / "own.py").write_text(HOSTILE)
    address = f"{tmp_path}/own.py:Mine"

    def mine(record):
        record["reference"] = address
        record["configuration"]["class"] = "Mine"

    store = copied(cell(results), mine)
    for options in ({"algorithm": address}, {"trust": True}):
        assert replay(open_policy(store, 1, **options)).differences == []
    with pytest.raises(UsageError, match=r"give it with algorithm=, or"):
        open_policy(store, 1, algorithm="Mine")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record: record["configuration"].update(hidden=[999_999, 999_999]), "parameters.*expected"),
        (lambda record: record["configuration"].update({"class": "ActorCritic"}), "trpo is not ActorCritic"),
        (lambda record: record["configuration"].update(normalise_observations=True), "KeyError"),
        (lambda record: record["environment"].pop("backend"), "KeyError: 'backend'"),
        (lambda record: record["configuration"].update(learning="fast"), "no option 'learning'"),
    ],
)
def test_a_record_that_does_not_fit_its_snapshot(change, message, results, copied):
    with pytest.raises(PgsuiteError, match=message):
        open_policy(copied(cell(results), change), 1)
