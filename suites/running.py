"""Running a suite: what is missing is run, what is there is left alone, what fails is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from ..results.manifest import ExpectedCell, read_manifest, record_failures, write_manifest
from ..results.provenance import provenance
from .display import Display
from .planning import PlannedCell
from .scheduler import Failure, Scheduler, available_cores, make_jobs
from .worker import SAVE_INTERVAL


@dataclass(frozen=True)
class Outcome:
    """How a run of a suite ended."""

    failures: list[Failure]
    interrupted: bool = False
    """Whether the user stopped it; finished runs and snapshots are kept."""


def run_cells(
    planned: Sequence[PlannedCell],
    out: Path,
    *,
    workers: int | None = None,
    console: Console | None = None,
    save_interval: float = SAVE_INTERVAL,
) -> Outcome:
    """Run what is missing of the planned cells, on worker processes.

    Args:
        planned: cells of one suite.
        out: results folder.
        workers: processes at once; one per available core by default.
        console: where progress is shown.
        save_interval: seconds between snapshots of unfinished runs.

    Raises:
        UsageError: if the results folder cannot be written.
    """
    console = console or Console(stderr=True)
    facts = provenance()
    facts["machine"]["cpu_capability"] = torch.backends.cpu.get_cpu_capability()
    for p in planned:
        p.store.create({**p.record, "provenance": facts})
    _ask_for(planned, out)
    workers = workers or len(available_cores())
    jobs = make_jobs(planned, workers)
    runs, missing = sum(len(p.seeds) for p in planned), sum(len(job.seeds) for job in jobs)
    console.print(f"{runs - missing} of {runs} runs are there, {missing} to do on {workers} worker(s)")
    if not jobs:
        return Outcome([])
    with Display(console, jobs) as display:
        scheduler = Scheduler(
            workers,
            on_start=display.start,
            on_progress=display.news,
            on_finish=display.finish,
            save_interval=save_interval,
        )
        try:
            failures = scheduler.run(jobs)
        except KeyboardInterrupt:
            return Outcome([], interrupted=True)
    folders = {p.cell.fingerprint: p.store.path.name for p in planned}
    record_failures(out, {folders[f.cell.fingerprint]: f.reason for f in failures})
    return Outcome(failures)


def _ask_for(planned: Sequence[PlannedCell], out: Path) -> None:
    """Add the cells to the folder's manifest: what was asked for before stays, but for cells that these replace."""
    asked: dict[tuple[str, str], ExpectedCell] = {}
    before = read_manifest(out)
    for cell in before.cells if before else ():
        asked[cell.algorithm, cell.env] = cell._replace(reason=None)
    for p in planned:
        key, folder, seeds = (p.cell.algorithm, p.cell.environment.id), p.store.path.name, p.seeds
        if key in asked and asked[key].folder == folder:
            seeds = tuple(sorted({*asked[key].seeds, *seeds}))
        asked[key] = ExpectedCell(*key, folder, seeds)
    write_manifest(out, planned[0].cell.suite, [cell._asdict() for cell in asked.values()])
