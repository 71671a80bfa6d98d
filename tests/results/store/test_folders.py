"""The walk over a results folder: what was asked for, what is there, and how often a file is opened for it."""

from collections import Counter
from pathlib import Path

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.reports import report
from pgsuite.results import CellStore, CurveRow, gather, load, write_manifest
from pgsuite.results.store import reading
from pgsuite.results.store.folders import read_folder


def cell(out, algorithm, digit, seeds=(0, 1)):
    store = CellStore(out, algorithm, "CartPole-v1", digit * 64)
    store.create({"suite": "quick", "anchors": {"random": 0.0, "reference": 500.0}})
    for seed in seeds:
        rows = [CurveRow(k, 100 * k, 100 * k, float(k + seed), 1.0, 10, 1.0, 10, k, 0.1) for k in range(2)]
        store.write_curve(seed, rows, {"status": "complete"})
    return store


def expected(store, *seeds):
    return {"algorithm": store.algorithm, "env": store.env, "folder": store.path.name, "seeds": seeds}


@pytest.fixture
def folder(tmp_path):
    """Asked for and there, asked for and never begun, and two cells that nobody asked for."""
    asked, never = cell(tmp_path, "trpo", "a", seeds=(0, 1, 2)), CellStore(tmp_path, "new", "CartPole-v1", "b" * 64)
    cell(tmp_path, "trpo", "c")
    cell(tmp_path, "old", "d", seeds=(7,))
    write_manifest(tmp_path, "mine", [expected(never, 4), expected(asked, 1, 5)])
    return tmp_path


def seeds(cells):
    return [(cell.store.algorithm, cell.store.fingerprint[0], cell.asked, cell.there) for cell in cells]


def test_what_was_asked_for_comes_in_its_order_and_the_rest_apart(folder):
    found = read_folder(folder)
    assert seeds(found.cells) == [("new", "b", (4,), ()), ("trpo", "a", (1, 5), (0, 1, 2))]
    assert seeds(found.others) == [("old", "d", (), (7,)), ("trpo", "c", (), (0, 1))]
    assert seeds(found.begun()) == seeds(found.cells[1:])
    assert [cell.suite for cell in (*found.cells, *found.others)] == ["mine", "mine", "quick", "quick"]
    assert [cell.asked for cell in found.every] == [(4,), (0, 1, 2, 5), (7,), (0, 1)]


def test_what_is_left_out_is_counted(folder):
    (hidden,) = gather([folder]).hidden
    assert hidden == (folder, 3, 5)  # seeds 0 and 2 of one cell, two and one of the others


def test_without_a_manifest_everything_counts(folder):
    (folder / "manifest.json").unlink()
    found = read_folder(folder)
    assert [cell.asked for cell in found.cells] == [(7,), (0, 1, 2), (0, 1)]
    assert found.others == ()
    assert gather([folder]).hidden == ()


def test_a_record_that_cannot_be_read_is_kept_with_its_cell(folder):
    for record in folder.glob("*/cell.json"):
        record.write_text("{")
    found = read_folder(folder)
    assert [(cell.error is None, cell.record) for cell in found.cells] == [(True, {}), (False, {})]
    assert len([cell for cell in found.others if cell.error]) == 2
    with pytest.raises(PgsuiteError, match=r"cell\.json is damaged"):
        found.begun()
    with pytest.raises(PgsuiteError, match=r"trpo.*cell\.json is damaged"):
        load(folder)
    assert len(gather([folder]).damaged) == 3
    assert gather([folder]).hidden == ()


def test_what_nobody_asked_for_stands_in_nobodys_way(folder):
    next(folder.glob("old*/cell.json")).write_text('{"format": 99}')
    assert len(load(folder)) == 2
    assert "has format 99" in gather([folder]).damaged[0]
    with pytest.raises(PgsuiteError, match="has format 99"):
        load(folder, everything=True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file: name the results folder"):
        read_folder(tmp_path / "file")


def test_a_report_reads_every_file_once(folder, tmp_path, monkeypatch):
    opened: Counter[Path] = Counter()
    read = reading.open_file
    monkeypatch.setattr(reading, "open_file", lambda path, limit: opened.update([path]) or read(path, limit))
    report([folder], tmp_path / "report")
    there = [folder / "manifest.json", *folder.glob("*/cell.json"), *folder.glob("trpo*aaa/seed-1.parquet")]
    assert len(there) == 5
    assert {path: times for path, times in opened.items() if path.exists()} == dict.fromkeys(there, 1)
