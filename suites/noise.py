"""Action noise: every seed draws its own, keyed by purpose and occasion, in chunks of time steps."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ..algorithms.distributions import NoiseKind

_CHUNK = 64


def _gumbel(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    # A draw of exactly zero would be an infinite Gumbel: smallest normal float32 keeps it finite.
    exponential = random.standard_exponential(shape, dtype=np.float32)
    drawn: np.ndarray = -np.log(np.maximum(exponential, np.finfo(np.float32).tiny))
    return drawn


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)


def _logistic(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return _gumbel(random, shape) - _gumbel(random, shape)


_SAMPLERS: dict[NoiseKind, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "gumbel": _gumbel,
    "normal": _normal,
    "logistic": _logistic,
}


def noise_steps(
    kind: NoiseKind, size: int, num_envs: int, generators: Sequence[np.random.Generator], dtype: torch.dtype
) -> Iterator[Tensor]:
    """Iterate over time steps of noise ``(S, N, K)``, without end.

    Args:
        kind: distribution of the noise.
        size: K, numbers per action.
        num_envs: N, environments per seed.
        generators: one per seed; how many numbers a seed has drawn depends on the steps asked for alone.
        dtype: of the result; the numbers are float32 ones.
    """
    sample = _SAMPLERS[kind]
    while True:
        chunk = np.empty((_CHUNK, len(generators), num_envs, size), dtype=np.float32)
        for row, random in enumerate(generators):
            chunk[:, row] = sample(random, (_CHUNK, num_envs, size))
        yield from torch.from_numpy(chunk).to(dtype).unbind(0)


def no_noise(size: int, num_envs: int, seeds: int, dtype: torch.dtype) -> Iterator[Tensor]:
    """Iterate over zeros, which make every distribution return its mode."""
    zeros = torch.zeros(seeds, num_envs, size, dtype=dtype)
    while True:
        yield zeros
