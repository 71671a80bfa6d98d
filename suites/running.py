"""Running a suite: what is missing is run, what is there is left alone, what fails is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from ..errors import PgsuiteError, UsageError, located
from ..foreign import plain
from ..results.store.curve import FINISHED, CurveRow
from ..results.store.manifest import ExpectedCell, change_manifest, manifest_of, record_failures
from ..results.store.places import Place
from ..wording import plural
from .console import say
from .display import Display
from .planned import PlannedCell
from .scheduling.alike import surroundings
from .scheduling.interface import Failure, Job, News
from .scheduling.jobs import make_jobs, to_do
from .scheduling.places import LOCAL, workers_at
from .stalling import stall_limit as limit_of_stalls

ENVIRONMENT_FACTS = ("anchors", "anchors_source", "environment_notes")
"""What a record says of its environment that changes no number: kept as the suite says it now."""


@dataclass(frozen=True)
class Outcome:
    """How a run of a suite ended."""

    failures: list[Failure]
    """One for each cell and reason: jobs that share a cell's seeds fail alike."""
    interruption: KeyboardInterrupt | None = None
    """What stopped it; finished runs and snapshots are kept."""


def run_cells(
    planned: Sequence[PlannedCell],
    out: Place,
    *,
    workers: int | None = None,
    console: Console | None = None,
    on_rows: Callable[[Job, int, Sequence[CurveRow]], None] = lambda *_: None,
    stall_limit: float | None = None,
    on: str = LOCAL,
    mixed: bool = False,
    together: bool = False,
) -> Outcome:
    """Run what is missing of the planned cells.

    Args:
        planned: cells of one suite.
        out: results folder.
        workers: jobs at once; one per available core, or CPU of the cluster, by default.
        console: where progress is shown.
        on_rows: told a job, a seed and new checkpoints of that run, those of a resumed one included.
        stall_limit: seconds without a sign of life after which a job fails; that of `stalling.stall_limit` by default.
        on: where, as `places.check_place` has it.
        mixed: whether machines of a cluster may differ from this one in what the bits depend on.
        together: whether cells that differ in numbers of their algorithms alone train as one program, which is faster
            where they have few seeds each; what makes one of them fail then makes all of them fail. Not on a cluster.

    Raises:
        UsageError: if the results folder cannot be written, or holds results of another suite, or the cluster cannot
            be reached; or if none of the algorithms can act in any of the environments.
    """
    if all(p.refusal for p in planned):
        raise UsageError("; ".join(f"{p.cell.name} is not applicable: {p.refusal}" for p in planned))
    console = console or Console(stderr=True)
    facts = surroundings()
    asked = [
        ExpectedCell(
            p.cell.algorithm,
            p.cell.environment.name,
            p.store.path.name,
            p.seeds,
            refusal=p.refusal or None,
            tuned_on=p.tuned_on,
        )
        for p in planned
    ]
    suite = planned[0].cell.suite
    manifest_of(out, suite).asking(asked)  # refused before anything is written
    for p in (p for p in planned if not p.refusal):
        if wrong := p.store.create({**p.record, "provenance": facts}):
            say(console, plain(f"note: the record of {p.cell.name} is written anew: {wrong}"))
        p.store.amend({name: p.record.get(name) for name in ENVIRONMENT_FACTS})
    for note in dict.fromkeys(note for p in planned for note in p.notes):
        say(console, plain(f"note: {note}"))
    for p in (p for p in planned if p.refusal):
        say(console, plain(f"note: {p.cell.name} is not applicable: {p.refusal}"))
    if note := change_manifest(out, suite, lambda manifest: manifest.asking(asked)):
        say(console, f"note: {note}")
    todo = to_do(planned)
    runs, missing = sum(len(p.own_seeds) for p in planned), sum(len(seeds) for _, seeds in todo)
    whose = " of this shard" if any(p.left for p in planned) else ""
    there = f"{runs - missing} of {plural(runs, 'run')}{whose} {'is' if runs == 1 else 'are'} there"
    if not todo:
        say(console, f"{there}, 0 to do")
        _record(out, planned, [], console)
        return Outcome([])
    limit = limit_of_stalls() if stall_limit is None else stall_limit
    interruption, failures = None, list[Failure]()
    with workers_at(on, workers, limit, mixed=mixed) as at_work:
        jobs = make_jobs(todo, at_work.count, facts={"provenance": facts}, together=together and on == LOCAL)
        say(console, f"{there}, {missing} to do on {at_work}")
        at_work.prepare([p for p, _ in todo])
        listener = _Listening(console, jobs, on_rows)
        try:
            with listener:
                at_work.run(jobs, listener)
        except KeyboardInterrupt as error:
            interruption = error
        finally:  # also of what ended before a cluster was lost
            failures += {(f.cell.name, f.reason): f for f in listener.failures}.values()
            _record(out, planned, failures, console)
    return Outcome(failures, interruption)


def _record(out: Place, planned: Sequence[PlannedCell], failures: Sequence[Failure], console: Console) -> None:
    """Keep in the folder why cells failed, until all of their runs are there."""
    stores = {p.store.path.name: p.store for p in planned}
    folders = {p.cell.name: p.store.path.name for p in planned}

    def complete(cell: ExpectedCell) -> bool:
        there = stores[cell.folder].seeds() if cell.folder in stores else {}
        return all(there.get(seed) in FINISHED for seed in cell.seeds)

    try:
        record_failures(out, {folders[f.cell.name]: _recorded(f) for f in failures}, complete)
    except PgsuiteError as error:  # as of a full disk, which is then why the runs failed: that is to be said
        say(console, f"note: {error}")


class _Listening(Display):
    """Shows what it hears, passes on checkpoints, and keeps what failed."""

    def __init__(
        self, console: Console, jobs: list[Job], on_rows: Callable[[Job, int, Sequence[CurveRow]], None]
    ) -> None:
        super().__init__(console, jobs)
        self._on_rows = on_rows
        self.failures: list[Failure] = []

    def news(self, job: Job, news: News) -> None:
        super().news(job, news)
        if news.rows:
            self._on_rows(job.everyone[news.of], *news.rows)

    def finish(self, job: Job, failure: Failure | None) -> None:
        super().finish(job, failure)
        if failure:
            in_company = any(one.cell != job.cell for one in job.beside)
            self.failures += [replace(failure, cell=one.cell, in_company=in_company) for one in job.everyone]


def _recorded(failure: Failure) -> str:
    """Return what others read of a failure: where it arose without the folders of who ran it."""
    return located(failure.reason, Path(failure.place).name)
