"""Fitting a critic by regression, for the algorithms whose critic has steps of its own."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..kernels import kernel
from .adam import BETAS, EPSILON, Adam, adam, each_seed
from .blocks import Samples, block_sum
from .interface import State
from .matrices import matrix
from .networks import BLOCK, copy, cotangent, flip, forward, hidden_units
from .shapes import check_shapes
from .shuffling import shuffled
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
    check_shapes(observation=(samples.observation, "S B O"), value_target=(samples.value_target, "S B"))
    network, critic = state.model.value_network, state.critic.clone()
    network.check(critic, samples.observation)
    optimiser, rate = state.optimisers["critic"].copy(), each_seed(learning_rate, len(critic))
    squares = torch.zeros_like(critic[:, 0])
    rows = min(BLOCK, minibatch)
    work = network.work(rows, critic.numpy().dtype, network.size + rows * network.row)
    for order, counts in shuffled(state, samples, epochs=epochs, stream=Stream.SHUFFLE):
        squares.zero_()
        fit_each(
            critic.numpy(),
            *network.code,
            *(x.numpy() for x in optimiser),
            rate,
            samples.observation.numpy(),
            samples.value_target.numpy(),
            order,
            counts,
            minibatch,
            rows,
            *BETAS,
            EPSILON,
            work,
            squares.numpy(),
        )
    return Fit(critic, optimiser, 0.5 * squares / block_sum(samples.mask))


@kernel(
    "real[:, ::1], int64[::1], boolean, real[:, ::1], real[:, ::1], float64[::1], float64[::1], real[:, :, ::1], "
    "real[:, ::1], int64[:, ::1], int64[::1], int64, int64, float64, float64, float64, real[::1], real[::1]"
)
def fit_each(
    critic, widths, relu, first, second, steps, rate, observation, target, order, counts, size, block,
    beta1, beta2, epsilon, work, squares,
):  # fmt: skip
    """One pass of every seed over its samples, in its order; add up the squared errors.

    It steps every ``size`` samples, of which it takes a ``block`` at a time.
    """
    start = critic.shape[1]
    gradient, inputs = work[:start], matrix(work, start, block, observation.shape[2])
    start += inputs.size
    outputs = matrix(work, start, block, 1)
    start += outputs.size
    hidden = work[start : start + block * hidden_units(widths)]
    work = work[start + hidden.size :]
    flipped, work = work[: critic.shape[1]], work[critic.shape[1] :]
    for s in range(len(critic)):
        for begin in range(0, counts[s], size):
            end = min(begin + size, counts[s])
            flip(critic[s], widths, flipped)
            gradient[:] = 0
            for start in range(begin, end, block):
                rows = min(block, end - start)
                for b in range(rows):
                    copy(observation[s, order[s, start + b]], inputs[b])
                forward(critic[s], widths, relu, inputs[:rows], hidden, outputs[:rows])
                for b in range(rows):
                    error = outputs[b, 0] - target[s, order[s, start + b]]
                    squares[s] += error * error
                    outputs[b, 0] = error / size
                cotangent(flipped, widths, relu, inputs[:rows], hidden, outputs[:rows], work, gradient)
            steps[s] += 1
            adam(critic[s], gradient, first[s], second[s], steps[s], rate[s], beta1, beta2, epsilon)
