"""TensorBoard's event files."""

import sys

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.reports.exports import export_tensorboard
from pgsuite.results import load
from pgsuite.suites.importing.event_files import read_events
from pgsuite.suites.importing.request import ImportRequest, import_results
from pgsuite.suites.importing.series import Wanted

pytest.importorskip("tensorboard")


def write(folder, *points, tag="eval/mean_reward", name="events.out.tfevents.1"):
    """As torch's SummaryWriter does."""
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
        for step, value in points:
            summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)])
            writer.write(event_pb2.Event(step=step, summary=summary).SerializeToString())
    return folder / name


def test_what_a_report_exports_comes_back(tmp_path):
    rows = [f"mine,CartPole-v1,{s},{k * 100},{20 + k + s},{k / 2},{k}" for s in (0, 3) for k in range(4)]
    path = tmp_path / "mine.csv"
    path.write_text("algorithm,env,seed,env_steps,return,metric/kl,wall_time\n" + "\n".join(rows) + "\n")
    import_results(ImportRequest(paths=(path,)), tmp_path / "one")
    before = load(tmp_path / "one")
    export_tensorboard(before, tmp_path / "tb")
    assert import_results(ImportRequest(paths=(tmp_path / "tb",)), tmp_path / "two").notes == []
    after = load(tmp_path / "two")
    columns = ["algorithm", "env", "seed", "env_steps", "return_mean", "score", "metric/kl", "wall_time", "status"]
    for name in columns:
        assert after[name].tolist() == (
            pytest.approx(before[name].tolist()) if name == "score" else before[name].tolist()
        )


def test_a_folder_of_clean_rl(tmp_path):
    folder = tmp_path / "runs" / "CartPole-v1__ppo__3__1667432123"
    file = write(folder, (10, 10.0), (25, 15.0), (25, 11.0), tag="charts/episodic_return")
    runs, notes, (run,) = read_events([file], Wanted({}))
    assert (run[:3], runs, notes) == (("ppo", "CartPole-v1", 3), [], [])
    assert (run.env_steps.tolist(), run.returns.tolist()) == ([10, 25, 25], [10.0, 15.0, 11.0])


def test_the_number_of_stable_baselines_is_no_seed(tmp_path):
    file = write(tmp_path / "PPO_2", (100, 1.0), (200, 2.0), tag="rollout/ep_rew_mean")
    _, notes, (run,) = read_events([file], Wanted({"env": "CartPole-v1"}))
    assert (run.algorithm, run.seed, run.averaged) == ("PPO", 2, 100)
    assert any("PPO_2" in note and "taken for the seed" in note for note in notes)
    assert any("averages the last 100" in note for note in notes)


def test_evaluations_are_preferred_and_the_other_can_be_asked_for(tmp_path):
    given = {"algorithm": "ppo", "env": "e", "seed": "0"}
    files = [
        write(tmp_path, (100, 1.0), (200, 2.0)),
        write(tmp_path, (100, 7.0), tag="rollout/ep_rew_mean", name="events.out.tfevents.2"),
    ]
    assert [row.return_mean for row in read_events(files, Wanted(given)).runs[0].rows] == [1.0, 2.0]
    assert read_events(files, Wanted(given, source="training")).trained[0].returns.tolist() == [7.0]
    with pytest.raises(UsageError, match=r"no metric 'x'; it has eval/mean_reward, rollout/ep_rew_mean"):
        read_events(files, Wanted(given, metric="x"))


def test_a_resumed_run_replaces_what_it_had_logged_beyond(tmp_path):
    given = {"algorithm": "ppo", "env": "e", "seed": "0"}
    files = [
        write(tmp_path, (100, 1.0), (200, 2.0), (300, 9.0)),
        write(tmp_path, (200, 3.0), (300, 4.0), name="events.out.tfevents.2"),
    ]
    with pytest.raises(UsageError, match="step 200 is there twice"):
        read_events(files, Wanted(given))
    files[1] = write(tmp_path, (250, 3.0), (300, 4.0), name="events.out.tfevents.2")
    (run,), (note,), _ = read_events(files, Wanted(given))
    assert [(row.env_steps, row.return_mean) for row in run.rows] == [(100, 1), (200, 2), (250, 3), (300, 4)]
    assert "2 event files are read as one run that was resumed" in note


def test_a_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path):
    file = write(tmp_path, (100, 1.0), (200, 2.0), (300, 3.0))
    file.write_bytes(file.read_bytes()[:-5])
    (run,), (note,), _ = read_events([file], Wanted({"algorithm": "ppo", "env": "e", "seed": "0"}))
    assert [row.env_steps for row in run.rows] == [100, 200]
    assert "3 of its 4 records are read" in note


@pytest.mark.parametrize("content", [b"", b"junk", b"\x00" * 100, bytes(range(256))])
def test_what_is_no_event_file_is_named(content, tmp_path):
    file = tmp_path / "events.out.tfevents.1"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        read_events([file], Wanted({"algorithm": "ppo", "env": "e", "seed": "0"}))


def test_a_value_that_is_not_finite_is_named(tmp_path):
    file = write(tmp_path, (100, 1.0), (200, float("nan")))
    with pytest.raises(UsageError, match="not finite at step 200"):
        read_events([file], Wanted({"algorithm": "ppo", "env": "e", "seed": "0"}))


def test_without_tensorboard_the_line_that_installs_it_is_said(tmp_path, monkeypatch):
    file = write(tmp_path, (100, 1.0))
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing.event_file_loader", None)
    with pytest.raises(UsageError, match=r"pip install 'pgsuite\[tensorboard\]'"):
        read_events([file], Wanted({}))


def test_training_returns_are_put_on_a_grid(tmp_path):
    """Worked by hand: values at 10, 20 ... 100 steps; the point at 50 is the mean of those at 20 to 50."""
    write(tmp_path / "A-v1__ppo__3__1", *((10 * k, float(k)) for k in range(1, 11)), tag="charts/episodic_return")
    request = ImportRequest(paths=(tmp_path,), checkpoints=2, window=4)
    import_results(request, tmp_path / "out")
    frame = load(tmp_path / "out")
    assert (frame["env_steps"].tolist(), frame["return_mean"].tolist()) == ([50, 100], [3.5, 8.5])
    assert np.isnan(frame["wall_time"]).all()
