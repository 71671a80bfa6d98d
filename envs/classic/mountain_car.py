"""MountainCar: rock an underpowered car out of a valley. One form with three actions, one with a continuous force.

State ``(2,)``: position, velocity. The first form pays -1 per step, the second 100 at the goal minus a little for
force. The two differ in goal and power. Gymnasium keeps the
second in float32, which is a millionth of a difference; here it is float64 like the others.

Source: Moore (1990); constants and arithmetic of Gymnasium's MountainCar-v0 and MountainCarContinuous-v0.
"""

import math

import gymnasium
import numpy as np

from ...kernels import kernel
from ..compiled import Task

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


@kernel
def initial(draws, state):
    """At rest, near the bottom of the valley."""
    state[0], state[1] = draws[0], 0.0


@kernel
def move(position, velocity, following):
    """Write the state after the walls have bounded speed and position; the left one stops the car."""
    velocity = min(max(velocity, -MAX_SPEED), MAX_SPEED)
    position = min(max(position + velocity, MIN_POSITION), MAX_POSITION)
    stopped = position == MIN_POSITION and velocity < 0
    following[0], following[1] = position, 0.0 if stopped else velocity


@kernel
def dynamics(state, action, following):
    """Push left, coast or push right."""
    position, velocity = state[0], state[1]
    move(position, velocity + ((action[0] - 1) * FORCE + math.cos(3 * position) * -GRAVITY), following)
    return -1.0, following[0] >= GOAL and following[1] >= 0


@kernel
def continuous_dynamics(state, action, following):
    """Push with a force in [-1, 1]."""
    position, velocity, force = state[0], state[1], action[0]
    push = min(max(force, -1.0), 1.0) * CONTINUOUS_POWER
    move(position, velocity + (push - GRAVITY * math.cos(3 * position)), following)
    terminated = following[0] >= CONTINUOUS_GOAL and following[1] >= 0
    return (100.0 if terminated else 0.0) - 0.1 * force**2, terminated


@kernel
def observe(state, observation):
    """The state itself."""
    observation[0], observation[1] = state[0], state[1]


MOUNTAIN_CAR = Task(
    observation_space=gymnasium.spaces.Box(LOW, HIGH),
    action_space=gymnasium.spaces.Discrete(3),
    time_limit=200,
    state_size=2,
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
