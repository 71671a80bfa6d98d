"""Boundaries of a test that looks at growing samples, and may stop at each look.

The statistic of a look is standard normal where there is no effect; those of two looks correlate as the square root of
the ratio of their sample sizes. A level is spent look by look, and the boundary of a look is where what was spent until
then is all that can have crossed.

Source: Lan & DeMets (1983), Discrete sequential boundaries for clinical trials; Armitage, McPherson & Rowe (1969) for
the recursion; Jennison & Turnbull (2000), chapters 7 and 19.
"""

from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Shape = Literal["late", "early"]
_FARTHEST = 9.0
"""Standard deviations beyond which nothing happens."""
_POINTS = 801


def spent(level: float, share: float, shape: Shape) -> float:
    """Return how much of a level may be spent by the time that ``share`` of the sample is there.

    Args:
        level: one-sided, in all.
        share: in (0, 1].
        shape: ``late`` keeps nearly all for the end, as O'Brien and Fleming's boundary does; ``early`` spends
            ``level · share^1.5`` (Kim & DeMets, 1987).
    """
    if shape == "early":
        return float(level * share**1.5)
    return float(2 * special.ndtr(special.ndtri(level / 2) / np.sqrt(share)))


@cache
def boundaries(level: float, looks: tuple[int, ...], shape: Shape = "late") -> tuple[float, ...]:
    """Return the value of the statistic that each look has to reach.

    Args:
        level: chance of reaching any of them where there is no effect, in (0, 1).
        looks: sample sizes, increasing.
        shape: see `spent`.
    """
    found: list[float] = []
    points, density = np.empty(0), np.empty(0)
    before = 0.0
    for n, size in enumerate(looks):
        due = spent(level, size / looks[-1], shape)
        crossing = _crossing(points, density, looks[n - 1] if n else 0, size)
        bound = _solve(crossing, due - before)
        points, density = _continuing(points, density, looks[n - 1] if n else 0, size, bound)
        found.append(bound)
        before = due
    return tuple(found)


def _crossing(points: Array, density: Array, before: int, now: int) -> Callable[[float], float]:
    """The chance of crossing a bound at this look and none before."""
    if not points.size:
        return lambda bound: float(special.ndtr(-bound))
    spread = np.sqrt(now - before)

    def chance(bound: float) -> float:
        beyond = special.ndtr((points * np.sqrt(before) - bound * np.sqrt(now)) / spread)
        return float(np.trapezoid(density * beyond, points))

    return chance


def _solve(crossing: Callable[[float], float], due: float) -> float:
    if crossing(_FARTHEST) >= due:
        return _FARTHEST
    from scipy import optimize  # which takes longer to load than all the rest

    return float(optimize.brentq(lambda bound: crossing(bound) - due, -_FARTHEST, _FARTHEST, xtol=1e-10))


def _continuing(points: Array, density: Array, before: int, now: int, bound: float) -> tuple[Array, Array]:
    """The density of the statistic at this look where no bound was crossed, on a grid of its own."""
    grid = np.linspace(-_FARTHEST, bound, _POINTS)
    if not points.size:
        return grid, _density(grid)
    spread = np.sqrt(now - before)
    steps = (grid[:, None] * np.sqrt(now) - points * np.sqrt(before)) / spread
    return grid, np.trapezoid(density * _density(steps), points, axis=1) * np.sqrt(now) / spread


def _density(x: Array) -> Array:
    """Of the standard normal distribution."""
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))
