"""REINFORCE: the return to go of complete episodes weighs the score.

    ∇J(θ) ≈ 1/E Σ_episodes Σ_t  γ^t G_t ∇log π_θ(a_t|s_t),     G_t = Σ_{k≥t} γ^{k-t} r_k

No critic and no bootstrap: each update plays E episodes from reset to their end, and a time limit is an end like any
other. The factor γ^t belongs to the gradient of the discounted return; nearly everyone drops it, which is
`state_weighting = "undiscounted"`.

Source: Williams (1992), "Simple statistical gradient-following algorithms"; Sutton & Barto (2018), section 13.3.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from .adam import Adam, decayed
from .blocks import Samples
from .descent import descend
from .diagnostics import policy_change
from .distributions import Distribution
from .interface import Episodes, Metrics, Rollout, State, Target
from .losses import compiled_loss, likelihood_loss
from .policy_gradient import PolicyGradient
from .search_space import choices, log_range
from .validation import Positive


@dataclass(frozen=True, kw_only=True)
class Reinforce(PolicyGradient):
    """Vanilla REINFORCE."""

    has_critic: ClassVar[bool] = False

    learning_rate: Annotated[Positive, log_range(5e-4, 3e-2)] = 1e-2
    """Adam's step size."""
    learning_rate_decay: Annotated[Literal["none", "linear"], choices("none", "linear")] = "none"
    """Whether the step size falls to zero over the budget."""
    state_weighting: Literal["undiscounted", "discounted"] = "undiscounted"
    """Whether the state at time t counts 1 or γ^t."""
    normalise_advantages: Annotated[bool, choices(False, True)] = False
    """Standardise the returns of an update over its steps: a batch mean as baseline, and a scale."""

    @property
    def target(self) -> Target:
        return Target(state_weighting=self.state_weighting, bootstrap=None, normalised=self.normalise_advantages)

    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        return {"policy": Adam.like(policy)}

    def plan(self, state: State) -> Episodes:
        return Episodes(self.num_envs)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        return self.returned(
            state,
            rollout,
            lambda returns, _value: returns,
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
        learned, length = descend(state, gradient, rate)
        return self.observed(learned, rollout), {
            "loss": loss,
            "gradient_norm": length,
            **policy_change(state, learned.policy, samples),
        }
