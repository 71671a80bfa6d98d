"""Running normalisation, per seed: statistics are frozen during a rollout, updated after it, and part of the state."""

from typing import NamedTuple

import torch
from torch import Tensor

from .blocks import BLOCK
from .shapes import check_shapes


class Moments(NamedTuple):
    """Running mean and variance, in float64 so that millions of steps do not drown an increment."""

    seen: Tensor
    """``(S,)`` samples."""
    mean: Tensor
    """``(S, K)``"""
    square: Tensor
    """``(S, K)`` sum of squared deviations from the mean."""

    @classmethod
    def zeros(cls, seeds: int, size: int) -> "Moments":
        """Return the moments of nothing seen yet."""
        return cls(*(torch.zeros(shape, dtype=torch.float64) for shape in ((seeds,), (seeds, size), (seeds, size))))

    @property
    def variance(self) -> Tensor:
        """``(S, K)``; 1 before anything was seen."""
        seen = self.seen.unsqueeze(1)
        return torch.where(seen > 0, self.square / seen.clamp(min=1), 1.0)

    def updated(self, x: Tensor, mask: Tensor) -> "Moments":
        """Return the moments with samples ``(S, B, K)`` added where the mask ``(S, B)`` is 1.

        Source: Chan, Golub & LeVeque (1979), pairwise update, one block of samples at a time.
        """
        check_shapes(x=(x, "S B K"), mask=(mask, "S B"), mean=(self.mean, "S K"))
        seen, mean, square = self
        for block, weight in zip(x.split(BLOCK, 1), mask.split(BLOCK, 1), strict=True):
            w = weight.double().unsqueeze(2)
            added = w.sum(1).squeeze(1)
            block_mean = (block * w).sum(1) / added.clamp(min=1).unsqueeze(1)
            deviation = (block - block_mean.unsqueeze(1)) * w
            shift = block_mean - mean
            total = (seen + added).clamp(min=1)
            share = (added / total).unsqueeze(1)
            mean = mean + shift * share
            square = square + (deviation * deviation).sum(1) + shift * shift * seen.unsqueeze(1) * share
            seen = seen + added
        return Moments(seen, mean, square)


OBSERVATION_LIMIT = 10.0
"""Normalised observations are clipped to this many standard deviations."""


class Standardiser(NamedTuple):
    """Frozen moments, ready to apply to observations."""

    shift: Tensor
    """``(S, 1, O)``"""
    scale: Tensor
    """``(S, 1, O)``"""

    @classmethod
    def of(cls, moments: Moments, dtype: torch.dtype) -> "Standardiser":
        """Freeze moments."""
        scale = 1 / (moments.variance + 1e-8).sqrt()
        return cls(moments.mean.to(dtype).unsqueeze(1), scale.to(dtype).unsqueeze(1))

    def __call__(self, observation: Tensor) -> Tensor:
        """Return observations ``(S, B, O)`` with mean 0 and variance 1, clipped."""
        return (observation - self.shift).mul_(self.scale).clamp_(-OBSERVATION_LIMIT, OBSERVATION_LIMIT)


def discounted_trace(reward: Tensor, done: Tensor, carry: Tensor, discount: float) -> tuple[Tensor, Tensor]:
    """Return running sums ``R_t = discount * R_{t-1} + r_t`` ``(S, N, T)`` and the last, to carry on ``(S, N)``.

    ``carry`` is that of the rollout before; it starts at zero after an episode's end. The standard deviation of these
    sums is the unit in which scaled rewards are measured.

    Source: the reward normalisation of OpenAI Baselines' VecNormalize; see Engstrom et al. (2020), section 3.
    """
    check_shapes(reward=(reward, "S N T"), done=(done, "S N T"), carry=(carry, "S N"))
    sums = []
    goes_on = (~done).to(reward.dtype)
    for t in range(reward.shape[2]):
        carry = discount * carry + reward[..., t]
        sums.append(carry)
        carry = carry * goes_on[..., t]
    return torch.stack(sums, -1), carry
