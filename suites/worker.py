"""What runs in a worker process: some seeds of one cell, results to the store, news to the parent."""

import os
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .. import envs as _envs  # noqa: F401  (loaded once, in the process that workers are forked from)
from ..errors import PgsuiteError
from ..results.curve import CurveRow, curve_rows
from ..results.store import CellStore
from .cell import Cell, Stored
from .training import TrainingLoop

SAVE_INTERVAL = 5.0
"""Seconds between snapshots of unfinished runs: what an interruption may cost."""
_NEWS_INTERVAL = 0.1


class Progress(NamedTuple):
    """News of a job at work."""

    steps: int
    """Environment steps since the last news."""
    score: float | None
    """Latest mean return of the job's runs, if there is a new one."""


class Finished(NamedTuple):
    """A job's last word: None, or why it failed."""

    failure: str | None
    details: str = ""
    """The traceback."""


@dataclass(frozen=True)
class Job:
    """Some seeds of one cell, for one worker."""

    cell: Cell
    store: CellStore
    seeds: tuple[int, ...]


class StoreSink:
    """A learner's sink over the store; snapshots of unfinished runs are spaced in time."""

    def __init__(self, job: Job, connection: Connection, save_interval: float) -> None:
        self._store, self._connection, self._interval = job.store, connection, save_interval
        self._saved: dict[int, float] = {}
        self._told, self._steps = 0.0, 0

    def load(self, seed: int) -> Stored | None:
        """Return a run's curve and snapshot, cut to what both have; None where there is none or it is damaged."""
        try:
            snapshot = self._store.read_snapshot(seed)
            frame, _ = self._store.read_curve(seed)
        except PgsuiteError:
            return None
        if snapshot is None:
            return None
        tensors, _ = snapshot
        rows = [row for row in curve_rows(frame) if row.checkpoint <= int(tensors["checkpoint"][0])]
        return Stored(rows, tensors)

    def save(
        self, seed: int, rows: Sequence[CurveRow], facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        """Write a run that is finished, or whose last snapshot is old enough."""
        now = time.monotonic()
        if facts["status"] == "partial" and now - self._saved.setdefault(seed, now) < self._interval:
            return
        self._saved[seed] = now
        self._store.write_checkpoint(seed, rows, facts, tensors, {})

    def progress(self, steps: int, score: float | None) -> None:
        """Pass news on, at most every tenth of a second unless there is a score."""
        self._steps += steps
        now = time.monotonic()
        if score is None and now - self._told < _NEWS_INTERVAL:
            return
        self._connection.send(Progress(self._steps, score))
        self._told, self._steps = now, 0


def work(job: Job, core: int | None, connection: Connection, save_interval: float = SAVE_INTERVAL) -> None:
    """Run a job to its end, on one core with one thread, and report how it ended; never raises."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    try:
        TrainingLoop().train(job.cell, job.seeds, StoreSink(job, connection, save_interval))
        connection.send(Finished(None))
    except PgsuiteError as error:
        connection.send(Finished(str(error), traceback.format_exc()))
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        connection.send(Finished(f"{reason} (in {_where(error)}; --debug shows the traceback)", traceback.format_exc()))


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"  # noqa: PTH119
