"""Finite Markov decision processes whose transition table is known: sampled as environments and solved exactly.

A `TabularMDP` is data. `tabular_env` samples it in batches, `exact` solves it, and both read the same arrays.

Legend for shapes: n states, A actions, K outcomes of an action in a state, M members.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ..gymnasium_backend import make_one

Floats = NDArray[np.float64]


class Moved(NamedTuple):
    """What one action led to, one row per member."""

    following: NDArray[np.int64]
    """``(M,)`` the state after the step, also where the episode ended there."""
    reward: Floats
    """``(M,)``."""
    terminated: NDArray[np.bool_]
    """``(M,)``."""


class Process(Protocol):
    """What can be sampled: finite states that are observed one-hot, and known dynamics."""

    @property
    def states(self) -> int:
        """n, number of states."""

    @property
    def start(self) -> Floats:
        """``(n,)`` distribution of the first state."""

    @property
    def time_limit(self) -> int | None:
        """Steps after which an episode is truncated; None for no limit."""

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """Of one member."""

    def move(self, state: NDArray[np.int64], action: NDArray[Any], uniform: Floats) -> Moved:
        """Return what actions lead to, as a function of one uniform number in [0, 1) per member."""


@dataclass(frozen=True, kw_only=True)
class TabularMDP:
    """A finite MDP as the list of outcomes of every action in every state, the form that Gymnasium's ``P`` has.

    Termination belongs to an outcome, not to a state: an episode may end in a state that others pass through.
    """

    start: Floats
    """``(n,)`` distribution of the first state."""
    probability: Floats
    """``(n, A, K)`` of each outcome; unused ones have probability 0."""
    following: NDArray[np.int64]
    """``(n, A, K)`` the state that it leads to."""
    reward: Floats
    """``(n, A, K)``."""
    terminal: NDArray[np.bool_]
    """``(n, A, K)`` whether it ends the episode."""
    time_limit: int | None = None
    """Steps after which an episode is truncated; None for no limit."""

    def __post_init__(self) -> None:
        shape = self.probability.shape
        if len(shape) != 3 or any(x.shape != shape for x in (self.following, self.reward, self.terminal)):
            raise ValueError("probability, following, reward and terminal have one shape (n, A, K)")
        if not np.allclose(self.probability.sum(2), 1, atol=1e-9) or (self.probability < 0).any():
            raise ValueError("the outcomes of every action have probabilities that sum to 1")
        if self.start.shape != shape[:1] or not np.isclose(self.start.sum(), 1) or (self.start < 0).any():
            raise ValueError("start is a distribution over the n states")
        if ((self.following < 0) | (self.following >= shape[0])).any():
            raise ValueError("following names states 0 to n - 1")

    @property
    def states(self) -> int:
        """n, number of states."""
        return len(self.start)

    @property
    def actions(self) -> int:
        """A, number of actions."""
        return int(self.probability.shape[1])

    @cached_property
    def action_space(self) -> gymnasium.spaces.Discrete:
        """Discrete(A)."""
        return gymnasium.spaces.Discrete(self.actions)

    @cached_property
    def expected_reward(self) -> Floats:
        """``(n, A)`` mean reward of an action."""
        mean: Floats = (self.probability * self.reward).sum(2)
        return mean

    @cached_property
    def continuing(self) -> Floats:
        """``(n, A, K)`` probability of each outcome that the episode goes on after; 0 for the others."""
        return np.where(self.terminal, 0.0, self.probability)

    def ahead(self, value: Floats) -> Floats:
        """Return what is expected of values ``(n, ...)`` of the state that an action leads to ``(n, A, ...)``.

        Where the episode ends nothing is.
        """
        expected = np.zeros(self.following.shape[:2] + value.shape[1:])
        for k in range(self.following.shape[2]):
            weight = self.continuing[:, :, k]
            expected += weight.reshape(weight.shape + (1,) * (value.ndim - 1)) * value[self.following[:, :, k]]
        return expected

    @cached_property
    def _bounds(self) -> Floats:
        """``(n, A, K - 1)`` where the unit interval is cut between outcomes."""
        cut: Floats = np.cumsum(self.probability, axis=2)[..., :-1]
        # Trailing outcomes without probability are never chosen, however the sum of the others was rounded.
        reached = np.flip(np.cumsum(np.flip(self.probability, 2), axis=2), 2)[..., 1:]
        return np.where(reached > 0, cut, 2.0)

    def move(self, state: NDArray[np.int64], action: NDArray[Any], uniform: Floats) -> Moved:
        """Return what actions ``(M,)`` lead to; the outcome is read off the cumulative probabilities."""
        outcome = (uniform[:, None] >= self._bounds[state, action]).sum(1)
        place = state, action, outcome
        return Moved(self.following[place], self.reward[place], self.terminal[place])


def from_outcomes(
    table: dict[int, dict[int, list[tuple[float, int, float, bool]]]], start: Floats, time_limit: int | None
) -> TabularMDP:
    """Return the MDP of a table ``P[state][action] = [(probability, following, reward, terminated), ...]``."""
    states, actions = len(table), len(table[0])
    width = max(len(outcomes) for row in table.values() for outcomes in row.values())
    probability, reward = np.zeros((2, states, actions, width))
    following = np.zeros((states, actions, width), np.int64)
    terminal = np.zeros((states, actions, width), np.bool_)
    for state, row in table.items():
        for action, outcomes in row.items():
            for k, (p, to, r, ends) in enumerate(outcomes):
                probability[state, action, k], following[state, action, k] = p, to
                reward[state, action, k], terminal[state, action, k] = r, ends
    probability /= probability.sum(2, keepdims=True)
    return TabularMDP(
        start=np.asarray(start, np.float64) / np.sum(start),
        probability=probability,
        following=following,
        reward=reward,
        terminal=terminal,
        time_limit=time_limit,
    )


def from_gymnasium(env_id: str, *, time_limit: int | None = None, **kwargs: Any) -> TabularMDP:
    """Return the MDP behind a Gymnasium environment that exposes its table, as those of toy text do.

    Args:
        env_id: such as FrozenLake-v1.
        time_limit: instead of the registered one.
        **kwargs: go to `gymnasium.make`.

    Raises:
        UsageError: the id is unknown or the environment has no ``P`` and ``initial_state_distrib``.
    """
    env = make_one(env_id, **kwargs)
    table = getattr(env.unwrapped, "P", None)
    start = getattr(env.unwrapped, "initial_state_distrib", None)
    limit = env.spec.max_episode_steps if env.spec else None
    env.close()
    if table is None or start is None:
        raise UsageError(
            f"environment {env_id!r} exposes no transition table: exact models need the attributes "
            "P and initial_state_distrib, as FrozenLake-v1 has them"
        )
    return from_outcomes(table, start, time_limit or limit)
