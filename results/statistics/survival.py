"""Time to a threshold, of which some runs only tell that it is longer than they lasted.

A run that never reached the threshold is censored at its end. Leaving it out would favour the algorithm that fails
most; putting the horizon in its place would invent a time.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def first_reached(values: ArrayLike, times: ArrayLike, threshold: float) -> tuple[Array, NDArray[np.bool_]]:
    """When each run first reached the threshold, and whether it did; where not, the time is that of its end.

    Args:
        values: ``(R, K)`` curves.
        times: ``(K,)`` or ``(R, K)``, of the checkpoints.
        threshold: reached by a value that is as high.
    """
    curves = np.asarray(values, dtype=np.float64)
    clocks = np.broadcast_to(np.asarray(times, dtype=np.float64), curves.shape)
    above = curves >= threshold
    reached: NDArray[np.bool_] = np.asarray(above.any(axis=1))
    place = np.where(reached, above.argmax(axis=1), curves.shape[1] - 1)
    return clocks[np.arange(len(curves)), place], reached


def median_time(times: ArrayLike, reached: ArrayLike) -> float:
    """Kaplan and Meier's median: when half of the runs have reached the threshold; NaN when that is not known.

    Where the survival curve is flat at exactly one half the middle of that stretch is taken, as in the median of an
    even number of times; a stretch without an end, as when half or more are censored at the horizon, gives NaN.

    Args:
        times: ``(R,)`` of the event, or of the censoring.
        reached: ``(R,)`` whether it is the event. A time that was not measured (NaN) leaves the median unknown.

    Source: Kaplan & Meier (1958); Brookmeyer & Crowley (1982) for the middle of the flat stretch.
    """
    when, event = np.asarray(times, dtype=np.float64), np.asarray(reached, dtype=bool)
    if np.isnan(when).any():
        return float("nan")
    moments = np.unique(when[event])
    at_risk = (when >= moments[:, None]).sum(axis=1)
    events = ((when == moments[:, None]) & event).sum(axis=1)
    surviving = np.cumprod(1 - events / at_risk) if moments.size else np.empty(0)
    half, below = surviving <= 0.5 + 1e-12, surviving < 0.5 - 1e-12
    if not below.any():
        return float("nan")
    return float((moments[half.argmax()] + moments[below.argmax()]) / 2)
