"""Running normalisation, per seed: statistics are frozen during a rollout, updated after it, and part of the state."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..kernels import kernel, linked, scratch
from .networks import BLOCK
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
        made = Moments(*(tensor.clone() for tensor in self))
        arrays = (array.double().contiguous().numpy() for array in (x, mask))
        moments_each(*(tensor.numpy() for tensor in made), *arrays, BLOCK, scratch(2 * x.shape[2], np.float64))
        return made


@linked(
    "float64[::1], float64[:, ::1], float64[:, ::1], float64[:, :, ::1], float64[:, ::1], int64, float64[::1]",
    entry=True,
)
def moments_each(seen, mean, square, x, mask, block, work):
    """Add samples to every seed's moments, in place, one block at a time."""
    size = x.shape[2]
    block_mean, block_square = work[:size], work[size : 2 * size]
    for s in range(len(x)):
        for start in range(0, x.shape[1], block):
            stop = min(start + block, x.shape[1])
            added = mask[s, start:stop].sum()
            if added == 0:
                continue
            block_mean[:], block_square[:] = 0, 0
            for b in range(start, stop):
                if mask[s, b] != 0:
                    for k in range(size):
                        block_mean[k] += x[s, b, k]
            block_mean /= added
            for b in range(start, stop):
                if mask[s, b] != 0:
                    for k in range(size):
                        deviation = x[s, b, k] - block_mean[k]
                        block_square[k] += deviation * deviation
            share = added / (seen[s] + added)
            for k in range(size):
                shift = block_mean[k] - mean[s, k]
                mean[s, k] += shift * share
                square[s, k] += block_square[k] + shift * shift * seen[s] * share
            seen[s] += added


def scaled(reward: Tensor, scale: Tensor | None, largest: float, dtype: torch.dtype) -> Tensor:
    """Return rewards ``(S, N, T)`` divided by their scale, NaN for a seed that has one beyond the ``largest``.

    Args:
        reward: of a rollout.
        scale: ``(S,)``; 0, or None for all, leaves rewards as they are.
        largest: of the rewards returned.
        dtype: of these.
    """
    rewards, made = reward.double().contiguous().numpy(), torch.empty(reward.shape, dtype=dtype)
    units = np.zeros(len(rewards)) if scale is None else scale.numpy()
    scale_each(rewards, units, largest, made.numpy())
    return made


@kernel
def scale(reward, unit, largest, made):
    """`scaled` of one seed ``(N, T)``."""
    unit, beyond = unit if unit > 0 else 1.0, False
    for n in range(reward.shape[0]):
        for t in range(reward.shape[1]):
            made[n, t] = reward[n, t] / unit
            beyond |= abs(reward[n, t] / unit) > largest
    if beyond:
        made[:] = np.nan


@kernel("float64[:, :, ::1], float64[::1], float64, real[:, :, ::1]")
def scale_each(reward, units, largest, made):
    """`scale` of every seed."""
    for s in range(len(reward)):
        scale(reward[s], units[s], largest, made[s])


OBSERVATION_LIMIT = 10.0
"""Normalised observations are clipped to this many standard deviations."""


@kernel
def standardise(shift, scale, observation):
    """Standardise one observation ``(O,)``, and clip it, in place."""
    limit = observation.dtype.type(OBSERVATION_LIMIT)
    for o in range(len(observation)):
        x = (observation[o] - shift[o]) * scale[o]
        observation[o] = limit if x > limit else (-limit if x < -limit else x)


@kernel("real[:, ::1], real[:, ::1], real[:, :, ::1]")
def standardise_each(shift, scale, observation):
    """`standardise` every observation of every seed, in place."""
    for s in range(len(observation)):
        for b in range(observation.shape[1]):
            standardise(shift[s], scale[s], observation[s, b])


@kernel
def variance(seen, square):
    """The variance of one number, of which so many samples with that sum of squared deviations were seen."""
    return square / max(seen, 1.0) if seen > 0 else 1.0


@linked("float64[::1], float64[:, ::1], float64[:, ::1], real[:, ::1], real[:, ::1]", entry=True)
def freeze_each(seen, mean, square, shift, scale):
    """Write what every seed's observations are standardised by."""
    for s in range(len(seen)):
        for k in range(mean.shape[1]):
            shift[s, k] = mean[s, k]
            scale[s, k] = 1 / np.sqrt(variance(seen[s], square[s, k]) + 1e-8)


class Standardiser(NamedTuple):
    """Frozen moments, ready to apply to observations."""

    shift: Tensor
    """``(S, 1, O)``"""
    scale: Tensor
    """``(S, 1, O)``"""

    @classmethod
    def of(cls, moments: Moments, dtype: torch.dtype) -> "Standardiser":
        """Freeze moments."""
        seen, mean, square = (x.double().contiguous().numpy() for x in moments)
        shift, scale = (torch.empty(mean.shape, dtype=dtype) for _ in range(2))
        freeze_each(seen, mean, square, shift.numpy(), scale.numpy())
        return cls(shift.unsqueeze(1), scale.unsqueeze(1))

    def __call__(self, observation: Tensor) -> Tensor:
        """Return observations ``(S, B, O)`` with mean 0 and variance 1, clipped."""
        made = observation.to(self.shift.dtype, copy=True).contiguous()
        standardise_each(self.shift.squeeze(1).numpy(), self.scale.squeeze(1).numpy(), made.numpy())
        return made


def discounted_trace(reward: Tensor, done: Tensor, carry: Tensor, discount: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return running sums ``R_t = discount * R_{t-1} + r_t`` ``(S, N, T)`` and the last, to carry on ``(S, N)``.

    ``carry`` is that of the rollout before; it starts at zero after an episode's end. The standard deviation of these
    sums is the unit in which scaled rewards are measured.

    Source: the reward normalisation of OpenAI Baselines' VecNormalize; see Engstrom et al. (2020), section 3.
    """
    check_shapes(reward=(reward, "S N T"), done=(done, "S N T"), carry=(carry, "S N"))
    sums, after = torch.empty_like(reward, memory_format=torch.contiguous_format), carry.to(reward.dtype, copy=True)
    own = np.empty(len(reward))
    own[:] = discount
    arrays = (reward.contiguous().numpy(), done.contiguous().numpy(), after.numpy(), own, sums.numpy())
    trace_each(*arrays)
    return sums, after


@kernel("real[:, :, ::1], boolean[:, :, ::1], real[:, ::1], float64[::1], real[:, :, ::1]")
def trace_each(reward, done, carry, discount, sums):
    """`discounted_trace`, with the carry in place."""
    for s in range(reward.shape[0]):
        for n in range(reward.shape[1]):
            for t in range(reward.shape[2]):
                sums[s, n, t] = discount[s] * carry[s, n] + reward[s, n, t]
                carry[s, n] = 0 if done[s, n, t] else sums[s, n, t]
