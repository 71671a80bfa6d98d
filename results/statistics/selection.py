"""Which of several values of a hyperparameter may be the best.

The highest mean is partly luck, and so is which value has it. What can be said is which values are *not* the best: one
is excluded where some other's mean score is shown higher. Of ``k`` values each is tested against the ``k - 1`` others
at ``alpha / (k - 1)``. The best value is excluded only if one of its own tests is a false alarm, so that what is left
holds the best value with confidence ``1 - alpha``, whoever looks for the highest mean first. That is of one choice:
sets of several hyperparameters, environments or kinds of score do not hold together with it.

The tests are exact where the values' runs are distributed alike (over all splits of the runs where these are few, else
over random ones), and approximate elsewhere: of ten runs, with eight
values of one mean, the best was left out in 2 % of cases where its spread was fifty times the others', in 8 % where it
was a fiftieth, and in 10 % where it succeeds in one run of five, while the others' scores are all near 0.2.

Source: Gupta (1965), subset selection; the tests are one-sided permutation tests of Welch's t, stratified by
environment (Janssen, 1997), instead of those for normal samples.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import comb, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .aggregates import Tasks
from .bootstrap import generator
from .metrics import magnitude
from .pairwise import EXACT, enough_splits, gaps, studentised

Array = NDArray[np.float64]
_FIRST = 500
"""Splits that are looked at before all are: most tests are far from showing anything, and these say so."""


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
    downwards = sorted(range(len(values)), key=lambda n: -means[n])  # the best show most, and one is enough
    possible = [
        not any(
            means[m] > means[n] and shown_worse(values[n], values[m], alpha, splits=splits, seed=seed)
            for m in downwards
        )
        for n in range(len(values))
    ]
    sizes = [tuple(runs.size for runs in tasks) for tasks in values]
    pairs = {(mine, other) for n, mine in enumerate(sizes) for other in {*sizes[:n], *sizes[n + 1 :]}}
    return Best(tuple(possible), any(smallest_worse_p(*pair, splits) <= alpha for pair in pairs))


def shown_worse(x: Tasks, y: Tasks, alpha: float, *, splits: int, seed: int = 0) -> bool:
    """Whether `worse_p` is at most alpha, which takes few splits to say where it is not; the args are its own."""
    ways = _ways(x, y, splits, seed)
    if ways is None:
        return False
    number, few = len(ways[0]), [part[:_FIRST] for part in ways]
    return all(_as_extreme(x, y, looked) / number <= alpha for looked in (few, ways))


def worse_p(x: Tasks, y: Tasks, *, splits: int, seed: int = 0) -> float:
    """P-value of a permutation test for x having a lower mean than y, one-sided.

    The mean is that over environments of the means over runs. Runs are exchanged within environments: in all ways where
    these are at most `EXACT`, else in random ones. It is 1 with fewer than two runs on a side.

    Args:
        x: the runs on every environment ``(n_e,)``.
        y: the same of the other, ``(m_e,)``.
        splits: how many are drawn where not all are looked at; the observed one counts among them.
        seed: of the draws.
    """
    ways = _ways(x, y, splits, seed)
    return 1.0 if ways is None else _as_extreme(x, y, ways) / len(ways[0])


def smallest_worse_p(x: Sequence[int], y: Sequence[int], splits: int) -> float:
    """The smallest p-value that `worse_p` can be expected to give, however far apart the runs are.

    Args:
        x: numbers of runs, by environment.
        y: the same of the other.
        splits: as `worse_p` has it.
    """
    ways = _number_of_ways(tuple(zip(y, x, strict=True)))
    return 1 / ways if ways <= EXACT else 1 / (splits + 1)


def _as_extreme(x: Tasks, y: Tasks, ways: Sequence[Array]) -> int:
    """How many splits have a t as high as the first, which is the observed one.

    Args:
        x: the runs on every environment.
        y: those of the other.
        ways: by environment ``(splits, m_e + n_e)``, the splits of its runs, y's first.
    """
    gap, error, variance = np.zeros(len(ways[0])), np.zeros(len(ways[0])), 0.0
    size = magnitude(*x, *y)
    for here, there, splits in zip(x, y, ways, strict=True):
        pooled = np.concatenate([there, here]) / size
        pooled = pooled - pooled.mean()
        own_gap, own_error = gaps(pooled, splits)
        gap, error, variance = gap + own_gap, error + own_error, variance + float(pooled.var())
    t = studentised(gap, error, variance)
    return int((t >= t[0] - 1e-9 * abs(t[0])).sum()) if np.isfinite(t[0]) else int((t == t[0]).sum())


def _ways(x: Tasks, y: Tasks, splits: int, seed: int) -> tuple[Array, ...] | None:
    """By environment the splits of its runs, as `_as_extreme` takes them; None where some have too few runs."""
    sizes = tuple((there.size, here.size) for here, there in zip(x, y, strict=True))
    return None if min(map(min, sizes)) < 2 else _splits(sizes, splits, seed)


def _number_of_ways(sizes: Sequence[tuple[int, int]]) -> int:
    return prod(comb(n + m, n) for n, m in sizes)


@lru_cache(maxsize=4)
def _splits(sizes: tuple[tuple[int, int], ...], number: int, seed: int) -> tuple[Array, ...]:
    """By environment ``(splits, n + m)``: 1 where a run falls to the first sample; first the split that was observed.

    All pairs of values share them; each test is as good as with splits of its own.

    Args:
        sizes: of both samples ``(n, m)``, by environment.
        number: of the splits that are drawn where not all are there.
        seed: of the draws.
    """
    if (ways := _number_of_ways(sizes)) <= EXACT:
        order, found, done = generator(seed, "selection").permutation(np.arange(1, ways)), list[Array](), 1
        for n, m in sizes:
            chosen = np.array(list(combinations(range(n + m), n)))
            every = np.zeros((len(chosen), n + m))
            np.put_along_axis(every, chosen, 1.0, axis=1)
            found.append(every[np.concatenate([[0], order]) // done % len(chosen)])
            done *= len(chosen)
        return tuple(found)
    return tuple(_drawn(n, m, number, generator(seed, "selection", str(place))) for place, (n, m) in enumerate(sizes))


def _drawn(n: int, m: int, number: int, random: np.random.Generator) -> Array:
    observed = (np.arange(n + m) < n).astype(np.float64)
    return np.concatenate([observed[None], random.permuted(np.tile(observed, (number, 1)), axis=1)])
