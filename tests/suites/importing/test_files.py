from pathlib import Path

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.files import Origin, find_files, origin


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/logs/ppo/CartPole-v1_12/0.monitor.csv", Origin("ppo", "CartPole-v1", 12)),
        ("/logs/a2c/Half_Cheetah-v5_1/evaluations.npz", Origin("a2c", "Half_Cheetah-v5", 1)),
        ("/x/seed-3/monitor.csv", Origin(None, None, 3)),
        ("/x/seed7_run/seed_04.monitor.csv", Origin(None, None, 4)),
        ("/x/Seed=5/monitor.csv", Origin(None, None, 5)),
        ("/x/reseed3/unseeded/monitor.csv", Origin(None, None, None)),
        ("/CartPole-v1_1/monitor.csv", Origin("/", "CartPole-v1", 1)),
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
    assert [path.name for path in found.tidy] == ["progress.csv"]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere does not exist"):
        find_files([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="neither"):
        find_files([tmp_path])
