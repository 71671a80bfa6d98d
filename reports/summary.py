"""From runs to one row per cell: the final return, the score, the area under the curve, and what is missing.

Only runs that reached their budget enter a mean. A run that diverged, stopped early or never began is counted next to
it, never as 0 and never left out in silence: a mean over survivors must not read as the mean of all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..results.manifest import ExpectedCell, Manifest
from ..results.metrics import area_under_curve
from .cells import CELL, labels

RUN = [*CELL, "seed"]
STATISTICS = ("final_return", "final_score", "auc_return", "auc_score")


def summarise(frame: pd.DataFrame, manifests: Sequence[Manifest] = ()) -> pd.DataFrame:
    """One row per cell, grouped by suite and environment, in the order they were asked for.

    Args:
        frame: what `pgsuite.results.load` gives.
        manifests: what was asked for; without it, only what is there can be counted.

    Returns:
        ``suite, env, algorithm, fingerprint, label``; ``env_steps`` of the last checkpoint; ``<statistic>_mean`` and
        ``<statistic>_std`` (over completed runs, n - 1 in the divisor, NaN for one run) of ``final_return``,
        ``final_score``, ``auc_return`` and ``auc_score``; ``steps_per_second``; the seeds ``expected``, ``completed``,
        ``diverged``, ``partial`` and ``missing`` as tuples; ``reason`` of a failure, or ""; ``best``.
    """
    asked = _asked(manifests)
    rows: dict[tuple[str, ...], dict[str, Any]] = {key: _absent(key, cell) for key, cell in asked.items()}
    for _, cell_frame in frame.groupby(CELL, sort=False):
        identity = {name: str(cell_frame[name].iloc[0]) for name in CELL}
        key = (*list(identity.values())[:-1], identity["fingerprint"][:12])
        rows[key] = identity | _statistics(cell_frame) | _seeds(cell_frame, asked.get(key))
    summary = pd.DataFrame(list(rows.values()))
    if summary.empty:
        return summary
    summary["label"] = labels(summary)
    summary["best"] = _best(summary)
    for column in ("env", "suite"):  # stable: order of first appearance
        summary = summary.sort_values(column, key=lambda values: pd.factorize(values)[0], kind="stable")
    return summary.reset_index(drop=True)


def _asked(manifests: Sequence[Manifest]) -> dict[tuple[str, ...], ExpectedCell]:
    """Cells by suite, environment, algorithm and fingerprint; one that several folders share has all their seeds."""
    asked: dict[tuple[str, ...], ExpectedCell] = {}
    for manifest in manifests:
        for cell in manifest.cells:
            key = (manifest.suite, cell.env, cell.algorithm, cell.folder.rpartition("--")[2])
            seeds = {*cell.seeds, *(asked[key].seeds if key in asked else ())}
            asked[key] = cell._replace(seeds=tuple(sorted(seeds)))
    return asked


def _absent(key: tuple[str, ...], cell: ExpectedCell) -> dict[str, Any]:
    """The row of a cell that was asked for, before any of its runs is seen."""
    identity = dict(zip(CELL, key, strict=True))
    nothing = dict.fromkeys((f"{name}_{kind}" for name in STATISTICS for kind in ("mean", "std")), np.nan)
    seeds = {"expected": cell.seeds, "missing": cell.seeds, "completed": (), "diverged": (), "partial": ()}
    return (
        identity | nothing | {"env_steps": np.nan, "steps_per_second": np.nan} | seeds | {"reason": cell.reason or ""}
    )


def _statistics(cell: pd.DataFrame) -> dict[str, Any]:
    """Means and spreads over the completed runs of one cell."""
    complete = cell[cell["status"] == "complete"]
    per_run = pd.DataFrame([_run_statistics(run) for _, run in complete.groupby("seed")], columns=list(STATISTICS))
    return {
        **{f"{name}_mean": per_run[name].mean() for name in STATISTICS},
        **{f"{name}_std": per_run[name].std(ddof=1) for name in STATISTICS},
        "env_steps": float(cell["env_steps"].max()),
        "steps_per_second": cell.groupby("seed")["steps_per_second"].first().mean(),
    }


def _run_statistics(run: pd.DataFrame) -> tuple[float, ...]:
    run = run.sort_values("env_steps")
    steps, last = run["env_steps"].to_numpy(), run.iloc[-1]
    areas = (float(area_under_curve(steps, run[column].to_numpy())) for column in ("return_mean", "score"))
    return (float(last["return_mean"]), float(last["score"]), *areas)


def _seeds(cell: pd.DataFrame, asked: ExpectedCell | None) -> dict[str, Any]:
    """Which runs were asked for, and what became of them."""
    status = cell.groupby("seed")["status"].first()
    found = {kind: tuple(int(seed) for seed in status.index[status == kind]) for kind in ("diverged", "partial")}
    found["completed"] = tuple(int(seed) for seed in status.index[status == "complete"])
    expected = asked.seeds if asked else tuple(int(seed) for seed in status.index)
    missing = tuple(seed for seed in expected if seed not in status.index)
    return found | {"expected": expected, "missing": missing, "reason": (asked.reason or "") if asked else ""}


def _best(summary: pd.DataFrame) -> "pd.Series[bool]":
    """The highest final mean of each environment, where the comparison is fair.

    A cell that lacks runs is out (its mean is of survivors), and so is an environment whose cells stopped at
    different steps, or that has only one cell.
    """
    whole = summary["completed"].map(len) == summary["expected"].map(len)
    groups = summary.groupby(["suite", "env"])
    comparable = (groups["env_steps"].transform("nunique") == 1) & (groups["label"].transform("size") > 1)
    means = summary["final_return_mean"].where(whole & comparable)
    highest = means.groupby([summary["suite"], summary["env"]]).transform("max")
    return means.notna() & (means == highest)
