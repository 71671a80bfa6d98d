"""CartPole: keep a pole upright on a cart by pushing the cart left or right.

State ``(4,)``: position, velocity, angle, angular velocity. Reward 1 per step.

Source: Barto, Sutton & Anderson (1983); constants and arithmetic of Gymnasium's CartPole-v1.
"""

import math

import gymnasium
import numpy as np

from ...kernels import kernel
from ..compiled import Task

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


@kernel
def initial(draws, state):
    """Every variable is drawn uniformly near zero."""
    for n in range(4):
        state[n] = draws[n]


@kernel
def dynamics(state, action, following):
    """One Euler step of the cart and the pole; the episode ends when either leaves its range."""
    position, velocity, angle, spin = state[0], state[1], state[2], state[3]
    force = FORCE if action[0] == 1 else -FORCE
    cosine, sine = math.cos(angle), math.sin(angle)
    push = (force + POLE_MASS_LENGTH * spin**2 * sine) / TOTAL_MASS
    angular_acceleration = (GRAVITY * sine - cosine * push) / (
        HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cosine**2 / TOTAL_MASS)
    )
    acceleration = push - POLE_MASS_LENGTH * angular_acceleration * cosine / TOTAL_MASS

    following[0] = position + SECONDS_PER_STEP * velocity
    following[1] = velocity + SECONDS_PER_STEP * acceleration
    following[2] = angle + SECONDS_PER_STEP * spin
    following[3] = spin + SECONDS_PER_STEP * angular_acceleration
    return 1.0, abs(following[0]) > MAX_POSITION or abs(following[2]) > MAX_ANGLE


@kernel
def observe(state, observation):
    """The state itself."""
    for n in range(4):
        observation[n] = state[n]


CARTPOLE = Task(
    observation_space=gymnasium.spaces.Box(-BOUNDS, BOUNDS),
    action_space=gymnasium.spaces.Discrete(2),
    time_limit=500,
    state_size=4,
    reset_low=np.full(4, -0.05),
    reset_high=np.full(4, 0.05),
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)
