"""MountainCar: rock an underpowered car out of a valley. One form with three actions, one with a continuous force.

State ``(2, M)``: position, velocity. The first form pays -1 per step, the second 100 at the goal minus a little for
force. The two differ in goal, power and precision as they do in Gymnasium.

Source: Moore (1990); constants and arithmetic of Gymnasium's MountainCar-v0 and MountainCarContinuous-v0.
"""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Outcome, Task

MIN_POSITION = -1.2
MAX_POSITION = 0.6
MAX_SPEED = 0.07
GRAVITY = 0.0025
FORCE = 0.001
GOAL = 0.5
CONTINUOUS_POWER = 0.0015
CONTINUOUS_GOAL = 0.45

LOW = np.array([MIN_POSITION, -MAX_SPEED], np.float32)
HIGH = np.array([MAX_POSITION, MAX_SPEED], np.float32)


def initial(draws: NDArray[np.float64]) -> Floats:
    """At rest, near the bottom of the valley."""
    return np.concatenate([draws.T, np.zeros((1, len(draws)))])


def moved(position: Floats, velocity: Floats) -> Floats:
    """State ``(2, M)`` after the walls have bounded speed and position; the left one stops the car."""
    velocity = np.clip(velocity, -MAX_SPEED, MAX_SPEED)
    position = np.clip(position + velocity, MIN_POSITION, MAX_POSITION)
    stopped = (position == MIN_POSITION) & (velocity < 0)
    return np.stack([position, np.where(stopped, 0, velocity)])


def dynamics(state: NDArray[np.float64], action: NDArray[Any]) -> Outcome:
    """Push left, coast or push right."""
    position, velocity = state
    following = moved(position, velocity + ((action - 1) * FORCE + np.cos(3 * position) * -GRAVITY))
    terminated = (following[0] >= GOAL) & (following[1] >= 0)
    return Outcome(following.astype(np.float64), np.full(len(terminated), -1.0), terminated)


def continuous_dynamics(state: NDArray[np.float64], action: NDArray[Any]) -> Outcome:
    """Push with a force in [-1, 1].

    Gymnasium keeps this state in float32, except for the first state of an episode; so does this. A first state is told
    by a position that float32 does not hold.
    """
    force = action[:, 0]
    rounded = state.astype(np.float32)
    following = pushed(rounded, force)
    first = rounded[0] != state[0]
    if first.any():
        following[:, first] = pushed(state[:, first], force[first])
    terminated = (following[0] >= CONTINUOUS_GOAL) & (following[1] >= 0)
    reward = 100.0 * terminated - 0.1 * np.square(force, dtype=np.float64)
    return Outcome(following.astype(np.float64), reward, terminated)


def pushed(state: Floats, force: NDArray[np.float32]) -> Floats:
    """State ``(2, M)`` one step later, computed in the precision of the state given."""
    position, velocity = state
    slope = GRAVITY * np.cos(3 * position, dtype=np.float64)
    change = np.clip(force, -1.0, 1.0) * CONTINUOUS_POWER - slope.astype(np.float32)
    return moved(position, velocity + change)


def observe(state: Floats) -> NDArray[np.float32]:
    """The state itself."""
    return state.T.astype(np.float32, order="C")


MOUNTAIN_CAR = Task(
    observation_space=gymnasium.spaces.Box(LOW, HIGH),
    action_space=gymnasium.spaces.Discrete(3),
    time_limit=200,
    reset_low=np.array([-0.6]),
    reset_high=np.array([-0.4]),
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)

MOUNTAIN_CAR_CONTINUOUS = MOUNTAIN_CAR._replace(
    action_space=gymnasium.spaces.Box(-1.0, 1.0, (1,)),
    time_limit=999,
    dynamics=continuous_dynamics,
)
