"""The one interface behind which every environment runs: a batch of independent members.

Legend for shapes: M members named in a call (all of them when no indices are given), O observation size.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray


class Transition(NamedTuple):
    """What one call of `VectorEnv.step` brought, one row per member stepped.

    The arrays belong to the caller: no later call writes to them.

    A member whose episode ended (terminated or truncated) is reset by its next step. That step is not experience:
    `valid` is false, the action is ignored, the reward is 0 and both flags are false.
    """

    observation: NDArray[np.float32]
    """``(M, O)`` after the step: the final one of an ended episode, the first one of a new episode where not valid."""
    reward: NDArray[np.float64]
    """``(M,)``."""
    terminated: NDArray[np.bool_]
    """``(M,)`` the task itself ended: nothing follows, bootstrap from zero.

    May be true together with `truncated` (Gymnasium, when a task ends on its last allowed step); terminated then wins.
    EnvPool reports such a step as truncated only.
    """
    truncated: NDArray[np.bool_]
    """``(M,)`` the time limit cut the episode: bootstrap from the value of `observation`."""
    valid: NDArray[np.bool_]
    """``(M,)`` false where this call was the reset after an episode's end."""


class VectorEnv(Protocol):
    """Environments of one id that share nothing: a member's trajectory depends on its seed and its actions alone.

    It does not depend on how many members there are, on their order, or on whether the others are stepped.
    The first step of a member that was never reset is its reset.
    """

    id: str
    """The id that the environment was asked for by."""
    backend: str
    """`numpy`, `envpool` or `gymnasium`."""
    version: str
    """Version of the backend's package."""
    num_envs: int
    """Number of members."""
    observation_space: gymnasium.spaces.Box
    """Of one member: flat ``(O,)``, float32."""
    action_space: gymnasium.Space[Any]
    """Of one member, as the environment declares it: Discrete, Box, MultiDiscrete or MultiBinary."""

    def reset(self, indices: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Start a new episode in the members named and return its first observations ``(M, O)``."""
        ...

    def reseed(self, seeds: Sequence[int], indices: NDArray[np.intp]) -> None:
        """Give the members named random streams of their own anew, as if they had just been made with these seeds."""
        ...

    def step(self, action: NDArray[Any], indices: NDArray[np.intp] | None = None) -> Transition:
        """Step the members named, each at most once; the others are untouched.

        Args:
            action: ``(M, ...)`` one action per member named. Discrete and MultiDiscrete actions count from 0, whatever
                the space's `start`; Box actions are in the environment's own units and lie inside its bounds.
            indices: ``(M,)`` members to step; all of them when None.
        """
        ...

    def close(self) -> None:
        """Release what the backend holds; the environment is not usable afterwards."""
        ...


class Spec(NamedTuple):
    """What an environment is, without running it; its fields go into a run's fingerprint."""

    id: str
    backend: str
    version: str
    observation_space: gymnasium.spaces.Box
    """Flat ``(O,)``, float32."""
    action_space: gymnasium.Space[Any]
    max_episode_steps: int | None
    """The time limit in steps; None where the environment has none."""
    sources: tuple[str, ...]
    """``module:name`` of the definitions that decide how the environment behaves, besides the backend's package."""
