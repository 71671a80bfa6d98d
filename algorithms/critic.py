"""Fitting a critic by regression, for the algorithms whose critic has steps of its own."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .adam import Adam, adam_step
from .blocks import Samples, block_sum
from .interface import State
from .shuffling import minibatches
from .streams import Stream


class Fit(NamedTuple):
    """A critic after regression."""

    critic: Tensor
    """``(S, Pc)`` parameters."""
    optimiser: Adam
    loss: Tensor
    """``(S,)`` mean squared error over the last epoch, halved."""


def fit_critic(state: State, samples: Samples, *, learning_rate: float | Tensor, epochs: int, minibatch: int) -> Fit:
    """Regress a state's critic on ``samples.value_target`` with Adam on shuffled minibatches.

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
    network, critic, optimiser = state.model.value_network, state.critic, state.optimisers["critic"]
    observation, target = samples.observation.numpy(), samples.value_target.unsqueeze(2).numpy()
    row = np.arange(len(critic))[:, None]
    squares = np.zeros(len(critic), dtype=target.dtype)
    for batch in minibatches(state, samples, size=minibatch, epochs=epochs, stream=Stream.SHUFFLE):
        index = batch.index.numpy()
        layers = network.layers(critic.numpy())
        activations = network.forward(layers, observation[row, index])
        error = (activations[-1] - target[row, index]) * batch.mask.unsqueeze(2).numpy()
        gradient = torch.from_numpy(network.cotangent(layers, activations, error / minibatch))
        mask = None if bool(batch.stepping.all()) else batch.stepping
        critic, optimiser = adam_step(critic, gradient, optimiser, learning_rate, mask)
        if batch.epoch == epochs - 1:
            squares += np.square(error[..., 0]).sum(1)
    return Fit(critic, optimiser, 0.5 * torch.from_numpy(squares) / block_sum(samples.mask))
