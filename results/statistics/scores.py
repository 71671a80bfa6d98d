"""One number per run: the only thing that statistics over runs are made of.

A run is one seed. Its evaluation episodes say how well its policy plays, not how well its algorithm learns, so they are
no replicates: `Scores` can only be made from `Curves`, which hold one value per run and checkpoint, and refuse a seed
that comes twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import UsageError
from .metrics import area_under_curve

Array = NDArray[np.float64]
CellKey = tuple[str, str]
"""Label of an algorithm configuration, and environment."""
Statistic = Literal["final", "auc"]
_COLUMNS = ["label", "env", "seed", "env_steps"]


@dataclass(frozen=True)
class Curves:
    """The completed runs of one algorithm configuration on one environment, ordered by seed."""

    seeds: tuple[int, ...]
    env_steps: Array
    """``(K+1,)`` the grid, the same for every run."""
    returns: Array
    """``(R, K+1)`` mean return of each run's evaluation."""
    scores: Array
    """``(R, K+1)`` the same, 0 for a random policy and 1 for the reference; NaN without anchors."""
    seconds: Array
    """``(R, K+1)`` seconds of training so far; NaN where nobody measured them."""

    def __post_init__(self) -> None:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"a run is one seed: {self.seeds} has one twice")
        shape = (len(self.seeds), self.env_steps.size)
        if not self.returns.shape == self.scores.shape == self.seconds.shape == shape:
            raise ValueError(f"curves need one value per run and checkpoint: {shape}, not {self.returns.shape}")

    @property
    def scored(self) -> bool:
        """Whether the environment has anchors, and there is a run."""
        return bool(self.seeds) and bool(np.isfinite(self.scores).all())


@dataclass(frozen=True)
class Scores:
    """One number per run, by environment, of one algorithm configuration. Never depends on any other."""

    runs: Mapping[str, Array]
    """Environment -> ``(R,)`` in ascending order, for a run's seed says nothing; R may differ, and is never 0."""

    def __post_init__(self) -> None:
        for env, values in self.runs.items():
            if values.ndim != 1 or not values.size or not np.isfinite(values).all():
                raise ValueError(f"{env}: one finite number per run, not {values}")
        object.__setattr__(self, "runs", {env: np.sort(values) for env, values in self.runs.items()})

    @classmethod
    def of(cls, curves: Mapping[str, Curves], statistic: Statistic) -> "Scores":
        """Final scores, or normalised areas under the curve, over the environments that have runs and anchors."""
        return cls({env: per_run(found, found.scores, statistic) for env, found in curves.items() if found.scored})

    @classmethod
    def returns(cls, curves: Mapping[str, Curves], statistic: Statistic) -> "Scores":
        """The same in returns, over all environments with runs: for what depends on their order alone."""
        return cls({env: per_run(found, found.returns, statistic) for env, found in curves.items() if found.seeds})

    def tasks(self, environments: tuple[str, ...] | None = None) -> list[Array]:
        """The runs of these environments (all), as the aggregates take them."""
        return [self.runs[env] for env in (self.runs if environments is None else environments)]

    @property
    def fewest(self) -> int:
        """The smallest number of runs on an environment; 0 without any."""
        return min((values.size for values in self.runs.values()), default=0)


def per_run(curves: Curves, values: Array, statistic: Statistic) -> Array:
    """``(R,)``: the value at the last checkpoint, never the best; or the mean height of the curve.

    Args:
        curves: the runs.
        values: ``(R, K+1)`` their returns or scores.
        statistic: "final" or "auc".
    """
    return values[:, -1] if statistic == "final" else area_under_curve(curves.env_steps, values)


def read_curves(frame: pd.DataFrame) -> dict[CellKey, Curves]:
    """The completed runs of a tidy frame, by label and environment.

    Args:
        frame: what `pgsuite.results.load` gives, or `cut_to_common` of it.

    Raises:
        UsageError: curves of unequal length; two runs of one seed; a value that is not finite; a single checkpoint.
    """
    frame = _complete(frame).sort_values(["seed", "env_steps"], kind="stable")
    curves: dict[CellKey, Curves] = {}
    for _, runs in frame.groupby("env", sort=False):
        _check_one_grid(runs)
        for (label, env), cell in runs.groupby(["label", "env"], sort=False):
            curves[str(label), str(env)] = _curves(cell)
    return curves


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of completed runs, which have one finite return per checkpoint."""
    complete = frame[frame["status"] == "complete"]
    twice = complete.duplicated(_COLUMNS)
    _refuse(complete, twice, "more than one value; a run has one per checkpoint, episodes are no runs")
    infinite = ~complete["return_mean"].astype("float64").abs().lt(np.inf)
    _refuse(complete, infinite, "a return that is not finite; leave the run out or mark it diverged")
    return complete


def _curves(cell: pd.DataFrame) -> Curves:
    """The runs of one cell, which share a grid and are sorted by seed and step."""
    seeds = tuple(int(seed) for seed in cell["seed"].unique())
    shape = (len(seeds), -1)
    columns = [
        cell[name].to_numpy(np.float64, copy=True) if name in cell else np.full(len(cell), np.nan)
        for name in ("return_mean", "score", "wall_time")
    ]
    returns, scores, seconds = (column.reshape(shape) for column in columns)
    return Curves(seeds, cell["env_steps"].to_numpy(np.float64).reshape(shape)[0], returns, scores, seconds)


def cut_to_common(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, float]]:
    """The frame up to the last step that all completed runs of an environment came to; which environments were cut.

    Completed runs are put on the checkpoints that they share; where the horizon is none of these, on those of the run
    that ends there, and each is read at its last checkpoint up to the point. The rows of other runs beyond the
    horizon are dropped. Of runs on one grid nothing changes.

    Raises:
        UsageError: a run has fewer than two checkpoints up to the horizon, two values at one, or one that is not
            finite.
    """
    complete = _complete(frame)
    parts: list[pd.DataFrame] = []
    ends: dict[str, float] = {}
    for env, rows in frame.groupby("env", sort=False):
        grids = _grids(complete[complete["env"] == env])
        if len(set(grids.values())) < 2:
            parts.append(rows)
            continue
        points = _common_points(str(env), grids)
        ends[str(env)] = points[-1]
        for _, run in rows.groupby(["label", "seed"], sort=False):
            run = run.sort_values("env_steps", kind="stable")
            if run["status"].iloc[0] == "complete":
                read = np.searchsorted(run["env_steps"].to_numpy(np.float64), points, side="right") - 1
                run = run.iloc[read].assign(env_steps=points).astype({"env_steps": run["env_steps"].dtype})
            parts.append(run[run["env_steps"] <= points[-1]])
    return (pd.concat(parts, ignore_index=True), ends) if ends else (frame, ends)


def _common_points(env: str, grids: Mapping[tuple[str, int], tuple[float, ...]]) -> list[float]:
    """The checkpoints up to the common horizon, of which the last is the horizon."""
    end, begin = min(grid[-1] for grid in grids.values()), max(grid[0] for grid in grids.values())
    shared = set.intersection(*(set(grid) for grid in grids.values()))
    ending = min((grid for grid in grids.values() if grid[-1] == end), key=len)
    points = sorted(point for point in (shared if end in shared else ending) if point >= begin)
    if len(points) < 2 or any(sum(step <= end for step in grid) < 2 for grid in grids.values()):
        raise UsageError(
            f"the runs on {env} have fewer than two checkpoints up to their common horizon of {end:,.0f} steps and "
            f"cannot be compared: {_by_grid(grids)}"
        )
    return points


def _check_one_grid(runs: pd.DataFrame) -> None:
    """Refuse runs of one environment that were not evaluated at the same steps, or only once."""
    env, grids = runs["env"].iloc[0], _grids(runs)
    if len(set(grids.values())) > 1:
        raise UsageError(
            f"the curves on {env} are of unequal length: {_by_grid(grids)}; "
            "compare runs of one budget and evaluation, or cut them to their common horizon"
        )
    if min(map(len, grids.values())) < 2:
        raise UsageError(
            f"the runs on {env} share fewer than two checkpoints and cannot be compared: {_by_grid(grids)}"
        )


def _grids(runs: pd.DataFrame) -> dict[tuple[str, int], tuple[float, ...]]:
    return {
        (str(label), int(str(seed))): tuple(sorted(float(step) for step in run["env_steps"]))
        for (label, seed), run in runs.groupby(["label", "seed"], sort=False)
    }


def _by_grid(grids: Mapping[tuple[str, int], tuple[float, ...]]) -> str:
    """Which runs have which grid, in words."""
    groups: dict[tuple[float, ...], dict[str, list[int]]] = {}
    for (label, seed), grid in grids.items():
        groups.setdefault(grid, {}).setdefault(label, []).append(seed)
    return "; ".join(
        ", ".join(f"{label} seeds {' '.join(map(str, seeds))}" for label, seeds in by_label.items())
        + f": {len(grid)} checkpoints up to {grid[-1]:,.0f} steps"
        for grid, by_label in groups.items()
    )


def _refuse(frame: pd.DataFrame, wrong: "pd.Series[bool]", why: str) -> None:
    if wrong.any():
        first = frame[wrong].iloc[0]
        where = f"{first['label']} on {first['env']}, seed {first['seed']}, {first['env_steps']:,.0f} steps"
        raise UsageError(f"{where}: {why}")
