"""Returns and advantages over time, for any leading axes.

Two flags end an episode and differ in what follows it: after ``terminated`` nothing, worth zero; after ``truncated``
the episode would have gone on, worth the critic's value of the final observation. The step after an episode's end is a
reset (``valid`` false): its numbers are meaningless and nothing flows through it.
"""

import numpy as np
import torch
from torch import Tensor

from .shapes import check_shapes


def discounted_returns(reward: Tensor, done: Tensor, discount: float | Tensor) -> Tensor:
    """Return to go of every step, ``G_t = r_t + discount * G_{t+1}``, zero after the episode's end.

    Args:
        reward: ``(..., T)`` rewards.
        done: ``(..., T)`` true on an episode's last step.
        discount: a number or a tensor that broadcasts with one step ``(...)``.

    Source: Sutton & Barto (2018), eq. 3.9.
    """
    check_shapes(reward=(reward, "... T"), done=(done, "... T"))
    return _backward_scan(reward, (~done).to(reward.dtype) * _per_step(discount))


def generalised_advantage(
    reward: Tensor,
    value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    discount: float | Tensor,
    trace: float | Tensor,
) -> Tensor:
    """Return ``A_t = δ_t + γ λ A_{t+1}`` with ``δ_t = r_t + γ V(s_{t+1}) - V(s_t)``, cut at every episode's end.

    Args:
        reward: ``(..., T)``.
        value: ``(..., T + 1)`` the critic's values; entry t + 1 is the value of the observation after step t, which at
            an episode's end is its final observation.
        terminated: ``(..., T)``, no value follows; wins where both flags are set.
        truncated: ``(..., T)``, the value of the final observation follows.
        discount: γ.
        trace: λ; 1 gives ``G_t - V(s_t)``, 0 the one-step temporal difference.

    Source: Schulman et al. (2016), eq. 16, with the time limits of Pardo et al. (2018).
    """
    check_shapes(
        reward=(reward, "... T"),
        value=(value, "... T+1"),
        terminated=(terminated, "... T"),
        truncated=(truncated, "... T"),
    )
    gamma = _per_step(discount)
    following = value[..., 1:] * (~terminated).to(value.dtype)
    delta = reward + gamma * following - value[..., :-1]
    goes_on = (~(terminated | truncated)).to(value.dtype)
    return _backward_scan(delta, gamma * _per_step(trace) * goes_on)


def discount_powers(time: Tensor, discount: float, dtype: torch.dtype) -> Tensor:
    """Return ``discount ** time`` for integer ``time`` of any shape, the γ^t of the discounted state weighting."""
    table = np.power(discount, np.arange(int(time.max()) + 1, dtype=np.float64))
    return torch.from_numpy(table).to(dtype)[time.long()]


def _per_step(x: float | Tensor) -> float | Tensor:
    return x.unsqueeze(-1) if isinstance(x, Tensor) and x.ndim else x


def _backward_scan(increment: Tensor, decay: Tensor) -> Tensor:
    """Return ``x_t = increment_t + decay_t * x_{t+1}`` with zero after the end, along the last axis."""
    # numpy's calls cost a quarter of torch's, and here are as many as there are steps.
    increments = np.ascontiguousarray(np.moveaxis(increment.numpy(), -1, 0))
    decays = np.ascontiguousarray(np.moveaxis(decay.expand_as(increment).numpy(), -1, 0))
    scanned = np.empty_like(increments)
    carry = np.zeros_like(increments[0])
    for t in reversed(range(len(increments))):
        carry = np.multiply(decays[t], carry, out=scanned[t, ...])
        carry += increments[t]
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(scanned, 0, -1)))
