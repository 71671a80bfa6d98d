"""One step of policy and critic on a window, in one pass over each seed.

What `windows`, `losses.term_gradient` of both, `descend`, `explained_variance` and `policy_change` give one after
another, with the same bits: an update of a few seeds would spend more time between these than in them. What acting and
valuing left of the networks' passes is gone on from.

Shapes: **S** seeds, **B** samples, **O** observation size, **A** action size, **P** parameters.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import linked, scratch
from .adam import BETAS, EPSILON, Adam, each_seed
from .blocks import explained, rounding_of_mean
from .descent import length_of, step
from .diagnostics import change, due_for_measuring
from .interface import Metrics, Passed, Rollout, State
from .losses import sample_arrays, term_slope
from .matrices import matrix
from .networks import BLOCK
from .shapes import check_shapes
from .windows import Weighing

METRICS = ("loss", "gradient_norm", "explained_variance", "kl", "entropy")
"""What an update reports."""
STEPPING = {
    "policy": "S P",
    "policy's first moment": "S P",
    "policy's second moment": "S P",
    "policy's steps": "S",
    "critic": "S Q",
    "critic's first moment": "S Q",
    "critic's second moment": "S Q",
    "critic's steps": "S",
}
"""What it steps, and the axes of that."""


class Joined(NamedTuple):
    """What updates policy and critic on a window, ready to be called: as often as what it reads is written anew."""

    weighing: Weighing
    arguments: tuple[Any, ...]
    """Of `step_each`."""
    learned: State
    """What it writes."""
    numbers: NDArray[Any]
    """``(5, S)`` its `METRICS`, which it writes too."""
    actions: NDArray[Any]
    """``(S, B, A)`` as kernels take them."""
    rate: NDArray[np.float64]
    """``(S,)`` Adam's step sizes."""
    due: NDArray[np.bool_]
    """``(S,)`` whose KL and entropy are measured."""

    def __call__(self) -> tuple[State, Metrics]:
        """Update them."""
        self.weighing()
        step_each(*self.arguments)
        return self.learned, dict(zip(METRICS, torch.from_numpy(self.numbers), strict=True))


def passed_by(state: State, rollout: Rollout, *, normalised: bool) -> Passed | None:
    """Return what the policy's network made of a rollout while it acted, if it is what it would make of it now.

    Args:
        state: whose policy.
        rollout: of any kind.
        normalised: whether observations are.
    """
    if (passed := rollout.passed) is None:
        return None
    model, policy, moments = passed.behaviour
    same = model is state.model and policy is state.policy and moments is (state.observation if normalised else None)
    untouched = passed.observation is rollout.observation and passed.observation._version == passed.version
    return passed if same and untouched else None


def joined(
    state: State,
    weighing: Weighing,
    passed: Passed | None,
    terms: tuple[Any, Any],
    learning_rate: float | Tensor,
    *,
    max_norm: float | Tensor | None,
) -> Joined:
    """Return one step of Adam on the gradient of both losses, and diagnostics of it.

    Args:
        state: whose policy and critic step.
        weighing: gives the samples, any number of blocks.
        passed: what `passed_by` gives of their rollout.
        terms: the losses of policy and critic, as `losses.Term`.
        learning_rate: a number or ``(S,)``.
        max_norm: what a longer gradient of both together is scaled down to, a number or ``(S,)``; None for none.
    """
    samples, model, memory = weighing.made.samples, state.model, state.optimisers
    policy_network, critic_network = model.policy, model.value_network
    stepping = dict(zip(STEPPING, (state.policy, *memory["policy"], state.critic, *memory["critic"]), strict=True))
    check_shapes(
        observation=(samples.observation, "S B O"),
        **{name: (part, axes) for (name, part), axes in zip(stepping.items(), STEPPING.values(), strict=True)},
    )
    policy_network.check(state.policy, samples.observation)
    critic_network.check(state.critic, samples.observation)
    before = [x.numpy() for x in stepping.values()]
    seeds, size, _ = samples.observation.shape
    real, block = before[0].dtype, min(BLOCK, size)
    acted = np.empty((seeds, 0, 0), real), np.empty((seeds, 0), real)
    if passed is not None:
        check_shapes(observation=(samples.observation, "S B O"), outputs=(passed.outputs, "S B D"))
        acted = passed.outputs.numpy(), passed.hidden.numpy()
    passes = max(network.room(block) + 2 * block * network.row for network in (policy_network, critic_network))
    after, numbers = [np.empty(x.shape, x.dtype) for x in before], np.empty((len(METRICS), seeds), real)
    policy_term, critic_term = terms
    actions, *arrays = sample_arrays(samples, model.distribution)
    rate, due = each_seed(learning_rate, seeds), due_for_measuring(state)
    arguments = (
        *before,
        *policy_network.code,
        *critic_network.code,
        *model.distribution.code,
        policy_term.kind,
        policy_term.constants(seeds),
        critic_term.kind,
        critic_term.constants(seeds),
        samples.observation.numpy(),
        actions,
        *arrays,
        *acted,
        weighing.made.layers,
        rate,
        each_seed(np.inf if max_norm is None else max_norm, seeds),
        *BETAS,
        EPSILON,
        rounding_of_mean(real),
        due,
        scratch(2 * (policy_network.size + critic_network.size) + max(passes, 2 * size), real),
        *after,
        numbers,
    )
    policy, first, second, steps, critic, critic_first, critic_second, critic_steps = map(torch.from_numpy, after)
    learned = {"policy": Adam(first, second, steps), "critic": Adam(critic_first, critic_second, critic_steps)}
    stepped = state._replace(policy=policy, critic=critic, optimisers={**memory, **learned})
    return Joined(weighing, arguments, stepped, numbers, actions, rate, due)


@linked(
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "int64[::1], boolean, int64[::1], boolean, int64, int64[::1], int64, float64[:, ::1], int64, float64[:, ::1], "
    "real[:, :, ::1], real[:, :, ::1], real[:, ::1], real[:, ::1], real[:, ::1], real[:, ::1], real[:, ::1], "
    "real[:, :, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "float64[::1], float64, float64, float64, float64, boolean[::1], real[::1], "
    "real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], real[:, ::1], real[:, ::1], real[:, ::1], float64[::1], "
    "real[:, ::1]",
    entry=True,
)
def step_each(
    policy, policy_first, policy_second, policy_steps, critic, critic_first, critic_second, critic_steps,
    widths, relu, critic_widths, critic_relu, kind, sizes, policy_term, policy_constants, critic_term, critic_constants,
    observation, actions, weight, target, log_prob, value, mask, acted, policy_layers, critic_layers,
    rate, longest, beta1, beta2, epsilon, rounding, due, work,
    new_policy, new_policy_first, new_policy_second, new_policy_steps,
    new_critic, new_critic_first, new_critic_second, new_critic_steps, numbers,
):  # fmt: skip
    """Write every seed's parameters and memories after its step, and its `METRICS`."""
    own, others = policy.shape[1], critic.shape[1]
    policy_gradient, critic_gradient, work = work[:own], work[own : own + others], work[own + others :]
    clipped, work = work[: own + others], work[own + others :]
    block, size = min(BLOCK, mask.shape[1]), mask.shape[1]
    for s in range(len(policy)):
        valued = matrix(value[s], 0, size if critic_layers.shape[1] else 0, 1)
        loss = term_slope(
            policy[s], widths, relu, policy_term, policy_constants[s], kind, sizes, observation[s], actions[s],
            weight[s], target[s], log_prob[s], value[s], mask[s], acted[s], policy_layers[s], block, work,
            policy_gradient,
        )  # fmt: skip
        loss += term_slope(
            critic[s], critic_widths, critic_relu, critic_term, critic_constants[s], kind, sizes, observation[s],
            actions[s], weight[s], target[s], log_prob[s], value[s], mask[s], valued, critic_layers[s], block, work,
            critic_gradient,
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
