"""Statistics of one cell's runs, as pure functions of arrays. The run is the unit of replication: never an episode."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


def magnitude(*values: ArrayLike) -> float:
    """A power of two of about the size of the largest number.

    Divided by it, which is exact, numbers can be squared and added up whatever their size.
    """
    largest = max(float(np.abs(np.asarray(one, np.float64)).max(initial=0.0)) for one in values)
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1)) if 0 < largest < np.inf else 1.0


def average(x: ArrayLike) -> float:
    """Mean over runs ``(runs,)``: of equal numbers that number, and of large ones no infinity."""
    values = np.asarray(x, dtype=np.float64)
    if not np.ptp(values):
        return float(values[0])
    size = magnitude(values)
    return float((values / size).mean() * size)


def spread(x: ArrayLike) -> float:
    """Standard deviation over runs ``(runs,)``, n - 1 in the divisor: 0 of equal numbers, NaN of fewer than two."""
    values = np.asarray(x, dtype=np.float64)
    if values.size < 2:
        return float("nan")
    size = magnitude(values)
    return float((values / size).std(ddof=1) * size) if np.ptp(values) else 0.0


def area_under_curve(env_steps: ArrayLike, returns: ArrayLike) -> NDArray[np.float64]:
    """Mean return over the horizon: the trapezoid area under the curve, divided by its width.

    Args:
        env_steps: ``(K+1,)`` the evaluation grid, increasing.
        returns: ``(..., K+1)`` returns, or scores, at its points.

    Returns:
        ``(...)`` in the unit of ``returns``.
    """
    steps = np.asarray(env_steps, dtype=np.float64)
    if steps.ndim != 1 or steps.size < 2 or np.any(np.diff(steps) <= 0):
        raise ValueError(f"the grid must be at least two increasing points, not {steps}")
    size = magnitude(returns)
    area = np.trapezoid(np.asarray(returns, dtype=np.float64) / size, steps, axis=-1)
    return np.asarray(area / (steps[-1] - steps[0]) * size)


def mean_interval(x: ArrayLike, level: float = 0.95, within: tuple[float, float] | None = None) -> tuple[float, float]:
    """Interval of the mean over runs; NaN for fewer than two.

    Student's t; where it is known between which numbers runs lie, on the scale of the logit of the mean's place
    between them, its standard error by the delta method. That interval stays between them, is wider towards the middle
    than towards the end, and holds the mean of runs at a ceiling more often (`docs/intervals/README.md`).

    Args:
        x: ``(runs,)`` one number per run.
        level: its confidence.
        within: the lowest and the highest number possible; of no effect where a run lies beyond them.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.size < 2:
        return float("nan"), float("nan")
    mean, half = average(values), special.stdtrit(values.size - 1, (1 + level) / 2) * spread(values) / values.size**0.5
    if within is None or half == 0 or values.min() < within[0] or values.max() > within[1]:
        return float(mean - half), float(mean + half)
    low, high = within
    share, half = (mean - low) / (high - low), half / (high - low)
    ends = special.expit(special.logit(share) + np.array([-1, 1]) * half / (share * (1 - share)))
    return float(low + (high - low) * ends[0]), float(low + (high - low) * ends[1])
