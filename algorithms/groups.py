"""Episodes weighed beside those of their group, which began in the same state: no critic is needed.

Shapes: **S** seeds, **N** environments, groups of **G** lying one after another.
"""

from torch import Tensor

from ..errors import UsageError
from .interface import GroupWeights
from .shapes import check_shapes

GUARD = 1e-6
"""Added to a group's standard deviation before it divides."""


def group_advantages(returns: Tensor, lengths: Tensor, weights: GroupWeights) -> Tensor:
    """Return the weight ``(S, N)`` that every step of an episode has.

    Args:
        returns: ``(S, N)`` of whole episodes.
        lengths: ``(S, N)`` their steps.
        weights: how they are compared. A group without spread weighs nothing, whatever it is divided by.
    """
    check_shapes(returns=(returns, "S N"), lengths=(lengths, "S N"))
    grouped = returns.reshape(len(returns), -1, weights.size).contiguous()
    advantage = grouped - grouped.mean(2, keepdim=True)
    if weights.deviation:
        advantage = advantage / (advantage.square().mean(2, keepdim=True).sqrt() + GUARD)
    if weights.leave_one_out:  # R - mean of the others = G / (G - 1) (R - mean of all)
        advantage = advantage * (weights.size / (weights.size - 1))
    advantage = advantage.flatten(1)
    return advantage / lengths if weights.length else advantage


def check_groups(name: str, num_envs: int, group_size: int) -> None:
    """Refuse groups in which there is nothing to compare with, or that the environments do not fill.

    Raises:
        UsageError: naming what to set.
    """
    if group_size < 2:
        raise UsageError(f"{name}: group_size is {group_size}: an episode is compared with others, so at least 2")
    if num_envs % group_size:
        raise UsageError(f"{name}: num_envs is {num_envs}, which is no multiple of group_size, {group_size}")
