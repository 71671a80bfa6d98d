"""What is missing, cut into jobs: the longest first, and enough of them that all workers finish together."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ...algorithms.axis import form
from ...algorithms.registry import build
from ..cells import TRAINER, Cell
from ..planned import PlannedCell
from .interface import Job

_BACKEND_COST = {"compiled": 1.0, "numpy": 4.0, "envpool": 20.0, "gymnasium": 60.0}
"""Rough relative time per step, to start the longest job first."""
_ONE_BY_ONE_COST = 150.0
"""The same of a library that trains one run after another, whatever the environment."""
_LARGEST_SHARE = 1 / 8
"""Of a worker's work that one job of a compiled environment has, at most."""
_FEWEST_TOGETHER = 5
"""Seeds that are not split further: what Python costs an update is paid once for all of them."""


def to_do(planned: Sequence[PlannedCell]) -> list[tuple[PlannedCell, list[int]]]:
    """Return the cells that lack runs, and the seeds of these."""
    return [(p, missing) for p in planned if (missing := p.missing())]


def make_jobs(
    todo: Sequence[tuple[PlannedCell, list[int]]],
    workers: int,
    *,
    facts: Mapping[str, Any] | None = None,
    together: bool = False,
) -> list[Job]:
    """Return jobs for the runs that are missing, longest first.

    With fewer cells than workers, cells are split so that every worker has a job, the longest cells most: their seeds
    are shared out among several jobs, which changes no result. Cells in compiled environments, whose seeds gain little
    from company, are also split until no job is more than a fraction of a worker's share, so that all workers finish
    together. A run's snapshots are its own in either case; the seeds of a job reach a checkpoint together, so smaller
    jobs report progress more often, and a worker that is killed takes fewer runs back to their last snapshot.

    Args:
        todo: cells, and the seeds that each lacks.
        workers: how many jobs are done at once.
        facts: kept with every run.
        together: whether cells of algorithms that differ in numbers alone share jobs.
    """
    todo = sorted(todo, key=lambda pair: -_cost(*pair))
    jobs: list[tuple[float, Job]] = []
    largest = sum(_cost(*pair) for pair in todo) / workers * _LARGEST_SHARE
    for n, (p, missing) in enumerate(todo):
        parts = max(1, (workers + len(todo) - 1 - n) // len(todo))
        if p.record["environment"]["backend"] == "compiled":
            parts = max(parts, min(math.ceil(_cost(p, missing) / largest), len(missing) // _FEWEST_TOGETHER))
        parts = len(missing) if p.one_by_one else min(parts, len(missing))
        cuts = [-(-len(missing) * part // parts) for part in range(parts + 1)]  # the larger shares first
        shares = [missing[start:end] for start, end in pairwise(cuts)]
        jobs += [(_cost(p, seeds), Job(p.cell, p.store, tuple(seeds), facts or {})) for seeds in shares]
    jobs = _together(jobs, workers) if together else jobs
    return [job for _, job in sorted(jobs, key=lambda pair: -pair[0])]


def _together(jobs: Sequence[tuple[float, Job]], workers: int) -> list[tuple[float, Job]]:
    """Put jobs together that can train as one program, as long as all workers have some."""
    whole = sum(cost for cost, _ in jobs)
    groups: dict[Hashable, list[tuple[float, Job]]] = {}
    for n, pair in enumerate(jobs):
        groups.setdefault(_form(pair[1].cell) or n, []).append(pair)
    made = []
    for group in groups.values():
        parts = min(len(group), math.ceil(sum(cost for cost, _ in group) * workers / whole))
        for share in (group[start::parts] for start in range(parts)):
            (_, first), *others = share
            made.append((sum(cost for cost, _ in share), replace(first, beside=tuple(job for _, job in others))))
    return made


def _form(cell: Cell) -> Hashable:
    """What cells have in common that can train as one program; None for one that must stay alone."""
    if cell.trainer != TRAINER:
        return None
    algorithm = form(build(cell.reference, dict(cell.options)))
    return algorithm and (algorithm, repr(cell.environment), cell.steps, cell.evaluation)


def _cost(planned: PlannedCell, seeds: Sequence[int]) -> float:
    backend = str(planned.record["environment"]["backend"])
    steps = len(seeds) * planned.cell.steps
    if planned.one_by_one:
        return steps * _ONE_BY_ONE_COST
    return steps * _BACKEND_COST.get(backend, _BACKEND_COST["gymnasium"])
