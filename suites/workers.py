"""What runs in a worker process: some seeds of one cell, results to the store, news to the parent."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, NoReturn

from numpy.typing import NDArray

from .. import envs as _envs  # noqa: F401  (loaded once, in the process that workers are forked from)
from ..errors import PgsuiteError, in_one_line
from ..results.store.curve import CurveRow, curve_rows
from ..results.store.store import CellStore
from .cells import Cell, Stored
from .process import peak_memory
from .training import TrainingLoop

SAVE_INTERVAL = 5.0
"""Seconds between snapshots of unfinished runs: a killed worker loses at most this and a segment."""
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
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Where and with what it is run; kept with every run."""


class StoreSink:
    """A learner's sink over the store; snapshots of unfinished runs are spaced in time."""

    def __init__(self, job: Job, connection: Connection, save_interval: float) -> None:
        self._store, self._facts = job.store, dict(job.facts)
        self._connection, self._interval = connection, save_interval
        self._saved: dict[int, float] = {}
        self._pending: dict[int, Callable[[], None]] = {}
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
        self.progress(rows[-1].env_steps if rows else 0, None)
        return Stored(rows, tensors)

    def save(
        self, seed: int, rows: Sequence[CurveRow], facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        """Write a run that is finished, or whose last snapshot is old enough; keep it in mind otherwise."""
        now, everything = time.monotonic(), {**self._facts, "peak_memory": peak_memory(), **facts}
        self._pending[seed] = partial(self._store.write_checkpoint, seed, list(rows), everything, tensors, {})
        if facts["status"] != "partial" or now - self._saved.setdefault(seed, now) >= self._interval:
            self._saved[seed] = now
            self._pending.pop(seed)()

    def flush(self) -> None:
        """Write what was kept in mind."""
        while self._pending:
            _, write = self._pending.popitem()
            write()

    def progress(self, steps: int, score: float | None) -> None:
        """Pass news on, at most every tenth of a second unless there is a score."""
        self._steps += steps
        now = time.monotonic()
        if score is None and now - self._told < _NEWS_INTERVAL:
            return
        self._connection.send(Progress(self._steps, score))
        self._told, self._steps = now, 0


def work(job: Job, core: int | None, connection: Connection, save_interval: float = SAVE_INTERVAL) -> None:
    """Run a job to its end, on one core, and report how it ended; what it has is saved however that is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    sink = StoreSink(job, connection, save_interval)
    try:
        try:
            TrainingLoop().train(job.cell, job.seeds, sink)
        finally:
            sink.flush()
        connection.send(Finished(None))
    except PgsuiteError as error:
        connection.send(Finished(str(error), traceback.format_exc()))
    except Exception as error:
        connection.send(
            Finished(
                f"{in_one_line(error)} (in {_where(error)}; `pgsuite --debug run` shows the traceback)",
                traceback.format_exc(),
            )
        )


def _stop(number: int, _frame: object) -> NoReturn:
    """End the process by way of its finally clauses."""
    sys.exit(128 + number)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"  # noqa: PTH119
