"""How runs end at every value of a swept hyperparameter: means with intervals, failures, and what may be the best."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..swept import Axis, Swept, spelled
from ..tuned import WORST
from .aggregates import mean
from .bootstrap import MEANINGFUL, Bootstrap, interval, replicate
from .metrics import mean_interval
from .selection import Best, possibly_best

Array = NDArray[np.float64]
ALL = "all environments"
"""In the place of an environment, in the rows of the means over environments."""
SUITE = "the suite's"
"""In the place of a value, where the suite has not the same one on all environments."""
_NUMBERS = ("score", "auc", "return")
COLUMNS = [
    *("algorithm", "hyperparameter", "value", "suite_setting", "asked", "environment", "runs", "diverged", "failed"),
    *(
        "missing",
        *(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high")),
        "score_possibly_best",
        "auc_possibly_best",
        "told",
    ),
]


def points(swept: Swept, *, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """One row per hyperparameter, environment and value, in the order of the values.

    ``score`` and ``auc`` are means over runs of the final score and of the normalised area under the curve, a run that
    diverged or failed counting `WORST`; ``return`` is that of the final return over the runs that came to their end;
    each with an interval, ``…_low`` and ``…_high``. ``score_possibly_best`` and ``auc_possibly_best`` say whether a
    value is not shown worse than some other of its hyperparameter and environment (by final returns and areas under
    them where there are no anchors, a run without a result counting as the lowest); ``told`` whether there are runs
    enough to show that of any. With fewer than `MEANINGFUL` runs of a value nothing is told, and no interval given.

    With several environments that have anchors further rows, of `ALL`, hold the mean over environments, of the values
    that ran on all of them, with a stratified bootstrap's interval; and the suite's own setting, as the value `SUITE`
    where it is not the same value everywhere.
    """
    rows = [row for axis in swept.axes for row in _of_axis(axis, swept, level, seed)]
    return pd.DataFrame(rows, columns=COLUMNS)


def in_order(axis: Axis, texts: Sequence[str]) -> list[str]:
    """Return the texts of values as the axis has them: numbers ascending, others as they were asked for."""
    if axis.numeric:
        return sorted(texts, key=float)
    order = [spelled(one) for one in axis.values]
    return sorted(texts, key=lambda text: order.index(text) if text in order else len(order))


def tasks_of(
    runs: pd.DataFrame, environments: Sequence[str], column: str = "final_score", least: float = WORST
) -> list[Array]:
    """Return the numbers of a setting's runs on every environment; ``least`` of a run without a result."""
    known = runs[runs["status"] != "missing"]
    return [known.loc[known["environment"] == env, column].fillna(least).to_numpy(np.float64) for env in environments]


def _of_axis(axis: Axis, swept: Swept, level: float, seed: int) -> Iterator[dict[str, Any]]:
    runs = swept.runs
    own = runs[(runs["algorithm"] == axis.algorithm) & (runs["hyperparameter"] == axis.name)]
    scored = []
    for env in swept.environments:
        here = own[own["environment"] == env]
        if len(here):
            anchors = bool(here["final_score"].notna().any()) or not here["final_return"].notna().any()
            scored += [env] if anchors else []
            texts = in_order(axis, list(dict.fromkeys(here["value"])))
            by_value = [here[here["value"] == text] for text in texts]
            possible = _possible(by_value, [env], anchors, level, seed)
            for text, one, best in zip(texts, by_value, possible, strict=True):
                yield _facts(axis, text, env, one) | _on_environment(one, env, anchors, level) | best
    if len(scored) > 1:
        yield from _aggregated(axis, own[own["environment"].isin(scored)], scored, level, seed)


def _possible(
    values: Sequence[pd.DataFrame], environments: Sequence[str], scored: bool, level: float, seed: int
) -> list[dict[str, bool]]:
    """What may be the best, by value."""
    unit = "score" if scored else "return"
    final, auc = (_best(values, environments, f"{what}_{unit}", level, seed) for what in ("final", "auc"))
    return [
        {"score_possibly_best": one, "auc_possibly_best": other, "told": final.told}
        for one, other in zip(final.possible, auc.possible, strict=True)
    ]


def _best(values: Sequence[pd.DataFrame], environments: Sequence[str], column: str, level: float, seed: int) -> Best:
    least = WORST if column.endswith("score") else min(one[column].min() for one in values)
    tasks = [tasks_of(one, environments, column, least) for one in values]
    if any(task.size < MEANINGFUL for each in tasks for task in each):
        return Best((True,) * len(tasks), told=False)
    return possibly_best(tasks, level=level, seed=seed)


def _on_environment(runs: pd.DataFrame, env: str, anchors: bool, level: float) -> dict[str, float]:
    ends = runs[["lowest", "highest"]].to_numpy(np.float64)
    known = ends[~np.isnan(ends).any(axis=1)]
    within = (float(known[0, 0]), float(known[0, 1])) if len(known) else None
    (score,), (auc,) = (tasks_of(runs, [env], column) for column in ("final_score", "auc_score"))
    returns = runs["final_return"].dropna().to_numpy(np.float64)
    return {
        **_mean("score", score if anchors else np.array([]), within, level),
        **_mean("auc", auc if anchors else np.array([]), within, level),
        **_mean("return", returns, None if anchors else within, level),
    }


def _aggregated(
    axis: Axis, runs: pd.DataFrame, environments: Sequence[str], level: float, seed: int
) -> Iterator[dict[str, Any]]:
    suite = runs[runs["suite_setting"]]
    texts = in_order(axis, list(dict.fromkeys(runs["value"])))
    settings = {text: runs[runs["value"] == text] for text in texts}
    settings = {text: one for text, one in settings.items() if all(len(task) for task in tasks_of(one, environments))}
    possible = dict(zip(settings, _possible(list(settings.values()), environments, True, level, seed), strict=True))
    if suite["value"].nunique() > 1 and all(len(task) for task in tasks_of(suite, environments)):
        settings[SUITE], possible[SUITE] = suite, {}
    for text, one in settings.items():
        yield {
            **_facts(axis, text, ALL, one),
            "suite_setting": text == SUITE or bool(one["suite_setting"].all()),
            **_mean_of_tasks("score", tasks_of(one, environments), environments, level, seed),
            **_mean_of_tasks("auc", tasks_of(one, environments, "auc_score"), environments, level, seed),
            **possible[text],
        }


def _facts(axis: Axis, text: str, env: str, runs: pd.DataFrame) -> dict[str, Any]:
    fates = runs["status"].value_counts()
    return {
        "algorithm": axis.algorithm,
        "hyperparameter": axis.name,
        "value": text,
        "suite_setting": bool(runs["suite_setting"].all()),
        "asked": bool(runs["asked"].any()),
        "environment": env,
        "runs": int((runs["status"] != "missing").sum()),
        **{fate: int(fates.get(fate, 0)) for fate in ("diverged", "failed", "missing")},
    }


def _mean(name: str, numbers: Array, within: tuple[float, float] | None, level: float) -> dict[str, float]:
    if not numbers.size:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), np.nan)
    low, high = mean_interval(numbers, level, within) if numbers.size >= MEANINGFUL else (np.nan, np.nan)
    return {name: float(numbers.mean()), f"{name}_low": low, f"{name}_high": high}


def _mean_of_tasks(
    name: str, tasks: Sequence[Array], environments: Sequence[str], level: float, seed: int
) -> dict[str, float]:
    sizes = {env: task.size for env, task in zip(environments, tasks, strict=True)}
    drawn = Bootstrap(level, seed=seed).drawn("sweep", sizes)
    low, high = interval(replicate(lambda counts: mean(tasks, counts), drawn), level, min(task.size for task in tasks))
    return {name: float(mean(tasks)), f"{name}_low": float(low), f"{name}_high": float(high)}
