"""One run in several places: two writers of one file, and two folders that hold more or less of it."""

import json

import pytest

from pgsuite.results import CellStore, CurveRow, gather, write_manifest
from pgsuite.results.store.atomic import write_atomic

RECORD = {"suite": "quick", "anchors": None, "steps": 3000}


def cell(out, checkpoints=3, seeds=(0,), status="partial"):
    store = CellStore(out, "trpo", "CartPole-v1", "a" * 64)
    store.create(RECORD)
    for seed in seeds:
        rows = [CurveRow(k, 1000 * k, 1000 * k, 20.0, 1.0, 10, 20.0, 200, k, 0.1) for k in range(checkpoints + 1)]
        store.write_curve(seed, rows, {"status": status})
    asked = {"algorithm": "trpo", "env": "CartPole-v1", "folder": store.path.name, "seeds": [0]}
    write_manifest(out, "quick", [asked])
    return store


def gathered(*folders):
    found = gather(list(folders))
    (member,) = found.members
    return member.status[0], list(found.frame["env_steps"])


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_unfinished_copies_the_longer_one_is_shown(turned, tmp_path):
    cell(tmp_path / "short", checkpoints=1)
    cell(tmp_path / "long", checkpoints=2)
    folders = [tmp_path / "short", tmp_path / "long"]
    assert gathered(*(folders[::-1] if turned else folders)) == ("partial", [0, 1000, 2000])


@pytest.mark.parametrize("turned", [False, True])
def test_a_damaged_copy_is_more_than_none(turned, tmp_path):
    """A run that is there, and cannot be read, is not said to have never begun."""
    store = cell(tmp_path / "damaged")
    (store.path / "seed-0.parquet").write_bytes(b"PAR1")
    cell(tmp_path / "missing", seeds=())
    folders = [tmp_path / "damaged", tmp_path / "missing"]
    assert gathered(*(folders[::-1] if turned else folders))[0] == "corrupt"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("worse", "better"), [("missing", "partial"), ("corrupt", "partial"), ("corrupt", "complete")])
def test_the_better_copy_is_the_run(worse, better, turned, tmp_path):
    store = cell(tmp_path / "worse", seeds=() if worse == "missing" else (0,))
    if worse == "corrupt":
        (store.path / "seed-0.parquet").write_bytes(b"PAR1")
    cell(tmp_path / "better", checkpoints=3, status=better)
    folders = [tmp_path / "worse", tmp_path / "better"]
    assert gathered(*(folders[::-1] if turned else folders)) == (better, [0, 1000, 2000, 3000])


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    """The one that ends last is what stays, whole; neither is told of the other."""
    path = tmp_path / "a.txt"

    def slow(file):
        file.write(b"slow, ")
        write_atomic(path, lambda other: other.write(b"quick"))
        assert path.read_bytes() == b"quick"
        file.write(b"and whole")

    write_atomic(path, slow)
    assert path.read_bytes() == b"slow, and whole"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_record_cannot_rename_its_cell(tmp_path):
    """What decides the folder's name is what its record says, whatever else is to be recorded."""
    store = CellStore(tmp_path, "trpo", "CartPole-v1", "a" * 64)
    store.create(RECORD | {"algorithm": "reinforce", "env": "Pendulum-v1", "fingerprint": "b" * 64})
    record = json.loads((store.path / "cell.json").read_text())
    assert (record["algorithm"], record["env"], record["fingerprint"]) == ("trpo", "CartPole-v1", "a" * 64)
    assert CellStore.open(store.path).fingerprint == store.fingerprint
