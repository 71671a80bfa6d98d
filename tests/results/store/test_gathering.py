"""Several folders as one comparison: names, what was asked for, what is refused and what is named."""

import json
import os
import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.reports.tables.absent import remarks
from pgsuite.results import CellStore, CurveRow, gather, load, write_manifest
from pgsuite.results.store.digest import sealed_table

ANCHORS = {"random": 20.0, "reference": 500.0}
RECORD = {"suite": "quick", "anchors": ANCHORS, "steps": 1000, "protocol": {"checkpoints": 1, "episodes": 10}}


def row(checkpoint, value):
    steps = 1000 * checkpoint
    return CurveRow(checkpoint, steps, steps, value, 1.0, 10, value, 200, checkpoint, 0.1)


def cell(out, algorithm="trpo", digit="a", seeds=(0, 1), env="CartPole-v1", status="complete", **record):
    store = CellStore(out, algorithm, env, digit * 64)
    store.create(RECORD | record)
    for seed in seeds:
        facts = {"status": status} | ({"diverged_at": 7} if status == "diverged" else {})
        store.write_curve(seed, [row(0, 20.0), row(1, 260.0)], facts)
    return store


def ask(out, *cells, suite="quick"):
    """A manifest that asks for ``(store, seeds)`` pairs."""
    expected = [
        {"algorithm": store.algorithm, "env": store.env, "folder": store.path.name, "seeds": list(seeds)}
        for store, seeds in cells
    ]
    write_manifest(out, suite, expected)


def seen(gathered):
    return {(member.label, member.env): dict(member.status) for member in gathered.members}


def test_what_was_asked_for_is_there_or_said_to_be_missing(tmp_path):
    there, partial = cell(tmp_path), cell(tmp_path, "reinforce", "b", status="partial", seeds=(0,))
    never = CellStore(tmp_path, "actor-critic", "CartPole-v1", "c" * 64)
    ask(tmp_path, (there, (0, 5)), (partial, (0,)), (never, (3,)))
    gathered = gather([tmp_path])
    assert seen(gathered) == {
        ("trpo", "CartPole-v1"): {0: "complete", 5: "missing"},
        ("reinforce", "CartPole-v1"): {0: "partial"},
        ("actor-critic", "CartPole-v1"): {3: "missing"},
    }
    assert gathered.asked["trpo", "CartPole-v1"] == (0, 5)
    assert not gathered.whole
    assert set(zip(gathered.frame["label"], gathered.frame["seed"], strict=True)) == {("trpo", 0), ("reinforce", 0)}
    assert gathered.members[0].seeds("missing") == (5,)


def test_diverged_runs_are_results(tmp_path):
    cell(tmp_path, status="diverged")
    assert gather([tmp_path]).whole


def test_a_damaged_curve_is_named_left_out_and_counted(tmp_path):
    store = cell(tmp_path, seeds=(0, 1, 2))
    (store.path / "seed-1.parquet").write_bytes(b"PAR1")
    gathered = gather([tmp_path])
    assert seen(gathered) == {("trpo", "CartPole-v1"): {0: "complete", 1: "corrupt", 2: "complete"}}
    assert len(gathered.damaged) == 1
    assert "seed-1.parquet is damaged" in gathered.damaged[0]
    assert not gathered.whole
    assert set(gathered.frame["seed"]) == {0, 2}


def test_a_damaged_record_is_named_and_its_runs_are_missing(tmp_path):
    store, other = cell(tmp_path), cell(tmp_path, "reinforce", "b")
    ask(tmp_path, (store, (0,)), (other, (0,)))
    (store.path / "cell.json").write_text("{")
    gathered = gather([tmp_path])
    assert seen(gathered)["trpo", "CartPole-v1"] == {0: "missing"}
    assert "cell.json is damaged" in gathered.damaged[0]


def test_the_same_configuration_in_two_folders_is_one_with_the_runs_of_both(tmp_path):
    cell(tmp_path / "one", seeds=(0, 1))
    cell(tmp_path / "two", seeds=(1, 2))
    gathered = gather([tmp_path / "one", tmp_path / "two"])
    assert seen(gathered) == {("trpo", "CartPole-v1"): dict.fromkeys((0, 1, 2), "complete")}
    assert gathered.frame.groupby("seed").size().to_dict() == {0: 2, 1: 2, 2: 2}


def test_a_run_that_one_folder_lacks_and_another_has_is_there(tmp_path):
    one, two = cell(tmp_path / "one", seeds=(0,)), cell(tmp_path / "two", seeds=(1,))
    ask(tmp_path / "one", (one, (0, 1)))
    ask(tmp_path / "two", (two, (0, 1)))
    assert gather([tmp_path / "one", tmp_path / "two"]).whole
    assert gather([tmp_path / "two", tmp_path / "one"]).whole


@pytest.mark.parametrize("fate", ["partial", "corrupt"])
@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_a_finished_run_counts_whichever_folder_comes_first(tmp_path, fate, order):
    worse = cell(tmp_path / "one", seeds=(3,), status="partial")
    worse.write_curve(3, [row(0, 20.0)], {"status": "partial"})
    if fate == "corrupt":
        (worse.path / "seed-3.parquet").write_bytes(b"PAR1")
    cell(tmp_path / "two", seeds=(3,))
    gathered = gather([tmp_path / name for name in order])
    assert seen(gathered) == {("trpo", "CartPole-v1"): {3: "complete"}}
    assert gathered.frame["status"].to_list() == ["complete", "complete"]
    assert gathered.conflicts == ()


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_an_unfinished_run_counts_rather_than_a_damaged_one(tmp_path, order):
    damaged, _ = (cell(tmp_path / name, seeds=(3,), status="partial") for name in ("one", "two"))
    (damaged.path / "seed-3.parquet").write_bytes(b"PAR1")
    gathered = gather([tmp_path / name for name in order])
    assert seen(gathered) == {("trpo", "CartPole-v1"): {3: "partial"}}
    assert len(gathered.frame) == 2


def test_two_finished_copies_of_a_run_that_differ_are_both_named(tmp_path):
    """Seconds may differ: they are no part of what was measured of the policy."""
    stores = [cell(tmp_path / name) for name in ("one", "two")]
    stores[1].write_curve(0, [row(0, 20.0), row(1, 260.0)._replace(wall_time=9.0)], {"status": "complete"})
    stores[1].write_curve(1, [row(0, 20.0), row(1, 261.0)], {"status": "complete"})
    gathered = gather([tmp_path / "one", tmp_path / "two"])
    (conflict,) = gathered.conflicts
    assert all(f"seed 1 in {store.path}" in conflict for store in stores)
    assert gathered.frame["return_mean"].to_list() == [20.0, 260.0] * 2
    assert remarks(gathered) == (conflict,)


def test_configurations_of_one_name_are_told_apart_by_folder_on_every_environment(tmp_path):
    """Also where they agree: an algorithm has one name over all environments."""
    for folder, digit in (("before", "a"), ("after", "b")):
        cell(tmp_path / folder, digit=digit)
        cell(tmp_path / folder, digit="c", env="Acrobot-v1")
        cell(tmp_path / folder, "reinforce", "d")
    gathered = gather([tmp_path / "before", tmp_path / "after"])
    assert list(seen(gathered)) == [
        ("reinforce", "CartPole-v1"),
        ("trpo (before)", "CartPole-v1"),
        ("trpo (after)", "CartPole-v1"),
        ("trpo (before)", "Acrobot-v1"),
        ("trpo (after)", "Acrobot-v1"),
    ]


def test_folders_of_one_name_are_told_apart_by_their_parents(tmp_path):
    for parent, digit in (("x", "a"), ("y", "b")):
        cell(tmp_path / parent / "classic", digit=digit)
    gathered = gather([tmp_path / "x" / "classic", tmp_path / "y" / "classic"])
    assert [member.label for member in gathered.members] == ["trpo (x/classic)", "trpo (y/classic)"]


def test_configurations_of_one_name_in_one_folder_are_told_apart_by_fingerprint(tmp_path):
    cell(tmp_path, digit="a")
    cell(tmp_path, digit="b")
    assert [member.label for member in gather([tmp_path]).members] == ["trpo @aaaaaa", "trpo @bbbbbb"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 2000}, "budget differs, 1000 environment steps against 2000"),
        (
            {"protocol": {"checkpoints": 1, "episodes": 3}},
            "evaluation differs, .* against 3 fresh evaluation episodes, .*--grid common",
        ),
        ({"anchors": {"random": 0.0, "reference": 500.0}}, "anchors differs"),
        ({"anchors": None}, "anchors differs, .*500.* against none"),
        ({"environment": {"options": {"gravity": 3}}}, "task differs"),
    ],
)
def test_folders_with_other_rules_are_refused_with_the_difference(tmp_path, change, message):
    cell(tmp_path / "one", environment={"options": {}})
    cell(tmp_path / "two", "reinforce", "b", **{"environment": {"options": {}}} | change)
    with pytest.raises(UsageError, match=message) as caught:
        gather([tmp_path / "one", tmp_path / "two"])
    for name in ("one", "two", "CartPole-v1"):
        assert name in str(caught.value)


def test_budgets_may_differ_where_curves_will_be_cut(tmp_path):
    cell(tmp_path / "one")
    cell(tmp_path / "two", "reinforce", "b", steps=2000)
    assert len(gather([tmp_path / "one", tmp_path / "two"], grid="common").members) == 2


def test_other_rules_on_other_environments_are_fine(tmp_path):
    cell(tmp_path / "one")
    cell(tmp_path / "two", "reinforce", "b", env="Acrobot-v1", steps=5)
    assert len(gather([tmp_path / "one", tmp_path / "two"]).members) == 2


@pytest.mark.parametrize("file", ["cell.json", "manifest.json"])
def test_a_folder_of_another_format_is_refused(tmp_path, file):
    store = cell(tmp_path)
    ask(tmp_path, (store, (0,)))
    path = tmp_path / "manifest.json" if file == "manifest.json" else store.path / file
    edit(path, format=4)
    with pytest.raises(UsageError, match=rf"{file} has format 4, this pgsuite reads formats 1, 2, 3"):
        gather([tmp_path])


def edit(path, **change):
    """What somebody writes who means it, the digest included."""
    content = json.loads(path.read_text()) | change
    content.pop("digest", None)
    path.write_text(json.dumps(sealed_table(content)))


@pytest.mark.parametrize("file", ["cell.json", "manifest.json"])
def test_a_number_that_changed_in_a_record_or_manifest_is_damage(tmp_path, file):
    store = cell(tmp_path)
    ask(tmp_path, (store, (0,)))
    path = tmp_path / "manifest.json" if file == "manifest.json" else store.path / file
    path.write_text(path.read_text().replace("500.0", "900.0").replace("0\n      ]", "1\n      ]"))
    with pytest.raises(PgsuiteError, match=rf"{file} is damaged .*its digest is another one"):
        load(tmp_path)


def test_results_of_earlier_formats_are_read_beside_those_of_today_and_said_to_have_no_digests(tmp_path):
    for folder, algorithm in (("old", "trpo"), ("new", "reinforce")):
        store = cell(tmp_path / folder, algorithm, "b" if folder == "new" else "a")
        ask(tmp_path / folder, (store, (0,)))
        assert {json.loads(file.read_text())["format"] for file in (tmp_path / folder).rglob("*.json")} == {3}
    now = load(tmp_path / "old")
    for path in (tmp_path / "old").rglob("*.json"):
        content = json.loads(path.read_text()) | {"format": 1}
        del content["digest"]
        path.write_text(json.dumps(content))
    for path in (tmp_path / "old").rglob("*.parquet"):
        table = pq.read_table(path).replace_schema_metadata({"pgsuite": '{"status": "complete"}'})
        pq.write_table(table, path, write_page_checksum=True)
    pd.testing.assert_frame_equal(load(tmp_path / "old"), now)
    gathered = gather([tmp_path / "old", tmp_path / "new"])
    assert len(gathered.members) == 2
    note = remarks(gathered)[-1]
    assert "1 run in the folder old was written before files had digests" in note
    assert gathered.whole


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": 3},
        {"anchors": "none"},
        {"anchors": {"random": 1.0}},
        {"anchors": {"random": 1.0, "reference": 1.0}},
        {"protocol": []},
        {"environment": "x"},
    ],
)
def test_a_record_that_nobody_of_ours_wrote_is_damaged(tmp_path, change):
    store = cell(tmp_path)
    path = store.path / "cell.json"
    edit(path, **change)
    with pytest.raises(PgsuiteError, match=r"cell\.json is damaged"):
        gather([tmp_path])


def test_a_manifest_cannot_point_out_of_its_folder(tmp_path):
    store = cell(tmp_path / "elsewhere")
    cell(tmp_path / "runs")
    ask(tmp_path / "runs", (store, (0,)))
    path = tmp_path / "runs" / "manifest.json"
    cells = json.loads(path.read_text())["cells"]
    edit(path, cells=[cells[0] | {"folder": f"../elsewhere/{store.path.name}"}])
    with pytest.raises(PgsuiteError, match=r"manifest\.json is damaged .*no name inside"):
        load(tmp_path / "runs")


@pytest.mark.parametrize("content", [b"", b"[" * 10**6, b'{"format": ' + b"9" * 5000 + b"}", b"\xff\xfe"])
def test_what_is_there_is_reported_where_nobody_can_read_what_was_asked_for(tmp_path, content):
    ask(tmp_path, (cell(tmp_path), (0, 1)))
    (tmp_path / "manifest.json").write_bytes(content)
    gathered = gather([tmp_path])
    assert seen(gathered) == {("trpo", "CartPole-v1"): dict.fromkeys((0, 1), "complete")}
    assert "manifest.json is damaged" in gathered.damaged[0]
    assert not gathered.whole


def test_without_a_manifest_a_damaged_record_is_named_and_the_rest_is_there(tmp_path):
    cell(tmp_path)
    (cell(tmp_path, "reinforce", "b").path / "cell.json").write_bytes(b"[" * 10**6 + b"]" * 10**6)
    gathered = gather([tmp_path])
    assert seen(gathered) == {("trpo", "CartPole-v1"): dict.fromkeys((0, 1), "complete")}
    assert "nested deeper than 64 levels" in gathered.damaged[0]
    assert not gathered.whole


def test_a_run_with_numbers_that_nothing_can_be_computed_with_is_left_out(tmp_path):
    store = cell(tmp_path, seeds=(0, 1, 2))
    store.write_curve(1, [row(0, 20.0), row(1, 1e308)], {"status": "complete"})
    gathered = gather([tmp_path])
    assert seen(gathered) == {("trpo", "CartPole-v1"): {0: "complete", 1: "corrupt", 2: "complete"}}
    assert "seed-1.parquet is damaged and cannot be read (it has a return of 1e+308" in gathered.damaged[0]


@pytest.mark.parametrize("name", [{"algorithm": "ppo"}, {"env": "Acrobot-v1"}, {"fingerprint": "b" * 64}])
def test_a_record_of_another_cell_than_the_manifest_asks_for_is_damage(tmp_path, name):
    store = cell(tmp_path)
    ask(tmp_path, (store, (0,)))
    edit(store.path / "cell.json", **name)
    gathered = gather([tmp_path])
    assert "cell.json is damaged" in gathered.damaged[0]
    assert seen(gathered) == {("trpo", "CartPole-v1"): {0: "missing"}}


@pytest.mark.parametrize("instead", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["seed-0.parquet", "cell.json", "manifest.json"])
def test_what_is_no_file_is_named_and_nothing_waits_for_it(tmp_path, name, instead):
    store = cell(tmp_path)
    cell(tmp_path, "reinforce", "b")
    ask(tmp_path, (store, (0, 1)))
    path = next(iter((*store.path.glob(name), *tmp_path.glob(name))))
    path.unlink()
    instead(path)
    gathered = gather([tmp_path])
    assert re.search(rf"{name} is damaged .*it is (a FIFO|a folder|a device), no file", gathered.damaged[0])
    assert not gathered.whole
    assert gathered.members


def test_links_to_nowhere_and_in_a_circle_are_damage(tmp_path):
    store = cell(tmp_path, seeds=(0, 1, 2))
    for seed, target in ((0, "nowhere"), (1, "seed-1.parquet")):
        store.curve_file(seed).unlink()
        store.curve_file(seed).symlink_to(target)
    gathered = gather([tmp_path])
    assert seen(gathered) == {("trpo", "CartPole-v1"): {0: "corrupt", 1: "corrupt", 2: "complete"}}


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="holds no results; make them with `pgsuite run`"):
        gather([tmp_path])
    with pytest.raises(UsageError, match="does not exist"):
        gather([tmp_path / "nowhere"])
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file: name the results folder"):
        gather([tmp_path / "file"])


def test_one_cell_folder_can_be_gathered(tmp_path):
    store = cell(tmp_path)
    cell(tmp_path, "reinforce", "b")
    assert [member.label for member in gather([store.path]).members] == ["trpo"]


def test_nothing_begun_gives_an_empty_frame_and_all_missing(tmp_path):
    ask(tmp_path, (CellStore(tmp_path, "trpo", "CartPole-v1", "a" * 64), (0, 1)))
    gathered = gather([tmp_path])
    assert gathered.frame.empty
    assert "label" in gathered.frame.columns
    assert seen(gathered) == {("trpo", "CartPole-v1"): {0: "missing", 1: "missing"}}
