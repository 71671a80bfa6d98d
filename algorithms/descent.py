"""A step down a gradient: clipped, by Adam, of the policy alone or of policy and critic together.

Shapes: **S** seeds, **P** parameters.
"""

import numpy as np
import torch
from torch import Tensor

from ..kernels import kernel, scratch
from .adam import BETAS, EPSILON, Adam, adam_to, clip, each_seed
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
    seeds, optimisers = len(state.policy), state.optimisers
    before = [x.numpy() for x in (state.policy, *optimisers["policy"])]
    slopes = [gradient.policy.contiguous().numpy()]
    if critic:
        before += [x.numpy() for x in (state.critic, *optimisers["critic"])]
        slopes.append(gradient.critic.contiguous().numpy())
    else:
        nothing = np.empty((seeds, 0), slopes[0].dtype)
        before += [nothing, nothing, nothing, np.zeros(seeds)]
        slopes.append(nothing)
    after, length = [np.empty(x.shape, x.dtype) for x in before], np.empty(seeds, slopes[0].dtype)
    descend_each(
        *before,
        *slopes,
        each_seed(learning_rate, seeds),
        each_seed(np.inf if max_norm is None else max_norm, seeds),
        np.ones(seeds, np.bool_) if mask is None else mask.numpy(),
        *BETAS,
        EPSILON,
        scratch(max(slope.shape[1] for slope in slopes), length.dtype),
        *after,
        length,
    )
    policy, first, second, steps, *others = map(torch.from_numpy, after)
    learned, value = {"policy": Adam(first, second, steps)}, state.critic
    if critic:
        value, first, second, steps = others
        learned["critic"] = Adam(first, second, steps)
    return state._replace(policy=policy, critic=value, optimisers={**optimisers, **learned}), torch.from_numpy(length)


@kernel(
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "real[:, ::1], real[:, ::1], float64[::1], float64[::1], boolean[::1], float64, float64, float64, "
    "real[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[::1]"
)
def descend_each(
    policy, policy_first, policy_second, policy_steps, critic, critic_first, critic_second, critic_steps,
    policy_gradient, critic_gradient, rate, longest, stepping, beta1, beta2, epsilon, work,
    new_policy, new_policy_first, new_policy_second, new_policy_steps,
    new_critic, new_critic_first, new_critic_second, new_critic_steps, length,
):  # fmt: skip
    """Write every seed's parameters and memories after its step, and how long its gradients are together."""
    for s in range(len(policy)):
        length[s] = length_of(policy_gradient[s], critic_gradient[s])
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
def length_of(policy_gradient, critic_gradient):
    """How long two gradients are together."""
    return np.sqrt(np.dot(policy_gradient, policy_gradient) + np.dot(critic_gradient, critic_gradient))


@kernel
def step(
    parameters, first, second, gradient, length, longest, stepping, steps, rate, beta1, beta2, epsilon, work,
    new_parameters, new_first, new_second,
):  # fmt: skip
    """Write parameters and running means after a clipped step, or as they were."""
    if stepping:
        clipped = work[: len(gradient)]
        clip(gradient, length, longest, clipped)
        adam_to(
            parameters,
            clipped,
            first,
            second,
            steps,
            rate,
            beta1,
            beta2,
            epsilon,
            new_parameters,
            new_first,
            new_second,
        )
    else:
        copy(parameters, new_parameters)
        copy(first, new_first)
        copy(second, new_second)
