"""Statistics of one cell's runs, as pure functions of arrays. The run is the unit of replication: never an episode."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


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
    area = np.trapezoid(np.asarray(returns, dtype=np.float64), steps, axis=-1)
    return np.asarray(area / (steps[-1] - steps[0]))


def mean_interval(x: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Student's t interval of the mean over runs; NaN for fewer than two.

    Args:
        x: ``(runs,)`` one number per run.
        level: its confidence.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.size < 2:
        return float("nan"), float("nan")
    half = special.stdtrit(values.size - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean() - half), float(values.mean() + half)
