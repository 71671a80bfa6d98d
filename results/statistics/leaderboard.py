"""Algorithms over all environments: aggregates with intervals, ranks, profiles and probability of improvement."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .aggregates import average_ranks, improvement, iqm, mean, median, optimality_gap, profile
from .bootstrap import Bootstrap, Drawn, interval, replicate
from .scores import Curves, Scores, Statistic

Array = NDArray[np.float64]
ByLabel = Mapping[str, Mapping[str, Curves]]
"""Label -> environment -> its completed runs; every label of the comparison, also one without any run."""
AGGREGATES: dict[str, Callable[..., Array]] = {
    "iqm": iqm,
    "mean": mean,
    "median": median,
    "optimality_gap": optimality_gap,
}
NOTHING = {"estimate": np.nan, "low": np.nan, "high": np.nan}


def leaderboard(curves: ByLabel, environments: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    """One row per label, statistic ("final", "auc") and metric (`AGGREGATES` and "rank").

    Columns: ``label, statistic, metric, estimate, low, high, runs, environments, lacking``: the fewest runs on an
    environment that entered, the number of those environments, and the ids of those that could not enter: without
    completed runs, for scores without anchors, or for "auc" without a curve.
    """
    rows: list[dict[str, Any]] = []
    for statistic in get_args(Statistic):
        for label, found in curves.items():
            scores = Scores.of(found, statistic)
            estimates = _aggregated(label, scores, bootstrap)
            entered = _entered(scores, environments)
            rows += [
                {"label": label, "statistic": statistic, "metric": metric, **estimates[metric], **entered}
                for metric in AGGREGATES
            ]
        rows += _ranked(curves, environments, statistic, bootstrap)
    order = {label: place for place, label in enumerate(curves)}
    table = pd.DataFrame(rows)
    return table.sort_values("label", key=lambda labels: labels.map(order), kind="stable", ignore_index=True)


def _entered(scores: Scores, environments: Sequence[str]) -> dict[str, Any]:
    return {
        "runs": scores.fewest,
        "environments": len(scores.runs),
        "lacking": tuple(env for env in environments if env not in scores.runs),
    }


def _sizes(scores: Scores, environments: Sequence[str] | None = None) -> dict[str, int]:
    return {env: scores.runs[env].size for env in (scores.runs if environments is None else environments)}


def _aggregated(label: str, scores: Scores, bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    """Every aggregate of one algorithm, which depends on its own runs alone."""
    if not scores.runs:
        return dict.fromkeys(AGGREGATES, NOTHING)
    tasks, drawn = scores.tasks(), bootstrap.drawn(label, _sizes(scores))
    return {
        metric: _estimate(aggregate(tasks), replicate(_counted(aggregate, tasks), drawn), bootstrap, scores.fewest)
        for metric, aggregate in AGGREGATES.items()
    }


def _counted(aggregate: Callable[..., Array], tasks: Sequence[Array]) -> Callable[[Drawn], Array]:
    return lambda counts: aggregate(tasks, counts=counts)


def _estimate(value: Array, replicates: Array, bootstrap: Bootstrap, fewest: int) -> dict[str, Any]:
    low, high = interval(replicates, bootstrap.level, fewest)
    return {"estimate": float(value), "low": float(low), "high": float(high)}


def _ranked(
    curves: ByLabel, environments: Sequence[str], statistic: Statistic, bootstrap: Bootstrap
) -> list[dict[str, Any]]:
    """Average ranks by return, whose order needs no anchors, of the algorithms that lack no environment."""
    returns = {label: Scores.returns(found, statistic) for label, found in curves.items()}
    ground = tuple(env for env in environments if any(env in scores.runs for scores in returns.values()))
    ranked = [label for label, scores in returns.items() if ground and scores.runs.keys() >= set(ground)]
    estimates = {}
    if len(ranked) > 1:
        tasks = [returns[label].tasks(ground) for label in ranked]
        drawn = [bootstrap.drawn(label, _sizes(returns[label], ground)) for label in ranked]
        values, replicates = average_ranks(tasks), replicate(lambda *counts: average_ranks(tasks, counts), *drawn)
        fewest = min(returns[label].fewest for label in ranked)
        for place, label in enumerate(ranked):
            estimates[label] = _estimate(values[place], replicates[:, place], bootstrap, fewest)
    return [
        {"label": label, "statistic": statistic, "metric": "rank"}
        | estimates.get(label, NOTHING)
        | _entered(scores, environments)
        for label, scores in returns.items()
    ]


def profiles(curves: ByLabel, bootstrap: Bootstrap) -> pd.DataFrame:
    """Performance profile of the final score: ``label, threshold, share, low, high``.

    Thresholds are the same for all, and reach from the lowest score or 0 to the highest or 1.
    """
    scores = {label: Scores.of(found, "final") for label, found in curves.items()}
    taus = _thresholds([values for one in scores.values() for values in one.tasks()])
    frames = []
    for label, one in scores.items():
        if one.runs:
            tasks, drawn = one.tasks(), bootstrap.drawn(label, _sizes(one))
            replicates = replicate(lambda counts, tasks=tasks: profile(tasks, taus, counts), drawn)
            low, high = interval(replicates, bootstrap.level, one.fewest)
            shares = {"threshold": taus, "share": profile(tasks, taus), "low": low, "high": high}
            frames.append(pd.DataFrame({"label": label, **shares}))
    nothing = pd.DataFrame(columns=["label", "threshold", "share", "low", "high"])
    return pd.concat(frames, ignore_index=True) if frames else nothing


def _thresholds(values: Sequence[Array], most: int = 200) -> Array:
    """Multiples of .01, or of a coarser step where that would be too many."""
    everything = np.concatenate([*values, np.array([0.0, 1.0])])
    low, high = everything.min(), everything.max()
    step = 0.01 * np.ceil((high - low) / (0.01 * most))
    return np.asarray(np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step)


def improvements(curves: ByLabel, bootstrap: Bootstrap) -> pd.DataFrame:
    """Probability of improvement of x over y, in every ordered pair, over the environments where both have runs.

    Columns: ``statistic, x, y, probability, low, high, runs_x, runs_y, environments``. Returns are compared, whose
    order needs no anchors. Runs are the fewest on an environment.
    """
    rows = []
    for statistic in get_args(Statistic):
        returns = {label: Scores.returns(found, statistic) for label, found in curves.items()}
        for x, y in permutations(returns, 2):
            shared = tuple(env for env in returns[x].runs if env in returns[y].runs)
            row: dict[str, Any] = {"statistic": statistic, "x": x, "y": y}
            rows.append(row | _improvement(x, y, returns, shared, bootstrap) | {"environments": len(shared)})
    columns = ["statistic", "x", "y", "probability", "low", "high", "runs_x", "runs_y", "environments"]
    return pd.DataFrame(rows, columns=columns)


def _improvement(
    x: str, y: str, returns: Mapping[str, Scores], shared: tuple[str, ...], bootstrap: Bootstrap
) -> dict[str, Any]:
    if not shared:
        return {"probability": np.nan, "low": np.nan, "high": np.nan, "runs_x": 0, "runs_y": 0}
    tasks = [returns[label].tasks(shared) for label in (x, y)]
    sizes = [_sizes(returns[label], shared) for label in (x, y)]
    drawn = [bootstrap.drawn(label, size) for label, size in zip((x, y), sizes, strict=True)]
    fewest = [min(size.values()) for size in sizes]
    replicates = replicate(lambda a, b: improvement(tasks[0], tasks[1], a, b), *drawn)
    estimate = _estimate(improvement(tasks[0], tasks[1]), replicates, bootstrap, min(fewest))
    return {
        "probability": estimate["estimate"],
        "low": estimate["low"],
        "high": estimate["high"],
        "runs_x": fewest[0],
        "runs_y": fewest[1],
    }
