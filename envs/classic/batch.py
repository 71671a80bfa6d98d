"""A classic-control task written over arrays, and the batch of members that runs it.

A `Task` is data and pure functions; `ClassicVectorEnv` adds what all tasks share: one random stream per member,
the time limit, the reset after an episode's end, and stepping by subset.

Legend for shapes: M members, K members that begin an episode, D size of the state, R random numbers per reset,
O observation size.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..vector import Transition

Floats: TypeAlias = NDArray[np.floating[Any]]
"""States come in float64, first states in float32 where Gymnasium rounds them."""

DRAWS_AHEAD = 16
"""Resets whose random numbers a member draws at once: the stream is the same as drawing them one by one."""


class Outcome(NamedTuple):
    """What the dynamics make of one action; every array is fresh."""

    state: NDArray[np.float64]
    """``(D, M)``."""
    reward: NDArray[np.float64]
    """``(M,)``."""
    terminated: NDArray[np.bool_]
    """``(M,)``."""


class Task(NamedTuple):
    """A classic-control task with the constants, the reset distribution and the arithmetic of Gymnasium's."""

    observation_space: gymnasium.spaces.Box
    action_space: gymnasium.Space[Any]
    time_limit: int
    """Steps after which an episode is truncated."""
    reset_low: Floats
    """``(R,)`` lower bounds of the uniform numbers that a reset draws."""
    reset_high: Floats
    """``(R,)`` upper bounds."""
    initial: Callable[[NDArray[np.float64]], Floats]
    """Draws ``(K, R)`` to first states ``(D, K)``."""
    dynamics: Callable[[NDArray[np.float64], NDArray[Any]], Outcome]
    """State ``(D, M)`` and action ``(M, ...)`` to what follows."""
    observe: Callable[[Floats], NDArray[np.float32]]
    """State ``(D, M)`` to a fresh observation ``(M, O)``."""


class ClassicVectorEnv:
    """Members of one classic-control task, each with the random stream of a Gymnasium environment of its seed."""

    backend = "numpy"
    version = np.__version__

    def __init__(self, env_id: str, task: Task, seeds: Sequence[int]) -> None:
        self.id = env_id
        self.num_envs = len(seeds)
        self.observation_space = task.observation_space
        self.action_space = task.action_space
        self._task = task
        self._streams = [np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed))) for seed in seeds]
        self._draws = np.empty((self.num_envs, DRAWS_AHEAD, len(task.reset_low)))
        self._drawn = np.full(self.num_envs, DRAWS_AHEAD)
        states = task.initial(np.zeros_like(self._draws[:, 0]))
        self._state = states.astype(np.float64)
        self._elapsed = np.zeros(self.num_envs, np.int64)
        self._ended = np.ones(self.num_envs, np.bool_)

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named; see `VectorEnv.reset`."""
        members = np.arange(self.num_envs) if indices is None else indices
        state = self._first_states(members)
        self._state[:, members] = state
        self._elapsed[members] = 0
        self._ended[members] = False
        return self._task.observe(state)

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named; see `VectorEnv.step`."""
        # A slice gives views, so that stepping every member copies nothing.
        members = slice(None) if indices is None else indices
        valid = ~self._ended[members]
        action = np.asarray(action, self.action_space.dtype)
        state, reward, terminated = self._task.dynamics(self._state[:, members], action)
        elapsed = self._elapsed[members] + 1
        truncated = elapsed >= self._task.time_limit
        observation = self._task.observe(state)
        if not valid.all():
            begins = np.flatnonzero(~valid)
            first = self._first_states(begins if indices is None else indices[begins])
            state[:, begins] = first
            observation[begins] = self._task.observe(first)
            elapsed[begins] = 0
            reward[begins] = 0.0
            terminated[begins] = False
            truncated[begins] = False
        self._state[:, members] = state
        self._elapsed[members] = elapsed
        self._ended[members] = terminated | truncated
        return Transition(observation, reward, terminated, truncated, valid)

    def close(self) -> None:
        """Nothing to release."""

    def _first_states(self, members: NDArray[np.intp]) -> Floats:
        """First states ``(D, K)`` of the next episodes of the members named."""
        task = self._task
        for member in members[self._drawn[members] == DRAWS_AHEAD]:
            stream, block = self._streams[member], self._draws[member]
            block[:] = stream.uniform(task.reset_low, task.reset_high, block.shape)
            self._drawn[member] = 0
        draws = self._draws[members, self._drawn[members]]
        self._drawn[members] += 1
        return task.initial(draws)
