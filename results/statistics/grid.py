"""Runs whose checkpoints differ, side by side: one grid of environment steps that each of them is read on.

A run is read at its last checkpoint up to a point, as the evaluation protocol itself reads a policy: never between two
checkpoints, and never at one that lies ahead. What a run has no checkpoint for, such as the start that other tools do
not evaluate, is on nobody's grid: it is missing, not made up.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import UsageError
from ...wording import plural

Array = NDArray[np.float64]
Key = tuple[str, int]
"""Label and seed of a run."""


class CommonGrid(NamedTuple):
    """Where the runs of an environment are read."""

    points: tuple[float, ...]
    """Environment steps, increasing; two or more."""
    lag: float
    """The most steps by which any run's checkpoint lies before the point that it is read at."""
    difference: str
    """The first steps at which the runs' own grids differ, in words."""
    start_missing: bool = False
    """Whether somebody has no checkpoint at 0, so that nobody's start counts."""

    def in_words(self, env: str) -> str:
        """On which points runs are compared, why, and what is missing."""
        words = (
            f"{env} is compared at {plural(len(self.points), 'common point')} from {self.points[0]:,.0f} to "
            f"{self.points[-1]:,.0f} steps, because {self.difference}: each run is read at its last checkpoint up to a "
            "point"
        )
        words += f", which lies up to {self.lag:,.0f} steps before it." if self.lag else "."
        if self.start_missing:
            words += " What was evaluated before training is left out, as not everybody was."
        return words


def last_up_to(grid: ArrayLike, points: ArrayLike) -> NDArray[np.intp]:
    """``(P,)`` index of the last checkpoint up to each point; -1 where there is none.

    Args:
        grid: ``(K,)`` environment steps of a run's checkpoints, increasing.
        points: ``(P,)``
    """
    return np.searchsorted(np.asarray(grid, np.float64), np.asarray(points, np.float64), side="right") - 1


def common_points(grids: Collection[Sequence[float]]) -> Array | None:
    """``(P,)`` the points on which runs with these grids are compared; None where there are fewer than two.

    The points are the checkpoints that all runs share, where the last step that everybody came to is one of them and
    they are at least half as many as the coarsest run has. Otherwise they are those of the run at whose checkpoints
    the others were evaluated most recently: 1000, 2000 ... and 1008, 2016 ... are compared at 1008, 2016 ... There is
    no point before everybody's first checkpoint, and none beyond a run's last one by more than half of its last
    stretch. A run must be read at two checkpoints or more.

    Args:
        grids: of every run, increasing.
    """
    own = [np.asarray(grid, np.float64) for grid in dict.fromkeys(map(tuple, grids))]
    begin, end = max(grid[0] for grid in own), min(grid[-1] for grid in own)
    if begin >= end:
        return None
    shared = np.array(sorted(set.intersection(*(set(grid) for grid in own))))
    if end in shared and 2 * shared.size >= min(_stretch(grid, begin, end).size for grid in own):
        candidates = [shared]
    else:
        reach = min(grid[-1] + (grid[-1] - grid[-2]) / 2 if grid.size > 1 else grid[-1] for grid in own)
        candidates = [_stretch(grid, begin, reach) for grid in own]
    usable = [points for points in candidates if min(np.unique(last_up_to(g, points)).size for g in own) >= 2]
    return min(usable, key=lambda points: (lag(own, points), -points.size), default=None)


def _stretch(grid: Array, begin: float, end: float) -> Array:
    return grid[(grid >= begin) & (grid <= end)]


def lag(grids: Collection[ArrayLike], points: ArrayLike) -> float:
    """The most steps by which any run's last checkpoint lies before a point."""
    here = np.asarray(points, np.float64)
    return max(float((here - np.asarray(grid, np.float64)[last_up_to(grid, here)]).max()) for grid in grids)


def first_difference(grids: Mapping[str, Sequence[float]]) -> str:
    """``a has a checkpoint at 1,000 where b has one at 1,008``; empty where all grids are the same.

    Args:
        grids: of every run, by how messages call it.
    """
    (first, usual), *others = grids.items()
    for name, grid in others:
        for here, there in zip(usual, grid, strict=False):
            if here != there:
                return f"{first} has a checkpoint at {here:,.0f} where {name} has one at {there:,.0f}"
        if len(usual) != len(grid):
            (short, end), (long, further) = sorted([(first, usual), (name, grid)], key=lambda one: len(one[1]))
            return f"{short} ends at {end[-1]:,.0f} where {long} goes on to {further[len(end)]:,.0f}"
    return ""


def completed(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of completed runs, which have one finite return per checkpoint.

    Raises:
        UsageError: two rows of one run and checkpoint, or a return that is not finite; the message names the run.
    """
    complete = frame[frame["status"] == "complete"]
    twice = complete.duplicated(["label", "env", "seed", "env_steps"])
    _refuse(complete, twice, "more than one value; a run has one per checkpoint, episodes are no runs")
    infinite = ~complete["return_mean"].astype("float64").abs().lt(np.inf)
    _refuse(complete, infinite, "a return that is not finite; leave the run out or mark it diverged")
    return complete


def _refuse(frame: pd.DataFrame, wrong: "pd.Series[bool]", why: str) -> None:
    if wrong.any():
        first = frame[wrong].iloc[0]
        where = f"{first['label']} on {first['env']}, seed {first['seed']}, {first['env_steps']:,.0f} steps"
        raise UsageError(f"{where}: {why}")


def on_common_grid(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, CommonGrid]]:
    """The frame with the completed runs of every environment read on one grid, and which environments that changed.

    The rows of other runs beyond the last point are dropped. Of runs on one grid nothing changes.

    Raises:
        UsageError: runs without two common points; the message names them and what to do.
    """
    complete = completed(frame)
    parts: list[pd.DataFrame] = []
    common: dict[str, CommonGrid] = {}
    for env, rows in frame.groupby("env", sort=False):
        grids = _grids(complete[complete["env"] == env])
        if len(set(grids.values())) < 2:
            parts.append(rows)
            continue
        found = common_grid(str(env), grids)
        common[str(env)] = found
        for _, run in rows.groupby(["label", "seed"], sort=False):
            run = run.sort_values("env_steps", kind="stable")
            if run["status"].iloc[0] == "complete":
                read = run.iloc[last_up_to(run["env_steps"], found.points)]
                run = read.assign(env_steps=found.points).astype({"env_steps": run["env_steps"].dtype})
            parts.append(run[run["env_steps"] <= found.points[-1]])
    return (pd.concat(parts, ignore_index=True), common) if common else (frame, common)


def common_grid(env: str, grids: Mapping[Key, tuple[float, ...]]) -> CommonGrid:
    """The grid on which runs of an environment are compared (`common_points`).

    Args:
        env: for messages.
        grids: of every run.

    Raises:
        UsageError: they have no two points in common; the message names them and what to do.
    """
    points = common_points(list(grids.values()))
    if points is None:
        raise UsageError(
            f"the runs on {env} have fewer than two checkpoints in common and cannot be put side by side: "
            f"{_by_grid(grids)}; evaluate them over the same steps, or report them apart"
        )
    start_missing = bool(points[0] > 0) and any(grid[0] == 0 for grid in grids.values())
    return CommonGrid(tuple(points), lag(list(grids.values()), points), _difference(grids), start_missing)


def check_one_grid(complete: pd.DataFrame) -> None:
    """Refuse completed runs of one environment that were not evaluated at the same steps.

    Raises:
        UsageError: naming the runs, the first steps at which they differ and the way out.
    """
    env, grids = complete["env"].iloc[0], _grids(complete)
    if len(set(grids.values())) > 1:
        raise UsageError(
            f"the runs on {env} were evaluated at different steps: {_difference(grids)} ({_by_grid(grids)}); put "
            "them on a common grid with --grid common, or report them apart"
        )


def _grids(runs: pd.DataFrame) -> dict[Key, tuple[float, ...]]:
    return {
        (str(label), int(str(seed))): tuple(sorted(float(step) for step in run["env_steps"]))
        for (label, seed), run in runs.groupby(["label", "seed"], sort=False)
    }


def _difference(grids: Mapping[Key, tuple[float, ...]]) -> str:
    return first_difference({f"{label} seed {seed}": grid for (label, seed), grid in grids.items()})


def _by_grid(grids: Mapping[Key, tuple[float, ...]]) -> str:
    """Which runs have which grid, in words."""
    groups: dict[tuple[float, ...], dict[str, list[int]]] = {}
    for (label, seed), grid in grids.items():
        groups.setdefault(grid, {}).setdefault(label, []).append(seed)
    return "; ".join(
        ", ".join(f"{label} seeds {' '.join(map(str, seeds))}" for label, seeds in by_label.items())
        + f": {plural(len(grid), 'checkpoint')} up to {grid[-1]:,.0f} steps"
        for grid, by_label in groups.items()
    )
