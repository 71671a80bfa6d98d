"""Sampling a process with a known table: a batch for speed, a Gymnasium environment for everyone else.

Both observe the state one-hot (Gymnasium: `Discrete`, which flattens to that) and draw the same numbers: a member's
k-th number is a hash of its seed and k, so that a hundred thousand members cost one array operation a step.

Legend for shapes: M members named in a call, n states.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..vector import Transition
from .tabular import Process

Words = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hashed(key: Words) -> Words:
    """Mix 64-bit words so that neighbouring ones have nothing in common.

    Source: the finaliser of SplitMix64; Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators".
    """
    z = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniforms(key: Words, drawn: Words) -> NDArray[np.float64]:
    """Return number ``drawn`` of the streams ``key``, in [0, 1)."""
    words = hashed(key + drawn * _GOLDEN) >> np.uint64(11)
    return words.astype(np.float64) * 2.0**-53


def stream_keys(seeds: Sequence[int]) -> Words:
    """Return where the streams of seeds begin in SplitMix64's one sequence: far apart, by a hash of the seed."""
    return hashed(np.asarray(seeds, np.uint64) * np.uint64(0xD1342543DE82EF95) + np.uint64(1))


class TabularVectorEnv:
    """Members of one process; see `VectorEnv`."""

    backend = "numpy"
    version = np.__version__

    def __init__(self, env_id: str, process: Process, seeds: Sequence[int]) -> None:
        self.id = env_id
        self.num_envs = len(seeds)
        self.observation_space = one_hot_space(process)
        self.action_space = process.action_space
        self._process = process
        self._first = np.cumsum(process.start)[:-1]
        self._eye = np.eye(process.states, dtype=np.float32)
        self._key = stream_keys(seeds)
        self._drawn = np.zeros(self.num_envs, np.uint64)
        self._state = np.zeros(self.num_envs, np.int64)
        self._elapsed = np.zeros(self.num_envs, np.int64)
        self._ended = np.ones(self.num_envs, np.bool_)

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named; see `VectorEnv.reset`."""
        members = np.arange(self.num_envs) if indices is None else indices
        state = self._first_states(self._draw(members))
        self._state[members], self._elapsed[members], self._ended[members] = state, 0, False
        return self._eye[state]

    def reseed(self, seeds: Sequence[int], indices: NDArray[np.intp]) -> None:
        """Give the members named new random streams; see `VectorEnv.reseed`."""
        self._key[indices], self._drawn[indices], self._ended[indices] = stream_keys(seeds), 0, True

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named; see `VectorEnv.step`."""
        members = np.arange(self.num_envs) if indices is None else indices
        valid, uniform = ~self._ended[members], self._draw(members)
        following, reward, terminated = self._process.move(self._state[members], action, uniform)
        elapsed = self._elapsed[members] + 1
        truncated = np.zeros_like(valid)
        if self._process.time_limit is not None:
            truncated = elapsed >= self._process.time_limit
        if not valid.all():
            following = np.where(valid, following, self._first_states(uniform))
            elapsed, reward = np.where(valid, elapsed, 0), np.where(valid, reward, 0.0)
            terminated, truncated = terminated & valid, truncated & valid
        self._state[members], self._elapsed[members] = following, elapsed
        self._ended[members] = terminated | truncated
        return Transition(self._eye[following], reward, terminated, truncated, valid)

    def close(self) -> None:
        """Nothing to release."""

    def _draw(self, members: NDArray[np.intp]) -> NDArray[np.float64]:
        drawn = self._drawn[members]
        self._drawn[members] = drawn + np.uint64(1)
        return uniforms(self._key[members], drawn)

    def _first_states(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.searchsorted(self._first, uniform, side="right").astype(np.int64)


class TabularEnv(gymnasium.Env[np.int64, Any]):
    """One member as a Gymnasium environment. The time limit is Gymnasium's wrapper's, as registered."""

    metadata = {"render_modes": []}  # noqa: RUF012
    render_mode = None

    def __init__(self, process: Process) -> None:
        self.process = process
        self.observation_space = gymnasium.spaces.Discrete(process.states)
        self.action_space = process.action_space
        self._first = np.cumsum(process.start)[:-1]
        self._key = stream_keys([0])
        self._drawn, self._state = 0, np.int64(0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        """Begin an episode; a seed begins the member's stream anew."""
        super().reset(seed=seed, options=options)
        if seed is not None:
            self._key, self._drawn = stream_keys([seed]), 0
        self._state = np.int64(np.searchsorted(self._first, self._draw()[0], side="right"))
        return self._state, {}

    def step(self, action: Any) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        """Take one action."""
        following, reward, terminated = self.process.move(
            np.array([self._state]), np.asarray(action)[None], self._draw()
        )
        self._state = following[0]
        return self._state, float(reward[0]), bool(terminated[0]), False, {}

    def _draw(self) -> NDArray[np.float64]:
        self._drawn += 1
        return uniforms(self._key, np.array([self._drawn - 1], np.uint64))


def one_hot_space(process: Process) -> gymnasium.spaces.Box:
    """The space of one-hot observations ``(n,)``."""
    return gymnasium.spaces.Box(0.0, 1.0, (process.states,), np.float32)
