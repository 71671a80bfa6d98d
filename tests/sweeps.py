"""A sweep made by hand: its runs are what a function of the value says."""

import numpy as np
import pandas as pd

from pgsuite.results.swept import COLUMNS, Axis, Swept, spelled

BUDGETS = {"CartPole-v1": 1000, "Pendulum-v1": 3000}


def runs_of(algorithm, name, values, score, *, own=None, environments=tuple(BUDGETS), seeds=range(8), anchors=True):
    """Rows of a sweep; a score of None is a run that diverged, of NaN one that is missing."""
    rows = []
    for env in environments:
        for value in [*values, *([own] if own not in values and own is not None else [])]:
            for seed in seeds:
                found = score(env, value, seed)
                status = "diverged" if found is None else "missing" if np.isnan(found) else "complete"
                number = found if status == "complete" else np.nan
                mine = value == own
                cell = algorithm if mine else f"{algorithm}#{name}={spelled(value)}"
                scores = (number, number / 2) if anchors else (np.nan, np.nan)
                facts = (algorithm, name, spelled(value), mine, value in values, cell, env, BUDGETS[env], seed, status)
                rows.append((*facts, 100 * number, scores[0], 50 * number, scores[1], np.nan, np.nan, ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def sweep_of(*parts, log=False, notes=()):
    """A sweep of such rows, of one hyperparameter each, whose values are numbers where they can be."""
    axes = []
    for rows in parts:
        values = [_value(text) for text in dict.fromkeys(rows[rows.asked].value)]
        own = {env: _value(text) for env, text in rows[rows.suite_setting].groupby("environment").value.first().items()}
        axes.append(Axis(rows.algorithm.iloc[0], rows.hyperparameter.iloc[0], tuple(values), log, own))
    runs = pd.concat(parts, ignore_index=True)
    environments = {env: steps for env, steps in BUDGETS.items() if env in set(runs.environment)}
    return Swept("mine", tuple(axes), environments, runs, tuple(notes))


def _value(text):
    try:
        return float(text)
    except ValueError:
        return text
