"""CartPole: keep a pole upright on a cart by pushing the cart left or right.

State ``(4, M)``: position, velocity, angle, angular velocity. Reward 1 per step.

Source: Barto, Sutton & Anderson (1983); constants and arithmetic of Gymnasium's CartPole-v1.
"""

import math
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Outcome, Task

GRAVITY = 9.8
POLE_MASS = 0.1
TOTAL_MASS = 1.0 + POLE_MASS
HALF_LENGTH = 0.5
POLE_MASS_LENGTH = POLE_MASS * HALF_LENGTH
FORCE = 10.0
SECONDS_PER_STEP = 0.02
MAX_POSITION = 2.4
MAX_ANGLE = 12 * 2 * math.pi / 360

BOUNDS = np.array([2 * MAX_POSITION, np.inf, 2 * MAX_ANGLE, np.inf], np.float32)


def initial(draws: NDArray[np.float64]) -> Floats:
    """Every variable is drawn uniformly near zero."""
    return draws.T


def dynamics(state: NDArray[np.float64], action: NDArray[Any]) -> Outcome:
    """One Euler step of the cart and the pole; the episode ends when either leaves its range."""
    position, velocity, angle, spin = state
    force = np.where(action == 1, FORCE, -FORCE)
    cosine, sine = np.cos(angle), np.sin(angle)
    push = (force + POLE_MASS_LENGTH * np.square(spin) * sine) / TOTAL_MASS
    angular_acceleration = (GRAVITY * sine - cosine * push) / (
        HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * np.square(cosine) / TOTAL_MASS)
    )
    acceleration = push - POLE_MASS_LENGTH * angular_acceleration * cosine / TOTAL_MASS

    following = np.empty_like(state)
    np.add(position, SECONDS_PER_STEP * velocity, out=following[0])
    np.add(velocity, SECONDS_PER_STEP * acceleration, out=following[1])
    np.add(angle, SECONDS_PER_STEP * spin, out=following[2])
    np.add(spin, SECONDS_PER_STEP * angular_acceleration, out=following[3])
    terminated = (np.abs(following[0]) > MAX_POSITION) | (np.abs(following[2]) > MAX_ANGLE)
    return Outcome(following, np.ones(len(force)), terminated)


def observe(state: Floats) -> NDArray[np.float32]:
    """The state itself."""
    return state.T.astype(np.float32, order="C")


CARTPOLE = Task(
    observation_space=gymnasium.spaces.Box(-BOUNDS, BOUNDS),
    action_space=gymnasium.spaces.Discrete(2),
    time_limit=500,
    reset_low=np.full(4, -0.05),
    reset_high=np.full(4, 0.05),
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)
