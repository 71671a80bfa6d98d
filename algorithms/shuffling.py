"""Shuffled minibatches, per seed: each seed permutes its own samples with its own generator.

A seed takes exactly as many minibatches as its samples fill and waits, untouched, while a neighbour takes more.

Shapes: **S** seeds, **B** samples, **M** samples of a minibatch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .blocks import Samples
from .interface import State
from .shapes import check_shapes
from .streams import Stream, generators


@dataclass(frozen=True)
class Minibatch:
    """Which samples every seed steps on."""

    epoch: int
    """Passes over the samples before this one."""
    index: Tensor
    """``(S, M)`` places in the samples."""
    mask: Tensor
    """``(S, M)`` 1 where there is a sample; a seed's last minibatch of an epoch may be short."""
    stepping: Tensor
    """``(S,)`` bool, which seeds have any: the mask of `adam_step`."""


def minibatches(
    state: State, samples: Samples, *, size: int, epochs: int, stream: Stream | str = Stream.MINIBATCH
) -> Iterator[Minibatch]:
    """Iterate over minibatches of each seed's valid samples, shuffled anew in every epoch.

    Args:
        state: whose seeds and updates key the shuffles.
        samples: of the update.
        size: M, samples per seed.
        epochs: passes over the samples.
        stream: random numbers of their own; an algorithm that shuffles twice in an update names two.

    The last minibatch of an epoch may be short, and a seed with fewer valid samples may have none in it::

        for batch in minibatches(state, samples, size=64, epochs=4):
            gradient, loss = self.gradient_of(state, samples.take(batch.index, batch.mask))
            policy, adam = adam_step(state.policy, gradient.policy, adam, rate, batch.stepping)
    """
    dtype = samples.mask.dtype
    for epoch, (order, counts) in enumerate(shuffled(state, samples, epochs=epochs, stream=stream)):
        longest = int(counts.max())
        for start in range(0, longest, size):
            index = np.zeros((len(order), size), dtype=np.int64)
            index[:, : order.shape[1] - start] = order[:, start : start + size]
            filled = torch.from_numpy(np.arange(start, start + size) < counts[:, None])
            yield Minibatch(epoch, torch.from_numpy(index), filled.to(dtype), filled[:, 0])


def shuffled(
    state: State, samples: Samples, *, epochs: int, stream: Stream | str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Iterate over epochs: places of each seed's valid samples in a new order ``(S, L)``, and how many ``(S,)``.

    Args:
        state: whose seeds and updates key the shuffles.
        samples: of the update.
        epochs: passes over the samples.
        stream: random numbers of their own.
    """
    check_shapes(mask=(samples.mask, "S B"), seeds=(state.seeds, "S"), updates=(state.updates, "S"))
    places = [np.flatnonzero(row) for row in samples.mask.numpy()]
    counts = np.array([len(place) for place in places])
    randoms = generators(state.seeds.tolist(), stream, state.updates.tolist())
    order = np.zeros((len(places), counts.max()), dtype=np.int64)
    for _ in range(epochs):
        for row, (random, place) in enumerate(zip(randoms, places, strict=True)):
            order[row, : len(place)] = random.permutation(place)
        yield order, counts
