"""Every pair of algorithms on every environment: tests, effect size, what could have been found, and the verdict."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from .bootstrap import MEANINGFUL, generator
from .leaderboard import ByLabel
from .pairwise import difference, enough_splits, fewest_runs, hedges_g, holm, permutation_p, smallest_p
from .scores import Curves

COLUMNS = [
    "env", "x", "y", "difference", "low", "high", "welch_p", "permutation_p", "welch_holm", "permutation_holm",
    "effect_size", "detectable", "runs_x", "runs_y", "verdict",
]  # fmt: skip
TOO_FEW = "too few runs"
UNDECIDED = "no difference shown"
NO_SPREAD = "no spread"


def pairs(curves: ByLabel, environments: Sequence[str], *, level: float, seed: int) -> pd.DataFrame:
    """One row per environment and pair with runs of both; x precedes y in the order of the labels.

    ``difference`` of the mean final returns, x - y, with Welch's interval, cut at what is possible; p-values of Welch's
    test and of the permutation test, raw and adjusted by Holm's method over **all pairs on all environments** with at
    least `MEANINGFUL` runs on both sides; Hedges' g; ``detectable``, the smallest true difference in return that the
    strictest step of the family (``(1 - level) / tests``) finds with probability .9; the verdict, by the adjusted
    permutation test at ``1 - level``. With fewer runs interval, p-values and ``detectable`` are NaN.

    A permutation test has a smallest p-value. Runs for which it lies above the strictest step have nothing
    ``detectable``, and are `TOO_FEW` unless a later step of Holm's shows their difference.

    Where all runs of x are equal and all of y are, nothing tells how much runs vary: that is `NO_SPREAD`, without
    effect size, p-value or interval, and belongs to no family.
    """
    compared = [
        (env, x, y) for env in environments for x, y in combinations(curves, 2) if env in curves[x] and env in curves[y]
    ]
    strictest = (1 - level) / max(len(compared), 1)
    sampled = enough_splits(strictest)
    rows = [
        _pair(env, x, y, curves[x][env], curves[y][env], level=level, seed=seed, sampled=sampled)
        for env, x, y in compared
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "found", "spread"])
    still = table["spread"] == 0
    enough = (table[["runs_x", "runs_y"]].min(axis=1) >= MEANINGFUL) & ~still
    for test in ("welch", "permutation"):
        table[f"{test}_holm"] = holm(table[f"{test}_p"].astype("float64"))
    alpha = (1 - level) / max(int(enough.sum()), 1)
    table["detectable"] = [one.detectable(alpha) for one in table["found"]]
    sizes = zip(table["runs_x"], table["runs_y"], strict=True)
    attainable = enough & np.array([smallest_p(n, m, sampled) <= alpha for n, m in sizes], dtype=bool)
    table["detectable"] = table["detectable"].astype("float64").where(attainable)
    table["verdict"] = _verdicts(table, attainable, 1 - level)
    table.loc[still & (table[["runs_x", "runs_y"]].min(axis=1) > 1), "verdict"] = NO_SPREAD
    return table[COLUMNS]


def needed(tests: int, level: float) -> int:
    """The fewest runs of each with which every one of so many tests can show a difference."""
    return max(MEANINGFUL, fewest_runs((1 - level) / max(tests, 1)))


def _pair(
    env: str, x: str, y: str, curves_x: Curves, curves_y: Curves, *, level: float, seed: int, sampled: int
) -> dict[str, Any]:
    here, there = (np.sort(curves.returns[:, -1]) for curves in (curves_x, curves_y))
    found = difference(here, there)
    varied = max(np.ptp(here), np.ptp(there))
    enough = min(here.size, there.size) >= MEANINGFUL and varied > 0
    low, high = found.interval(level) if enough else (np.nan, np.nan)
    if curves_x.possible_returns and curves_x.possible_returns == curves_y.possible_returns:
        widest = curves_x.possible_returns[1] - curves_x.possible_returns[0]
        low, high = max(low, -widest), min(high, widest)
    random = generator(seed, "permutation", env, x, y)
    return {
        "env": env,
        "x": x,
        "y": y,
        "difference": found.estimate,
        "low": low,
        "high": high,
        "welch_p": found.p_value() if enough else np.nan,
        "permutation_p": permutation_p(here, there, random, sampled) if enough else np.nan,
        "effect_size": hedges_g(here, there),
        "runs_x": here.size,
        "runs_y": there.size,
        "found": found,
        "spread": varied,
    }


def _verdicts(table: pd.DataFrame, attainable: "pd.Series[bool]", alpha: float) -> list[str]:
    found = table["permutation_holm"] <= alpha
    better = np.where(table["difference"] > 0, "x better", "y better")
    return list(np.where(found, better, np.where(attainable, UNDECIDED, TOO_FEW)))
