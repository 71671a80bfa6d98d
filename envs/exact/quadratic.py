"""A continuous one-step task whose gradient is known in closed form: hit a target that depends on the state.

    r = -(a - c_s)²,   a ~ N(μ_s, σ²):   E[r] = -(μ_s - c_s)² - σ²

It has what tables lack, a Gaussian policy with a standard deviation of its own.

Legend for shapes: n states, M members.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .tabular import Floats, Moved


@dataclass(frozen=True, kw_only=True)
class QuadraticTask:
    """One step from a random state; the reward is minus the squared distance of the action from the state's target."""

    start: Floats
    """``(n,)`` distribution of the state."""
    target: Floats
    """``(n,)`` the best action."""
    time_limit: int | None = None
    """Never reached."""

    @property
    def states(self) -> int:
        """n, number of states."""
        return len(self.start)

    @cached_property
    def action_space(self) -> gymnasium.spaces.Box:
        """Every real number, so that no clipping comes between policy and reward."""
        return gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)

    def move(self, state: NDArray[np.int64], action: NDArray[Any], uniform: Floats) -> Moved:
        """Return what actions ``(M, 1)`` earn."""
        del uniform
        distance = np.asarray(action, np.float64).reshape(len(state)) - self.target[state]
        return Moved(state, -distance * distance, np.ones(len(state), np.bool_))

    def expected_reward(self, mean: Floats, log_std: Floats) -> Floats:
        """Mean reward ``(..., n)`` of Gaussian actions with mean and log standard deviation ``(..., n)``."""
        expected: Floats = -((mean - self.target) ** 2) - np.exp(2 * log_std)
        return expected

    def slope(self, mean: Floats, log_std: Floats) -> Floats:
        """``(n, 2)`` derivative of `expected_reward` in mean and log standard deviation."""
        return np.stack([-2 * (mean - self.target), -2 * np.exp(2 * log_std)], 1)
