"""Returns and advantages over time, for any leading axes.

Two flags end an episode and differ in what follows it: after ``terminated`` nothing, worth zero; after ``truncated``
the episode would have gone on, worth the critic's value of the final observation. The step after an episode's end is a
reset (``valid`` false): its numbers are meaningless and nothing flows through it.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel
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
    returns = torch.empty_like(reward, memory_format=torch.contiguous_format)
    return_rows(_rows(reward), _rows(done), _per_row(discount, reward), _rows(returns))
    return returns


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
    advantage = torch.empty_like(reward, memory_format=torch.contiguous_format)
    per_row = (_per_row(x, reward) for x in (discount, trace))
    advantage_rows(*map(_rows, (reward, value, terminated, truncated)), *per_row, _rows(advantage))
    return advantage


@kernel("real[:, ::1], boolean[:, ::1], real[::1], real[:, ::1]")
def return_rows(reward, done, discount, returns):
    """`discounted_returns` for every row."""
    for row in range(len(reward)):
        following = discount[row] * 0
        for t in range(reward.shape[1] - 1, -1, -1):
            following = reward[row, t] if done[row, t] else reward[row, t] + discount[row] * following
            returns[row, t] = following


@kernel(
    "real[:, ::1], real[:, ::1], boolean[:, ::1], boolean[:, ::1], real[::1], real[::1], real[:, ::1]", part="composing"
)
def advantage_rows(reward, value, terminated, truncated, discount, trace, advantage):
    """`generalised_advantage` for every row."""
    for row in range(len(reward)):
        advantage_row(
            reward[row], value[row], terminated[row], truncated[row], discount[row], trace[row], advantage[row]
        )


@kernel
def advantage_row(reward, value, terminated, truncated, discount, trace, advantage):
    """`generalised_advantage` of one row."""
    following = discount * 0
    for t in range(len(reward) - 1, -1, -1):
        delta = reward[t] - value[t]
        if not terminated[t]:
            delta += discount * value[t + 1]
        goes_on = not (terminated[t] or truncated[t])
        following = delta + discount * trace * following if goes_on else delta
        advantage[t] = following


def discount_powers(time: Tensor, discount: float | Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``discount ** time`` for integer ``time`` of any shape, the γ^t of the discounted state weighting.

    Args:
        time: ``(...)``, or ``(S, ...)`` where there is a discount for each seed.
        discount: γ, a number or ``(S,)``.
        dtype: of the result.
    """
    if isinstance(discount, Tensor):
        return torch.stack([discount_powers(own, float(one), dtype) for own, one in zip(time, discount, strict=True)])
    table = np.power(discount, np.arange(int(time.max()) + 1, dtype=np.float64))
    return torch.from_numpy(table).to(dtype)[time.long()]


def _rows(x: Tensor) -> NDArray[Any]:
    """``(..., T)`` as ``(R, T)``; a view where it can be."""
    rows: NDArray[Any] = x.contiguous().numpy()
    return rows.reshape(-1, x.shape[-1])


def _per_row(x: float | Tensor, like: Tensor) -> NDArray[Any]:
    """A number for each row of ``(..., T)``."""
    number = x.to(like.dtype).numpy() if isinstance(x, Tensor) else x
    rows: NDArray[Any] = np.empty(like.shape[:-1], like.numpy().dtype)
    rows[...] = number
    return rows.reshape(-1)
