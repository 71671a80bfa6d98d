"""Live progress of a run: bars on a terminal, plain lines in a log."""

import time
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from ..foreign import plain, styled
from ..wording import plural, written_seeds
from .console import Bars, say
from .scheduling.interface import Failure, Job, News

_LOG_INTERVAL = 30.0
_BAR, _LEFT, _NOTE = 12, 11, 15
"""Columns of a bar, of the time left (``89 min left``) and of the note behind it (``123.4 k steps/s``)."""
_BESIDE_LABEL = 4 + _BAR + 4 + _LEFT + _NOTE
_SHORTEST_LABEL = 12


class Pace:
    """How far a piece of work is, and how long it will take: steps that were there before it began make it no faster.

    Runs go a little beyond their budgets, and end before when they diverge: all is done when it is said so.
    """

    ended = False

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = self._fresh = 0
        self._begun = time.monotonic()

    def advance(self, news: News) -> None:
        """Count what a job tells."""
        self.done += news.found + news.steps
        self._fresh += news.steps

    @property
    def share(self) -> float:
        """Share that is done, in [0, 1]."""
        return min(self.done / self.total, 1.0) if self.total else 1.0

    @property
    def percent(self) -> str:
        """The share in percent, 100 only of what has ended."""
        return "100%" if self.ended else f"{min(int(100 * self.share), 99)}%"

    @property
    def rate(self) -> float:
        """Steps per second since the beginning; 0 while there are none."""
        return self._fresh / max(time.monotonic() - self._begun, 1e-9)

    @property
    def left(self) -> str:
        """The time left in words; empty while nothing can be said."""
        return f"{_duration((self.total - self.done) / self.rate)} left" if self.rate and self.share < 1 else ""


@dataclass
class _AtWork:
    """A job at work."""

    pace: Pace
    task: TaskID
    """Its bar."""
    score: str = ""
    """The latest return, in words."""
    diverged: int = 0
    """Runs that have diverged."""


class Display(Bars):
    """Shows how the jobs of a run get on: on a terminal those at work, above them a line for each that has ended."""

    def __init__(self, console: Console, jobs: list[Job]) -> None:
        super().__init__(
            console,
            _Label(console),
            BarColumn(bar_width=_BAR),
            TextColumn("{task.fields[percent]}", justify="right", markup=False, table_column=_fixed(4)),
            TextColumn("{task.fields[left]}", justify="right", markup=False, table_column=_fixed(_LEFT)),
            TextColumn("{task.fields[note]}", markup=False, table_column=_fixed(_NOTE)),
        )
        self._count, self._finished = len(jobs), 0
        self._logged = time.monotonic()
        self._all = Pace(sum(map(_steps, jobs)))
        self._at_work: dict[int, _AtWork] = {}

    def __enter__(self) -> Self:
        self._overall = self._add(("all", plural(self._count, "job")), self._all)
        return super().__enter__()

    def start(self, job: Job) -> None:
        """Show a job that begins; of one that begins again, what it finds counts anew."""
        if (lost := self._at_work.get(id(job))) is not None:
            self._all.advance(News(0, found=-min(lost.pace.done, lost.pace.total)))
            self._progress.remove_task(lost.task)
        pace = Pace(_steps(job))
        self._at_work[id(job)] = _AtWork(pace, self._add(_parts(job), pace))
        if not self._live:
            self._log(f"started   {label(_parts(job))}")

    def news(self, job: Job, news: News) -> None:
        """Show a job's progress."""
        if news.note:
            say(self._console, plain(f"note: {job.everyone[news.of].cell.name}: {news.note}"))
        shown = self._at_work[id(job)]
        if news.score is not None:
            shown.score = f"return {news.score:.1f}" if abs(news.score) < 1e7 else f"return {news.score:.3g}"
        shown.diverged += news.diverged
        pace = shown.pace
        before = min(pace.done, pace.total)
        pace.advance(news)
        self._all.advance(news._replace(found=min(pace.done, pace.total) - before - news.steps))
        self._refresh(shown.task, pace, shown.score)
        self._refresh(self._overall, self._all, f"{_short(self._all.rate)} steps/s")
        now = time.monotonic()
        if not self._live and now - self._logged > _LOG_INTERVAL:
            self._logged = now
            left = f", about {self._all.left}" if self._all.left else ""
            self._log(f"{self._all.percent}, {_short(self._all.rate)} steps/s{left}")

    def note(self, line: str) -> None:
        """Show what concerns no single job."""
        say(self._console, plain(f"note: {line}"))

    def silent(self, job: Job, seconds: float, place: str) -> None:
        """Say that a job has given no sign of life for so long, and where it is."""
        where = f"; it is in {place}" if place else ""
        say(self._console, plain(f"note: {label(_parts(job))}: no news for {_duration(seconds)}{where}"))

    def finish(self, job: Job, failure: Failure | None) -> None:
        """Show a job that ended; whatever it has not done, of a run that diverged or failed, will not be done."""
        shown = self._at_work.pop(id(job))
        self._all.advance(News(0, found=shown.pace.total - min(shown.pace.done, shown.pace.total)))
        self._finished += 1
        self._all.ended = self._finished == self._count
        self._progress.remove_task(shown.task)
        self._refresh(self._overall, self._all, f"{_short(self._all.rate)} steps/s")
        lost = f"{shown.diverged} diverged" if shown.diverged else ""
        result = ", ".join(filter(None, [shown.score, lost]))
        word, result = ("finished", f"  {result}") if failure is None else ("failed  ", "")
        behind = f"{result}  ({self._finished} of {self._count})"
        width = max(self._console.width - len(f"{word}  {behind}"), _SHORTEST_LABEL) if self._live else None
        self._log(f"{word}  {label(_parts(job), width)}{behind}")

    def _add(self, parts: tuple[str, ...], pace: Pace) -> TaskID:
        return self._progress.add_task(
            "", total=max(pace.total, 1), parts=parts, percent=pace.percent, left="", note=""
        )

    def _refresh(self, task: TaskID, pace: Pace, note: str) -> None:
        done = pace.share * max(pace.total, 1)
        self._progress.update(task, completed=done, percent=pace.percent, left=pace.left, note=note)

    def _log(self, line: str) -> None:
        stamp = "" if self._live else time.strftime("%H:%M:%S  ")
        say(self._console, stamp + line)


class _Label(ProgressColumn):
    """What a bar is about, cut to what the terminal leaves for it."""

    max_refresh = None

    def __init__(self, console: Console) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._console = console

    def render(self, task: Task) -> Text:
        width = max(self._console.width - _BESIDE_LABEL, _SHORTEST_LABEL)
        text = styled(label(task.fields["parts"], width))
        text.no_wrap = True
        return text


def label(parts: tuple[str, ...], width: int | None = None) -> str:
    """Put names and seeds together; where they are too long, without the word *seeds*, then the longest names cut."""
    shown = [plain(part) for part in parts]
    if width is None or len(" · ".join(shown)) <= width:
        return " · ".join(shown)
    shown[-1] = shown[-1].removeprefix("seeds ").removeprefix("seed ")
    while len(" · ".join(shown)) > width:
        longest = max(range(len(shown)), key=lambda n: len(shown[n]))
        if len(shown[longest]) < 3:
            break
        shown[longest] = shown[longest].removesuffix("…")[:-1] + "…"
    return " · ".join(shown)


def _parts(job: Job) -> tuple[str, ...]:
    word = "seeds" if len(job.seeds) != 1 else "seed"
    others = f" and {plural(len(job.beside), 'other')}" if job.beside else ""
    return f"{job.cell.algorithm}{others}", job.cell.environment.name, f"{word} {written_seeds(sorted(job.seeds))}"


def _steps(job: Job) -> int:
    return sum(one.cell.steps * len(one.seeds) for one in job.everyone)


def _fixed(width: int) -> Column:
    return Column(width=width, no_wrap=True)


def _duration(seconds: float) -> str:
    for unit, length, limit in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if round(seconds / length) < limit:
            number = seconds / length
            return f"{number:.1f} {unit}" if unit == "h" and number < 10 else f"{max(number, 1):.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def _short(number: float) -> str:
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number:.0f}"
