"""Acrobot: swing the tip of a two-link pendulum above a line by torque on the joint between the links.

State ``(4, M)``: the two angles, the two angular velocities. Reward -1 per step, 0 on the step that reaches the line.

Source: Sutton (1996); constants and arithmetic of Gymnasium's Acrobot-v1 ("book" dynamics, fourth-order Runge-Kutta).
"""

import math
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .batch import Floats, Outcome, Task

GRAVITY = 9.8
LINK_MASS = 1.0
LINK_LENGTH = 1.0
CENTRE = 0.5
"""Distance of a link's centre of mass from its joint."""
INERTIA = 1.0
SECONDS_PER_STEP = 0.2
MAX_SPEED = np.array([[4 * math.pi], [9 * math.pi]])

BOUNDS = np.array([1.0, 1.0, 1.0, 1.0, 4 * math.pi, 9 * math.pi], np.float32)


def initial(draws: NDArray[np.float64]) -> Floats:
    """Every variable is drawn uniformly near zero; Gymnasium rounds these first states to float32, so this does too."""
    return draws.T.astype(np.float32)


def derivative(state: NDArray[np.float64], torque: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time derivative ``(4, M)`` of the state ``(4, M)`` under torque ``(M,)``; Sutton & Barto (2018), section 11.3."""
    angle1, angle2, speed1, speed2 = state
    m, l, c, inertia = LINK_MASS, LINK_LENGTH, CENTRE, INERTIA  # noqa: E741
    cosine2, sine2 = np.cos(angle2), np.sin(angle2)
    d1 = m * c**2 + m * (l**2 + c**2 + 2 * l * c * cosine2) + inertia + inertia
    d2 = m * (c**2 + l * c * cosine2) + inertia
    phi2 = m * c * GRAVITY * np.cos(angle1 + angle2 - math.pi / 2.0)
    phi1 = (
        -m * l * c * np.square(speed2) * sine2
        - 2 * m * l * c * speed2 * speed1 * sine2
        + (m * c + m * l) * GRAVITY * np.cos(angle1 - math.pi / 2)
        + phi2
    )
    derivative = np.empty_like(state)
    derivative[:2] = state[2:]
    derivative[3] = (torque + d2 / d1 * phi1 - m * l * c * np.square(speed1) * sine2 - phi2) / (
        m * c**2 + inertia - np.square(d2) / d1
    )
    derivative[2] = -(d2 * derivative[3] + phi1) / d1
    return derivative


def wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle within [-pi, pi], by whole turns added or taken away one at a time as Gymnasium does."""
    while (beyond := angle > math.pi).any():
        angle = np.where(beyond, angle - 2 * math.pi, angle)
    while (beyond := angle < -math.pi).any():
        angle = np.where(beyond, angle + 2 * math.pi, angle)
    return angle


def dynamics(state: NDArray[np.float64], action: NDArray[Any]) -> Outcome:
    """One fourth-order Runge-Kutta step; the episode ends when the tip is one link length above the pivot."""
    torque = action - 1.0
    step = SECONDS_PER_STEP
    k1 = derivative(state, torque)
    k2 = derivative(state + step / 2.0 * k1, torque)
    k3 = derivative(state + step / 2.0 * k2, torque)
    k4 = derivative(state + step * k3, torque)
    following = state + step / 6.0 * (k1 + 2 * k2 + 2 * k3 + k4)
    following[:2] = wrapped(following[:2])
    np.clip(following[2:], -MAX_SPEED, MAX_SPEED, out=following[2:])
    terminated = -np.cos(following[0]) - np.cos(following[1] + following[0]) > 1.0
    return Outcome(following, np.where(terminated, 0.0, -1.0), terminated)


def observe(state: Floats) -> NDArray[np.float32]:
    """Cosine and sine of both angles, and the angular velocities."""
    angles, speeds = state[:2], state[2:]
    observation = np.empty((state.shape[1], 6), np.float32)
    observation[:, 0:4:2] = np.cos(angles).T
    observation[:, 1:4:2] = np.sin(angles).T
    observation[:, 4:] = speeds.T
    return observation


ACROBOT = Task(
    observation_space=gymnasium.spaces.Box(-BOUNDS, BOUNDS),
    action_space=gymnasium.spaces.Discrete(3),
    time_limit=500,
    reset_low=np.full(4, -0.1),
    reset_high=np.full(4, 0.1),
    initial=initial,
    dynamics=dynamics,
    observe=observe,
)
