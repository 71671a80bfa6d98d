"""A point that actions push about, of every kind of action space: compiled environments such as users give."""

import numpy as np
from gymnasium import spaces

from pgsuite.envs import Task, kernel, tasks


@kernel
def begin(draws, state):
    state[:] = draws


@kernel
def drift(state, action, following):
    """Where the point is pushed; it ends beyond a distance of 2."""
    push = 0.0
    for n in range(len(action)):
        push += (n + 1) * (action[n] - 0.4)
    following[0] = state[0] + 0.1 * push + 0.05 * state[1]
    following[1] = 0.9 * state[1] + 0.1 * push
    return 1.0 - abs(following[0]), abs(following[0]) > 2.0


@kernel
def show(state, observation):
    observation[:] = state


ACTIONS = {
    "tests/Coins-v0": spaces.MultiBinary(3),
    "tests/Choices-v0": spaces.MultiDiscrete([2, 3]),
    "tests/Half-v0": spaces.Box(np.array([-1.0, 0.0], np.float32), np.array([1.0, np.inf], np.float32)),
}


def register(env_id: str, action_space, **other) -> None:
    """Register it, with ``other`` parts of its task."""
    task = Task(
        observation_space=spaces.Box(-np.inf, np.inf, (2,)),
        action_space=action_space,
        time_limit=30,
        state_size=2,
        reset_low=np.array([-0.5, -0.5]),
        reset_high=np.array([0.5, 0.5]),
        initial=begin,
        dynamics=drift,
        observe=show,
    )
    tasks.register(env_id, task._replace(**other))
