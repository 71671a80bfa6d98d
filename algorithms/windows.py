"""A window of steps as samples, in one pass over each seed.

What `PolicyGradient.experience`, `generalised_advantage` and `PolicyGradient.pack` give one after another, with the
same bits: an update of a few seeds would spend more time between these than in them.

Shapes: **S** seeds, **N** environments per seed, **T** time steps, **B** = N·T samples, **O** observation size,
**P** parameters of the critic.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import linked, scratch
from .blocks import Samples, rounding_of_mean, standardise_values
from .interface import Rollout, State
from .matrices import matrix
from .networks import BLOCK, forward
from .normalisers import Standardiser, standardise
from .normalisers import scale as scale_rewards
from .returns import advantage_row
from .shapes import check_shapes


class Weighed(NamedTuple):
    """A window's samples, and how they were valued."""

    samples: Samples
    layers: NDArray[Any]
    """``(S, B ΣH)`` values of the critic's hidden layers at them, as `networks.forward` writes them, where they are one
    block; otherwise ``(S, 0)``."""


class Weighing(NamedTuple):
    """What weighs a window, ready to be called: as often as the memory that it reads is written anew."""

    arguments: tuple[Any, ...]
    """Of `weigh_each`."""
    made: Weighed
    """What it writes."""
    shift: NDArray[Any]
    """``(S, O)`` what observations are standardised by, and their ``scale``; ``(S, 0)`` where they are not."""
    scale: NDArray[Any]
    unit: NDArray[np.float64]
    """``(S,)`` what rewards are divided by, where it is not 0."""

    def __call__(self) -> Weighed:
        """Weigh it."""
        weigh_each(*self.arguments)
        return self.made


def weighing(
    state: State,
    rollout: Rollout,
    *,
    standardiser: Standardiser | None,
    reward_scale: Tensor | None,
    largest: float,
    discount: float | Tensor,
    trace: float | Tensor,
    standardise: bool,
) -> Weighing:
    """Return what weighs a window's steps by their advantages ``A_t``; the critic's targets are ``A_t + V(s_t)``.

    Args:
        state: whose critic.
        rollout: the window.
        standardiser: of observations; None leaves them as they are.
        reward_scale: ``(S,)`` what rewards are divided by where it is not 0; None for nothing.
        largest: a seed with a larger reward has NaN for all of its rewards.
        discount: γ, a number or ``(S,)``.
        trace: λ, a number or ``(S,)``.
        standardise: whether weights get mean 0 and standard deviation 1 per seed.
    """
    check_shapes(
        observation=(rollout.observation, "S N T+1 O"),
        action=(rollout.action, "S N T A" if rollout.action.dim() == 4 else "S N T"),
        reward=(rollout.reward, "S N T"),
        terminated=(rollout.terminated, "S N T"),
        truncated=(rollout.truncated, "S N T"),
        valid=(rollout.valid, "S N T"),
        log_prob=(rollout.log_prob, "S N T"),
        critic=(state.critic, "S P"),
    )
    critic, network = state.critic.numpy(), state.model.critic or state.model.policy
    if state.model.critic is not None:
        network.check(state.critic, rollout.observation)
    real = critic.dtype
    observation = np.ascontiguousarray(rollout.observation.numpy(), real)
    terminated, truncated, valid = (
        np.ascontiguousarray(flag.numpy()) for flag in (rollout.terminated, rollout.truncated, rollout.valid)
    )
    seeds, num_envs, steps = valid.shape
    size = observation.shape[3]
    shift, scale = (np.empty((seeds, 0), real), np.empty((seeds, 0), real))
    if standardiser is not None:
        shift, scale = (x.squeeze(1).numpy() for x in standardiser)
    per_seed = np.empty((3, seeds))
    per_seed[0], per_seed[1], per_seed[2] = discount, trace, 0.0
    if reward_scale is not None:
        per_seed[2] = reward_scale
    rows, units, everything = (seeds, num_envs * steps), sum(network.hidden), num_envs * (steps + 1)
    seen, numbers = np.empty((*rows, size), real), np.empty((4, *rows), real)
    kept = np.empty((seeds, rows[1] * units if critic.shape[1] and rows[1] <= BLOCK else 0), real)
    arguments = (
        observation,
        np.ascontiguousarray(rollout.reward.numpy(), np.float64),
        terminated,
        truncated,
        valid,
        shift,
        scale,
        per_seed,
        largest,
        critic,
        *network.code,
        BLOCK,
        standardise,
        rounding_of_mean(real),
        scratch(num_envs * size + everything + 2 * rows[1] + steps + 1 + BLOCK * units, real),
        seen,
        numbers,
        kept,
    )
    action, log_prob = rollout.action.numpy(), rollout.log_prob.numpy()
    weight, target, value, mask = numbers
    arrays = seen, action.reshape(*rows, *action.shape[3:]), weight, target, value, log_prob.reshape(rows), mask
    made = Weighed(Samples(*map(torch.from_numpy, arrays)), kept)
    return Weighing(arguments, made, shift, scale, per_seed[2])


@linked(
    "real[:, :, :, ::1], float64[:, :, ::1], boolean[:, :, ::1], boolean[:, :, ::1], boolean[:, :, ::1], "
    "real[:, ::1], real[:, ::1], float64[:, ::1], float64, real[:, ::1], int64[::1], boolean, int64, boolean, float64, "
    "real[::1], real[:, :, ::1], real[:, :, ::1], real[:, ::1]",
    entry=True,
)
def weigh_each(
    observation, reward, terminated, truncated, valid, shift, scale, per_seed, largest, critic, widths, relu, block,
    standardised, rounding, work, seen, numbers, kept,
):  # fmt: skip
    """Write every seed's samples: normalised observations; weights, targets, values and mask; the critic's pass."""
    number, count, steps, size = observation.dtype.type, valid.shape[1], valid.shape[2], observation.shape[3]
    total = count * steps
    final, values = matrix(work, 0, count, size), matrix(work, count * size, total + count, 1)
    work = work[final.size + values.size :]
    rewards, centred, value = matrix(work, 0, count, steps), work[total : 2 * total], work[2 * total :][: steps + 1]
    hidden = work[2 * total + steps + 1 :]
    for s in range(len(observation)):
        discount, trace = number(per_seed[0, s]), number(per_seed[1, s])
        scale_rewards(reward[s], per_seed[2, s], largest, rewards)
        for n in range(count):
            for t in range(steps + 1):
                row = seen[s, n * steps + t] if t < steps else final[n]
                for o in range(size):
                    row[o] = observation[s, n, t, o]
                if shift.shape[1]:
                    standardise(shift[s], scale[s], row)
        if critic.shape[1]:
            for start in range(0, total, block):
                stop = min(start + block, total)
                layers = kept[s] if kept.shape[1] else hidden
                forward(critic[s], widths, relu, seen[s, start:stop], layers, values[start:stop])
            for start in range(0, count, block):
                stop = min(start + block, count)
                forward(critic[s], widths, relu, final[start:stop], hidden, values[total + start : total + stop])
        else:
            values[:] = 0
        for n in range(count):
            first = n * steps
            for t in range(steps):
                value[t] = values[first + t, 0]
            value[steps] = values[total + n, 0]
            weight = numbers[0, s, first : first + steps]
            advantage_row(rewards[n], value, terminated[s, n], truncated[s, n], discount, trace, weight)
            for t in range(steps):
                numbers[1, s, first + t] = weight[t] + value[t]
                numbers[2, s, first + t] = value[t]
                numbers[3, s, first + t] = valid[s, n, t]
        if standardised:
            standardise_values(numbers[0, s], numbers[3, s], block, rounding, centred)
