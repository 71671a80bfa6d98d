"""What imported files are turned into: runs whose evaluations share a grid, or episodes of training put on one."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.statistics.grid import common_grid, last_up_to
from ...results.store.curve import CurveRow
from ...wording import plural
from .problems import Problems

LONGEST_NAME = 200


class ImportedRun(NamedTuple):
    """One seed of one algorithm on one environment."""

    algorithm: str
    env: str
    seed: int
    files: tuple[Path, ...]
    rows: tuple[CurveRow, ...]
    complete: bool = True
    """False for a run that ends before the others of its environment."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return named(self)


class Read(NamedTuple):
    """What a file holds."""

    runs: list[ImportedRun]
    notes: list[str]
    """What was left out or guessed, a line each."""
    trained: "list[TrainingEpisodes]" = []  # noqa: RUF012
    """Runs of which it holds training episodes instead of evaluations."""


class TrainingEpisodes(NamedTuple):
    """The training episodes of a run in the order in which they finished."""

    algorithm: str
    env: str
    seed: int
    files: tuple[Path, ...]
    """One per environment that was stepped in parallel."""
    env_steps: NDArray[np.int64]
    """``(n,)`` steps of all episodes finished so far."""
    returns: NDArray[np.float64]
    """``(n,)``"""
    lengths: NDArray[np.float64]
    """``(n,)`` steps; NaN where nobody says."""
    seconds: NDArray[np.float64]
    """``(n,)`` since the run's start; NaN where nobody says."""
    averaged: int = 1
    """Episodes that each of the returns is a mean of already."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return named(self)


def named(run: ImportedRun | TrainingEpisodes) -> str:
    """A run as messages call it."""
    return f"{run.algorithm} on {run.env}, seed {run.seed}, of {', '.join(map(str, run.files))}"


def listed(seeds: Sequence[int]) -> str:
    """Seeds in words, the first few of many."""
    return ", ".join(map(str, seeds[:8])) + (f" and {len(seeds) - 8} more" if len(seeds) > 8 else "")


def checked_name(text: str, what: str, where: str) -> str:
    """A name as it will be shown and stored.

    Raises:
        UsageError: it is empty, longer than 200 characters or holds characters that cannot be printed.
    """
    name = text.strip()
    if not name:
        raise UsageError(f"{where}: the {what} is empty; give it a name")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"{where}: {name[:40]!r} is no {what}; use at most {LONGEST_NAME} characters, all of them printable"
        )
    return name


def check_common_grid(runs: Sequence[ImportedRun]) -> list[ImportedRun]:
    """The runs of one environment, each marked complete, or not where it ends before the longest.

    Raises:
        UsageError: a run's points are not the first ones of the longest run, or there is no more than one point.
    """
    longest = max(runs, key=lambda run: len(run.rows))
    grid = [row.env_steps for row in longest.rows]
    if len(grid) < 2:
        raise UsageError(f"{longest.name} has one point, which is no curve; evaluate it at two or more env_steps")
    others: dict[tuple[int, int], list[ImportedRun]] = {}
    for run in runs:
        pairs = ((row.env_steps, point) for row, point in zip(run.rows, grid, strict=False))
        if (first := next((pair for pair in pairs if pair[0] != pair[1]), None)) is not None:
            others.setdefault(first, []).append(run)
    problems = Problems()
    for (own, point), some in others.items():
        with problems.collected():
            more = f" (and {plural(len(some) - 1, 'other run')})" if len(some) > 1 else ""
            raise UsageError(
                f"{some[0].name}{more} has a point at {own} env_steps where {longest.name} has one at {point}; "
                "put them on a common grid with --grid common, or evaluate all runs at the same steps"
            )
    problems.check()
    return [run._replace(complete=len(run.rows) == len(grid)) for run in runs]


def side_by_side(env: str, runs: Sequence[ImportedRun]) -> tuple[list[ImportedRun], str]:
    """Runs of an environment on a common grid, each complete, and what was done, in words; empty where nothing was.

    Raises:
        UsageError: they have no two points in common.
    """
    grids = {(run.algorithm, run.seed): tuple(float(row.env_steps) for row in run.rows) for run in runs}
    if len(set(grids.values())) < 2:
        return list(runs), ""
    common = common_grid(env, grids)
    points = [round(point) for point in common.points]
    return [run._replace(rows=read_at(run.rows, points)) for run in runs], common.in_words(env)


def read_at(rows: Sequence[CurveRow], points: Sequence[int]) -> tuple[CurveRow, ...]:
    """A curve read at its last row up to each point; there is none for a point before the first row.

    Args:
        rows: in order.
        points: environment steps, increasing; where 0 is not the first, they are the checkpoints from 1 on.
    """
    places = last_up_to([row.env_steps for row in rows], points)
    first = 0 if points[0] == 0 else 1
    return tuple(
        rows[place]._replace(checkpoint=k, env_steps=point)
        for k, (place, point) in enumerate(zip(places, points, strict=True), start=first)
        if place >= 0
    )


def horizon(runs: Sequence[TrainingEpisodes], *, shortest: bool = False) -> int:
    """Environment steps of the longest run, or of the shortest, up to its last finished episode."""
    return (min if shortest else max)(int(run.env_steps[-1]) for run in runs)


def on_grid(run: TrainingEpisodes, steps: int, checkpoints: int, window: int) -> ImportedRun:
    """A curve from training episodes: at each point the mean of the last episodes finished up to it.

    The points are ``steps * k / checkpoints`` for k from 1; there is none at 0, where no episode has finished. A run is
    complete when the episodes being played after its last finished one could have reached ``steps``: at most as many
    as it has files, each no longer than its longest, or than the longest stretch without one where lengths are unknown.
    Returns that are means of several episodes already are not averaged again.

    Args:
        run: its episodes.
        steps: budget, the last point.
        checkpoints: points.
        window: how many episodes are averaged; fewer where fewer have finished.

    Raises:
        UsageError: no episode has finished by the first point, or the run ends before it.
    """
    grid = [round(steps * k / checkpoints) for k in range(1, checkpoints + 1)]
    if run.env_steps[0] > grid[0]:
        raise UsageError(
            f"{run.name} finished its first episode after {run.env_steps[0]} steps, and the first point is "
            f"{grid[0]}; take fewer points with --checkpoints"
        )
    longest = run.lengths.max() if np.isfinite(run.lengths).all() else np.diff(run.env_steps, prepend=0).max()
    slack = len(run.files) * int(longest)
    complete = int(run.env_steps[-1]) + slack >= steps
    reached = [point for point in grid if complete or point <= run.env_steps[-1]]
    if not reached:
        raise UsageError(f"{run.name} ends before the first point, {grid[0]} steps; leave it out")
    window = window if run.averaged == 1 else 1
    rows = tuple(_row(run, k, point, window) for k, point in enumerate(reached, start=1))
    return ImportedRun(run.algorithm, run.env, run.seed, run.files, rows, complete)


def _row(run: TrainingEpisodes, checkpoint: int, point: int, window: int) -> CurveRow:
    finished = int(np.searchsorted(run.env_steps, point, side="right"))
    last = slice(max(0, finished - window), finished)
    returns, lengths = run.returns[last], run.lengths[last]
    return CurveRow(
        checkpoint=checkpoint,
        env_steps=point,
        trained_steps=int(run.env_steps[finished - 1]),
        return_mean=float(returns.mean()),
        return_std=float(returns.std()),
        episodes=len(returns) * run.averaged,
        length_mean=float(lengths.mean()),
        eval_steps=0,
        updates=0,
        wall_time=float(run.seconds[finished - 1]),
    )
