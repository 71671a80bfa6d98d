"""Adam as a pure function on one flat ``(S, P)`` tensor, and gradient clipping, both per seed.

`torch.optim.Adam` has one learning rate for all seeds and moves a frozen seed by its momentum.
"""

import math
from typing import Literal, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel
from .shapes import check_shapes
from .trees import named_tensors, tree_map

T = TypeVar("T")

BETAS = (0.9, 0.999)
"""Decay of the running means."""
EPSILON = 1e-8
"""Added to the root of the second moment."""


class Adam(NamedTuple):
    """The optimiser's memory."""

    first: Tensor
    """``(S, P)`` running mean of the gradient."""
    second: Tensor
    """``(S, P)`` running mean of its square."""
    steps: Tensor
    """``(S,)`` steps taken, float64."""

    @classmethod
    def like(cls, parameters: Tensor) -> "Adam":
        """Return the memory of an optimiser that has taken no step."""
        steps = torch.zeros(len(parameters), dtype=torch.float64)
        return cls(torch.zeros_like(parameters), torch.zeros_like(parameters), steps)

    def copy(self) -> "Adam":
        """Return the same in memory of its own, to be stepped in place."""
        return Adam(*(x.clone() for x in self))


def adam_step(
    parameters: Tensor,
    gradient: Tensor,
    memory: Adam,
    learning_rate: float | Tensor,
    mask: Tensor | None = None,
    *,
    betas: tuple[float, float] = BETAS,
    epsilon: float = EPSILON,
) -> tuple[Tensor, Adam]:
    """Return the parameters and memory after one descent step.

    Args:
        parameters: ``(S, P)``.
        gradient: ``(S, P)`` of the loss.
        memory: of the steps before.
        learning_rate: a number or ``(S,)``.
        mask: ``(S,)`` true for the seeds that step; the others keep parameters and memory bit for bit. All when None.
        betas: decay of the running means.
        epsilon: added to the root of the second moment.

    Source: Kingma & Ba (2015), algorithm 1.
    """
    check_shapes(
        parameters=(parameters, "S P"),
        gradient=(gradient, "S P"),
        first=(memory.first, "S P"),
        steps=(memory.steps, "S"),
    )
    stepped, made = parameters.clone(), memory.copy()
    stepping = torch.ones(len(parameters), dtype=torch.bool) if mask is None else mask
    adam_each(
        stepped.numpy(),
        gradient.contiguous().numpy(),
        *(x.numpy() for x in made),
        each_seed(learning_rate, len(parameters)),
        stepping.contiguous().numpy(),
        *betas,
        epsilon,
    )
    return stepped, made


def each_seed(number: float | Tensor, seeds: int) -> NDArray[np.float64]:
    """Return a hyperparameter of every seed ``(S,)``, float64, from a number or from theirs."""
    made = np.empty(seeds)
    made[:] = number.numpy() if isinstance(number, Tensor) else number
    return made


@kernel
def step_weights(parameters, steps, rate, beta1, beta2, epsilon):
    """How a step weighs what `adam_number` takes, in the precision of the parameters; ``steps`` counts this one."""
    number = parameters.dtype.type
    scale = number(rate / (1 - math.exp(steps * math.log(beta1))))
    root = number(1 / math.sqrt(1 - math.exp(steps * math.log(beta2))))
    return number(1 - beta1), number(beta2), number(1 - beta2), scale, root, number(epsilon)


@kernel
def adam_number(parameter, gradient, first, second, mean, kept, square, scale, root, small):
    """A parameter and its running means after a step."""
    first += mean * (gradient - first)
    second = kept * second + square * (gradient * gradient)
    return parameter - scale * first / (np.sqrt(second) * root + small), first, second


@kernel
def adam(parameters, gradient, first, second, steps, rate, beta1, beta2, epsilon):
    """Step ``(P,)`` parameters and the running means in place; ``steps`` counts this one."""
    mean, kept, square, scale, root, small = step_weights(parameters, steps, rate, beta1, beta2, epsilon)
    for p in range(len(parameters)):
        parameters[p], first[p], second[p] = adam_number(
            parameters[p], gradient[p], first[p], second[p], mean, kept, square, scale, root, small
        )


@kernel
def adam_to(
    parameters, gradient, first, second, steps, rate, beta1, beta2, epsilon, new_parameters, new_first, new_second
):
    """Write what `adam` makes of parameters and running means."""
    mean, kept, square, scale, root, small = step_weights(parameters, steps, rate, beta1, beta2, epsilon)
    for p in range(len(parameters)):
        new_parameters[p], new_first[p], new_second[p] = adam_number(
            parameters[p], gradient[p], first[p], second[p], mean, kept, square, scale, root, small
        )


@kernel(
    "real[:, ::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], float64[::1], boolean[::1], "
    "float64, float64, float64",
    part="composing",
)
def adam_each(parameters, gradient, first, second, steps, rate, stepping, beta1, beta2, epsilon):
    """`adam` for the seeds that step."""
    for s in range(len(parameters)):
        if stepping[s]:
            steps[s] += 1
            adam(parameters[s], gradient[s], first[s], second[s], steps[s], rate[s], beta1, beta2, epsilon)


@kernel("real[:, ::1], real[::1]")
def add_squares(x, total):
    """Add the sum of the squares of every row."""
    for s in range(len(x)):
        total[s] += np.dot(x[s], x[s])


def norm(*parts: Tensor) -> Tensor:
    """Return the Euclidean norm ``(S,)`` of ``(S, P)``, or of several such together."""
    arrays = [part.contiguous().numpy() for part in parts]
    total = np.zeros(len(arrays[0]), arrays[0].dtype)
    for array in arrays:
        add_squares(array, total)
    return torch.from_numpy(np.sqrt(total))  # torch's root of single numbers is not always the nearest


def clip_gradient(gradient: T, max_norm: float | Tensor | None) -> tuple[T, Tensor]:
    """Return the gradient scaled down to ``max_norm`` where it is longer, and the norms before ``(S,)``.

    Args:
        gradient: ``(S, P)``, or a tree of such, as of policy and critic, whose norm is that of all together.
        max_norm: the largest, a number or ``(S,)``; None for no clipping.
    """
    length = norm(*(part for _, part in named_tensors(gradient)))
    longest = each_seed(np.inf if max_norm is None else max_norm, len(length))

    def clipped(part: Tensor) -> Tensor:
        made = torch.empty_like(part, memory_format=torch.contiguous_format)
        clip_each(part.contiguous().numpy(), length.numpy(), longest, made.numpy())
        return made

    return tree_map(clipped, gradient), length


@kernel
def clip(gradient, length, longest, clipped):
    """Write a gradient ``(P,)`` of a length, scaled down where that is more than ``longest``, if that is finite."""
    number = gradient.dtype.type
    scale = number(longest) / (length + number(1e-6))
    scale = number(1) if scale > 1 or longest == np.inf else scale  # what is no number stays so
    for p in range(len(gradient)):
        clipped[p] = gradient[p] * scale


@kernel("real[:, ::1], real[::1], float64[::1], real[:, ::1]", part="composing")
def clip_each(gradient, length, longest, clipped):
    """`clip` for every seed."""
    for s in range(len(gradient)):
        clip(gradient[s], length[s], longest[s], clipped[s])


@kernel
def decayed_rate(learning_rate, linear, progress):
    """`decayed` of one seed; its progress is a float32."""
    rate = np.float32(learning_rate)
    return rate * (np.float32(1) - progress) if linear else rate


def decayed(learning_rate: float | Tensor, decay: Literal["none", "linear"], progress: Tensor) -> Tensor:
    """Return the learning rate of every seed ``(S,)`` at its share of the budget used."""
    if isinstance(learning_rate, Tensor):
        learning_rate = learning_rate.to(progress.dtype)
        return learning_rate * (1 - progress) if decay == "linear" else learning_rate
    return learning_rate * (1 - progress) if decay == "linear" else torch.full_like(progress, learning_rate)
