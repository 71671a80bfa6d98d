"""PPO: several epochs of minibatch steps on one window, held near the old policy by clipping the probability ratio.

    maximise_θ  E[ min(ρ A, clip(ρ, 1 - ε, 1 + ε) A) ],     ρ = π_θ(a|s) / π_old(a|s)

    pgsuite run quick -a docs/examples/ppo.py:PPO

Source: Schulman et al. (2017), "Proximal Policy Optimization Algorithms", eq. 7.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pgsuite.algorithms import (
    Adam,
    Count,
    Distribution,
    Metrics,
    NonNegative,
    PolicyGradient,
    Positive,
    Rollout,
    Samples,
    Share,
    State,
    Steps,
    Target,
    adam_step,
    clip_gradient,
    explained_variance,
    minibatches,
    policy_change,
    tree_map,
)


@dataclass(frozen=True, kw_only=True)
class PPO(PolicyGradient):
    """Proximal policy optimisation with the clipped surrogate."""

    has_critic: ClassVar[bool] = True
    joint: ClassVar[bool] = True

    num_steps: Count = 128
    """Steps of a window, T."""
    trace: Share = 0.95
    """λ of the generalised advantage."""
    clip_range: Positive = 0.2
    """ε, how far the probability ratio may move before its gradient is cut."""
    epochs: Count = 4
    """Passes over a window."""
    minibatch: Count = 256
    """Steps per seed in one gradient step."""
    learning_rate: Positive = 1e-3
    """Adam's step size for policy and critic."""
    value_weight: NonNegative = 0.5
    """Weight of half the critic's mean squared error in the loss."""
    normalise_advantages: bool = True
    """Standardise the advantages of a window."""
    max_gradient_norm: Positive | None = 0.5
    """Longest gradient, of policy and critic together; none for no clipping."""

    @property
    def window(self) -> int:
        """Samples of a window, ``N T``."""
        return self.num_envs * self.num_steps

    @property
    def target(self) -> Target:
        return Target(bootstrap=self.trace, normalised=self.normalise_advantages)

    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        return {"policy": Adam.like(policy), "critic": Adam.like(critic)}

    def plan(self, state: State) -> Steps:
        return Steps(self.num_envs, self.num_steps)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        return self.bootstrapped(state, rollout, trace=self.trace, standardise=self.normalise_advantages)

    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        ratio = torch.exp(distribution.log_prob(outputs, samples.action) - samples.log_prob)
        clipped = ratio.clamp(1 - self.clip_range, 1 + self.clip_range)
        objective = torch.minimum(ratio * samples.weight, clipped * samples.weight)
        return -(objective * samples.mask).sum(1) / self.window

    def critic_loss(self, value: Tensor, samples: Samples) -> Tensor:
        error = (value - samples.value_target) * samples.mask
        return self.value_weight * 0.5 * (error * error).sum(1) / self.window

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        samples = self.samples(state, rollout)
        share = self.window / min(self.minibatch, self.window)  # losses are divided by the window's size
        policy, critic, optimisers = state.policy, state.critic, state.optimisers
        total = torch.zeros_like(samples.size)
        for batch in minibatches(state, samples, size=self.minibatch, epochs=self.epochs):
            here = state._replace(policy=policy, critic=critic)
            gradient, loss = self.gradient_of(here, samples.take(batch.index, batch.mask))
            clipped, _ = clip_gradient(tree_map(lambda part: part * share, gradient), self.max_gradient_norm)
            rate, mask = self.learning_rate, batch.stepping
            policy, policy_adam = adam_step(policy, clipped.policy, optimisers["policy"], rate, mask)
            critic, critic_adam = adam_step(critic, clipped.critic, optimisers["critic"], rate, mask)
            optimisers = {"policy": policy_adam, "critic": critic_adam}
            total = total + loss
        learned = state._replace(policy=policy, critic=critic, optimisers=optimisers)
        return self.observed(learned, rollout), {
            "loss": total / self.epochs,
            "explained_variance": explained_variance(samples),
            **policy_change(state, policy, samples),
        }
