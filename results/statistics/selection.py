"""Which of several values of a hyperparameter may be the best.

The highest mean is partly luck, and so is which value has it. What can be said is which values are *not* the best: one
is excluded where some other's mean score is shown higher. Of ``k`` values each is tested against the ``k - 1`` others
at ``alpha / (k - 1)``. The best value is excluded only if one of its own tests is a false alarm, so that what is left
holds the best value with confidence ``1 - alpha``, whoever looks for the highest mean first. That is of one choice:
sets of several hyperparameters, environments or kinds of score do not hold together with it.

The tests are exact where the values' runs are distributed alike, and approximate elsewhere: of ten runs, with eight
values of one mean, the best was left out in 2 % of cases where its spread was fifty times the others', in 8 % where it
was a fiftieth, and in 10 % where it succeeds in one run of five, while the others' scores are all near 0.2.

Source: Gupta (1965), subset selection; the tests are one-sided permutation tests of Welch's t, stratified by
environment (Janssen, 1997), instead of those for normal samples.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import comb, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .aggregates import Tasks
from .bootstrap import generator
from .metrics import magnitude
from .pairwise import enough_splits, gaps, studentised

Array = NDArray[np.float64]


class Best(NamedTuple):
    """What is known of which value is the best."""

    possible: tuple[bool, ...]
    """By value, whether it is not shown worse than some other."""
    told: bool
    """Whether there are enough runs for any value to be shown worse, however far apart the scores are."""


def possibly_best(values: Sequence[Tasks], *, level: float = 0.95, seed: int = 0) -> Best:
    """Return which values may be the best: they hold the best one with a confidence of ``level``.

    Args:
        values: by value, the runs on every environment ``(n_e,)``, the environments the same for all.
        level: such as 0.95.
        seed: of the splits that are drawn.
    """
    if len(values) < 2:
        return Best((True,) * len(values), told=False)
    alpha = (1 - level) / (len(values) - 1)
    splits = enough_splits(alpha)
    means = [float(np.mean([runs.mean() for runs in tasks])) for tasks in values]
    possible, attainable = [], False
    for n, tasks in enumerate(values):
        tests = [
            worse_p(tasks, other, splits=splits, seed=seed) for m, other in enumerate(values) if means[m] > means[n]
        ]
        possible.append(min(tests, default=1.0) > alpha)
        attainable |= any(smallest_worse_p(tasks, other, splits) <= alpha for other in values if other is not tasks)
    return Best(tuple(possible), attainable)


def worse_p(x: Tasks, y: Tasks, *, splits: int, seed: int = 0) -> float:
    """P-value of a permutation test for x having a lower mean than y, one-sided.

    The mean is that over environments of the means over runs. Runs are exchanged within environments.

    Args:
        x: the runs on every environment ``(n_e,)``.
        y: the same of the other, ``(m_e,)``.
        splits: how many are drawn; the observed one counts among them.
        seed: of the draws.
    """
    gap, error, variance = np.zeros(splits + 1), np.zeros(splits + 1), 0.0
    size = magnitude(*x, *y)
    for place, (here, there) in enumerate(zip(x, y, strict=True)):
        if min(here.size, there.size) < 2:
            return 1.0
        pooled = np.concatenate([there, here]) / size
        pooled = pooled - pooled.mean()
        own_gap, own_error = gaps(pooled, _splits(there.size, here.size, splits, seed, place))
        gap, error, variance = gap + own_gap, error + own_error, variance + float(pooled.var())
    t = studentised(gap, error, variance)
    return float((t >= t[0] - 1e-9 * abs(t[0])).mean()) if np.isfinite(t[0]) else float((t == t[0]).mean())


def smallest_worse_p(x: Tasks, y: Tasks, splits: int) -> float:
    """The smallest p-value that `worse_p` can be expected to give, however far apart the runs are."""
    ways = prod(comb(here.size + there.size, here.size) for here, there in zip(x, y, strict=True))
    return max(1 / ways, 1 / (splits + 1))


@lru_cache(maxsize=8)
def _splits(n: int, m: int, number: int, seed: int, place: int) -> Array:
    """``(1 + number, n + m)``: 1 where a run falls to the first sample; first the split that was observed.

    All pairs of values share them; each test is as good as with splits of its own.
    """
    random = generator(seed, "selection", str(place))
    observed = (np.arange(n + m) < n).astype(np.float64)
    drawn = random.permuted(np.tile(observed, (number, 1)), axis=1)
    return np.concatenate([observed[None], drawn])
