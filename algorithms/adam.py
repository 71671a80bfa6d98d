"""Adam as a pure function on one flat ``(S, P)`` tensor, and gradient clipping, both per seed.

`torch.optim.Adam` has one learning rate for all seeds and moves a frozen seed by its momentum.
"""

import math
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor

from .shapes import check_shapes
from .trees import named_tensors, tree_map

T = TypeVar("T")


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


def adam_step(
    parameters: Tensor,
    gradient: Tensor,
    memory: Adam,
    learning_rate: float | Tensor,
    mask: Tensor | None = None,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
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
    steps = memory.steps + 1
    corrections = [1 - torch.exp(steps * math.log(beta)) for beta in betas]
    rate = (learning_rate / corrections[0]).to(parameters.dtype).unsqueeze(1)
    root = corrections[1].rsqrt().to(parameters.dtype).unsqueeze(1)
    first = torch.lerp(memory.first, gradient, 1 - betas[0])
    second = (memory.second * betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    denominator = second.sqrt().mul_(root).add_(epsilon)
    stepped = parameters - (first * rate).div_(denominator)
    if mask is None:
        return stepped, Adam(first, second, steps)
    row = mask.unsqueeze(1)
    kept = Adam(
        torch.where(row, first, memory.first),
        torch.where(row, second, memory.second),
        torch.where(mask, steps, memory.steps),
    )
    return torch.where(row, stepped, parameters), kept


def norm(x: Tensor) -> Tensor:
    """Return the Euclidean norm ``(S,)`` of ``(S, P)``."""
    return (x * x).sum(1).sqrt()


def clip_gradient(gradient: T, max_norm: float | None) -> tuple[T, Tensor]:
    """Return the gradient scaled down to ``max_norm`` where it is longer, and the norms before ``(S,)``.

    Args:
        gradient: ``(S, P)``, or a tree of such, as of policy and critic, whose norm is that of all together.
        max_norm: the largest; None for no clipping.
    """
    parts = [part for _, part in named_tensors(gradient)]
    length = norm(torch.cat(parts, 1) if len(parts) > 1 else parts[0])
    if max_norm is None:
        return gradient, length
    scale = (max_norm / (length + 1e-6)).clamp(max=1.0).unsqueeze(1)
    return tree_map(lambda part: part * scale, gradient), length


def decayed(learning_rate: float, decay: Literal["none", "linear"], progress: Tensor) -> Tensor:
    """Return the learning rate of every seed ``(S,)`` at its share of the budget used."""
    return learning_rate * (1 - progress if decay == "linear" else torch.ones_like(progress))
