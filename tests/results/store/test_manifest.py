import json

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results import read_manifest, write_manifest
from pgsuite.results.store.manifest import ExpectedCell, Manifest, manifest_of, record_failures

CELLS = [
    {"algorithm": "trpo", "env": "CartPole-v1", "folder": "a", "seeds": range(3)},
    {"algorithm": "reinforce", "env": "CartPole-v1", "folder": "b", "seeds": [7]},
]


def test_what_was_asked_for_is_read_back(tmp_path):
    write_manifest(tmp_path / "new" / "folder", "quick", CELLS)
    manifest = read_manifest(tmp_path / "new" / "folder")
    assert manifest.suite == "quick"
    assert [(cell.algorithm, cell.env, cell.folder, cell.seeds, cell.reason) for cell in manifest.cells] == [
        ("trpo", "CartPole-v1", "a", (0, 1, 2), None),
        ("reinforce", "CartPole-v1", "b", (7,), None),
    ]


def test_the_latest_command_replaces_the_one_before(tmp_path):
    write_manifest(tmp_path, "quick", CELLS)
    write_manifest(tmp_path, "quick", CELLS[:1])
    assert len(read_manifest(tmp_path).cells) == 1


def test_what_is_asked_for_later_joins_or_takes_the_place(tmp_path):
    write_manifest(tmp_path, "quick", CELLS)
    record_failures(tmp_path, {"b": "no luck"})
    same, other = (
        ExpectedCell("trpo", "CartPole-v1", "a", (7, 1)),
        ExpectedCell("reinforce", "CartPole-v1", "c", (9, 8)),
    )
    new = ExpectedCell("trpo", "Acrobot-v1", "d", (2, 0))
    manifest_of(tmp_path, "quick").asking([new, other, same]).write(tmp_path)
    assert read_manifest(tmp_path).cells == (
        ("trpo", "CartPole-v1", "a", (0, 1, 2, 7), None, None, ()),
        ("reinforce", "CartPole-v1", "c", (9, 8), None, None, ()),
        ("trpo", "Acrobot-v1", "d", (2, 0), None, None, ()),
    )


def test_a_reason_stands_until_the_cell_is_complete(tmp_path):
    write_manifest(tmp_path, "quick", CELLS)
    record_failures(tmp_path, {"b": "no luck"})
    shard = ExpectedCell("reinforce", "CartPole-v1", "b", (7,))
    manifest_of(tmp_path, "quick").asking([shard]).write(tmp_path)
    assert read_manifest(tmp_path).cells[1].reason == "no luck"
    record_failures(tmp_path, {}, complete=lambda cell: cell.folder != "b")
    assert read_manifest(tmp_path).cells[1].reason == "no luck"
    before = (tmp_path / "manifest.json").stat().st_mtime_ns
    record_failures(tmp_path, {"b": "no luck"}, complete=lambda _: True)  # some runs are there, and others differ
    assert (tmp_path / "manifest.json").stat().st_mtime_ns == before
    record_failures(tmp_path, {}, complete=lambda cell: cell.seeds == (7,))
    assert read_manifest(tmp_path).cells[1].reason is None


def test_a_folder_of_another_suite_is_refused(tmp_path):
    assert manifest_of(tmp_path, "quick") == Manifest("quick", ())
    write_manifest(tmp_path, "quick", CELLS)
    with pytest.raises(UsageError, match="holds results of suite quick, not classic: choose another folder with --out"):
        manifest_of(tmp_path, "classic")


def test_failures_are_added_and_nothing_else_changes(tmp_path):
    write_manifest(tmp_path, "quick", CELLS)
    record_failures(tmp_path, {"b": "ValueError: no"})
    record_failures(tmp_path, {})
    assert [(cell.reason, cell.seeds) for cell in read_manifest(tmp_path).cells] == [
        (None, (0, 1, 2)),
        ("ValueError: no", (7,)),
    ]


def test_no_manifest_is_none_and_takes_no_failures(tmp_path):
    assert read_manifest(tmp_path) is None
    with pytest.raises(PgsuiteError, match="no manifest"):
        record_failures(tmp_path, {"a": "why"})


@pytest.mark.parametrize("content", ["", "{}", '{"suite": "quick", "cells": [{"folder": "a"}]}', "[]"])
def test_a_damaged_manifest_is_named(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(PgsuiteError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": ["a"]},
        {"seeds": "01"},
        {"seeds": [-1]},
        {"seeds": [True]},
        {"seeds": [0.0]},
        {"seeds": [10**30]},
        {"seeds": [1, 1]},
        {"reason": 3},
        {"algorithm": ["x"]},
        {"env": None},
        {"folder": ".."},
        {"folder": "."},
        {"folder": ""},
        {"folder": "a/b"},
        {"folder": "a\0"},
        {"folder": "a" * 256},
        {"folder": "a"},
        {"algorithm": "trpo", "folder": "c"},
        {"unknown": 1},
    ],
    ids=lambda change: str(change)[:30],
)
def test_a_manifest_that_nobody_of_ours_wrote_is_damaged(tmp_path, change):
    path = tmp_path / "manifest.json"
    write_manifest(tmp_path, "quick", CELLS)
    content = json.loads(path.read_text())
    content["cells"][1] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(PgsuiteError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


def test_the_name_of_the_suite_is_text(tmp_path):
    (tmp_path / "manifest.json").write_text('{"suite": 3, "cells": []}')
    with pytest.raises(PgsuiteError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cannot make the results folder .*--out"):
        write_manifest(tmp_path / "file" / "out", "quick", CELLS)
