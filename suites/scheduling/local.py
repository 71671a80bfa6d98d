"""Jobs on worker processes: one process each, longest first; what dies takes nothing else along."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ...errors import PgsuiteError, in_one_line
from ...wording import plural
from .. import forking
from ..planned import PlannedCell
from ..process import GRACE, follow_parent
from ..process import forking as context_of_workers
from ..stalling import START_LIMIT, Silence, answers, last_place, where
from . import alike
from .deaths import death, from_outside, stalled
from .interface import Failure, Job, Listener, News
from .prints import Prints
from .worker import Finished, work

LINGER = 1.0
"""Seconds that threads which a job has left running have to end."""


def available_cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@dataclass
class _Worker:
    job: Job
    process: BaseProcess
    connection: Connection
    trace: Connection
    prints: Prints
    core: int | None
    silence: Silence = field(default_factory=Silence)
    finished: Finished | None = None
    answers: bool = False
    """Whether it has begun, and can be asked where it is."""
    stalled: bool = False
    place: str = ""
    """Where it was when it stalled or died."""
    deadline: float | None = None
    """When it is killed, once it has said its last word or was told to end."""


class LocalWorkers:
    """Worker processes of this machine."""

    def __init__(self, count: int, stall_limit: float, cores: Sequence[int] | None = None) -> None:
        """Start nothing yet.

        Args:
            count: how many work at once.
            stall_limit: seconds without a sign of life after which a job is ended.
            cores: those that workers are pinned to, one each, where there are jobs and workers for all of them; workers
                beyond them, and fewer, go where they like. By default all.
        """
        self.count = count
        self._stall_limit = stall_limit
        self._cores = available_cores() if cores is None else cores

    def __str__(self) -> str:
        return plural(self.count, "worker")

    def prepare(self, planned: Sequence[PlannedCell]) -> None:
        """Start the server that workers are forked from, with the kernels of these cells; one that runs stays as it is.

        Raises:
            PgsuiteError: the system does not let processes be started.
        """
        try:
            forking.start(forking.training([p.cell for p in planned]))
        except (OSError, EOFError) as error:
            raise PgsuiteError(_no_process(error)) from error

    def ask(self) -> dict[str, Any]:
        """Return what a worker process of this machine computes with, as one says: ``processor``, ``surroundings``.

        Raises:
            PgsuiteError: the system does not let processes be started.
        """
        try:
            receiver, sender = context_of_workers().Pipe(duplex=False)
            asked = context_of_workers().Process(target=_tell, args=(sender,), daemon=True)
            asked.start()
            sender.close()
            found: dict[str, Any] = receiver.recv()
            asked.join()
        except (OSError, EOFError) as error:
            raise PgsuiteError(_no_process(error)) from error
        return found

    def run(self, jobs: Sequence[Job], listener: Listener) -> None:
        """Do all jobs, as `Workers` has it.

        Raises:
            PgsuiteError: the system does not let processes be started.
        """
        waiting = list(jobs)
        at_once = min(self.count, len(jobs))
        # With fewer jobs than cores the system places them, or two small commands would share the first core.
        cores = self._cores if at_once >= len(self._cores) else ()
        free: list[int | None] = [*cores, *[None] * (at_once - len(cores))]
        running: list[_Worker] = []
        try:
            while waiting or running:
                while waiting and free:
                    running.append(self._start(waiting.pop(0), free.pop(0)))
                    listener.start(running[-1].job)
                sources = [w.connection for w in running] + [w.process.sentinel for w in running]
                wait(sources, timeout=min(1.0, self._stall_limit / 4))
                for worker in list(running):
                    if not self._is_over(worker, listener):
                        continue
                    running.remove(worker)
                    free.append(worker.core)
                    listener.finish(worker.job, self._end(worker, listener))
        finally:
            _stop(running)

    def _start(self, job: Job, core: int | None) -> _Worker:
        try:
            context = context_of_workers()
            receiver, sender = context.Pipe(duplex=False)
            trace, tracer = context.Pipe(duplex=False)
            printed, printer = context.Pipe(duplex=False)
            ends = (sender, tracer, printer)
            process = context.Process(target=work, args=(job, core, *ends), name=job.cell.name, daemon=True)
            process.start()
        except (OSError, EOFError) as error:
            raise PgsuiteError(_no_process(error)) from error
        for end in ends:
            end.close()
        return _Worker(job, process, receiver, trace, Prints(printed), core)

    def _is_over(self, worker: _Worker, listener: Listener) -> bool:
        """Take a worker's news, mind its silence, and return whether its process has ended or must."""
        alive = worker.process.is_alive()  # asked before listening: what a dead worker said is then all there
        self._listen(worker, listener)
        if not alive:
            return True
        if worker.deadline is None and worker.finished is not None:
            worker.deadline = time.monotonic() + (LINGER if worker.finished.threads else GRACE)
        elif worker.deadline is None:
            self._mind(worker, listener)
        return worker.deadline is not None and time.monotonic() > worker.deadline

    def _listen(self, worker: _Worker, listener: Listener) -> None:
        with suppress(EOFError, OSError):
            while worker.connection.poll():
                news = worker.connection.recv()
                worker.silence.heard()
                if isinstance(news, Finished):
                    worker.finished = news
                else:
                    listener.news(worker.job, news)
        _pass_on(worker.job, worker.prints.take(), listener)

    def _mind(self, worker: _Worker, listener: Listener) -> None:
        """Speak of a worker's silence, and tell it to end when that has been too long: it saves what it has."""
        if not worker.answers and answers(worker.trace):
            worker.answers = True
            worker.silence.heard()
        speak, limit = worker.silence.look(), self._stall_limit
        worker.stalled = worker.silence.seconds >= (limit if worker.answers else max(limit, START_LIMIT))
        if not (speak or worker.stalled):
            return
        worker.place = where(worker.process, worker.trace) if worker.answers else ""
        if worker.stalled:
            worker.process.terminate()
            worker.deadline = time.monotonic() + GRACE
        else:
            listener.silent(worker.job, worker.silence.seconds, worker.place)

    def _end(self, worker: _Worker, listener: Listener) -> Failure | None:
        job, last, lingers = worker.job, worker.finished, worker.process.is_alive()
        if lingers:
            worker.process.kill()
        worker.process.join(GRACE)
        place = worker.place if worker.stalled else last_place(worker.trace)
        _pass_on(job, worker.prints.end(), listener)
        worker.connection.close()
        worker.trace.close()
        if last is None and worker.stalled:
            return Failure(job.cell, stalled(job, self._stall_limit), place, passing=True)
        if last is None:
            code = worker.process.exitcode
            return Failure(job.cell, death(job, code), place, passing=from_outside(code))
        if lingers:
            names = list(dict.fromkeys(last.threads))
            left = f"{plural(len(last.threads), 'thread')} running ({', '.join(names[:3])}{', …' * (len(names) > 3)})"
            what = f"it left {left}" if names else "its process did not end"
            listener.news(job, News(0, note=f"{what}; the process was ended, and its results are as they should be"))
        if last.failure is None:
            return None
        return Failure(job.cell, last.failure, last.place, last.details, last.passing)


def _pass_on(job: Job, lines: Sequence[str], listener: Listener) -> None:
    who = "it, or one that trains with it," if job.beside else "it"
    for line in lines:
        listener.news(job, News(0, note=f"{who} prints: {line}"))


def _tell(connection: Connection) -> None:
    """In a worker: what it computes with."""
    follow_parent()
    connection.send({"processor": alike.processor(), "surroundings": alike.surroundings()})


def _no_process(error: Exception) -> str:
    """Say that the system does not let processes be started."""
    return (
        f"cannot start a worker process: {in_one_line(error)}; look at the limits on processes and open files "
        "(ulimit -a) and at the folder TMPDIR, or use fewer --workers"
    )


def _stop(workers: Sequence[_Worker]) -> None:
    """Let workers save what they have; when the grace is over, or the user asks again, they are killed."""
    deadline = time.monotonic() + GRACE
    try:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join(GRACE)
