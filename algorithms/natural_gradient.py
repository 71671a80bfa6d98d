"""The natural gradient: the steepest ascent where distance is measured by how much the policy changes.

    x ≈ F⁻¹ g  by conjugate gradient,  F the Fisher matrix,   full step √(2δ / xᵀFx) x,  whose KL is δ to second order

Advantages are GAE(λ) as in actor-critic; the critic is fitted by regression after the policy step. How far the
policy goes along the full step is what NPG and TRPO differ in.

Source: Kakade (2001), "A Natural Policy Gradient"; Schulman et al. (2015), appendix C.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from .adam import Adam, norm
from .axis import along
from .blocks import Samples, explained_variance
from .critic import fit_critic
from .distributions import Distribution
from .interface import Metrics, Rollout, State, Steps, Target
from .losses import compiled_loss, likelihood_loss
from .policy_gradient import PolicyGradient
from .search_space import choices, linear_range, log_range
from .trust_region import Search, Solution, Surrogate, conjugate_gradient, full_step
from .validation import Count, NonNegative, Positive, Share


@dataclass(frozen=True, kw_only=True)
class NaturalGradient(PolicyGradient):
    """Base of the algorithms that step along the natural gradient; a subclass says how far, in `step`."""

    has_critic: ClassVar[bool] = True

    num_steps: Annotated[Count, choices(64, 128, 256)] = 256
    """Steps of a window, T."""
    trace: Annotated[Share, linear_range(0.9, 1.0)] = 0.95
    """λ of the generalised advantage."""
    normalise_advantages: bool = True
    """Standardise the advantages of a window."""
    cg_iterations: Count = 15
    """Conjugate-gradient iterations, at most."""
    cg_tolerance: NonNegative = 1e-5
    """Relative residual at which a seed's conjugate gradient stops."""
    damping: Annotated[NonNegative, log_range(0.01, 0.2)] = 0.1
    """Added to the Fisher matrix's diagonal. In sb3-contrib a Gaussian's matrix is divided by its A action dimensions,
    so that the equal of its ``cg_damping`` is A times as large here."""
    critic_learning_rate: Annotated[Positive, log_range(5e-4, 1e-2)] = 1e-3
    """Adam's step size for the critic."""
    critic_epochs: Annotated[Count, choices(5, 10)] = 10
    """Passes over a window when fitting the critic."""
    critic_minibatch: Count = 128
    """Steps per seed in one step of the critic."""

    @property
    def target(self) -> Target:
        return Target(bootstrap=self.trace, normalised=self.normalise_advantages)

    def optimisers(self, policy: Tensor, critic: Tensor) -> dict[str, Adam]:
        return {"critic": Adam.like(critic)}

    def plan(self, state: State) -> Steps:
        return Steps(self.num_envs, self.num_steps)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        return self.bootstrapped(state, rollout, trace=self.trace, standardise=self.normalise_advantages)

    @compiled_loss
    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        return likelihood_loss(distribution, outputs, samples) / (self.num_envs * self.num_steps)

    def natural_gradient(self, surrogate: Surrogate, gradient: Tensor) -> Solution:
        """Return ``(F + damping I)⁻¹ g`` for an ascent direction g ``(S, Pp)`` of the policy."""
        return conjugate_gradient(
            lambda v: surrogate.fisher_product(v) + along(self.damping, v) * v,
            gradient,
            iterations=self.cg_iterations,
            tolerance=self.cg_tolerance,
        )

    @property
    @abstractmethod
    def full_kl(self) -> float:
        """δ, the mean KL of the full step to second order, in nats."""

    @abstractmethod
    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        """Return where the policy ``(S, Pp)`` goes along the full step ``(S, Pp)``."""

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        samples = self.samples(state, rollout)
        gradient, loss = self.gradient_of(state, samples)
        surrogate = Surrogate(state.model, state.policy, samples)
        solution = self.natural_gradient(surrogate, -gradient.policy)
        search = self.step(surrogate, state.policy, full_step(solution, self.full_kl))
        fit = fit_critic(
            state,
            samples,
            learning_rate=self.critic_learning_rate,
            epochs=self.critic_epochs,
            minibatch=self.critic_minibatch,
        )
        learned = state._replace(policy=search.policy, critic=fit.critic, optimisers={"critic": fit.optimiser})
        return self.observed(learned, rollout), {
            "loss": loss,
            "gradient_norm": norm(gradient.policy),
            "kl": search.kl,
            "accepted": search.accepted.to(search.policy.dtype),
            "step_fraction": search.fraction,
            "cg_residual": solution.relative_residual,
            "entropy": surrogate.entropy(),
            "value_loss": fit.loss,
            "explained_variance": explained_variance(samples),
        }
