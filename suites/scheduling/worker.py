"""What runs in a worker process: some seeds of one cell, results to the store, news to the parent."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, NoReturn

from numpy.typing import NDArray

from ... import envs as _envs  # noqa: F401  (loaded once, in the process that workers are forked from)
from ...envs import pulse
from ...errors import PassingTrouble, PgsuiteError, in_one_line, place
from ...results.store.curve import CurveRow, curve_rows
from ...results.store.reading import DamagedFile
from ...results.store.remote import Remote
from ...wording import plural
from ..cells import Stored, trainer_of
from ..process import follow_parent, peak_memory
from ..stalling import answer
from . import prints
from .interface import Job, News

SAVE_INTERVAL = 5.0
"""Seconds between snapshots of unfinished runs: a killed worker loses at most this and a segment."""
REMOTE_SAVE_INTERVAL = 60.0
"""The same at a URL, where a snapshot takes tenths of a second and every request costs."""
_NEWS_INTERVAL = 0.1


class Finished(NamedTuple):
    """A job's last word: None, or why it failed."""

    failure: str | None
    place: str = ""
    """``file:line`` where it arose."""
    details: str = ""
    """The traceback."""
    threads: tuple[str, ...] = ()
    """Names of what it leaves running, which keeps the process from ending."""
    passing: bool = False
    """Whether the failure is none of the job's own."""


class StoreSink:
    """A trainer's sink over the store; snapshots of unfinished runs are spaced in time."""

    def __init__(self, job: Job, connection: Connection, save_interval: float, of: int = 0) -> None:
        """Take whose sink it is: the ``of``-th among all in the job that the news are of."""
        self._of = of
        self._store, self._facts = job.store, dict(job.facts)
        self._connection, self._interval = connection, save_interval
        self._saved: dict[int, float] = {}
        self._pending: dict[int, Callable[[], str]] = {}
        self._differences: dict[int, str] = {}
        self._told, self._steps = 0.0, 0
        self._rows_told: dict[int, int] = {}

    def load(self, seed: int) -> Stored | None:
        """Return a run's curve and snapshot, cut to what both have; None where there is none or it is damaged.

        What was damaged is told, and what is done about it.
        """
        try:
            found = self._store.resumable(seed)
        except DamagedFile as error:
            self._tell(f"seed {seed} begins anew: {error.path.name} is damaged ({error.reason})")
            return None
        if found is None:
            return None
        rows = curve_rows(found.curve)
        if found.damage:
            self._tell(f"seed {seed} goes on from checkpoint {rows[-1].checkpoint}: {found.damage}")
        self._connection.send(News(0, found=int(found.tensors["steps"][0])))
        self._tell_rows(seed, rows)
        return Stored(rows, found.tensors)

    def restart(self, seed: int) -> None:
        """Tell that a run which is there in part begins anew."""
        if seed in self._store.stored():
            with suppress(DamagedFile):
                self._store.resumable(seed)  # to be written over
            self._tell(f"seed {seed} begins anew: what trains it cannot go on from where a run was interrupted")

    def _tell(self, note: str) -> None:
        self._connection.send(News(0, note=note, of=self._of))

    def save(
        self, seed: int, rows: Sequence[CurveRow], facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        """Write a run that is finished, or whose last snapshot is old enough; keep it in mind otherwise."""
        now, everything = time.monotonic(), {**self._facts, "peak_memory": peak_memory(), **facts}
        self._pending[seed] = partial(self._store.write_checkpoint, seed, list(rows), everything, tensors, {})
        if facts["status"] != "partial" or now - self._saved.setdefault(seed, now) >= self._interval:
            self._saved[seed] = now
            self._write(seed)
        self._tell_rows(seed, rows)
        if facts["status"] == "diverged":
            self._connection.send(News(0, diverged=1))

    def _tell_rows(self, seed: int, rows: Sequence[CurveRow]) -> None:
        told = self._rows_told.get(seed, 0)
        if len(rows) > told:
            self._rows_told[seed] = len(rows)
            self._connection.send(News(0, rows=(seed, rows[told:]), of=self._of))

    def flush(self) -> None:
        """Write what was kept in mind."""
        for seed in list(self._pending):
            self._write(seed)

    def _write(self, seed: int) -> None:
        if difference := self._pending[seed]():
            self._differences[seed] = difference
        del self._pending[seed]  # only now: what a signal interrupts is written by `flush`

    def check(self) -> None:
        """Fail where another worker has come to other bits of a run.

        Raises:
            PgsuiteError: naming both.
        """
        if self._differences:
            first, *others = self._differences.values()
            more = f" (and {plural(len(others), 'other run')} as well)" if others else ""
            raise PgsuiteError(f"not deterministic: {first}{more}")

    def progress(self, steps: int, score: float | None) -> None:
        """Pass news on, at most every tenth of a second unless there is a score."""
        self._steps += steps
        now = time.monotonic()
        if score is None and now - self._told < _NEWS_INTERVAL:
            return
        self._connection.send(News(self._steps, score))
        self._told, self._steps = now, 0


def work(
    job: Job,
    core: int | None,
    connection: Connection,
    trace: Connection | None = None,
    output: Connection | None = None,
) -> None:
    """Run a job to its end, on one core, and report how it ended; what it has is saved however that is.

    Args:
        job: what to run.
        core: where.
        connection: takes news and the last word.
        trace: takes where the program is, when that is asked.
        output: takes what is printed; left where it goes by default.
    """
    if output is not None:
        prints.send(output)
    signal.signal(signal.SIGTERM, _stop)
    if trace is not None:
        answer(trace)
    before = set(threading.enumerate())
    follow_parent()
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    interval = REMOTE_SAVE_INTERVAL if isinstance(job.store.path, Remote) else SAVE_INTERVAL
    sinks = [StoreSink(one, connection, interval, n) for n, one in enumerate(job.everyone)]
    pulse.listen(lambda: sinks[0].progress(0, None))
    try:
        with ExitStack() as stack:
            for sink in sinks:
                stack.callback(sink.flush)
            _train(job, sinks)
        for sink in sinks:
            sink.check()
        last = Finished(None)
    except Exception as error:
        reason = str(error) if isinstance(error, PgsuiteError) else in_one_line(error)
        last = Finished(reason, place(error), traceback.format_exc(), passing=isinstance(error, PassingTrouble))
    left = tuple(thread.name for thread in threading.enumerate() if thread not in before and not thread.daemon)
    with suppress(OSError):  # a parent that was killed listens no more
        connection.send(last._replace(threads=left))


def _train(job: Job, sinks: Sequence[StoreSink]) -> None:
    if not job.beside:
        trainer_of(job.cell).train(job.cell, job.seeds, sinks[0])
        return
    from ..training import Part, TrainingLoop

    TrainingLoop().train_together(
        [Part(one.cell, one.seeds, sink) for one, sink in zip(job.everyone, sinks, strict=True)]
    )


def _stop(number: int, _frame: object) -> NoReturn:
    """End the process by way of its finally clauses, which a second signal must not interrupt."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
