import subprocess
import sys

import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.reports.exports import export_tensorboard


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder))
    reader.Reload()
    assert reader.file_version == 2.0
    return {tag: [(e.step, e.value, e.wall_time) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def test_tensorboard_reads_them_back(frame, tmp_path):
    pytest.importorskip("tensorboard")
    assert export_tensorboard(frame, tmp_path / "tb") == 2
    cell = tmp_path / "tb" / f"trpo--CartPole-v1--{'a' * 12}"
    first = scalars(cell / "seed-0")
    assert first["return"] == [(0, 20.0, 0.0), (1000, 260.0, 1.5)]
    assert first["score"] == [(0, 0.0, 0.0), (1000, 0.5, 1.5)]
    assert first["metric/kl"] == [(1000, pytest.approx(0.01), 1.5)]
    assert scalars(cell / "seed-3")["return"] == [(0, 20.0, 0.0)]


def test_a_second_export_replaces_the_first(frame, tmp_path):
    pytest.importorskip("tensorboard")
    for factor in (1, 2):
        export_tensorboard(frame.assign(return_mean=frame["return_mean"] * factor), tmp_path)
    cell = tmp_path / f"trpo--CartPole-v1--{'a' * 12}"
    assert scalars(cell / "seed-0")["return"] == [(0, 40.0, 0.0), (1000, 520.0, 1.5)]
    assert len(list((cell / "seed-0").iterdir())) == 1


@pytest.mark.parametrize("name", ["../../../../x", "..", "/etc", "a/b", "C:\\x", "\x00", "x" * 500])
def test_hostile_names_stay_inside(name, frame, tmp_path):
    pytest.importorskip("tensorboard")
    out = tmp_path / "one" / "two" / "tb"
    count = export_tensorboard(frame.assign(algorithm=name, env=name, fingerprint=name), out)
    assert count == len(list(out.glob("*/seed-*/events*"))) == 2
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["two"]
    assert [path.name for path in (tmp_path / "one" / "two").iterdir()] == ["tb"]


def test_neither_torch_nor_tensorflow_is_loaded(tmp_path):
    pytest.importorskip("tensorboard")
    code = (
        "import sys; from pathlib import Path; from pgsuite.reports.exports.tensorboard import TensorBoard;"
        f"TensorBoard(Path({str(tmp_path)!r})); "
        "print(sorted({'torch', 'tensorflow', 'tensorboard'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['tensorboard']"


def test_a_folder_that_cannot_be_made(frame, tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "file").write_text("")
    with pytest.raises(PgsuiteError, match=r"cannot make .*-o"):
        export_tensorboard(frame, tmp_path / "file")


def test_a_missing_package_names_the_extra(frame, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[tensorboard\]'"):
        export_tensorboard(frame, tmp_path)
