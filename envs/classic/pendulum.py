"""Pendulum: swing an underactuated pendulum up and hold it there.

State ``(2, M)``: angle from upright, angular velocity. The cost is the distance from rest at the top plus a little for
torque; an episode never terminates.

Source: constants and arithmetic of Gymnasium's Pendulum-v1.
"""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Outcome, Task

GRAVITY = 10.0
MASS = 1.0
LENGTH = 1.0
MAX_SPEED = 8.0
MAX_TORQUE = 2.0
SECONDS_PER_STEP = 0.05

BOUNDS = np.array([1.0, 1.0, MAX_SPEED], np.float32)
RESET_BOUNDS = np.array([np.pi, 1.0])


def initial(draws: NDArray[np.float64]) -> Floats:
    """Any angle, a small angular velocity."""
    return draws.T


def dynamics(state: NDArray[np.float64], action: NDArray[Any]) -> Outcome:
    """One semi-implicit Euler step; the cost is that of the state before it."""
    angle, speed = state
    torque = np.clip(action[:, 0], -MAX_TORQUE, MAX_TORQUE)
    from_upright = (angle + np.pi) % (2 * np.pi) - np.pi
    cost = np.square(from_upright) + 0.1 * np.square(speed) + 0.001 * np.square(torque)

    following = np.empty_like(state)
    acceleration = 3 * GRAVITY / (2 * LENGTH) * np.sin(angle) + 3.0 / (MASS * LENGTH**2) * torque
    np.clip(speed + acceleration * SECONDS_PER_STEP, -MAX_SPEED, MAX_SPEED, out=following[1])
    np.add(angle, following[1] * SECONDS_PER_STEP, out=following[0])
    return Outcome(following, -cost, np.zeros(len(cost), np.bool_))


def observe(state: Floats) -> NDArray[np.float32]:
    """Cosine and sine of the angle, and the angular velocity."""
    angle, speed = state
    observation = np.empty((len(angle), 3), np.float32)
    observation[:, 0] = np.cos(angle)
    observation[:, 1] = np.sin(angle)
    observation[:, 2] = speed
    return observation


PENDULUM = Task(
    observation_space=gymnasium.spaces.Box(-BOUNDS, BOUNDS),
    action_space=gymnasium.spaces.Box(-MAX_TORQUE, MAX_TORQUE, (1,)),
    time_limit=200,
    reset_low=-RESET_BOUNDS,
    reset_high=RESET_BOUNDS,
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)
