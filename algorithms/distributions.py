"""Action distributions over the outputs of a network, batched over any leading axes.

A distribution is described by D numbers per state (logits; or mean and log standard deviation). Sampling is a
deterministic function of those and of noise drawn beforehand, so a seed's noise never depends on its neighbours;
zero noise gives the mode. `fisher` is the Fisher information matrix in these D coordinates, which together with a
network's tangent and cotangent gives Fisher-vector products without second derivatives.

Only slice-invariant operations are used: `softplus` and `sigmoid` are not, `log_softmax` is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError

NoiseKind = Literal["gumbel", "normal", "logistic", "uniform"]


class Distribution(Protocol):
    """What a policy gradient needs of an action distribution."""

    @property
    def outputs(self) -> int:
        """Number of parameters computed from the state."""

    @property
    def constants(self) -> int:
        """Number of parameters that do not depend on the state."""

    @property
    def noise(self) -> NoiseKind:
        """Distribution of the noise that `sample` takes."""

    @property
    def noise_size(self) -> int:
        """Numbers of noise per action."""

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Return actions ``(..., A)`` (``(...)`` for Discrete) from ``(..., D)`` and ``(..., noise_size)``."""

    def log_prob(self, parameters: Tensor, action: Tensor) -> Tensor:
        """Return the log-probability (density) ``(...)`` of the actions."""

    def entropy(self, parameters: Tensor) -> Tensor:
        """Return the entropy ``(...)`` in nats."""

    def kl(self, old: Tensor, new: Tensor) -> Tensor:
        """Return ``KL(old ‖ new)`` ``(...)`` in nats."""

    def fisher(self, parameters: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the product with the Fisher information matrix at ``parameters``, both ``(..., D)``."""


@dataclass(frozen=True)
class Categorical:
    """Independent categorical choices, their logits concatenated: one for `Discrete`, several for `MultiDiscrete`."""

    sizes: tuple[int, ...]
    """Number of choices of every component."""
    scalar: bool = False
    """Whether an action is one number instead of a vector with one."""
    noise: NoiseKind = "gumbel"
    constants: int = 0

    @cached_property
    def outputs(self) -> int:
        return sum(self.sizes)

    @property
    def noise_size(self) -> int:
        return self.outputs

    def _components(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x,) if len(self.sizes) == 1 else x.split(self.sizes, dim=-1)

    def _log_probs(self, parameters: Tensor) -> list[Tensor]:
        return [torch.log_softmax(logits, -1) for logits in self._components(parameters)]

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Gumbel-max: the largest of logits plus Gumbel noise. Source: Gumbel (1954); Maddison et al. (2014)."""
        chosen = [perturbed.argmax(-1) for perturbed in self._components(parameters + noise)]
        return chosen[0] if self.scalar else torch.stack(chosen, -1)

    def log_prob(self, parameters: Tensor, action: Tensor) -> Tensor:
        index = action.unsqueeze(-1) if self.scalar else action
        chosen = [
            log_prob.gather(-1, index[..., n : n + 1]).squeeze(-1)
            for n, log_prob in enumerate(self._log_probs(parameters))
        ]
        return _sum(chosen)

    def entropy(self, parameters: Tensor) -> Tensor:
        return _sum([-(lp.exp() * lp).sum(-1) for lp in self._log_probs(parameters)])

    def kl(self, old: Tensor, new: Tensor) -> Tensor:
        pairs = zip(self._log_probs(old), self._log_probs(new), strict=True)
        return _sum([(a.exp() * (a - b)).sum(-1) for a, b in pairs])

    def fisher(self, parameters: Tensor) -> Callable[[Tensor], Tensor]:
        """``(diag(p) - p pᵀ) v`` for every component."""
        probabilities = [torch.softmax(logits, -1) for logits in self._components(parameters)]

        def product(tangent: Tensor) -> Tensor:
            pairs = zip(probabilities, self._components(tangent), strict=True)
            return torch.cat([p * (v - (p * v).sum(-1, keepdim=True)) for p, v in pairs], -1)

        return product


@dataclass(frozen=True)
class Bernoulli:
    """``size`` independent coins, one logit each. `MultiBinary`."""

    size: int
    noise: NoiseKind = "logistic"
    constants: int = 0

    @property
    def outputs(self) -> int:
        return self.size

    @property
    def noise_size(self) -> int:
        return self.size

    @staticmethod
    def _log_probs(parameters: Tensor) -> Tensor:
        """Log-probabilities ``(..., size, 2)`` of tails and heads."""
        return torch.log_softmax(torch.stack([torch.zeros_like(parameters), parameters], -1), -1)

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        return (parameters + noise > 0).long()

    def log_prob(self, parameters: Tensor, action: Tensor) -> Tensor:
        return self._log_probs(parameters).gather(-1, action.unsqueeze(-1)).squeeze(-1).sum(-1)

    def entropy(self, parameters: Tensor) -> Tensor:
        log_probs = self._log_probs(parameters)
        return -(log_probs.exp() * log_probs).sum(-1).sum(-1)

    def kl(self, old: Tensor, new: Tensor) -> Tensor:
        a, b = self._log_probs(old), self._log_probs(new)
        return (a.exp() * (a - b)).sum(-1).sum(-1)

    def fisher(self, parameters: Tensor) -> Callable[[Tensor], Tensor]:
        """``p (1 - p) v``."""
        tails, heads = self._log_probs(parameters).exp().unbind(-1)
        variance = tails * heads
        return lambda tangent: variance * tangent


@dataclass(frozen=True)
class DiagonalGaussian:
    """Independent normal distributions; the log standard deviation does not depend on the state. `Box`."""

    size: int
    noise: NoiseKind = "normal"

    @property
    def outputs(self) -> int:
        return self.size

    @property
    def constants(self) -> int:
        return self.size

    @property
    def noise_size(self) -> int:
        return self.size

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        mean, log_std = parameters.chunk(2, -1)
        return mean + log_std.exp() * noise

    def log_prob(self, parameters: Tensor, action: Tensor) -> Tensor:
        mean, log_std = parameters.chunk(2, -1)
        standardised = (action - mean) * torch.exp(-log_std)
        return (-0.5 * standardised * standardised - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self, parameters: Tensor) -> Tensor:
        return (parameters[..., self.size :] + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)

    def kl(self, old: Tensor, new: Tensor) -> Tensor:
        (mean, log_std), (new_mean, new_log_std) = old.chunk(2, -1), new.chunk(2, -1)
        precision, shift = torch.exp(-2 * new_log_std), mean - new_mean
        variance_ratio = torch.exp(2 * (log_std - new_log_std))
        return (new_log_std - log_std + 0.5 * (variance_ratio + shift * shift * precision - 1)).sum(-1)

    def fisher(self, parameters: Tensor) -> Callable[[Tensor], Tensor]:
        """``v / σ²`` for the mean and ``2 v`` for log σ."""
        precision = torch.exp(-2 * parameters[..., self.size :])
        diagonal = torch.cat([precision, torch.full_like(precision, 2.0)], -1)
        return lambda tangent: diagonal * tangent


def _sum(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def distribution_for(space: gym.Space) -> Distribution:  # type: ignore[type-arg]
    """Return the distribution over a Gymnasium action space.

    Raises:
        UsageError: if the space is none of Discrete, Box, MultiDiscrete, MultiBinary.
    """
    match space:
        case gym.spaces.Discrete():
            return Categorical((int(space.n),), scalar=True)
        case gym.spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return Categorical(tuple(int(n) for n in space.nvec))
        case gym.spaces.MultiBinary() if len(space.shape) == 1:
            return Bernoulli(int(space.shape[0]))
        case gym.spaces.Box() if np.issubdtype(space.dtype, np.floating):
            return DiagonalGaussian(int(np.prod(space.shape)))
    raise UsageError(
        f"action space {space} is not supported: use Discrete, a floating-point Box, "
        "or a one-dimensional MultiDiscrete or MultiBinary (wrap the environment to convert)"
    )
