"""Running a suite: what is missing is run, what is there is left alone, what fails is said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.console import Console

from ..errors import UsageError
from ..results.store.format import check_extensible
from ..results.store.manifest import MANIFEST, ExpectedCell, read_manifest, record_failures, write_manifest
from ..results.store.provenance import provenance
from .display import Display
from .planning import PlannedCell
from .scheduling import Failure, Scheduler, available_cores, make_jobs
from .workers import SAVE_INTERVAL


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
    asked = _asked_for(planned, out)
    for p in planned:
        p.store.create({**p.record, "provenance": facts})
    write_manifest(out, planned[0].cell.suite, [cell._asdict() for cell in asked])
    workers = workers or len(available_cores())
    jobs = [replace(job, facts={"provenance": facts}) for job in make_jobs(planned, workers)]
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
            scheduler.run(jobs)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    # Jobs that share a cell's seeds fail alike: that is said once.
    failures = list({(f.cell.name, f.reason): f for f in scheduler.failures}.values())
    folders = {p.cell.name: p.store.path.name for p in planned}
    record_failures(out, {folders[f.cell.name]: f.reason for f in failures})
    return Outcome(failures, interrupted)


def _asked_for(planned: Sequence[PlannedCell], out: Path) -> list[ExpectedCell]:
    """Return what the folder's manifest should hold: what it held, but for cells that the planned ones replace.

    Raises:
        UsageError: if the folder holds results of another suite, or of a format that takes no more.
    """
    suite, before = planned[0].cell.suite, read_manifest(out)
    if before:
        check_extensible(out / MANIFEST, before.format)
    if before and before.suite != suite:
        raise UsageError(f"{out} holds results of suite {before.suite}, not {suite}: choose another folder with --out")
    asked = {(cell.algorithm, cell.env): cell for cell in (before.cells if before else ())}
    for p in planned:
        key, folder, seeds = (p.cell.algorithm, p.cell.environment.id), p.store.path.name, p.seeds
        if key in asked and asked[key].folder == folder:
            seeds = tuple(sorted({*asked[key].seeds, *seeds}))
        asked[key] = ExpectedCell(*key, folder, seeds)
    return list(asked.values())
