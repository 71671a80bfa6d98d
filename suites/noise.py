"""Action noise: every seed draws its own, keyed by purpose and occasion, some time steps at once."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.distributions import NoiseKind
from ..algorithms.interface import TRAINING, Episodes, Plan
from ..algorithms.model import Actor
from ..algorithms.streams import Stream, generators

Sampled = NDArray[np.float32]


STRETCH = 64
"""Time steps of a round that are played, and their noise drawn, at once; part of what determines the numbers."""


class _Sampler(NamedTuple):
    """How noise is made of what a generator draws."""

    draw: str
    """The generator's method."""
    finish: Callable[..., Sampled]
    """From draws, as many as it takes arguments, to noise: number by number, and so for all seeds at once."""
    draws: int = 1


def _gumbel(exponential: Sampled) -> Sampled:
    # A draw of exactly zero would be an infinite Gumbel: smallest normal float32 keeps it finite.
    gumbel: Sampled = -np.log(np.maximum(exponential, np.finfo(np.float32).tiny))
    return gumbel


def _logistic(first: Sampled, second: Sampled) -> Sampled:
    return _gumbel(first) - _gumbel(second)


def _as_drawn(drawn: Sampled) -> Sampled:
    return drawn


_SAMPLERS: dict[NoiseKind, _Sampler] = {
    "gumbel": _Sampler("standard_exponential", _gumbel),
    "normal": _Sampler("standard_normal", _as_drawn),
    "logistic": _Sampler("standard_exponential", _logistic, draws=2),
    "uniform": _Sampler("random", _as_drawn),
}


class Noise(Protocol):
    """Where the noise of a plan's actions comes from."""

    @property
    def stretch(self) -> int:
        """Time steps of a round to draw at once: how many it has is not known beforehand."""

    def draw(self, steps: int, wanted: NDArray[np.bool_]) -> Tensor:
        """Return the next time steps ``(S, T, N, K)``; zeros, and nothing drawn, for seeds not wanted ``(S,)``."""


class SeedNoise:
    """Noise that each seed draws from its own generator."""

    stretch = STRETCH

    def __init__(
        self,
        kind: NoiseKind,
        size: int,
        num_envs: int,
        generators: Sequence[np.random.Generator],
        dtype: torch.dtype,
    ) -> None:
        """Draw nothing yet.

        Args:
            kind: distribution of the noise.
            size: K, numbers per action.
            num_envs: N, environments per seed.
            generators: ``(S,)``
            dtype: of the result; the numbers are float32 ones.
        """
        self._sampler, self._shape = _SAMPLERS[kind], (num_envs, size)
        self._generators, self._dtype = generators, dtype

    def draw(self, steps: int, wanted: NDArray[np.bool_]) -> Tensor:
        """Return noise; how many time steps are asked for at once is part of what determines it."""
        draw, finish, draws = self._sampler
        drawn = np.zeros((draws, len(self._generators), steps, *self._shape), np.float32)
        for row in np.flatnonzero(wanted).tolist():
            sample = getattr(self._generators[row], draw)
            for each in drawn:
                sample(dtype=np.float32, out=each[row])
        numbers = finish(*drawn)
        if not wanted.all():
            numbers[~wanted] = 0
        made = torch.from_numpy(numbers)
        return made if self._dtype == torch.float32 else made.to(self._dtype)


class NoNoise:
    """Zeros, which make every distribution return its mode."""

    stretch = STRETCH

    def __init__(self, size: int, num_envs: int, dtype: torch.dtype) -> None:
        self._shape, self._dtype = (num_envs, size), dtype

    def draw(self, steps: int, wanted: NDArray[np.bool_]) -> Tensor:
        """Return zeros."""
        return torch.zeros(len(wanted), steps, *self._shape, dtype=self._dtype)


def noise_of(plan: Plan, actor: Actor, seeds: Sequence[int], rollouts: Sequence[int]) -> Noise:
    """Return the noise of a plan's actions, keyed by the ``rollouts`` ``(S,)`` before it, or by its occasion."""
    if isinstance(plan, Episodes) and plan.deterministic:
        return NoNoise(actor.noise_size, plan.num_envs, actor.dtype)
    purpose: Stream | str = Stream.ACTION if plan.stream == TRAINING else f"actions of {plan.stream}"
    keys = rollouts
    if isinstance(plan, Episodes) and plan.occasion is not None:
        purpose, keys = f"actions of {plan.stream} by occasion", [plan.occasion] * len(seeds)
    randoms = generators(seeds, purpose, keys)
    return SeedNoise(actor.noise, actor.noise_size, plan.num_envs, randoms, actor.dtype)
