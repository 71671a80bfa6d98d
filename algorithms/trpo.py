"""TRPO: the largest natural-gradient step that keeps the mean KL divergence from the old policy within a bound.

    maximise_θ  E[π_θ(a|s)/π_old(a|s) A(s, a)]   subject to   E[KL(π_old ‖ π_θ)] ≤ δ

    x ≈ F⁻¹ g by conjugate gradient,  full step √(2δ / xᵀFx) x,  then backtracking until both hold for real

Advantages are GAE(λ) as in actor-critic; the critic is fitted by regression after the policy step. Where no step is
accepted the policy stays as it was, bit for bit.

Source: Schulman et al. (2015), "Trust Region Policy Optimization", section 6 and appendix C; Schulman et al. (2016).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from .adam import Adam, norm
from .blocks import Samples, explained_variance
from .critic import fit_critic
from .distributions import Distribution
from .interface import Metrics, Rollout, State, Steps, Target
from .policy_gradient import PolicyGradient, likelihood_loss
from .trust_region import Search, Solution, Surrogate, conjugate_gradient, full_step, line_search
from .validation import Count, NonNegative, Positive, Share


@dataclass(frozen=True, kw_only=True)
class TRPO(PolicyGradient):
    """Trust-region policy optimisation."""

    has_critic: ClassVar[bool] = True

    num_steps: Count = 256
    """Steps of a window, T."""
    trace: Share = 0.95
    """λ of the generalised advantage."""
    max_kl: Positive = 0.01
    """δ, largest mean KL of an update, in nats. A Gaussian's is the sum over its action dimensions; sb3-contrib's
    ``target_kl`` is their mean, so that with A dimensions its equal is A times as large here."""
    normalise_advantages: bool = True
    """Standardise the advantages of a window."""
    cg_iterations: Count = 15
    """Conjugate-gradient iterations, at most."""
    cg_tolerance: NonNegative = 1e-5
    """Relative residual at which a seed's conjugate gradient stops."""
    damping: NonNegative = 0.1
    """Added to the Fisher matrix's diagonal."""
    line_search_shrink: Share = 0.8
    """Factor between attempts of the line search."""
    line_search_attempts: Count = 10
    """Attempts of the line search, at most."""
    critic_learning_rate: Positive = 1e-3
    """Adam's step size for the critic."""
    critic_epochs: Count = 10
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

    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        return likelihood_loss(distribution, outputs, samples) / (self.num_envs * self.num_steps)

    def natural_gradient(self, surrogate: Surrogate, gradient: Tensor) -> Solution:
        """Return ``(F + damping I)⁻¹ g`` for an ascent direction g ``(S, Pp)`` of the policy."""
        return conjugate_gradient(
            lambda v: surrogate.fisher_product(v) + self.damping * v,
            gradient,
            iterations=self.cg_iterations,
            tolerance=self.cg_tolerance,
        )

    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        """Return where the policy ``(S, Pp)`` goes along the full natural-gradient step ``(S, Pp)``."""
        return line_search(
            surrogate.evaluate,
            policy,
            full_step,
            max_kl=self.max_kl,
            shrink=self.line_search_shrink,
            attempts=self.line_search_attempts,
        )

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        samples = self.samples(state, rollout)
        gradient, loss = self.gradient_of(state, samples)
        surrogate = Surrogate(state.model, state.policy, samples)
        solution = self.natural_gradient(surrogate, -gradient.policy)
        search = self.step(surrogate, state.policy, full_step(solution, self.max_kl))
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
