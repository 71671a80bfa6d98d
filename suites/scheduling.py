"""Jobs on worker processes: one process each, pinned to a core, longest first; what dies takes nothing else along."""

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from ..errors import PgsuiteError, in_one_line
from ..wording import plural
from .cells import Cell
from .deaths import death, stalled
from .planning import PlannedCell
from .process import GRACE, forking
from .stalling import START_LIMIT, Silence, answers, last_place, where
from .stalling import stall_limit as limit_of_stalls
from .workers import Finished, Job, News, work

_BACKEND_COST = {"compiled": 1.0, "numpy": 4.0, "envpool": 20.0, "gymnasium": 60.0}
"""Rough relative time per step, to start the longest job first."""
_ONE_BY_ONE_COST = 150.0
"""The same of a library that trains one run after another, whatever the environment."""
_LARGEST_SHARE = 1 / 8
"""Of a worker's work that one job of a compiled environment has, at most."""
LINGER = 1.0
"""Seconds that threads which a job has left running have to end."""
_FEWEST_TOGETHER = 5
"""Seeds that are not split further: what Python costs an update is paid once for all of them."""


@dataclass(frozen=True)
class Failure:
    """Why a job did not finish."""

    cell: Cell
    reason: str
    place: str = ""
    """``file:line`` where it arose, the user's if it came from there; empty where no line is to blame."""
    details: str = ""
    """The traceback, if there was one."""


def available_cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def make_jobs(planned: Sequence[PlannedCell], workers: int) -> list[Job]:
    """Return jobs for the runs that are missing, longest first.

    With fewer cells than workers, cells are split so that every worker has a job, the longest cells most: their seeds
    are shared out among several jobs, which changes no result. Cells in compiled environments, whose seeds gain little
    from company, are also split until no job is more than a fraction of a worker's share, so that all workers finish
    together. A run's snapshots are its own in either case; the seeds of a job reach a checkpoint together, so smaller
    jobs report progress more often, and a worker that is killed takes fewer runs back to their last snapshot.
    """
    todo = sorted(((p, missing) for p in planned if (missing := p.missing())), key=lambda pair: -_cost(*pair))
    jobs: list[tuple[float, Job]] = []
    largest = sum(_cost(*pair) for pair in todo) / workers * _LARGEST_SHARE
    for n, (p, missing) in enumerate(todo):
        parts = max(1, (workers + len(todo) - 1 - n) // len(todo))
        if p.record["environment"]["backend"] == "compiled":
            parts = max(parts, min(math.ceil(_cost(p, missing) / largest), len(missing) // _FEWEST_TOGETHER))
        parts = len(missing) if p.one_by_one else min(parts, len(missing))
        cuts = [-(-len(missing) * part // parts) for part in range(parts + 1)]  # the larger shares first
        shares = [missing[start:end] for start, end in pairwise(cuts)]
        jobs += [(_cost(p, seeds), Job(p.cell, p.store, tuple(seeds))) for seeds in shares]
    return [job for _, job in sorted(jobs, key=lambda pair: -pair[0])]


def _cost(planned: PlannedCell, seeds: Sequence[int]) -> float:
    backend = str(planned.record["environment"]["backend"])
    steps = len(seeds) * planned.cell.steps
    if planned.one_by_one:
        return steps * _ONE_BY_ONE_COST
    return steps * _BACKEND_COST.get(backend, _BACKEND_COST["gymnasium"])


@dataclass
class _Worker:
    job: Job
    process: BaseProcess
    connection: Connection
    trace: Connection
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


class Scheduler:
    """Runs jobs on processes and passes on their news."""

    def __init__(
        self,
        workers: int,
        *,
        on_start: Callable[[Job], None],
        on_news: Callable[[Job, News], None],
        on_finish: Callable[[Job, Failure | None], None],
        on_silence: Callable[[Job, float, str], None] = lambda *_: None,
        stall_limit: float | None = None,
    ) -> None:
        """Take who is told what.

        Args:
            workers: processes at once.
            on_start: told a job that begins.
            on_news: told what a job says.
            on_finish: told a job that ended, and why it failed.
            on_silence: told a job that says nothing, since how many seconds, and in which line of code it is.
            stall_limit: seconds without a sign of life until a job is ended; by default `stalling.stall_limit`.
        """
        self._workers = workers
        self._on_start, self._on_news, self._on_finish, self._on_silence = on_start, on_news, on_finish, on_silence
        self._stall_limit = limit_of_stalls() if stall_limit is None else stall_limit
        self.failures: list[Failure] = []

    def run(self, jobs: Sequence[Job]) -> list[Failure]:
        """Run all jobs and return those that failed, which are also in ``failures``.

        On an exception, KeyboardInterrupt among them, all workers are told to save what they have and to end.

        Raises:
            PgsuiteError: if the system does not let processes be started.
        """
        waiting = list(jobs)
        cores = available_cores()
        free: list[int | None] = [*cores[: self._workers], *[None] * (self._workers - len(cores))]
        running: list[_Worker] = []
        try:
            while waiting or running:
                while waiting and free:
                    running.append(self._start(waiting.pop(0), free.pop(0)))
                sources = [w.connection for w in running] + [w.process.sentinel for w in running]
                wait(sources, timeout=min(1.0, self._stall_limit / 4))
                for worker in list(running):
                    if not self._is_over(worker):
                        continue
                    running.remove(worker)
                    free.append(worker.core)
                    failure = self._end(worker)
                    self.failures += [failure] if failure else []
                    self._on_finish(worker.job, failure)
        finally:
            _stop(running)
        return self.failures

    def _start(self, job: Job, core: int | None) -> _Worker:
        try:
            context = forking()
            receiver, sender = context.Pipe(duplex=False)
            trace, tracer = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(job, core, sender, tracer), name=job.cell.name, daemon=True)
            process.start()
        except (OSError, EOFError) as error:
            raise PgsuiteError(no_process(error)) from error
        sender.close()
        tracer.close()
        self._on_start(job)
        return _Worker(job, process, receiver, trace, core)

    def _is_over(self, worker: _Worker) -> bool:
        """Take a worker's news, mind its silence, and return whether its process has ended or must."""
        alive = worker.process.is_alive()  # asked before listening: what a dead worker said is then all there
        self._listen(worker)
        if not alive:
            return True
        if worker.deadline is None and worker.finished is not None:
            worker.deadline = time.monotonic() + (LINGER if worker.finished.threads else GRACE)
        elif worker.deadline is None:
            self._mind(worker)
        return worker.deadline is not None and time.monotonic() > worker.deadline

    def _listen(self, worker: _Worker) -> None:
        with suppress(EOFError, OSError):
            while worker.connection.poll():
                news = worker.connection.recv()
                worker.silence.heard()
                if isinstance(news, Finished):
                    worker.finished = news
                else:
                    self._on_news(worker.job, news)

    def _mind(self, worker: _Worker) -> None:
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
            self._on_silence(worker.job, worker.silence.seconds, worker.place)

    def _end(self, worker: _Worker) -> Failure | None:
        job, last, lingers = worker.job, worker.finished, worker.process.is_alive()
        if lingers:
            worker.process.kill()
        worker.process.join(GRACE)
        place = worker.place if worker.stalled else last_place(worker.trace)
        worker.connection.close()
        worker.trace.close()
        if last is None and worker.stalled:
            return Failure(job.cell, stalled(job, self._stall_limit), place)
        if last is None:
            return Failure(job.cell, death(job, worker.process.exitcode), place)
        if lingers:
            names = list(dict.fromkeys(last.threads))
            left = f"{plural(len(last.threads), 'thread')} running ({', '.join(names[:3])}{', …' * (len(names) > 3)})"
            what = f"it left {left}" if names else "its process did not end"
            self._on_news(job, News(0, note=f"{what}; the process was ended, and its results are as they should be"))
        return None if last.failure is None else Failure(job.cell, last.failure, last.place, last.details)


def no_process(error: Exception) -> str:
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
