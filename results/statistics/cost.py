"""What the results cost, per algorithm and environment, and how soon they came."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .leaderboard import ByLabel
from .scores import CellKey
from .survival import first_reached, median_time

THRESHOLDS = (0.5, 0.9)
"""Scores whose time is told: half way from the random policy to the reference, and nearly there."""
COST_THRESHOLD = 0.5
"""The one of the cost table."""
THRESHOLD_COLUMNS = [
    "label", "env", "threshold", "threshold_return", "reached", "runs", "median_steps", "median_seconds",
]  # fmt: skip
CELL = ["label", "env"]
MEASURED = ["steps_per_second", "wall_time", "peak_memory"]
FATES = ("completed", "diverged", "partial", "missing")


def times_to_threshold(frame: pd.DataFrame, curves: ByLabel, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """When half of the runs first reached a score, per label, environment with anchors, and threshold.

    Columns: ``label, env, threshold, threshold_return, reached, runs, median_steps, median_seconds``. A run that
    never reached it is censored at its last checkpoint, and one that diverged at the horizon, whatever it had reached
    before it was lost; runs that were cut short are left out. The medians are Kaplan and Meier's, NaN where half or
    more of the runs are censored. Seconds are of training, which runs that were trained together share.
    """
    lost = frame[frame["status"] == "diverged"].groupby(CELL)["seed"].nunique().to_dict()
    known = frame.reindex(columns=["env", "anchor/random", "anchor/reference"])
    anchors = known.groupby("env").first().astype("float64")
    rows = []
    for label, env, one in ((label, env, one) for label, found in curves.items() for env, one in found.items()):
        if one.scored:
            random, reference = anchors.loc[env].to_numpy()
            for threshold in thresholds:
                steps, reached = first_reached(one.scores, one.env_steps, threshold)
                seconds, _ = first_reached(one.scores, one.seconds, threshold)
                never = np.zeros(lost.get((label, env), 0), dtype=bool)
                steps = np.append(steps, np.full(never.size, one.env_steps[-1]))
                seconds = np.append(seconds, np.full(never.size, one.seconds.max()))
                reached = np.append(reached, never)
                height = float(random + threshold * (reference - random))
                medians = (median_time(steps, reached), median_time(seconds, reached))
                rows.append((label, env, threshold, height, int(reached.sum()), reached.size, *medians))
    return pd.DataFrame(rows, columns=THRESHOLD_COLUMNS)


def fates(frame: pd.DataFrame, asked: Mapping[CellKey, Sequence[int]]) -> dict[CellKey, dict[str, int]]:
    """How many runs of each cell completed, diverged, were cut short, or were asked for and never began."""
    runs = frame.drop_duplicates(["label", "env", "seed"])
    found: dict[CellKey, dict[int, str]] = {cell: {} for cell in asked}
    for label, env, seed, status in zip(runs["label"], runs["env"], runs["seed"], runs["status"], strict=True):
        found.setdefault((str(label), str(env)), {})[int(seed)] = str(status)
    names = {"complete": "completed", "diverged": "diverged", "partial": "partial"}
    counts = {}
    for cell, seeds in found.items():
        kinds = [names[one] for one in seeds.values()] + ["missing" for s in asked.get(cell, ()) if s not in seeds]
        counts[cell] = {fate: kinds.count(fate) for fate in FATES}
    return counts


def cost(frame: pd.DataFrame, thresholds: pd.DataFrame, counts: Mapping[CellKey, Mapping[str, int]]) -> pd.DataFrame:
    """``label, env, steps_per_second, wall_time, seconds_to_threshold, peak_memory``, then the `FATES`.

    Means over completed runs, except peak memory, which is the highest of any; NaN where nothing was measured.
    Runs trained together share their wall time; ``steps_per_second`` counts the steps of all of them.
    ``seconds_to_threshold`` is the median time to a score of `COST_THRESHOLD`, NaN where half or more never came there.
    """
    complete = frame[frame["status"] == "complete"].sort_values("env_steps", kind="stable")
    last = complete.drop_duplicates([*CELL, "seed"], keep="last")
    measured = last.reindex(columns=[*CELL, *MEASURED]).astype(dict.fromkeys(MEASURED, "float64"))
    aggregated = measured.groupby(CELL, as_index=False).agg(dict.fromkeys(MEASURED, "mean") | {"peak_memory": "max"})
    chosen = thresholds[thresholds["threshold"] == COST_THRESHOLD].rename(
        columns={"median_seconds": "seconds_to_threshold"}
    )
    table = pd.DataFrame([{"label": label, "env": env, **count} for (label, env), count in counts.items()])
    table = table.reindex(columns=[*CELL, *FATES])
    for one in (aggregated, chosen[[*CELL, "seconds_to_threshold"]]):
        table = table.merge(one, how="left", on=CELL)
    return table[[*CELL, "steps_per_second", "wall_time", "seconds_to_threshold", "peak_memory", *FATES]]
