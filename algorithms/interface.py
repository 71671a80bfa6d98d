"""What algorithms and the training loop say to each other: plans, rollouts, states.

`Algorithm` is all that the loop asks for. Ours derive from `policy_gradient.PolicyGradient`, which does most of it.

Shapes: **S** seeds, **N** environments per seed, **T** time steps, **B** samples, **O** observation size,
**A** action size, **P** parameters.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from .adam import Adam
from .model import Actor, Behaviour, Model, Spaces
from .normalisers import Moments

Metrics = Mapping[str, Tensor]
"""Diagnostics by name, each ``(S,)``."""


class Steps(NamedTuple):
    """Collect a window: ``length`` steps in each of ``num_envs`` environments, which go on where they were."""

    num_envs: int
    length: int


class Episodes(NamedTuple):
    """Collect a round: one complete episode in each of ``num_envs`` environments, from reset."""

    num_envs: int


class Target(NamedTuple):
    """What an algorithm's gradient estimates, as it declares it."""

    state_weighting: Literal["discounted", "undiscounted"]
    """Whether the state at time t counts γ^t (the gradient of the discounted return) or 1 (the usual choice)."""
    bootstrap: float | None
    """λ of the bootstrapped advantage; None for complete returns, which have no critic error."""
    normalised: bool
    """Whether weights are standardised over a batch, which scales the gradient by a random factor."""
    entropy_weight: float
    """Weight of the entropy bonus added to the objective."""


class Rollout(NamedTuple):
    """Experience of every seed. Entries where ``valid`` is false are resets or padding."""

    observation: Tensor
    """``(S, N, T + 1, O)``; entry t + 1 follows step t, so an episode's final observation is there."""
    action: Tensor
    """``(S, N, T)`` or ``(S, N, T, A)`` as sampled."""
    reward: Tensor
    """``(S, N, T)``"""
    terminated: Tensor
    """``(S, N, T)``"""
    truncated: Tensor
    """``(S, N, T)``"""
    valid: Tensor
    """``(S, N, T)`` false for a reset step, and after the end of an episode in a round."""
    time: Tensor
    """``(S, N, T)`` steps since the episode's start."""
    progress: Tensor
    """``(S,)`` share of the budget used when the rollout began."""
    complete: bool
    """Whether this is a round of complete episodes (T is then the longest among all seeds) or a window."""

    @property
    def done(self) -> Tensor:
        """``(S, N, T)`` an episode's last step."""
        return self.terminated | self.truncated


class Experience(NamedTuple):
    """A rollout as the networks see it."""

    observation: Tensor
    """``(S, N, T + 1, O)`` normalised."""
    reward: Tensor
    """``(S, N, T)`` scaled."""
    value: Tensor
    """``(S, N, T + 1)`` the critic's values; 0 without a critic."""


class State(NamedTuple):
    """All that training depends on. Every tensor leads with the seed axis."""

    model: Model
    parameters: Tensor
    """``(S, P)`` policy, then critic."""
    optimisers: dict[str, Adam]
    observation: Moments
    """Of raw observations."""
    reward: Moments
    """Of discounted reward traces, ``K = 1``."""
    trace: Tensor
    """``(S, N)`` discounted reward trace of every environment."""
    updates: Tensor
    """``(S,)`` updates done."""
    seeds: Tensor
    """``(S,)``"""


class Algorithm(Protocol):
    """A frozen configuration with an explicit state; its fields are its hyperparameters."""

    @property
    def target(self) -> Target:
        """What `gradient` estimates."""

    @property
    def torch_dtype(self) -> torch.dtype:
        """Of parameters and noise."""

    def init(self, spaces: Spaces, seeds: Sequence[int]) -> State:
        """Return the state before training."""

    def plan(self, state: State) -> Steps | Episodes:
        """Return what to collect next; an algorithm that wants extra rollouts asks for them here, and they count."""

    def behaviour(self, state: State) -> Behaviour:
        """Return what acting depends on: what is evaluated and replayed."""

    def actor(self, state: State) -> Actor:
        """Return the policy of this state, frozen for a rollout."""

    def gradient(self, state: State, rollout: Rollout) -> tuple[Tensor, Metrics]:
        """Return the gradient of the loss ``(S, P)`` before clipping and optimiser."""

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        """Return the state after learning from a rollout, and diagnostics with at least ``loss``; changes neither."""
