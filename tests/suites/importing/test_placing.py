import json

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results import CellStore, CurveRow, load, write_manifest
from pgsuite.results.store.digest import sealed_table
from pgsuite.results.store.locking import LOCK
from pgsuite.suites.importing.placing import MARK, ImportedCell, StoredRun, place

RECORD = {"steps": 10, "protocol": {"source": "x"}, "anchors": None, MARK: {"source": "evaluation"}}


def run(value=1.0):
    rows = tuple(CurveRow(k, 10 * k, 10 * k, value, float("nan"), 0, 1.0, 0, 0, 0.0, {}) for k in range(2))
    return StoredRun(rows, {"status": "complete"})


def cell(*seeds, algorithm="mine", env="e", value=1.0, **record):
    return ImportedCell(algorithm, env, {**RECORD, **record}, {seed: run(value) for seed in seeds})


def seeds_of(folder):
    return {name: sorted(set(rows["seed"])) for name, rows in load(folder).groupby("algorithm")}


def test_load_reads_them_like_any_other(tmp_path):
    place([cell(0, 2), cell(1, algorithm="other")], tmp_path, "imported")
    assert seeds_of(tmp_path) == {"mine": [0, 2], "other": [1]}
    assert len(list(tmp_path.glob("[!.]*"))) == 3


def test_seeds_imported_later_join_the_cell(tmp_path):
    for seed in (3, 1):
        place([cell(seed)], tmp_path, "imported")
    assert seeds_of(tmp_path) == {"mine": [1, 3]}
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    assert not load(tmp_path, everything=True).empty


def test_the_same_again_changes_nothing(tmp_path):
    place([cell(3)], tmp_path, "imported")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    place([cell(3)], tmp_path, "imported")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_fingerprint_is_of_the_content():
    prints = {c.fingerprint for c in (cell(0), cell(1), cell(0, value=2.0), cell(0, steps=20), cell(0, env="f"))}
    assert len(prints) == 5
    assert cell(0).fingerprint == cell(0, provenance={"started": "later"}).fingerprint


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (cell(0, value=2.0), "another run of mine on e, seed 0"),
        (cell(1, steps=20), "budget differs"),
        (cell(0, algorithm="other", protocol={"kind": "training"}), "evaluation differs"),
    ],
)
def test_what_does_not_belong_together_is_refused_and_nothing_is_written(second, message, tmp_path):
    place([cell(0)], tmp_path, "imported")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=message):
        place([second], tmp_path, "imported")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_results_that_were_run_here_are_not_replaced(tmp_path):
    store = CellStore(tmp_path, "mine", "e", "a" * 64)
    store.create({name: value for name, value in RECORD.items() if name != MARK})
    write_manifest(tmp_path, "imported", [{"algorithm": "mine", "env": "e", "folder": store.path.name, "seeds": [0]}])
    with pytest.raises(UsageError, match=r"was run here; .*--algorithm"):
        place([cell(0)], tmp_path, "imported")
    with pytest.raises(UsageError, match="of suite imported, not mine"):
        place([cell(0)], tmp_path, "mine")


def test_a_failure_half_way_leaves_no_results(tmp_path, monkeypatch):
    out, written = tmp_path / "out", []

    def full(store, seed, *rest):
        written.append(seed)
        if len(written) == 3:
            raise PgsuiteError("the disk is full")

    monkeypatch.setattr(CellStore, "write_curve", full)
    with pytest.raises(PgsuiteError, match="full"):
        place([cell(0, 1), cell(0, 1, algorithm="other")], out, "imported")
    assert [path.name for path in out.iterdir()] == [LOCK]


@pytest.mark.parametrize("name", ["../../../x", "..", "/etc/passwd", "a\\b", "con\x00", "-" * 150])
def test_hostile_names_stay_inside(name, tmp_path):
    out = tmp_path / "deep" / "out"
    place([cell(0, algorithm=name, env=name)], out, "imported")
    assert {path.parent for path in tmp_path.rglob("cell.json")} == {
        next(path for path in out.iterdir() if path.is_dir())
    }
    assert set(load(out)["algorithm"]) == {name}


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write to .*-o"):
        place([cell(0)], tmp_path / "file", "imported")


def test_results_of_an_earlier_format_are_not_added_to(tmp_path):
    place([cell(0)], tmp_path, "imported")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(sealed_table(json.loads(manifest.read_text()) | {"format": 2})))
    with pytest.raises(UsageError, match=r"manifest\.json has format 2.*another folder with --out"):
        place([cell(1)], tmp_path, "imported")
    assert seeds_of(tmp_path) == {"mine": [0]}
