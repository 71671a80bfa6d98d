"""PPO: several epochs of minibatch steps on one window, held near the old policy by clipping the probability ratio.

    maximise_θ  E[ min(ρ A, clip(ρ, 1 - ε, 1 + ε) A) ] + c H(π_θ) - ½ v E[(V(s) - target)²],   ρ = π_θ(a|s) / π_old(a|s)

Advantages are GAE(λ) as in actor-critic, of the values before the update, and stay as they are through all epochs.
Where a ratio has left the interval in the direction of its advantage, its sample no longer pulls.

Source: Schulman et al. (2017), "Proximal Policy Optimization Algorithms", equations 7 and 9 and algorithm 1.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from .adam import Adam, decayed
from .axis import along
from .blocks import Samples, explained_variance, standardised
from .descent import descend
from .diagnostics import policy_change
from .distributions import Distribution
from .interface import Metrics, Rollout, State, Steps, Target
from .losses import clipped_surrogate, compiled_loss, squared_error
from .policy_gradient import PolicyGradient
from .search_space import choices, linear_range, log_range
from .shuffling import minibatches
from .trees import tree_map
from .validation import Count, NonNegative, Positive, Share


@dataclass(frozen=True, kw_only=True)
class PPO(PolicyGradient):
    """Proximal policy optimisation with the clipped surrogate."""

    has_critic: ClassVar[bool] = True
    joint: ClassVar[bool] = True

    num_steps: Annotated[Count, choices(32, 64, 128)] = 128
    """Steps of a window, T."""
    trace: Annotated[Share, linear_range(0.9, 1.0)] = 0.95
    """λ of the generalised advantage."""
    clip_range: Annotated[Positive, linear_range(0.1, 0.3)] = 0.2
    """ε, how far the probability ratio may move before its gradient is cut."""
    value_clip_range: Positive | None = None
    """How far a value may move from the old one before its gradient is cut, in units of the return; none for no
    clipping (Andrychowicz et al., 2021, find that it does not help)."""
    epochs: Annotated[Count, choices(5, 10)] = 10
    """Passes over a window."""
    minibatch: Annotated[Count, choices(64, 128, 256)] = 64
    """Steps per seed in one gradient step."""
    target_kl: Positive | None = None
    """Where a minibatch's estimated KL divergence from the old policy exceeds 1.5 times this, in nats, a seed steps no
    further on its window; none for all epochs."""
    learning_rate: Annotated[Positive, log_range(1e-4, 5e-3)] = 3e-4
    """Adam's step size for policy and critic."""
    learning_rate_decay: Annotated[Literal["none", "linear"], choices("none", "linear")] = "none"
    """Whether the step size falls to zero over the budget."""
    value_weight: NonNegative = 0.5
    """Weight of half the critic's mean squared error in the loss. Stable-Baselines3's ``vf_coef`` has no half: its 0.5
    is 1.0 here."""
    entropy_weight: Annotated[NonNegative, linear_range(0.0, 0.02)] = 0.0
    """Weight of the mean entropy in the objective."""
    normalise_advantages: bool = True
    """Standardise the advantages."""
    normalised_over: Literal["minibatch", "window"] = "minibatch"
    """What advantages are standardised over."""
    max_gradient_norm: Positive | None = 0.5
    """Longest gradient, of policy and critic together; none for no clipping."""

    @property
    def window(self) -> int:
        """Steps of a window, ``N T``, resets among them: the constant that losses are divided by."""
        return self.num_envs * self.num_steps

    @property
    def target(self) -> Target:
        return Target(bootstrap=self.trace, normalised=self.normalise_advantages, entropy_weight=self.entropy_weight)

    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        return {"policy": Adam.like(policy), "critic": Adam.like(critic)}

    def plan(self, state: State) -> Steps:
        return Steps(self.num_envs, self.num_steps)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        return self.bootstrapped(state, rollout, trace=self.trace, standardise=self.normalise_advantages)

    @compiled_loss
    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        objective = clipped_surrogate(distribution, outputs, samples, self.clip_range, self.entropy_weight)
        return -objective / self.window

    @compiled_loss
    def critic_loss(self, value: Tensor, samples: Samples) -> Tensor:
        farthest = np.inf if self.value_clip_range is None else self.value_clip_range
        return self.value_weight * 0.5 * squared_error(value, samples, farthest) / self.window

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        samples = self.samples(state, rollout)
        share = self.window / min(self.minibatch, self.window)  # losses are divided by the window's size
        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)
        near = torch.ones(len(state.policy), dtype=torch.bool)
        total, longest, steps = (torch.zeros_like(state.policy[:, 0]) for _ in range(3))
        here = state
        for batch in minibatches(state, samples, size=self.minibatch, epochs=self.epochs):
            some = samples.take(batch.index, batch.mask)
            if self.normalise_advantages and self.normalised_over == "minibatch":
                some = some._replace(weight=standardised(some.weight, some.mask))
            if self.target_kl is not None:
                moved = estimated_kl(here, some)
                near = near & ~(batch.stepping & (moved > along(1.5 * self.target_kl, moved)))
            stepping = batch.stepping & near
            if not bool(near.any()):
                break
            if not bool(stepping.any()):
                continue
            gradient, loss = self.gradient_of(here, some)
            gradient = tree_map(lambda part: part * share, gradient)
            here, length = descend(here, gradient, rate, critic=True, max_norm=self.max_gradient_norm, mask=stepping)
            total = total + torch.where(stepping, loss * share, 0.0)
            longest = torch.where(stepping, torch.maximum(longest, length), longest)
            steps = steps + stepping
        return self.observed(here, rollout), {
            "loss": total / steps.clamp(min=1),
            "gradient_norm": longest,
            "minibatches": steps,
            "explained_variance": explained_variance(samples),
            **policy_change(state, here.policy, samples),
        }


def estimated_kl(state: State, samples: Samples) -> Tensor:
    """Return the mean of ``ρ - 1 - log ρ`` ``(S,)``, an estimate of ``KL(π_old ‖ π)`` that is never negative.

    Args:
        state: whose policy is π.
        samples: that π_old took, with their log-probabilities.

    Source: Schulman (2020), "Approximating KL Divergence", the estimator k3.
    """
    outputs = state.model.policy.evaluate(state.policy, samples.observation, samples.lengths)
    log_ratio = state.model.distribution.log_prob(outputs, samples.action) - samples.log_prob
    divergence = torch.where(samples.mask != 0, log_ratio.expm1() - log_ratio, 0.0)
    return divergence.sum(1) / samples.size.clamp(min=1)
