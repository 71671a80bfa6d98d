"""What schedules jobs, whatever it schedules them on: all that the rest of the program knows of it.

`places.workers_at` gives the `Workers` that a command asks for; `running` cuts jobs for them and listens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ...results.store.curve import CurveRow
from ...results.store.store import CellStore
from ..cells import Cell
from ..planned import PlannedCell


@dataclass(frozen=True)
class Job:
    """Some seeds of one cell, for one worker."""

    cell: Cell
    store: CellStore
    seeds: tuple[int, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Where and with what it is run; kept with every run."""
    beside: tuple["Job", ...] = ()
    """Runs of other cells that train with these as one program, and fail with them."""

    @property
    def everyone(self) -> tuple["Job", ...]:
        """The runs of each cell, its own first."""
        return (self, *self.beside)


class News(NamedTuple):
    """News of a job at work."""

    steps: int
    """Environment steps done since the last news."""
    score: float | None = None
    """Latest mean return of the job's runs, if there is a new one."""
    found: int = 0
    """Environment steps that were there already when the job resumed runs."""
    note: str = ""
    """What was wrong with a run that is there, and is mended; or what it prints."""
    rows: tuple[int, Sequence[CurveRow]] | None = None
    """A seed and its checkpoints that were not told yet, those of a resumed run included."""
    of: int = 0
    """Whose note or checkpoints, among all in the job."""
    diverged: int = 0
    """Runs that came to their end by diverging."""


@dataclass(frozen=True)
class Failure:
    """Why a job did not finish."""

    cell: Cell
    reason: str
    place: str = ""
    """``file:line`` where it arose, the user's if it came from there; empty where no line is to blame."""
    details: str = ""
    """The traceback, if there was one."""
    passing: bool = False
    """Whether it says nothing of the cell: its worker or machine was lost, or its store could not be written."""
    in_company: bool = False
    """Whether runs of other cells trained with it as one program, so that one of these may be to blame."""


class Listener(Protocol):
    """Who is told how jobs get on."""

    def start(self, job: Job) -> None:
        """Hear that a job begins; or begins again, elsewhere, because the machine that did it is lost."""

    def news(self, job: Job, news: News) -> None:
        """Hear what a job says."""

    def silent(self, job: Job, seconds: float, place: str) -> None:
        """Hear that a job says nothing, since how many seconds, and in which line of code it is; empty: unknown."""

    def finish(self, job: Job, failure: Failure | None) -> None:
        """Hear that a job has ended, and why it failed."""

    def note(self, line: str) -> None:
        """Hear what concerns no single job."""


class Workers(Protocol):
    """Somebody who does jobs. A job that fails takes nothing else along, and what it has is in the store."""

    @property
    def count(self) -> int:
        """How many jobs are done at once, about: what they are cut for."""

    def prepare(self, planned: Sequence[PlannedCell]) -> None:
        """Get ready for jobs of these cells, which takes seconds.

        Raises:
            PgsuiteError: they cannot be done here.
        """

    def run(self, jobs: Sequence[Job], listener: Listener) -> None:
        """Do all jobs, the first ones first, and tell of each how it ended.

        On an exception, KeyboardInterrupt among them, those at work save what they have and end.
        """
