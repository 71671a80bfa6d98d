"""Live progress of a run: bars on a terminal, plain lines in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from .scheduling import Failure
from .workers import Job
from .workers import Progress as News

_LOG_INTERVAL = 30.0


class _Rate(ProgressColumn):
    """Environment steps per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{_short(speed)} steps/s", style="cyan")


class Display:
    """Shows how the jobs of a run get on."""

    def __init__(self, console: Console, jobs: list[Job]) -> None:
        self._console = console
        self._live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            _Rate(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[score]}"),
            console=console,
            disable=not self._live,
        )
        self._total = sum(job.cell.steps * len(job.seeds) for job in jobs)
        self._done, self._finished, self._count = 0, 0, len(jobs)
        self._begun = self._logged = time.monotonic()
        self._tasks: dict[int, TaskID] = {}
        self._scores: dict[int, str] = {}

    def __enter__(self) -> Self:
        self._overall = self._progress.add_task(f"[bold]all {self._count} jobs", total=self._total, score="")
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, job: Job) -> None:
        """Show a job that begins."""
        total = job.cell.steps * len(job.seeds)
        self._tasks[id(job)] = self._progress.add_task(_label(job), total=total, score="")
        if not self._live:
            self._console.print(f"started   {_label(job)}")

    def news(self, job: Job, news: News) -> None:
        """Show a job's progress."""
        task = self._tasks[id(job)]
        if news.score is not None:
            self._scores[id(job)] = f"return {news.score:.1f}"
            self._progress.update(task, score=self._scores[id(job)])
        self._progress.advance(task, news.steps)
        self._progress.advance(self._overall, news.steps)
        self._done += news.steps
        now = time.monotonic()
        if not self._live and now - self._logged > _LOG_INTERVAL:
            self._logged = now
            rate = self._done / (now - self._begun)
            left = max(self._total - self._done, 0) / rate if rate else float("inf")
            self._console.print(f"{self._done / self._total:4.0%}  {_short(rate)} steps/s  about {left:.0f} s left")

    def finish(self, job: Job, failure: Failure | None) -> None:
        """Show a job that ended."""
        task = self._tasks[id(job)]
        self._finished += 1
        if failure is None:
            self._progress.update(task, completed=job.cell.steps * len(job.seeds))
        else:
            self._progress.update(task, score="[red]failed")
            self._progress.stop_task(task)
        if not self._live:
            word, score = ("finished", self._scores.get(id(job), "")) if failure is None else ("failed  ", "")
            self._console.print(f"{word}  {_label(job)}  {score}  ({self._finished} of {self._count})")


@contextmanager
def counting(what: str, total: int, console: Console) -> Iterator[Callable[[], None]]:
    """Show how many of ``total`` pieces of work are done: a bar on a terminal, nothing in a log."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def _label(job: Job) -> str:
    runs = f"{len(job.seeds)} run{'s' if len(job.seeds) > 1 else ''}"
    return f"{job.cell.algorithm} · {job.cell.environment.id} · {runs}"


def _short(number: float) -> str:
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number:.0f}"
