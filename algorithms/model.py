"""Policy and critic over flat parameter tensors, and the actor that plays a frozen policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .blocks import BLOCK
from .distributions import Distribution, NoiseKind, distribution_for
from .networks import Activation, Network
from .normalisers import Moments, Standardiser
from .streams import Stream, generator

ActionBound = Literal["clip", "tanh"]


class Spaces(NamedTuple):
    """What one environment shows and accepts."""

    observation: gym.spaces.Box
    """Flat ``(O,)``."""
    action: gym.Space  # type: ignore[type-arg]


class Action(NamedTuple):
    """One action for every environment."""

    sample: Tensor
    """``(S, N)`` or ``(S, N, A)`` as drawn from the policy: what its log-probability is about."""
    environment: NDArray[np.generic]
    """The same in the environment's units and shape: ``(S, N, ...)``; 0, clipped, in place of what is not finite."""
    finite: NDArray[np.bool_]
    """``(S,)`` which seeds act with finite numbers."""
    log_prob: Tensor
    """``(S, N)`` of the sample, in nats; NaN where there is no density."""


class Actor(Protocol):
    """A frozen policy: a pure function of observations and of noise drawn beforehand."""

    @property
    def dtype(self) -> torch.dtype:
        """Of the noise that it takes."""

    @property
    def noise(self) -> NoiseKind:
        """Distribution of the noise."""

    @property
    def noise_size(self) -> int:
        """K, numbers of noise per action."""

    def __call__(self, observation: Tensor, noise: Tensor) -> Action:
        """Choose actions for observations ``(S, N, O)`` with noise ``(S, N, K)``; zero noise gives the mode."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The fixed part of a policy and its critic: shapes, distribution, action bounds. The parameters are elsewhere."""

    policy: Network
    distribution: Distribution
    critic: Network | None
    action_space: gym.Space  # type: ignore[type-arg]
    action_bound: ActionBound

    @classmethod
    def build(
        cls,
        spaces: Spaces,
        *,
        hidden: tuple[int, ...],
        activation: Activation,
        critic: bool,
        action_bound: ActionBound,
    ) -> "Model":
        """Return the model for an environment's spaces; the critic has the policy's shape."""
        distribution = distribution_for(spaces.action)
        inputs = int(spaces.observation.shape[0])
        policy = Network(
            inputs=inputs,
            hidden=hidden,
            outputs=distribution.outputs,
            constants=distribution.constants,
            activation=activation,
        )
        value = Network(inputs=inputs, hidden=hidden, outputs=1, activation=activation) if critic else None
        return cls(
            policy=policy,
            distribution=distribution,
            critic=value,
            action_space=spaces.action,
            action_bound=action_bound,
        )

    @property
    def value_network(self) -> Network:
        """The critic of a model that has one."""
        assert self.critic is not None, "this model was built without a critic"
        return self.critic

    def init(self, seeds: Sequence[int], *, log_std: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return fresh parameters ``(S, Pp)`` and ``(S, Pc)``: output gain .01 for the policy, 1 for the critic."""
        policies, critics = [], []
        for seed in seeds:
            random = generator(seed, Stream.INITIALISATION)
            policies.append(self.policy.init(random, output_gain=0.01, constant=log_std))
            critics.append(self.critic.init(random, output_gain=1.0) if self.critic else np.zeros(0))
        policy, critic = (torch.from_numpy(np.stack(rows)).to(dtype) for rows in (policies, critics))
        return policy, critic

    def values(self, critic: Tensor, observation: Tensor) -> Tensor:
        """Return the critic's values ``(S, B)`` of normalised observations ``(S, B, O)``, without gradient.

        Args:
            critic: ``(S, Pc)`` parameters of the critic.
            observation: any number of blocks.
        """
        network = self.value_network
        layers = network.layers(critic.numpy())
        blocks = [network.forward(layers, x.numpy())[-1][..., 0] for x in observation.split(BLOCK, dim=1)]
        return torch.from_numpy(np.concatenate(blocks, axis=1))

    @cached_property
    def _box(self) -> "_Box":
        assert isinstance(self.action_space, gym.spaces.Box)
        low, high = (x.ravel().astype(np.float64) for x in (self.action_space.low, self.action_space.high))
        bounded = np.isfinite(low) & np.isfinite(high)
        middle, half = np.zeros_like(low), np.ones_like(low)
        middle[bounded] = (low[bounded] + high[bounded]) / 2
        half[bounded] = (high[bounded] - low[bounded]) / 2
        return _Box(bounded, low, high, middle, half)

    def to_environment(self, sample: Tensor) -> NDArray[np.generic]:
        """Return policy samples in the environment's units.

        A bounded `Box` is addressed from -1 to 1, clipped or squashed by tanh; an unbounded one directly.
        """
        space = self.action_space
        if not isinstance(space, gym.spaces.Box):
            discrete: NDArray[np.generic] = sample.numpy()
            return discrete
        box, action = self._box, sample.double().numpy()
        unit = np.tanh(action) if self.action_bound == "tanh" else np.minimum(np.maximum(action, -1.0), 1.0)
        scaled = box.middle + box.half * unit
        if not box.bounded.all():
            scaled = np.where(box.bounded, scaled, np.clip(action, box.low, box.high))
        environment: NDArray[np.generic] = scaled.reshape(*action.shape[:-1], *(space.shape or ())).astype(space.dtype)
        return environment


class _Box(NamedTuple):
    """Where a Box's actions lie, each ``(A,)``."""

    bounded: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    middle: NDArray[np.float64]
    half: NDArray[np.float64]


class Behaviour(NamedTuple):
    """All that acting depends on: what is evaluated and replayed."""

    model: Model
    parameters: Tensor
    """``(S, P)`` of the policy alone."""
    observation: Moments | None
    """Statistics of the observation normaliser; None where observations are used as they are."""


class NetworkActor:
    """A frozen policy network, its weights laid out once for a whole rollout."""

    def __init__(self, behaviour: Behaviour) -> None:
        model, parameters, moments = behaviour
        self.model = model
        self.dtype = parameters.dtype
        self.noise, self.noise_size = model.distribution.noise, model.distribution.noise_size
        self._layers = model.policy.layers(parameters.numpy())
        self._standardise = None if moments is None else Standardiser.of(moments, self.dtype)

    def __call__(self, observation: Tensor, noise: Tensor) -> Action:
        """Choose actions for observations ``(S, N, O)`` with noise ``(S, N, K)``; zero noise gives the mode."""
        observation = observation.to(self.dtype)
        if self._standardise is not None:
            observation = self._standardise(observation)
        outputs = torch.from_numpy(self.model.policy.forward(self._layers, observation.numpy())[-1])
        sample = self.model.distribution.sample(outputs, noise)
        log_prob = self.model.distribution.log_prob(outputs, sample)
        finite = np.ones(len(sample), dtype=np.bool_)
        if sample.is_floating_point() and not bool((each := sample.isfinite().flatten(1).all(1)).all()):
            sample, finite = torch.where(each.view(-1, 1, 1), sample, 0.0), each.numpy()
        return Action(sample, self.model.to_environment(sample), finite, log_prob)
