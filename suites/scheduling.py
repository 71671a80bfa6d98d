"""Jobs on worker processes: one process each, pinned to a core, longest first; what dies takes nothing else along."""

import math
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from ..errors import PgsuiteError, in_one_line
from .cells import Cell
from .planning import PlannedCell
from .process import GRACE, forking
from .workers import Finished, Job, News, work

_BACKEND_COST = {"compiled": 1.0, "numpy": 4.0, "envpool": 20.0, "gymnasium": 60.0}
"""Rough relative time per step, to start the longest job first."""
_LARGEST_SHARE = 1 / 8
"""Of a worker's work that one job of a compiled environment has, at most."""
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
        parts = min(parts, len(missing))
        cuts = [-(-len(missing) * part // parts) for part in range(parts + 1)]  # the larger shares first
        shares = [missing[start:end] for start, end in pairwise(cuts)]
        jobs += [(_cost(p, seeds), Job(p.cell, p.store, tuple(seeds))) for seeds in shares]
    return [job for _, job in sorted(jobs, key=lambda pair: -pair[0])]


def _cost(planned: PlannedCell, seeds: Sequence[int]) -> float:
    backend = str(planned.record["environment"]["backend"])
    return len(seeds) * planned.cell.steps * _BACKEND_COST.get(backend, _BACKEND_COST["gymnasium"])


@dataclass
class _Worker:
    job: Job
    process: BaseProcess
    connection: Connection
    core: int | None
    finished: Finished | None = None


class Scheduler:
    """Runs jobs on processes and passes on their news."""

    def __init__(
        self,
        workers: int,
        *,
        on_start: Callable[[Job], None],
        on_news: Callable[[Job, News], None],
        on_finish: Callable[[Job, Failure | None], None],
    ) -> None:
        self._workers = workers
        self._on_start, self._on_news, self._on_finish = on_start, on_news, on_finish
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
                ready = wait(sources, timeout=1.0)
                for worker in [w for w in running if w.connection in ready or w.process.sentinel in ready]:
                    if not self._listen(worker):
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
            process = context.Process(target=work, args=(job, core, sender), name=job.cell.name, daemon=True)
            process.start()
        except (OSError, EOFError) as error:
            raise PgsuiteError(no_process(error)) from error
        sender.close()
        self._on_start(job)
        return _Worker(job, process, receiver, core)

    def _listen(self, worker: _Worker) -> bool:
        """Take the news that are there; return whether there will be no more."""
        alive = worker.process.is_alive()  # asked before listening: what a dead worker said is then all there
        try:
            while worker.connection.poll():
                news = worker.connection.recv()
                if isinstance(news, Finished):
                    worker.finished = news
                else:
                    self._on_news(worker.job, news)
        except (EOFError, OSError):
            return True
        return worker.finished is not None or not alive

    def _end(self, worker: _Worker) -> Failure | None:
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode
        if worker.finished is None:
            return Failure(worker.job.cell, _death(code))
        if worker.finished.failure is None:
            return None
        return Failure(worker.job.cell, worker.finished.failure, worker.finished.place, worker.finished.details)


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
            worker.process.join()


def _death(code: int | None) -> str:
    """Say how a worker ended that had no last word."""
    names = {-number: f"signal {number.name}" for number in signal.Signals}
    cause = names.get(code or 0, f"exit code {code}")
    memory = ", as the system does when memory is short: use fewer --workers" if code == -signal.SIGKILL else ""
    return f"its worker process died ({cause}{memory}); run the same command again to go on from the last snapshot"
