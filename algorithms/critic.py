"""Fitting a critic by regression, for the algorithms whose critic has steps of its own."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .adam import Adam, adam_step
from .blocks import Samples, block_sum, padded_index
from .interface import State
from .streams import Stream, generator


class Fit(NamedTuple):
    """A critic after regression."""

    parameters: Tensor
    """``(S, Pc)``"""
    optimiser: Adam
    loss: Tensor
    """``(S,)`` mean squared error over the last epoch, halved."""


def fit_critic(state: State, samples: Samples, *, learning_rate: float | Tensor, epochs: int, minibatch: int) -> Fit:
    """Regress a state's critic on ``samples.target`` with Adam on shuffled minibatches.

    Each seed shuffles its own valid samples with its own generator and takes exactly as many steps as it has
    minibatches; it waits, untouched, while a neighbour takes more. The loss of a minibatch is
    ``1/(2 M) Σ (V(s) - target)²`` with M the nominal size, so a short last one weighs less.

    Args:
        state: whose critic, whose optimiser ``"critic"``, whose seeds key the shuffles.
        samples: observations, targets and mask.
        learning_rate: a number or ``(S,)``.
        epochs: passes over the samples.
        minibatch: samples per step and seed.
    """
    network, optimiser = state.model.value_network, state.optimisers["critic"]
    _, parameters = state.model.split(state.parameters)
    observation, target = samples.observation.numpy(), samples.target.unsqueeze(2).numpy()
    row = np.arange(len(parameters))[:, None]
    places = [np.flatnonzero(m) for m in samples.mask.numpy()]
    randoms = [generator(int(s), Stream.SHUFFLE, int(u)) for s, u in zip(state.seeds, state.updates, strict=True)]
    squares = np.zeros(len(parameters), dtype=target.dtype)
    for epoch in range(epochs):
        shuffled = [random.permutation(place) for random, place in zip(randoms, places, strict=True)]
        for index, filled in _minibatches(shuffled, minibatch):
            layers = network.layers(parameters.numpy())
            activations = network.forward(layers, observation[row, index])
            error = (activations[-1] - target[row, index]) * filled[:, :, None]
            gradient = torch.from_numpy(network.cotangent(layers, activations, error / minibatch))
            stepping = filled[:, 0]
            mask = None if stepping.all() else torch.from_numpy(stepping)
            parameters, optimiser = adam_step(parameters, gradient, optimiser, learning_rate, mask)
            if epoch == epochs - 1:
                squares += np.square(error[..., 0]).sum(1)
    return Fit(parameters, optimiser, 0.5 * torch.from_numpy(squares) / block_sum(samples.mask))


def _minibatches(places: list[NDArray[np.intp]], size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Iterate over ``(S, size)`` sample indices and which of them are filled, until the longest list is done."""
    index, filled = padded_index(places, size)
    for start in range(0, index.shape[1], size):
        yield index[:, start : start + size], filled[:, start : start + size]
