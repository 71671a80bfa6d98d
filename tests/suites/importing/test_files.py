import os
from pathlib import Path

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.files import Origin, find_files, origin
from pgsuite.suites.importing.problems import ImportProblems


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/logs/ppo/CartPole-v1_12/0.monitor.csv", Origin("ppo", "CartPole-v1", 12, counted=True)),
        ("/logs/a2c/Half_Cheetah-v5_1/evaluations.npz", Origin("a2c", "Half_Cheetah-v5", 1, counted=True)),
        ("/x/seed-3/monitor.csv", Origin(None, None, 3)),
        ("/x/seed7_run/seed_04.monitor.csv", Origin(None, None, 4)),
        ("/x/Seed=5/monitor.csv", Origin(None, None, 5)),
        ("/x/reseed3/unseeded/monitor.csv", Origin(None, None, None)),
        ("/x/CartPole-v1_1/monitor.csv", Origin("x", "CartPole-v1", 1, counted=True)),
        ("/logs/a2c/CartPole-v1_1.monitor.csv", Origin("a2c", "CartPole-v1", 1, counted=True)),
        ("/logs/a2c/CartPole-v1_2.monitor.csv.gz", Origin("a2c", "CartPole-v1", 2, counted=True)),
        ("/x/run seed 6/monitor.csv", Origin(None, None, 6)),
    ],
)
def test_what_a_path_tells(path, expected):
    assert origin(Path(path)) == expected


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
