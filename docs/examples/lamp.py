"""A compiled environment: walk to the lamp on a line, against a wind.

State: position, position of the lamp. Reward 1 on reaching it, minus a little for every step.
"""

import gymnasium
import numpy as np

from pgsuite.envs import Task, kernel, register

STRIDE = 0.1


@kernel
def blown(position):
    """The wind pushes to the left, harder on the right."""
    return position - 0.02 * (1 + position)


@kernel
def initial(draws, state):
    """Anyone anywhere."""
    state[0], state[1] = draws[0], draws[1]


@kernel
def dynamics(state, action, following):
    """Step left or right; the episode ends at the lamp."""
    step = STRIDE if action[0] == 1 else -STRIDE
    following[0] = min(max(blown(state[0] + step), -1.0), 1.0)
    following[1] = state[1]
    there = abs(following[0] - following[1]) < STRIDE
    return 1.0 if there else -0.01, there


@kernel
def observe(state, observation):
    """Both places."""
    observation[:] = state


register(
    "Lamp-v0",
    Task(
        observation_space=gymnasium.spaces.Box(-1.0, 1.0, (2,)),
        action_space=gymnasium.spaces.Discrete(2),
        time_limit=100,
        state_size=2,
        reset_low=np.array([-1.0, -1.0]),
        reset_high=np.array([1.0, 1.0]),
        initial=initial,
        dynamics=dynamics,
        observe=observe,
    ),
)
