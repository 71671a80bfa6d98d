"""What runs in a worker: results to the store, news to the parent, and one last word in every case."""

import re
import signal
from dataclasses import replace

import numpy as np
import pytest

from pgsuite.errors import EnvironmentFault
from pgsuite.results.store.curve import CurveRow
from pgsuite.results.store.store import CellStore
from pgsuite.suites.scheduling import worker as workers
from pgsuite.suites.scheduling.interface import Job, News
from pgsuite.suites.scheduling.worker import Finished, StoreSink, work
from pgsuite.suites.training import TrainingLoop


class Ear(list):
    """A connection's other end."""

    send = list.append


@pytest.fixture
def job(small_cell, tmp_path):
    store = CellStore(tmp_path, "reinforce", "CartPole-v1", "0" * 64)
    store.create({})
    return Job(small_cell("reinforce", steps=100, checkpoints=2), store, (3,))


def row(checkpoint):
    return CurveRow(checkpoint, checkpoint * 10, checkpoint * 10, 1.0, 0.0, 2, 1.0, 2, checkpoint, 0.1, {"loss": 0.5})


def save(sink, checkpoint, status="partial", seed=3):
    rows = [row(k) for k in range(checkpoint + 1)]
    tensors = {"checkpoint": checkpoint, "steps": checkpoint * 10, "diverged_at": -1}
    facts = {"status": status, **({"diverged_at": 15} if status == "diverged" else {})}
    sink.save(seed, rows, facts, {name: np.array([value]) for name, value in tensors.items()})


def test_what_was_saved_is_found_again(job):
    ear = Ear()
    sink = StoreSink(job, ear, 0.0)
    assert sink.load(3) is None
    save(sink, 1)
    assert ear == [News(0, rows=(3, [row(0), row(1)]))]
    ear.clear()
    stored = sink.load(3)
    assert stored.rows == [row(0), row(1)]
    assert stored.tensors["checkpoint"].tolist() == [1]
    assert sink.load(4) is None
    assert ear == [News(0, found=10)]  # which is no work of this job, and does not make it faster


def test_a_run_that_diverged_is_told(job):
    ear = Ear()
    save(StoreSink(job, ear, 0.0), 1, status="diverged")
    assert ear == [News(0, rows=(3, [row(0), row(1)])), News(0, diverged=1)]


def test_every_checkpoint_is_told_once_and_those_of_a_resumed_run_first(job):
    save(StoreSink(job, Ear(), 0.0), 1)
    ear = Ear()
    sink = StoreSink(job, ear, 0.0)
    sink.load(3)
    save(sink, 2)
    assert [news.rows for news in ear if news.rows] == [(3, [row(0), row(1)]), (3, [row(2)])]


def test_rows_beyond_the_snapshot_are_cut(job):
    sink = StoreSink(job, Ear(), 0.0)
    save(sink, 1)
    job.store.write_curve(3, [row(k) for k in range(4)], {"status": "partial"})  # a crash came before the snapshot
    assert [r.checkpoint for r in sink.load(3).rows] == [0, 1]


@pytest.mark.parametrize("suffix", ["parquet", "safetensors"])
def test_a_damaged_run_starts_anew(suffix, job):
    ear = Ear()
    sink = StoreSink(job, ear, 0.0)
    save(sink, 1)
    ear.clear()
    (job.store.path / f"seed-3.{suffix}").write_bytes(b"broken")
    assert sink.load(3) is None
    (news,) = ear
    assert news.note.startswith(f"seed 3 begins anew: seed-3.{suffix} is damaged (")


def test_a_curve_that_says_more_than_its_snapshot_is_cut_and_told(job):
    ear = Ear()
    sink = StoreSink(job, ear, 0.0)
    save(sink, 1)
    ear.clear()
    job.store.write_curve(3, [row(k) for k in range(3)], {"status": "complete"})
    assert [r.checkpoint for r in sink.load(3).rows] == [0, 1]
    assert ear[0].note.startswith("seed 3 goes on from checkpoint 1: it says that it is complete, and its snapshot")


def test_snapshots_are_spaced_in_time_but_an_end_is_always_saved(job, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    sink = StoreSink(job, Ear(), 5.0)

    def saved_at(time, checkpoint, status="partial"):
        now[0] = time
        save(sink, checkpoint, status)
        stored = sink.load(3)
        return None if stored is None else len(stored.rows) - 1

    assert saved_at(100.0, 0) is None
    assert saved_at(104.9, 1) is None
    assert saved_at(105.1, 2) == 2
    assert saved_at(109.0, 3) == 2
    assert saved_at(109.1, 4, "complete") == 4
    assert job.store.seeds() == {3: "complete"}


def test_what_was_kept_in_mind_can_be_written(job):
    sink = StoreSink(replace(job, facts={"place": "here"}), Ear(), 1000.0)
    save(sink, 1)
    assert sink.load(3) is None
    sink.flush()
    assert len(sink.load(3).rows) == 2
    facts = job.store.read_curve(3)[1]
    assert facts.pop("peak_memory") > 2**20, "bytes"
    assert facts == {"place": "here", "status": "partial"}


def test_a_job_that_fails_keeps_what_it_had(job, calm, monkeypatch):
    def fails(self, state, rollout):
        raise RuntimeError("no luck")

    monkeypatch.setattr("pgsuite.algorithms.reinforce.Reinforce.update", fails)
    ear = Ear()
    work(job, None, ear)
    assert "no luck" in ear[-1].failure
    assert len(job.store.read_curve(3)[0]) == 1


def test_news_are_gathered_but_a_score_is_told_at_once(job, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    ear = Ear()
    sink = StoreSink(job, ear, 5.0)
    for time, steps, score in [
        (100.0, 7, None),
        (100.01, 1, None),
        (100.02, 2, None),
        (100.03, 0, 9.5),
        (100.2, 4, None),
    ]:
        now[0] = time
        sink.progress(steps, score)
    assert ear == [News(7, None), News(3, 9.5), News(4, None)]


@pytest.fixture
def calm(monkeypatch):
    """Let `work` run in this process without changing it."""
    set_signals, pins = [], []
    monkeypatch.setattr(workers.signal, "signal", lambda *what: set_signals.append(what))
    monkeypatch.setattr(workers, "follow_parent", lambda: None)
    monkeypatch.setattr(workers.os, "sched_setaffinity", lambda *what: pins.append(what), raising=False)
    return set_signals, pins


def test_a_job_is_done_and_said_so(job, calm):
    ear = Ear()
    work(job, 1, ear)
    assert calm == ([(signal.SIGTERM, workers._stop)], [(0, {1})])
    assert ear[-1] == Finished(None)
    assert job.store.seeds() == {3: "complete"}
    assert sum(news.steps for news in ear[:-1]) == job.store.read_snapshot(3)[0]["steps"][0]


def test_no_core_no_pin(job, calm):
    work(replace(job, seeds=()), None, Ear())
    assert calm[1] == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EnvironmentFault("the environment is broken; mend it"), "the environment is broken; mend it"),
        (ValueError("two\nlines"), "ValueError: two lines"),
        (AssertionError(), "AssertionError:"),
    ],
)
def test_a_failure_is_one_line_and_a_traceback(error, reason, job, calm, monkeypatch):
    def train(*_):
        raise error

    monkeypatch.setattr(TrainingLoop, "train", train)
    ear = Ear()
    work(job, None, ear)
    (last,) = ear
    assert last.failure == reason
    assert re.search(r"test_worker\.py:\d+$", last.place)
    assert last.details.startswith("Traceback")


def test_an_end_writes_every_run_that_was_kept_in_mind(job):
    sink = StoreSink(replace(job, seeds=(3, 4, 5)), Ear(), 1e9)
    for seed in (3, 4, 5):
        save(sink, 1, seed=seed)
        assert sink.load(seed) is None
    sink.flush()
    assert job.store.seeds() == dict.fromkeys((3, 4, 5), "partial")


def test_a_run_that_cannot_go_on_begins_anew_and_says_so(job):
    """What is there of it is written over when it has something to show."""
    save(StoreSink(job, Ear(), 0.0), 1)
    ear = Ear()
    sink = StoreSink(job, ear, 0.0)
    sink.restart(4)
    assert ear == []
    sink.restart(3)
    assert [news.note for news in ear] == [
        "seed 3 begins anew: what trains it cannot go on from where a run was interrupted"
    ]
    save(sink, 0)
    assert len(job.store.read_curve(3)[0]) == 1
