"""One number for an algorithm over a suite, and for a pair of algorithms: the published definitions.

Every function takes the runs as a list of tasks, ``(n_e,)`` each (tasks may have different numbers of runs), and
optionally ``counts``, ``(..., n_e)`` per task: how often each run counts. A bootstrap replicate *is* such a vector of
counts, so everything here is a weighted sum, vectorised over the leading axes; without counts each run counts once.

Every task weighs the same. With equal numbers of runs that is the published definition to the letter; with unequal
ones each run is repeated until all tasks have the same number (their least common multiple).

Source: Agarwal et al. (2021), Deep reinforcement learning at the edge of the statistical precipice.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Tasks = Sequence[Array]
Counts = Sequence[NDArray[np.number]] | None
"""Per task ``(..., n_e)`` with sum n_e along the last axis; None: every run once."""


def iqm(tasks: Tasks, counts: Counts = None) -> Array:
    """Interquartile mean: the mean of the middle half of all runs of all tasks.

    As ``scipy.stats.trim_mean(x, 0.25)`` of the flattened matrix: floor(N / 4) runs are cut off at each end.
    """
    values = np.concatenate(list(tasks))
    order = np.argsort(values, kind="stable")
    common = math.lcm(*(task.size for task in tasks))
    weights = [count * float(common // task.size) for task, count in zip(tasks, _given(tasks, counts), strict=True)]
    cumulated = np.cumsum(np.concatenate(weights, axis=-1)[..., order], axis=-1)
    total = common * len(tasks)
    cut = total // 4
    inner = np.diff(np.clip(cumulated, cut, total - cut, out=cumulated), axis=-1, prepend=cut)
    return np.asarray(inner @ values[order] / (total - 2 * cut))


def mean(tasks: Tasks, counts: Counts = None) -> Array:
    """Mean over tasks of the mean over runs."""
    return np.asarray(_task_means(tasks, counts).mean(-1))


def median(tasks: Tasks, counts: Counts = None) -> Array:
    """Median over tasks of the mean over runs."""
    return np.asarray(np.median(_task_means(tasks, counts), axis=-1))


def optimality_gap(tasks: Tasks, counts: Counts = None, gamma: float = 1.0) -> Array:
    """How far the runs fall short of ``gamma``, no run making up for another: ``gamma - mean(min(x, gamma))``."""
    return np.asarray(gamma - mean([np.minimum(task, gamma) for task in tasks], counts))


def profile(tasks: Tasks, thresholds: ArrayLike, counts: Counts = None) -> Array:
    """Performance profile ``(..., T)``: the share of runs with a score above each threshold, averaged over tasks."""
    limits = np.asarray(thresholds, dtype=np.float64)
    above = [(task[:, None] > limits).astype(np.float64) / task.size for task in tasks]
    shares = [count @ share for count, share in zip(_given(tasks, counts), above, strict=True)]
    return np.asarray(sum(shares) / len(tasks))


def improvement(x: Tasks, y: Tasks, counts_x: Counts = None, counts_y: Counts = None) -> Array:
    """Probability that a run of x scores higher than one of y on the same task, ties as half, averaged over tasks.

    Per task it is the Mann-Whitney statistic U / (n m).
    """
    wins = []
    for here, there, count, other in zip(x, y, _given(x, counts_x), _given(y, counts_y), strict=True):
        won = np.greater.outer(here, there) + 0.5 * np.equal.outer(here, there)
        wins.append(((count @ won) * other).sum(-1) / won.size)
    return np.asarray(sum(wins) / len(wins))


def average_ranks(algorithms: Sequence[Tasks], counts: Sequence[Counts] | None = None) -> Array:
    """``(..., A)`` expected rank of each algorithm, 1 being best, when one run of each is drawn on every task.

    Ties share their ranks. Agarwal et al. estimate the distribution of this rank by drawing runs; its mean has the
    closed form ``1 + sum over the others of P(other > this)``, with P as in `improvement`.
    """
    given = [None] * len(algorithms) if counts is None else counts
    ranks: list[Array] = [np.asarray(1.0) for _ in algorithms]
    for i, x in enumerate(algorithms):
        for j in range(i):
            won = improvement(x, algorithms[j], given[i], given[j])
            ranks[i], ranks[j] = ranks[i] + (1 - won), ranks[j] + won
    return np.stack(np.broadcast_arrays(*ranks), axis=-1)


def _task_means(tasks: Tasks, counts: Counts) -> Array:
    """``(..., E)`` mean over the runs of each task."""
    means = [count @ task / task.size for task, count in zip(tasks, _given(tasks, counts), strict=True)]
    return np.stack(means, axis=-1)


def _given(tasks: Tasks, counts: Counts) -> Sequence[NDArray[np.number]]:
    return [np.ones(task.size) for task in tasks] if counts is None else counts
