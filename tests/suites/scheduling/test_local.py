"""Jobs on processes: how they are cut, how many run at once, where, and what becomes of those that fail."""

import json
import multiprocessing
import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from pgsuite.suites.planning import plan_cells
from pgsuite.suites.scheduling.jobs import make_jobs, to_do
from pgsuite.suites.scheduling.local import LocalWorkers, available_cores
from pgsuite.suites.schema import parse_suite

ALGORITHMS = """
import ctypes, json, os, signal, torch
from dataclasses import dataclass
from pathlib import Path
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Notes(Reinforce):
    folder: str = ""
    def update(self, state, rollout):
        where = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        note = {"cores": where, "threads": torch.get_num_threads(), "process": os.getpid()}
        Path(self.folder, f"note-{state.seeds[0]}.json").write_text(json.dumps(note))
        return super().update(state, rollout)

@dataclass(frozen=True, kw_only=True)
class Raises(Reinforce):
    def update(self, state, rollout):
        raise RuntimeError("no luck\\ntoday")

@dataclass(frozen=True, kw_only=True)
class Dies(Reinforce):
    def update(self, state, rollout):
        os.kill(os.getpid(), signal.SIGKILL)

@dataclass(frozen=True, kw_only=True)
class Chats(Reinforce):
    def update(self, state, rollout):
        print("from Python", flush=False)
        os.system("echo from elsewhere >&2")
        for n in range(5000):
            print("line", n)
        ctypes.string_at(0)
"""


@pytest.fixture
def planned(tmp_path):
    """Plan cells of CartPole: class of `ALGORITHMS`, or a name of ours -> budget."""
    (tmp_path / "mine.py").write_text(ALGORITHMS)

    def make(seeds="0-3", out="out", **budgets):
        cells = []
        for name, steps in budgets.items():
            options = {"folder": str(tmp_path)} if name == "Notes" else {}
            reference = f"{tmp_path}/mine.py:{name}" if name[0].isupper() else name
            data = {
                "name": "test",
                "description": "",
                "seeds": seeds,
                "evaluation": {"checkpoints": 1, "episodes": 1},
                "environments": {"CartPole-v1": {"steps": steps}},
                "algorithms": {name: {"class": reference, "num_envs": 2, **options}},
            }
            cells += plan_cells(parse_suite(data, "test"), tmp_path / out)
        for p in cells:
            p.store.create(p.record)
        return cells

    return make


class Diary:
    """What workers tell."""

    def __init__(self, workers, cores=None):
        self.started, self.finished, self.steps, self.most = [], [], Counter(), 0
        self.notes = []
        self.workers = LocalWorkers(workers, 600.0, cores)

    def run(self, jobs):
        self.workers.run(jobs, self)
        return [failure for _, failure in self.finished if failure]

    def start(self, job):
        self.started.append(job)
        self.most = max(self.most, len(self.started) - len(self.finished))

    def news(self, job, news):
        self.steps[id(job)] += news.steps
        self.notes += [news.note] if news.note else []

    def finish(self, job, failure):
        self.finished.append((job, failure))


@pytest.mark.parametrize(
    ("workers", "seeds"),
    [
        (1, [(0, 1, 2, 3)]),
        (2, [(0, 1), (2, 3)]),
        (3, [(0, 1), (2,), (3,)]),
        (4, [(0,), (1,), (2,), (3,)]),
        (9, [(0,), (1,), (2,), (3,)]),
    ],
)
def test_one_cells_seeds_are_dealt_out(workers, seeds, planned):
    assert [job.seeds for job in make_jobs(to_do(planned(reinforce=100)), workers)] == seeds


def test_enough_cells_are_not_cut(planned):
    jobs = make_jobs(to_do(planned(reinforce=100, trpo=100)), 2)
    assert [job.seeds for job in jobs] == [(0, 1, 2, 3)] * 2


def test_longest_first(planned):
    cells = planned(reinforce=100, trpo=300) + planned(seeds="0", **{"actor-critic": 250})
    jobs = make_jobs(to_do(cells), 1)
    assert [job.cell.algorithm for job in jobs] == ["trpo", "reinforce", "actor-critic"]


def test_nothing_to_do(planned):
    cells = planned(reinforce=100)
    assert Diary(1).run(make_jobs(to_do(cells), 1)) == []
    assert make_jobs(to_do(cells), 4) == []
    assert Diary(1).run([]) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_workers_than_asked(workers, planned, tmp_path):
    diary = Diary(workers)
    jobs = make_jobs(to_do(planned(Notes=300)), 4)
    assert diary.run(jobs) == []
    assert diary.most == workers
    assert [job.seeds for job in diary.started] == [(0,), (1,), (2,), (3,)]
    assert len({note["process"] for note in notes(tmp_path)}) == 4
    assert all(diary.steps[id(job)] > 250 for job in jobs)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are pinned where the system can")
def test_each_worker_is_pinned_to_one_core_with_one_thread(planned, tmp_path):
    before = os.sched_getaffinity(0)
    Diary(1, available_cores()[:1]).run(make_jobs(to_do(planned(Notes=200)), 1))
    (note,) = notes(tmp_path)
    assert (note["cores"], note["threads"]) == (available_cores()[:1], 1)
    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(len(available_cores()) < 2, reason="there is one core")
@pytest.mark.parametrize("workers", [1, len(available_cores())])
def test_fewer_workers_or_jobs_than_cores_go_where_they_like(workers, planned, tmp_path):
    """Two commands of one job each, pinned, would be on the same core, and the others idle."""
    Diary(workers).run(make_jobs(to_do(planned(Notes=200)), 1))
    (note,) = notes(tmp_path)
    assert (note["cores"], note["threads"]) == (available_cores(), 1)


def test_workers_beyond_the_cores_go_where_they_like(planned, tmp_path):
    diary = Diary(2, available_cores()[:1])
    assert diary.run(make_jobs(to_do(planned(seeds="0-1", Notes=200)), 2)) == []
    assert diary.most == 2


def notes(folder: Path):
    return [json.loads(file.read_text()) for file in sorted(folder.glob("note-*.json"))]


@pytest.mark.parametrize(
    ("name", "reason", "place"),
    [
        ("Raises", r"^RuntimeError: no luck today$", r"mine\.py:19$"),
        (
            "Dies",
            r"process died \(signal SIGKILL: killed, .*memory is short.*\); its run has .*run the same",
            "^$",
        ),
    ],
)
def test_what_fails_takes_nothing_else_along(name, reason, place, planned):
    broken, fine = planned(seeds="0", **{name: 400, "reinforce": 200})
    diary = Diary(1)
    (failure,) = diary.run(make_jobs(to_do([broken, fine]), 1))
    assert failure.cell == broken.cell
    assert re.search(reason, failure.reason)
    assert re.search(place, failure.place)
    assert "\n" not in failure.reason
    assert ("Traceback" in failure.details) == (name == "Raises")
    assert [f is None for _, f in diary.finished] == [False, True]
    assert (broken.missing(), fine.missing()) == ([0], [])


def test_what_a_worker_prints_is_told_and_not_printed(planned, capfd):
    """To the last word before it crashes."""
    diary = Diary(1)
    diary.run(make_jobs(to_do(planned(seeds="0", Chats=400)), 1))
    assert diary.notes[:2] == ["it prints: from Python", "it prints: from elsewhere"]
    assert diary.notes[2] == "it prints: line 0"
    assert diary.notes[-1].endswith("more lines, the last: line 4999")
    assert len(diary.notes) < 20
    assert capfd.readouterr() == ("", "")


def test_an_interruption_ends_all_workers(planned):
    cells = planned(seeds="0-1", reinforce=100_000_000)
    diary = Diary(2)

    def interrupt(job, news):
        raise KeyboardInterrupt

    diary.news = interrupt
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        diary.run(make_jobs(to_do(cells), 2))
    assert signal.getsignal(signal.SIGINT) is before
    assert multiprocessing.active_children() == []
