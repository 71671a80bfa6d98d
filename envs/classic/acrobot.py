"""Acrobot: swing the tip of a two-link pendulum above a line by torque on the joint between the links.

State ``(4,)``: the two angles, the two angular velocities. Reward -1 per step, 0 on the step that reaches the line.

Source: Sutton (1996); constants and arithmetic of Gymnasium's Acrobot-v1 ("book" dynamics, fourth-order Runge-Kutta).
"""

import math

import gymnasium
import numpy as np

from ...kernels import kernel
from ..compiled import Task

GRAVITY = 9.8
LINK_MASS = 1.0
LINK_LENGTH = 1.0
CENTRE = 0.5
"""Distance of a link's centre of mass from its joint."""
INERTIA = 1.0
SECONDS_PER_STEP = 0.2
MAX_SPEED1, MAX_SPEED2 = 4 * math.pi, 9 * math.pi

BOUNDS = np.array([1.0, 1.0, 1.0, 1.0, MAX_SPEED1, MAX_SPEED2], np.float32)


@kernel
def initial(draws, state):
    """Every variable is drawn uniformly near zero; Gymnasium rounds these first states to float32, so this does too."""
    for n in range(4):
        state[n] = np.float32(draws[n])


@kernel
def derivative(state, torque):
    """Time derivatives of the state under a torque; Sutton & Barto (2018), section 11.3."""
    angle1, angle2, speed1, speed2 = state
    m, l, c, inertia = LINK_MASS, LINK_LENGTH, CENTRE, INERTIA  # noqa: E741
    cosine2, sine2 = math.cos(angle2), math.sin(angle2)
    d1 = m * c**2 + m * (l**2 + c**2 + 2 * l * c * cosine2) + inertia + inertia
    d2 = m * (c**2 + l * c * cosine2) + inertia
    phi2 = m * c * GRAVITY * math.cos(angle1 + angle2 - math.pi / 2.0)
    phi1 = (
        -m * l * c * speed2**2 * sine2
        - 2 * m * l * c * speed2 * speed1 * sine2
        + (m * c + m * l) * GRAVITY * math.cos(angle1 - math.pi / 2)
        + phi2
    )
    acceleration2 = (torque + d2 / d1 * phi1 - m * l * c * speed1**2 * sine2 - phi2) / (m * c**2 + inertia - d2**2 / d1)
    acceleration1 = -(d2 * acceleration2 + phi1) / d1
    return speed1, speed2, acceleration1, acceleration2


@kernel
def moved(state, change, step):
    """The state after ``step`` seconds of a constant change."""
    return (
        state[0] + step * change[0],
        state[1] + step * change[1],
        state[2] + step * change[2],
        state[3] + step * change[3],
    )


@kernel
def wrapped(angle):
    """The angle within [-pi, pi], by whole turns added or taken away one at a time as Gymnasium does."""
    while angle > math.pi:
        angle -= 2 * math.pi
    while angle < -math.pi:
        angle += 2 * math.pi
    return angle


@kernel
def dynamics(state, action, following):
    """One fourth-order Runge-Kutta step; the episode ends when the tip is one link length above the pivot."""
    torque, step = action[0] - 1.0, SECONDS_PER_STEP
    now = (state[0], state[1], state[2], state[3])
    k1 = derivative(now, torque)
    k2 = derivative(moved(now, k1, step / 2.0), torque)
    k3 = derivative(moved(now, k2, step / 2.0), torque)
    k4 = derivative(moved(now, k3, step), torque)
    for n in range(4):
        following[n] = now[n] + step / 6.0 * (k1[n] + 2 * k2[n] + 2 * k3[n] + k4[n])
    following[0], following[1] = wrapped(following[0]), wrapped(following[1])
    following[2] = min(max(following[2], -MAX_SPEED1), MAX_SPEED1)
    following[3] = min(max(following[3], -MAX_SPEED2), MAX_SPEED2)
    terminated = -math.cos(following[0]) - math.cos(following[1] + following[0]) > 1.0
    return 0.0 if terminated else -1.0, terminated


@kernel
def observe(state, observation):
    """Cosine and sine of both angles, and the angular velocities."""
    for n in range(2):
        observation[2 * n], observation[2 * n + 1] = math.cos(state[n]), math.sin(state[n])
        observation[4 + n] = state[2 + n]


ACROBOT = Task(
    observation_space=gymnasium.spaces.Box(-BOUNDS, BOUNDS),
    action_space=gymnasium.spaces.Discrete(3),
    time_limit=500,
    state_size=4,
    reset_low=np.full(4, -0.1),
    reset_high=np.full(4, 0.1),
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)
