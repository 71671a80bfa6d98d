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

from .grid import check_one_grid, completed
from .metrics import area_under_curve

Array = NDArray[np.float64]
CellKey = tuple[str, str]
"""Label of an algorithm configuration, and environment."""
Statistic = Literal["final", "auc"]


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
    possible_returns: tuple[float, float] | None = None
    """The lowest and the highest return there can be; None where that is not known."""
    possible_scores: tuple[float, float] | None = None
    """The same as scores."""

    def __post_init__(self) -> None:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"a run is one seed: {self.seeds} has one twice")
        shape = (len(self.seeds), self.env_steps.size)
        if not self.returns.shape == self.scores.shape == self.seconds.shape == shape:
            raise ValueError(f"curves need one value per run and checkpoint: {shape}, not {self.returns.shape}")

    @property
    def is_curve(self) -> bool:
        """Whether there is more than one checkpoint: of a score alone there is no area, and no time to anything."""
        return self.env_steps.size > 1

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
        return cls(
            {
                env: per_run(found, found.scores, statistic)
                for env, found in curves.items()
                if found.scored and (statistic == "final" or found.is_curve)
            }
        )

    @classmethod
    def returns(cls, curves: Mapping[str, Curves], statistic: Statistic) -> "Scores":
        """The same in returns, over all environments with runs: for what depends on their order alone."""
        return cls(
            {
                env: per_run(found, found.returns, statistic)
                for env, found in curves.items()
                if found.seeds and (statistic == "final" or found.is_curve)
            }
        )

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
        frame: what `pgsuite.results.load` gives, or `on_common_grid` of it.

    Raises:
        UsageError: curves on different grids; two runs of one seed; a value that is not finite.
    """
    frame = completed(frame).sort_values(["seed", "env_steps"], kind="stable")
    curves: dict[CellKey, Curves] = {}
    for _, runs in frame.groupby("env", sort=False):
        check_one_grid(runs)
        for (label, env), cell in runs.groupby(["label", "env"], sort=False):
            curves[str(label), str(env)] = _curves(cell)
    return curves


def _curves(cell: pd.DataFrame) -> Curves:
    """The runs of one cell, which share a grid and are sorted by seed and step."""
    seeds = tuple(int(seed) for seed in cell["seed"].unique())
    shape = (len(seeds), -1)
    columns = [
        cell[name].to_numpy(np.float64, copy=True) if name in cell else np.full(len(cell), np.nan)
        for name in ("return_mean", "score", "wall_time")
    ]
    returns, scores, seconds = (column.reshape(shape) for column in columns)
    steps = cell["env_steps"].to_numpy(np.float64).reshape(shape)[0]
    return Curves(seeds, steps, returns, scores, seconds, *possible(cell))


def possible(cell: pd.DataFrame) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Between what the returns and the scores of a cell lie by the environment's definition, where it is known."""
    names = ("possible/lowest", "possible/highest", "anchor/random", "anchor/reference")
    low, high, random, reference = (
        float(cell[name].iloc[0]) if name in cell and len(cell) else np.nan for name in names
    )
    if not low < high:
        return None, None
    ends = sorted((end - random) / (reference - random) for end in (low, high))
    return (low, high), (ends[0], ends[1]) if np.isfinite(ends).all() else None
