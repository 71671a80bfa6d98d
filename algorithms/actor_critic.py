"""Actor-critic: a learned critic replaces the rest of the return after a few steps.

    ∇J(θ) ≈ 1/(N T) Σ_n Σ_t  A_t ∇log π_θ(a_t|s_t),     A_t = Σ_k (γλ)^k δ_{t+k},   δ_t = r_t + γ V(s_{t+1}) - V(s_t)

Windows of T steps in N environments that go on where they were; policy and critic step together. λ = 0 is one-step
actor-critic, λ = 1 the n-step advantage of A2C. The critic regresses on ``A_t + V(s_t)``, held constant.

Source: Sutton et al. (2000); Mnih et al. (2016), algorithm S3 (synchronous here); Schulman et al. (2016), eq. 16.
"""

from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from .adam import Adam, decayed
from .blocks import Samples, explained_variance
from .descent import descend
from .diagnostics import policy_change
from .distributions import Distribution
from .interface import Metrics, Rollout, State, Steps, Target
from .joint import Joined, joined, passed_by
from .losses import OUTPUTS, compiled_loss, likelihood_loss, squared_error
from .policy_gradient import PolicyGradient, methods, unchanged
from .search_space import choices, linear_range, log_range
from .validation import Count, NonNegative, Positive, Share


@dataclass(frozen=True, kw_only=True)
class ActorCritic(PolicyGradient):
    """Advantage actor-critic with GAE(λ), entropy bonus and gradient clipping."""

    has_critic: ClassVar[bool] = True
    joint: ClassVar[bool] = True
    unbroken: ClassVar[str] = "pgsuite.suites.unbroken:Unbroken"
    """What goes from window to window for it without a break."""

    num_steps: Annotated[Count, choices(8, 16, 32)] = 16
    """Steps of a window, T."""
    trace: Annotated[Share, linear_range(0.9, 1.0)] = 0.95
    """λ of the generalised advantage."""
    learning_rate: Annotated[Positive, log_range(2e-4, 1e-2)] = 1e-3
    """Adam's step size for policy and critic."""
    learning_rate_decay: Annotated[Literal["none", "linear"], choices("none", "linear")] = "none"
    """Whether the step size falls to zero over the budget."""
    value_weight: NonNegative = 0.5
    """Weight of half the critic's mean squared error in the loss. Stable-Baselines3's ``vf_coef`` has no half: its 0.5
    is 1.0 here."""
    entropy_weight: Annotated[NonNegative, linear_range(0.0, 0.02)] = 0.0
    """Weight of the mean entropy in the objective."""
    normalise_advantages: Annotated[bool, choices(False, True)] = False
    """Standardise the advantages of a window."""
    max_gradient_norm: Positive | None = 0.5
    """Longest gradient, of policy and critic together; none for no clipping."""

    @property
    def window(self) -> int:
        """Steps of an update, ``N T``, resets among them: the constant that losses are divided by."""
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
        return likelihood_loss(distribution, outputs, samples, self.entropy_weight) / self.window

    @compiled_loss
    def critic_loss(self, value: Tensor, samples: Samples) -> Tensor:
        return self.value_weight * 0.5 * squared_error(value, samples) / self.window

    @property
    def as_written(self) -> bool:
        """Whether nothing but numbers differs from what was written, as `unbroken` takes it to be."""
        own_rule = any(isinstance(getattr(type(self), name, None), property) for name in _NUMBERS)
        return vars(self).keys() == _NUMBERS and not own_rule and unchanged(self, _PARTS)

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)
        if self.joint and not rollout.complete and unchanged(self, _WRITTEN):
            learned, measured = self.prepared(state, rollout, rate)()
            return self.observed(learned, rollout), measured
        samples = self.samples(state, rollout)
        gradient, loss = self.gradient_of(state, samples)
        learned, length = descend(state, gradient, rate, critic=True, max_norm=self.max_gradient_norm)
        return self.observed(learned, rollout), {
            "loss": loss,
            "gradient_norm": length,
            "explained_variance": explained_variance(samples),
            **policy_change(state, learned.policy, samples),
        }

    def prepared(self, state: State, rollout: Rollout, rate: float | Tensor) -> Joined:
        """Return what makes in one pass, with the same bits, what the pieces of `update` make of a window."""
        weighing = self._weighing(state, rollout, trace=self.trace, standardise=self.normalise_advantages)
        terms = (
            self.policy_loss(state.model.distribution, OUTPUTS, weighing.made.samples),
            self.critic_loss(OUTPUTS, weighing.made.samples),
        )
        passed = passed_by(state, rollout, normalised=self.normalise_observations)
        return joined(state, weighing, passed, terms, rate, max_norm=self.max_gradient_norm)


_WRITTEN = methods(
    ActorCritic,
    *("samples", "bootstrapped", "experience", "pack", "_values", "_standardiser"),
    *("gradient_of", "policy_loss", "critic_loss"),
)
"""What `prepared` does in their place."""

_NUMBERS = {field.name for field in fields(ActorCritic)}
"""Hyperparameters, which may differ."""
_PARTS = {
    name: getattr(ActorCritic, name)
    for kind in (ActorCritic, PolicyGradient)
    for name in vars(kind).keys() - _NUMBERS - {"_abc_impl"}
    if name == "__post_init__" or not name.startswith("__")
}
"""All else that an actor-critic is made of."""
