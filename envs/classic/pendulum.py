"""Pendulum: swing an underactuated pendulum up and hold it there.

State ``(2,)``: angle from upright, angular velocity. The cost is the distance from rest at the top plus a little for
torque; an episode never terminates.

Source: constants and arithmetic of Gymnasium's Pendulum-v1.
"""

import math

import gymnasium
import numpy as np

from ...kernels import kernel
from ..compiled import Task

GRAVITY = 10.0
MASS = 1.0
LENGTH = 1.0
MAX_SPEED = 8.0
MAX_TORQUE = 2.0
SECONDS_PER_STEP = 0.05

BOUNDS = np.array([1.0, 1.0, MAX_SPEED], np.float32)
RESET_BOUNDS = np.array([np.pi, 1.0])


@kernel
def initial(draws, state):
    """Any angle, a small angular velocity."""
    state[0], state[1] = draws[0], draws[1]


@kernel
def dynamics(state, action, following):
    """One semi-implicit Euler step; the cost is that of the state before it."""
    angle, speed = state[0], state[1]
    torque = min(max(action[0], -MAX_TORQUE), MAX_TORQUE)
    from_upright = (angle + math.pi) % (2 * math.pi) - math.pi
    cost = from_upright**2 + 0.1 * speed**2 + 0.001 * torque**2

    acceleration = 3 * GRAVITY / (2 * LENGTH) * math.sin(angle) + 3.0 / (MASS * LENGTH**2) * torque
    following[1] = min(max(speed + acceleration * SECONDS_PER_STEP, -MAX_SPEED), MAX_SPEED)
    following[0] = angle + following[1] * SECONDS_PER_STEP
    return -cost, False


@kernel
def observe(state, observation):
    """Cosine and sine of the angle, and the angular velocity."""
    observation[0], observation[1], observation[2] = math.cos(state[0]), math.sin(state[0]), state[1]


PENDULUM = Task(
    observation_space=gymnasium.spaces.Box(-BOUNDS, BOUNDS),
    action_space=gymnasium.spaces.Box(-MAX_TORQUE, MAX_TORQUE, (1,)),
    time_limit=200,
    state_size=2,
    reset_low=-RESET_BOUNDS,
    reset_high=RESET_BOUNDS,
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)
