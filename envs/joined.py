"""Several batches of environments as one: how an algorithm gets more environments than it had."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .vector import Transition, VectorEnv


class JoinedEnv:
    """The members of ``first``, then those of ``second``; each keeps its own state and random stream."""

    def __init__(self, first: VectorEnv, second: VectorEnv) -> None:
        self._parts = (first, second)
        self._begin = first.num_envs
        self.num_envs = first.num_envs + second.num_envs
        self.id, self.backend, self.version = first.id, first.backend, first.version
        self.observation_space, self.action_space = first.observation_space, first.action_space

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named and return its first observations ``(M, O)``."""
        observation: NDArray[np.float32] | None = None
        for part, places, local in self._split(indices):
            found = part.reset(local)
            if observation is None:
                observation = np.empty((self._count(indices), *found.shape[1:]), dtype=found.dtype)
            observation[places] = found
        assert observation is not None, "at least one member is named"
        return observation

    def reseed(self, seeds: Sequence[int], indices: NDArray[np.intp]) -> None:
        """Give the members named new random streams."""
        for part, places, local in self._split(indices):
            part.reseed([seeds[place] for place in places], local)

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named, each at most once; the others are untouched."""
        whole: Transition | None = None
        for part, places, local in self._split(indices):
            found = part.step(action[places], local)
            if whole is None:
                whole = Transition(*(np.empty((len(action), *x.shape[1:]), dtype=x.dtype) for x in found))
            for name, some in found._asdict().items():
                getattr(whole, name)[places] = some
        assert whole is not None, "at least one member is named"
        return whole

    def close(self) -> None:
        """Release what both parts hold."""
        for part in self._parts:
            part.close()

    def _count(self, indices: NDArray[np.intp] | None) -> int:
        return self.num_envs if indices is None else len(indices)

    def _split(self, indices: NDArray[np.intp] | None) -> list[tuple[VectorEnv, NDArray[np.intp], NDArray[np.intp]]]:
        """Return, for each part that is concerned, places among the members named and its own indices of them."""
        members = np.arange(self.num_envs) if indices is None else indices
        inside = members < self._begin
        parts = (
            (self._parts[0], np.flatnonzero(inside), members[inside]),
            (self._parts[1], np.flatnonzero(~inside), members[~inside] - self._begin),
        )
        return [part for part in parts if len(part[1])]
