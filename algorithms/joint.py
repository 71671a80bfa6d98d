"""One step of policy and critic on a batch of samples, in one pass over each seed.

What `losses.term_gradient` of both, `descend`, `explained_variance` and `policy_change` give one after another, with
the same bits: an update of a few seeds would spend more time between these than in them.

Shapes: **S** seeds, **B** samples, **O** observation size, **A** action size, **P** parameters.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel, scratch
from .adam import BETAS, EPSILON, Adam, each_seed
from .blocks import Known, Samples, explained, rounding
from .descent import length_of, step
from .diagnostics import change, due_for_measuring
from .interface import Metrics, State
from .losses import Term, sample_arrays, term_slope
from .networks import BLOCK
from .shapes import check_shapes

METRICS = ("loss", "gradient_norm", "explained_variance", "kl", "entropy")
"""What `step_together` reports."""


def step_together(
    state: State,
    samples: Samples,
    policy_term: Term,
    critic_term: Term,
    learning_rate: float | Tensor,
    *,
    max_norm: float | Tensor | None,
) -> tuple[State, Metrics]:
    """Return the state after one step of Adam on the gradient of both losses, and diagnostics of it.

    Args:
        state: whose policy and critic step.
        samples: any number of blocks.
        policy_term: the policy's loss.
        critic_term: the critic's loss.
        learning_rate: a number or ``(S,)``.
        max_norm: what a longer gradient of both together is scaled down to, a number or ``(S,)``; None for none.
    """
    check_shapes(policy=(state.policy, "S P"), observation=(samples.observation, "S B O"), mask=(samples.mask, "S B"))
    policy_network, critic_network = state.model.policy, state.model.value_network
    policy_network.check(state.policy, samples.observation)
    critic_network.check(state.critic, samples.observation)
    trees = state.policy, *state.optimisers["policy"], state.critic, *state.optimisers["critic"]
    before = [x.numpy() for x in trees]
    seeds, real = len(before[0]), before[0].dtype
    acted = _known(samples.acted, state.policy, samples)
    valued = _known(samples.valued, state.critic, samples)
    size = samples.mask.shape[1]
    block = min(BLOCK, size)
    gradients = policy_network.size + critic_network.size
    passes = max(network.room(block) + 2 * block * network.row for network in (policy_network, critic_network))
    after, numbers = [np.empty(x.shape, x.dtype) for x in before], np.empty((len(METRICS), seeds), real)
    step_each(
        *before,
        *policy_network.code,
        critic_network.code[0],
        *policy_term.code,
        policy_term.kind,
        policy_term.constants(seeds),
        critic_term.kind,
        critic_term.constants(seeds),
        samples.observation.contiguous().numpy(),
        *sample_arrays(samples, state.model.distribution),
        samples.value.contiguous().numpy(),
        *acted,
        *valued,
        each_seed(learning_rate, seeds),
        each_seed(np.inf if max_norm is None else max_norm, seeds),
        *BETAS,
        EPSILON,
        rounding(real),
        due_for_measuring(state),
        scratch(2 * gradients + max(passes, 2 * size), real),
        *after,
        numbers,
    )
    policy, first, second, steps, critic, critic_first, critic_second, critic_steps = map(torch.from_numpy, after)
    learned = {"policy": Adam(first, second, steps), "critic": Adam(critic_first, critic_second, critic_steps)}
    stepped = state._replace(policy=policy, critic=critic, optimisers={**state.optimisers, **learned})
    return stepped, dict(zip(METRICS, torch.from_numpy(numbers), strict=True))


def _known(made: Known | None, parameters: Tensor, samples: Samples) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return outputs ``(S, B, D)`` and hidden layers ``(S, B ΣH)`` of samples, empty where they are not known."""
    if made is not None and made.parameters is parameters and made.observation is samples.observation:
        return made.outputs.numpy(), made.hidden.numpy()
    seeds, real = len(parameters), parameters.numpy().dtype
    return np.empty((seeds, 0, 0), real), np.empty((seeds, 0), real)


@kernel(
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "int64[::1], boolean, int64[::1], int64, int64[::1], int64, float64[:, ::1], int64, float64[:, ::1], "
    "real[:, :, ::1], real[:, :, ::1], real[:, ::1], real[:, ::1], real[:, ::1], real[:, ::1], "
    "real[:, :, ::1], real[:, ::1], real[:, :, ::1], real[:, ::1], float64[::1], "
    "float64[::1], float64, float64, float64, float64, boolean[::1], real[::1], "
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "real[:, ::1]"
)
def step_each(
    policy, policy_first, policy_second, policy_steps, critic, critic_first, critic_second, critic_steps,
    widths, relu, critic_widths, kind, sizes, policy_term, policy_constants, critic_term, critic_constants,
    observation, actions, weight, target, mask, value, acted, policy_layers, valued, critic_layers,
    rate, longest, beta1, beta2, epsilon, rounding, due, work,
    new_policy, new_policy_first, new_policy_second, new_policy_steps,
    new_critic, new_critic_first, new_critic_second, new_critic_steps, numbers,
):  # fmt: skip
    """Write every seed's parameters and memories after its step, and its `METRICS`."""
    own, others = policy.shape[1], critic.shape[1]
    policy_gradient, critic_gradient, work = work[:own], work[own : own + others], work[own + others :]
    clipped, work = work[: own + others], work[own + others :]
    block = min(BLOCK, mask.shape[1])
    for s in range(len(policy)):
        loss = term_slope(
            policy[s], widths, relu, policy_term, policy_constants[s], kind, sizes, observation[s], actions[s],
            weight[s], target[s], mask[s], acted[s], policy_layers[s], block, work, policy_gradient,
        )  # fmt: skip
        loss += term_slope(
            critic[s], critic_widths, relu, critic_term, critic_constants[s], kind, sizes, observation[s], actions[s],
            weight[s], target[s], mask[s], valued[s], critic_layers[s], block, work, critic_gradient,
        )  # fmt: skip
        length = length_of(policy_gradient, critic_gradient)
        new_policy_steps[s], new_critic_steps[s] = policy_steps[s] + 1, critic_steps[s] + 1
        step(
            policy[s], policy_first[s], policy_second[s], policy_gradient, length, longest[s], True,
            new_policy_steps[s], rate[s], beta1, beta2, epsilon, clipped,
            new_policy[s], new_policy_first[s], new_policy_second[s],
        )  # fmt: skip
        step(
            critic[s], critic_first[s], critic_second[s], critic_gradient, length, longest[s], True,
            new_critic_steps[s], rate[s], beta1, beta2, epsilon, clipped,
            new_critic[s], new_critic_first[s], new_critic_second[s],
        )  # fmt: skip
        numbers[0, s], numbers[1, s] = loss, length
        numbers[2, s] = explained(target[s], value[s], mask[s], block, rounding, work)
        numbers[3, s] = numbers[4, s] = np.nan
        if due[s]:
            numbers[3, s], numbers[4, s] = change(
                policy[s], new_policy[s], widths, relu, kind, sizes, observation[s], mask[s], acted[s], work
            )
