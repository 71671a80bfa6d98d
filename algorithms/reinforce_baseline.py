"""REINFORCE with a value baseline: what the critic expected is subtracted from the return to go.

    ∇J(θ) ≈ 1/E Σ_episodes Σ_t  γ^t (G_t - V_φ(s_t)) ∇log π_θ(a_t|s_t),     φ fits V_φ(s_t) to G_t by regression

A baseline that does not depend on the action changes the variance of the estimate, never its mean. The critic is
fitted after the policy step, so V_φ is independent of the episodes it is subtracted from.

Source: Williams (1992), section 4; Sutton & Barto (2018), section 13.4.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from .adam import Adam, decayed
from .blocks import Samples, explained_variance
from .critic import fit_critic
from .descent import descend
from .diagnostics import policy_change
from .distributions import Distribution
from .interface import Episodes, Metrics, Rollout, State, Target
from .losses import compiled_loss, likelihood_loss
from .policy_gradient import PolicyGradient
from .search_space import choices, log_range
from .validation import Count, Positive


@dataclass(frozen=True, kw_only=True)
class ReinforceBaseline(PolicyGradient):
    """REINFORCE with a learned value baseline."""

    has_critic: ClassVar[bool] = True

    learning_rate: Annotated[Positive, log_range(5e-4, 3e-2)] = 1e-2
    """Adam's step size for the policy."""
    learning_rate_decay: Annotated[Literal["none", "linear"], choices("none", "linear")] = "none"
    """Whether the policy's step size falls to zero over the budget."""
    state_weighting: Literal["undiscounted", "discounted"] = "undiscounted"
    """Whether the state at time t counts 1 or γ^t."""
    normalise_advantages: Annotated[bool, choices(False, True)] = False
    """Standardise ``G_t - V(s_t)`` over the steps of an update."""
    critic_learning_rate: Annotated[Positive, log_range(5e-4, 2e-2)] = 1e-2
    """Adam's step size for the critic."""
    critic_epochs: Annotated[Count, choices(5, 10)] = 5
    """Passes over an update's steps when fitting the critic."""
    critic_minibatch: Count = 256
    """Steps per seed in one step of the critic."""

    @property
    def target(self) -> Target:
        return Target(state_weighting=self.state_weighting, bootstrap=None, normalised=self.normalise_advantages)

    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        return {"policy": Adam.like(policy), "critic": Adam.like(critic)}

    def plan(self, state: State) -> Episodes:
        return Episodes(self.num_envs)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        return self.returned(
            state,
            rollout,
            lambda returns, value: returns - value,
            discounted=self.state_weighting == "discounted",
            standardise=self.normalise_advantages,
        )

    @compiled_loss
    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        return likelihood_loss(distribution, outputs, samples) / self.num_envs

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        samples = self.samples(state, rollout)
        gradient, loss = self.gradient_of(state, samples)
        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)
        stepped, length = descend(state, gradient, rate)
        fit = fit_critic(
            state,
            samples,
            learning_rate=self.critic_learning_rate,
            epochs=self.critic_epochs,
            minibatch=self.critic_minibatch,
        )
        learned = stepped._replace(critic=fit.critic, optimisers={**stepped.optimisers, "critic": fit.optimiser})
        return self.observed(learned, rollout), {
            "loss": loss,
            "gradient_norm": length,
            "value_loss": fit.loss,
            "explained_variance": explained_variance(samples),
            **policy_change(state, learned.policy, samples),
        }
