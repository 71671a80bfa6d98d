"""Which runs of a frame are drawn, and as what."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def plotted_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that enter the means and, per row, the number of ``runs`` of its cell.

    They are those of a cell's completed runs. While it has none, they are those of its unfinished runs, as far as all
    of them have come: a mean whose runs drop out on the way would show their dropping out as learning.
    """
    if frame.empty:
        return frame.assign(runs=0)
    kept = []
    for _, cell in frame.groupby(["env", "label"], sort=False):
        complete = cell[cell["status"] == "complete"]
        runs = complete if len(complete) else cell[cell["status"] == "partial"]
        number = runs["seed"].nunique()
        shared = runs.groupby("env_steps")["seed"].transform("nunique") == number
        kept.append(runs[shared].assign(runs=number))
    return pd.concat(kept, ignore_index=True)


def diverged_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of diverged runs: up to where they diverged."""
    return frame[frame["status"] == "diverged"]


def run_curves(rows: pd.DataFrame, column: str = "return_mean") -> list[NDArray[np.float64]]:
    """One ``(points, 2)`` array of environment steps and values per run, where the value is a number."""
    points = rows[["env_steps", column]].to_numpy(np.float64)
    keep = np.isfinite(points[:, 1])
    seeds = rows["seed"].to_numpy()
    return [points[keep & (seeds == seed)] for seed in dict.fromkeys(seeds) if (keep & (seeds == seed)).any()]


def runs_matrix(cell: pd.DataFrame, column: str = "return_mean") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The grid ``(points,)`` and the values ``(runs, points)`` of a cell, NaN where a run lacks a point."""
    table = cell.pivot(index="seed", columns="env_steps", values=column)
    return table.columns.to_numpy(np.float64), table.to_numpy(np.float64)
