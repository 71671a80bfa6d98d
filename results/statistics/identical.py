"""Runs that are the very same run: one curve under several seeds is no replication."""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Key = TypeVar("Key", bound=Hashable)
MEASURED = ("return_mean", "return_std", "episodes", "length_mean")
"""What an evaluation measures, beside the steps at which it does: what two runs do not share by chance."""


class IdenticalRuns(NamedTuple):
    """Two or more runs of one algorithm on one environment whose curves are the same, number by number."""

    label: str
    env: str
    seeds: tuple[int, ...]
    """In ascending order."""


def identical_runs(frame: pd.DataFrame) -> list[IdenticalRuns]:
    """Groups of runs with identical curves, label by label and environment by environment.

    Args:
        frame: ``label, env, seed, env_steps, return_mean`` and, where known, the other columns of `MEASURED`, a row
            per run and checkpoint, in order of the checkpoints: what `pgsuite.results.gather` gives.

    Returns:
        Every group of two or more, in the frame's order; empty when all runs differ.
    """
    measured = ["env_steps", *(name for name in MEASURED if name in frame)]
    found = []
    for (label, env), cell in frame.groupby(["label", "env"], sort=False):
        curves = {int(run["seed"].iloc[0]): run[measured].to_numpy(np.float64) for _, run in cell.groupby("seed")}
        found += [IdenticalRuns(str(label), str(env), tuple(sorted(seeds))) for seeds in identical_curves(curves)]
    return found


def identical_curves(curves: Mapping[Key, NDArray[np.float64]]) -> list[tuple[Key, ...]]:
    """Groups of two or more curves that are the same as far as the shorter one goes.

    A curve that never changes is in no group: runs that stay at an environment's lowest or highest return look alike
    without being copies.

    Args:
        curves: ``(K, C)`` each: C numbers at every checkpoint, NaN where one was not measured. K may differ.
    """
    groups: list[list[Key]] = []
    for key in sorted(curves, key=lambda key: len(curves[key]), reverse=True):
        if not _changes(curves[key]):
            continue
        same = next((group for group in groups if _begins_with(curves[group[0]], curves[key])), None)
        if same:
            same.append(key)
        else:
            groups.append([key])
    order = {key: place for place, key in enumerate(curves)}
    return sorted(
        (tuple(sorted(group, key=order.__getitem__)) for group in groups if len(group) > 1),
        key=lambda group: order[group[0]],
    )


def said(groups: Sequence[IdenticalRuns]) -> list[str]:
    """One sentence a group: what is the same, and what it means for the number of runs."""
    return [
        f"The runs of {group.label} on {group.env} with seeds {', '.join(map(str, group.seeds))} have identical "
        f"curves, as independent runs hardly do: one run under {len(group.seeds)} seeds is one run"
        for group in groups
    ]


def _changes(curve: NDArray[np.float64]) -> bool:
    return bool((curve[:, 1] != curve[0, 1]).any()) if len(curve) else False


def _begins_with(longer: NDArray[np.float64], shorter: NDArray[np.float64]) -> bool:
    return np.array_equal(longer[: len(shorter)], shorter, equal_nan=True)
