"""Event files while a suite runs: the same as those of an export, and none twice after a resumption."""

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from pgsuite.errors import UsageError
from pgsuite.reports.exports import export_tensorboard
from pgsuite.reports.exports.live import LiveTensorBoard
from pgsuite.reports.exports.tensorboard import run_folder
from pgsuite.reports.exports.tracker import TrackedRun
from pgsuite.results import load

ANCHORS = {"random": 0.0, "reference": 100.0}
RETURNS = [10, 20, 40, 80]


@pytest.fixture
def rows(folder):
    return [folder.row(k, value) for k, value in enumerate(RETURNS)]


@pytest.fixture
def run(folder):
    store = folder.cell("trpo", curves=[RETURNS])
    return TrackedRun("tiny", "trpo", "CartPole-v1", 0, store.fingerprint, "partial", {})


def silent(line):
    raise AssertionError(line)


def steps(file):
    return [event.step for event in EventFileLoader(str(file)).Load() if event.HasField("summary")]


def test_what_is_written_meanwhile_is_what_an_export_writes(folder, run, rows, tmp_path):
    board = LiveTensorBoard(tmp_path / "live", silent)
    assert not board.has(run)
    for row in rows:
        board.take(run, ANCHORS, [row])
        (file,) = run_folder(tmp_path / "live", run).iterdir()
        assert steps(file)[-1] == row.env_steps  # it is there at once
    board.close()
    export_tensorboard(load(folder.path), tmp_path / "export")
    assert file.read_bytes() == (run_folder(tmp_path / "export", run) / file.name).read_bytes()
    assert board.has(run)


def test_a_resumed_run_has_no_step_twice(run, rows, tmp_path):
    first = LiveTensorBoard(tmp_path, silent)
    first.take(run, ANCHORS, rows[:3])
    first.close()
    (old,) = run_folder(tmp_path, run).iterdir()
    old.write_bytes(old.read_bytes()[:-5])  # killed while it wrote
    (run_folder(tmp_path, run) / "mine.txt").write_text("stays")
    again = LiveTensorBoard(tmp_path, silent)
    again.take(run, ANCHORS, rows[:2])  # its last snapshot had no more
    again.take(run, ANCHORS, rows[2:])
    again.close()
    (file,) = run_folder(tmp_path, run).glob("*tfevents*")
    assert file.name > old.name  # a TensorBoard that is watching goes on to it
    assert steps(file) == [row.env_steps for row in rows]
    assert (run_folder(tmp_path, run) / "mine.txt").exists()


def test_a_folder_that_cannot_be_written_is_said_once_and_stops_nothing(run, rows, tmp_path):
    told = []
    board = LiveTensorBoard(tmp_path, told.append)
    (tmp_path / run_folder(tmp_path, run).parent.name).write_text("in the way")
    for row in rows:
        board.take(run, ANCHORS, [row])
    assert len(told) == 1
    assert str(tmp_path) in told[0]
    with pytest.raises(UsageError, match="--tensorboard-dir"):
        LiveTensorBoard(tmp_path / run_folder(tmp_path, run).parent.name, silent)
