"""How fast algorithms learn over a whole suite: the IQM of the score at every share of the budget."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .aggregates import iqm
from .bootstrap import Bootstrap, interval, replicate
from .leaderboard import ByLabel
from .scores import Curves

Array = NDArray[np.float64]
COLUMNS = ["label", "progress", "env_steps", "iqm", "low", "high"]


def efficiency(curves: ByLabel, bootstrap: Bootstrap) -> pd.DataFrame:
    """Sample-efficiency curves: ``label, progress, env_steps, iqm, low, high``, with pointwise intervals.

    ``progress`` is the share of the budget of each environment; ``env_steps`` is NaN where the budgets of an
    algorithm's environments differ. The shares are the checkpoints of its environment with the fewest; another one
    is read at its last checkpoint up to there, as the evaluation protocol itself does. They begin where every
    environment has a checkpoint: imported curves may lack the one before training.
    """
    frames = []
    for label, found in curves.items():
        scored = {env: one for env, one in found.items() if one.scored and one.is_curve}
        if scored:
            frames.append(_efficiency(label, scored, bootstrap))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def _efficiency(label: str, scored: Mapping[str, Curves], bootstrap: Bootstrap) -> pd.DataFrame:
    shares = [_shares(one) for one in scored.values()]
    progress = min(shares, key=len)
    progress = progress[progress + 1e-9 > max(share[0] for share in shares)]
    read = [np.searchsorted(share, progress + 1e-9) - 1 for share in shares]
    tasks = [_ordered(one)[:, places] for one, places in zip(scored.values(), read, strict=True)]
    sizes = {env: len(one.seeds) for env, one in scored.items()}
    drawn = bootstrap.drawn(label, sizes)
    budgets = {one.env_steps[-1] for one in scored.values()}
    rows = []
    for k, share in enumerate(progress):
        values = [task[:, k] for task in tasks]
        replicates = replicate(lambda counts, values=values: iqm(values, counts), drawn)
        low, high = interval(replicates, bootstrap.level, min(sizes.values()))
        steps = share * next(iter(budgets)) if len(budgets) == 1 else np.nan
        rows.append((label, share, steps, float(iqm(values)), float(low), float(high)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _shares(curves: Curves) -> Array:
    return np.asarray(curves.env_steps / curves.env_steps[-1])


def _ordered(curves: Curves) -> Array:
    """The curves in ascending order of the final score, as `Scores` has them: both draw the same runs."""
    return curves.scores[np.lexsort(curves.scores.T)]
