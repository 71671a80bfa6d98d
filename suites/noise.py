"""Action noise: every seed draws its own, keyed by purpose and occasion, in chunks of time steps."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.distributions import NoiseKind

Sampled = NDArray[np.float32]

ROUND_CHUNK = 64
"""Time steps drawn at once where the length is not known beforehand."""


def _gumbel(random: np.random.Generator, shape: tuple[int, ...]) -> Sampled:
    # A draw of exactly zero would be an infinite Gumbel: smallest normal float32 keeps it finite.
    exponential = random.standard_exponential(shape, dtype=np.float32)
    gumbel: Sampled = -np.log(np.maximum(exponential, np.finfo(np.float32).tiny))
    return gumbel


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> Sampled:
    return random.standard_normal(shape, dtype=np.float32)


def _logistic(random: np.random.Generator, shape: tuple[int, ...]) -> Sampled:
    return _gumbel(random, shape) - _gumbel(random, shape)


def _uniform(random: np.random.Generator, shape: tuple[int, ...]) -> Sampled:
    return random.random(shape, dtype=np.float32)


_SAMPLERS: dict[NoiseKind, Callable[[np.random.Generator, tuple[int, ...]], Sampled]] = {
    "gumbel": _gumbel,
    "normal": _normal,
    "logistic": _logistic,
    "uniform": _uniform,
}


def noise_steps(
    kind: NoiseKind,
    size: int,
    num_envs: int,
    generators: Sequence[np.random.Generator],
    dtype: torch.dtype,
    chunk: int = ROUND_CHUNK,
) -> Iterator[Tensor]:
    """Iterate over time steps of noise ``(S, N, K)``, without end.

    Args:
        kind: distribution of the noise.
        size: K, numbers per action.
        num_envs: N, environments per seed.
        generators: one per seed.
        dtype: of the result; the numbers are float32 ones.
        chunk: time steps drawn at once; part of what determines the numbers.
    """
    sample = _SAMPLERS[kind]
    while True:
        numbers = np.empty((chunk, len(generators), num_envs, size), dtype=np.float32)
        for row, random in enumerate(generators):
            numbers[:, row] = sample(random, (chunk, num_envs, size))
        yield from torch.from_numpy(numbers).to(dtype).unbind(0)


def no_noise(size: int, num_envs: int, seeds: int, dtype: torch.dtype) -> Iterator[Tensor]:
    """Iterate over zeros, which make every distribution return its mode."""
    zeros = torch.zeros(seeds, num_envs, size, dtype=dtype)
    while True:
        yield zeros
