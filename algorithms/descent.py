"""A step down a gradient: clipped, by Adam, of the policy alone or of policy and critic together.

Shapes: **S** seeds, **P** parameters.
"""

import numpy as np
import torch
from torch import Tensor

from ..kernels import kernel, scratch
from .adam import BETAS, EPSILON, Adam, adam, clip, longest_of, norm, rates
from .interface import Gradient, State
from .networks import copy
from .shapes import check_shapes


def descend(
    state: State,
    gradient: Gradient,
    learning_rate: float | Tensor,
    *,
    critic: bool = False,
    max_norm: float | Tensor | None = None,
    mask: Tensor | None = None,
) -> tuple[State, Tensor]:
    """Return the state after one step of its optimisers, and how long the gradient was ``(S,)``.

    It is `adam_step` on what `clip_gradient` gives, for policy and critic in one pass.

    Args:
        state: whose parameters step, with the optimisers ``"policy"`` and, where that steps, ``"critic"``.
        gradient: of the loss.
        learning_rate: a number or ``(S,)``.
        critic: whether the critic steps too; the length is then that of both gradients together.
        max_norm: what a longer gradient is scaled down to, a number or ``(S,)``; None for no clipping.
        mask: ``(S,)`` true for the seeds that step; the others keep parameters and memory bit for bit. All when None.
    """
    check_shapes(policy=(state.policy, "S P"), gradient=(gradient.policy, "S P"))
    seeds, optimisers, nothing = len(state.policy), state.optimisers, state.policy[:, :0]
    moved = [state.policy, *optimisers["policy"]]
    moved += [state.critic, *optimisers["critic"]] if critic else [nothing, *Adam.like(nothing)]
    slopes = [gradient.policy, gradient.critic] if critic else [gradient.policy, nothing]
    before, length = [x.numpy() for x in moved], norm(*slopes[: 1 + critic])
    after = [np.empty_like(x) for x in before]
    stepping = np.ones(seeds, np.bool_) if mask is None else mask.numpy()
    descend_each(
        *before,
        *(x.contiguous().numpy() for x in slopes),
        length.numpy(),
        rates(learning_rate, seeds).numpy(),
        longest_of(max_norm, seeds),
        stepping,
        *BETAS,
        EPSILON,
        scratch(max(x.shape[1] for x in slopes), length.numpy().dtype),
        *after,
    )
    policy, *policy_memory, value, first, second, steps = map(torch.from_numpy, after)
    learned = {"policy": Adam(*policy_memory)} | ({"critic": Adam(first, second, steps)} if critic else {})
    new_critic = value if critic else state.critic
    return state._replace(policy=policy, critic=new_critic, optimisers={**optimisers, **learned}), length


@kernel(
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "real[:, ::1], real[:, ::1], real[::1], float64[::1], float64[::1], boolean[::1], float64, float64, float64, "
    "real[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1]"
)
def descend_each(
    policy, policy_first, policy_second, policy_steps, critic, critic_first, critic_second, critic_steps,
    policy_gradient, critic_gradient, length, rate, longest, stepping, beta1, beta2, epsilon, work,
    new_policy, new_policy_first, new_policy_second, new_policy_steps,
    new_critic, new_critic_first, new_critic_second, new_critic_steps,
):  # fmt: skip
    """Write every seed's parameters and memories after its step down gradients that are ``length`` long together."""
    for s in range(len(policy)):
        new_policy_steps[s], new_critic_steps[s] = policy_steps[s], critic_steps[s]
        if stepping[s]:
            new_policy_steps[s] += 1
            new_critic_steps[s] += 1
        step(
            policy[s], policy_first[s], policy_second[s], policy_gradient[s], length[s], longest[s], stepping[s],
            new_policy_steps[s], rate[s], beta1, beta2, epsilon, work,
            new_policy[s], new_policy_first[s], new_policy_second[s],
        )  # fmt: skip
        step(
            critic[s], critic_first[s], critic_second[s], critic_gradient[s], length[s], longest[s], stepping[s],
            new_critic_steps[s], rate[s], beta1, beta2, epsilon, work,
            new_critic[s], new_critic_first[s], new_critic_second[s],
        )  # fmt: skip


@kernel
def step(
    parameters, first, second, gradient, length, longest, stepping, steps, rate, beta1, beta2, epsilon, work,
    new_parameters, new_first, new_second,
):  # fmt: skip
    """Write parameters and running means after a clipped step, or as they were."""
    copy(parameters, new_parameters)
    copy(first, new_first)
    copy(second, new_second)
    if stepping:
        clipped = work[: len(gradient)]
        clip(gradient, length, longest, clipped)
        adam(new_parameters, clipped, new_first, new_second, steps, rate, beta1, beta2, epsilon)
