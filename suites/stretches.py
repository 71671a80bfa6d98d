"""What is played: stretches of consecutive time steps, and the memory that they are recorded in.

Shapes: **S** seeds that play, **N** environments per seed, **T** time steps, **O** observation size, **A** numbers of
an action, **D** outputs of the network, **H** its hidden units.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.model import Behaviour, NetworkActor
from ..algorithms.networks import BLOCK


class Stretch(NamedTuple):
    """Consecutive time steps of a plan. A member that does not step any more has zeros."""

    observation: NDArray[np.float32]
    """``(S, N, T + 1, O)``; entry t + 1 follows step t."""
    action: Tensor
    """``(S, N, T)`` or ``(S, N, T, A)`` as drawn from the policy."""
    log_prob: Tensor
    """``(S, N, T)``; without entries where nobody asked."""
    reward: NDArray[np.float64]
    """``(S, N, T)``"""
    terminated: NDArray[np.bool_]
    """``(S, N, T)``"""
    truncated: NDArray[np.bool_]
    """``(S, N, T)``"""
    valid: NDArray[np.bool_]
    """``(S, N, T)`` whether it is experience: false for resets, and where a member did not step."""
    acted: NDArray[np.bool_]
    """``(S, T)`` whether a seed's actions were finite."""
    sound: bool
    """Whether all observations and rewards are finite."""
    environment: Callable[[], NDArray[np.generic]]
    """Gives the actions in the environment's units and shape, ``(S, N, T, ...)``."""
    passed: tuple[Behaviour, Tensor, Tensor] | None = None
    """Whose network made which outputs and hidden layers of the observations, where that was kept (see `Passed`)."""


class Record(NamedTuple):
    """Where a stretch is written as it is played; names and shapes are those of `Stretch`."""

    observation: NDArray[np.float32]
    """The first of them before anything is played."""
    sample: NDArray[Any]
    """``(S, N, T, A)`` actions as kernels know them."""
    log_prob: NDArray[Any]
    """``(S, N, 0)`` where nobody asks."""
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    acted: NDArray[np.bool_]
    sound: NDArray[np.bool_]
    """``(S,)``"""
    length: NDArray[np.int64]
    """``(S,)`` time steps played; step by step, those of all of them."""
    outputs: NDArray[Any]
    """``(S, N T, D)`` of the network, where they are kept, and its hidden layers ``(S, N T H)``."""
    hidden: NDArray[Any]

    @classmethod
    def of(cls, seeds: int, count: int, steps: int, size: int) -> "Record":
        """Return one of what environments answer, without room for who acts there.

        Args:
            seeds: S
            count: N
            steps: T
            size: O
        """
        shape = (seeds, count, steps)
        return cls(
            observation=np.zeros((seeds, count, steps + 1, size), np.float32),
            sample=np.empty((*shape, 0)),
            log_prob=np.empty((seeds, count, 0)),
            reward=np.zeros(shape),
            terminated=np.zeros(shape, np.bool_),
            truncated=np.zeros(shape, np.bool_),
            valid=np.zeros(shape, np.bool_),
            acted=np.full((seeds, steps), True),
            sound=np.full(seeds, True),
            length=np.zeros(seeds, np.int64),
            outputs=np.empty((seeds, 0, 0)),
            hidden=np.empty((seeds, 0)),
        )

    def by(self, actor: NetworkActor, *, once: bool, densities: bool) -> "Record":
        """Return it with room for a network's actions, and for its outputs where a window fits in a block.

        Args:
            actor: the network.
            once: whether an environment stops at the end of its episode: then no outputs are kept.
            densities: whether log-probabilities are asked for.
        """
        seeds, count, steps = self.reward.shape
        policy, real = actor.model.policy, actor.code[0].dtype
        kept = count * steps if type(actor) is NetworkActor and not once and count * steps <= BLOCK else 0
        return self._replace(
            sample=np.zeros((seeds, count, steps, actor.model.distribution.width), real),
            log_prob=np.zeros((seeds, count, steps if densities else 0), real),
            outputs=np.empty((seeds, kept, policy.outputs + policy.constants), real),
            hidden=np.empty((seeds, kept * sum(policy.hidden)), real),
        )

    def stretch(self, actor: NetworkActor) -> Stretch:
        """Return what was played by a network."""
        length = self.played
        action = actor.model.distribution.actions(torch.from_numpy(self.sample[:, :, :length]))
        passed = None
        if self.outputs.size:
            passed = actor.behaviour, torch.from_numpy(self.outputs), torch.from_numpy(self.hidden)
        return self.answers(
            action=action,
            log_prob=torch.from_numpy(self.log_prob[:, :, :length]),
            environment=lambda: actor.model.to_environment(action),
            passed=passed,
        )

    def answers(self, **chosen: Any) -> Stretch:
        """Return what environments answered to what was ``chosen``: `Stretch`'s other fields."""
        length = self.played
        return Stretch(
            observation=self.observation[:, :, : length + 1],
            reward=self.reward[:, :, :length],
            terminated=self.terminated[:, :, :length],
            truncated=self.truncated[:, :, :length],
            valid=self.valid[:, :, :length],
            acted=self.acted[:, :length],
            sound=bool(self.sound.all()),
            **chosen,
        )

    @property
    def played(self) -> int:
        """Time steps that some seed played."""
        return int(self.length.max())


def is_network(actor: Any) -> TypeGuard[NetworkActor]:
    """Whether an actor is a network and acts as one: a subclass may have a way of its own."""
    own = type(actor)
    return isinstance(actor, NetworkActor) and all(
        getattr(own, name) is getattr(NetworkActor, name) for name in ("__call__", "acting")
    )
