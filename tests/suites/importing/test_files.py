import os

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.files import find_files
from pgsuite.suites.importing.problems import ImportProblems


def test_files_are_told_by_name_and_content(tmp_path):
    (tmp_path / "a").mkdir()
    for name, text in (("a/0.monitor.csv", "#{}"), ("a/evaluations.npz", ""), ("a/progress.csv", "x"), ("b.csv", "#{")):
        (tmp_path / name).write_text(text)
    found = find_files(
        [tmp_path / "a", tmp_path / "b.csv", tmp_path / "a" / "0.monitor.csv", tmp_path / "a/progress.csv"]
    )
    assert [path.name for path in found.monitors] == ["0.monitor.csv", "b.csv"]
    assert [path.name for path in found.evaluations] == ["evaluations.npz"]
    assert [path.name for path in found.tables] == ["progress.csv"]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere does not exist"):
        find_files([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match=r"neither .*tidy CSV, .*rliable"):
        find_files([tmp_path])


def test_what_is_not_supported_is_refused_by_naming_what_is(tmp_path):
    for name in ("results.xlsx", "results.pkl"):
        (tmp_path / name).write_text("x")
    with pytest.raises(ImportProblems) as error:
        find_files([tmp_path / "results.xlsx", tmp_path / "results.pkl", tmp_path / "gone.csv"])
    assert len(error.value.found) == 3
    assert "results.xlsx: files of this kind are not read; what is read: tidy CSV" in error.value.found[0]


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UsageError, match="is no file"):
        find_files([tmp_path / "pipe.csv"])
