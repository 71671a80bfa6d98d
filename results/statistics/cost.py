"""What the results cost, per algorithm and environment, and how soon they came."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..store.curve import METRIC, TRAINING_STEPS
from .leaderboard import ByLabel
from .scores import CellKey
from .survival import first_reached, median_time

THRESHOLD = 0.5
"""The score whose time is told, everywhere: half way from the random policy to the reference."""
THRESHOLD_COLUMNS = [
    "label", "env", "threshold", "threshold_return", "reached", "runs", "median_steps", "median_seconds",
]  # fmt: skip
CELL = ["label", "env"]
MEASURED = ["steps_per_second", "wall_time", "peak_memory", "not_training"]
FATES = ("completed", "diverged", "partial", "damaged", "missing")


def times_to_threshold(frame: pd.DataFrame, curves: ByLabel, threshold: float = THRESHOLD) -> pd.DataFrame:
    """When half of the runs first reached a score, per label and environment with anchors.

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
        if one.scored and one.is_curve:
            random, reference = anchors.loc[env].to_numpy()
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


def fates(
    frame: pd.DataFrame, asked: Mapping[CellKey, Sequence[int]], damaged: Mapping[CellKey, Sequence[int]]
) -> dict[CellKey, dict[str, int]]:
    """How many runs of each cell completed, diverged, were cut short, cannot be read, or never began though asked for.

    Args:
        frame: what can be read.
        asked: seeds by cell.
        damaged: seeds by cell of which there is a file that cannot be read.
    """
    runs = frame.drop_duplicates(["label", "env", "seed"])
    found: dict[CellKey, dict[int, str]] = {cell: {} for cell in asked}
    for label, env, seed, status in zip(runs["label"], runs["env"], runs["seed"], runs["status"], strict=True):
        found.setdefault((str(label), str(env)), {})[int(seed)] = str(status)
    for cell, seeds in damaged.items():
        found[cell] = dict.fromkeys(seeds, "damaged") | found.get(cell, {})
    names = {"complete": "completed"}
    counts = {}
    for cell, status in found.items():
        kinds = [names.get(one, one) for one in status.values()]
        kinds += ["missing" for seed in asked.get(cell, ()) if seed not in status]
        counts[cell] = {fate: kinds.count(fate) for fate in FATES}
    return counts


def other_steps(frame: pd.DataFrame) -> pd.Series:
    """Of ``trained_steps`` those in rollouts that were not for training, such as trials of a policy: 0 where none are.

    Args:
        frame: rows of runs and checkpoints.
    """
    column = METRIC + TRAINING_STEPS
    if column not in frame:
        return pd.Series(0.0, index=frame.index)
    return (frame["trained_steps"] - frame[column]).fillna(0.0)


def cost(frame: pd.DataFrame, thresholds: pd.DataFrame, counts: Mapping[CellKey, Mapping[str, int]]) -> pd.DataFrame:
    """``label, env, steps_per_second, wall_time, seconds_to_threshold, peak_memory, not_training``, then the `FATES`.

    Means over completed runs, except peak memory, which is the highest of any; NaN where nothing was measured.
    Runs trained together share their wall time; ``steps_per_second`` counts the steps of all of them.
    ``seconds_to_threshold`` is the median time to a score of `THRESHOLD`, NaN where half or more never came there.
    ``not_training`` is the share of steps in rollouts that were not for training.
    """
    complete = frame[frame["status"] == "complete"].sort_values("env_steps", kind="stable")
    last = complete.drop_duplicates([*CELL, "seed"], keep="last")
    last = last.assign(not_training=other_steps(last) / last.get("trained_steps", 1.0))
    measured = last.reindex(columns=[*CELL, *MEASURED]).astype(dict.fromkeys(MEASURED, "float64"))
    aggregated = measured.groupby(CELL, as_index=False).agg(dict.fromkeys(MEASURED, "mean") | {"peak_memory": "max"})
    chosen = thresholds.rename(columns={"median_seconds": "seconds_to_threshold"})
    table = pd.DataFrame([{"label": label, "env": env, **count} for (label, env), count in counts.items()])
    table = table.reindex(columns=[*CELL, *FATES])
    for one in (aggregated, chosen[[*CELL, "seconds_to_threshold"]]):
        table = table.merge(one, how="left", on=CELL)
    return table[
        [*CELL, "steps_per_second", "wall_time", "seconds_to_threshold", "peak_memory", "not_training", *FATES]
    ]
