"""TRPO: the largest natural-gradient step that keeps the mean KL divergence from the old policy within a bound.

    maximise_θ  E[π_θ(a|s)/π_old(a|s) A(s, a)]   subject to   E[KL(π_old ‖ π_θ)] ≤ δ

    x ≈ F⁻¹ g by conjugate gradient,  full step √(2δ / xᵀFx) x,  then backtracking until both hold for real

Advantages, direction and critic are those of `natural_gradient`. Where no step is accepted the policy stays as it was,
bit for bit.

Source: Schulman et al. (2015), "Trust Region Policy Optimization", section 6 and appendix C; Schulman et al. (2016).
"""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from .natural_gradient import NaturalGradient
from .search_space import log_range
from .trust_region import Search, Surrogate, line_search
from .validation import Count, Positive, Share


@dataclass(frozen=True, kw_only=True)
class TRPO(NaturalGradient):
    """Trust-region policy optimisation."""

    max_kl: Annotated[Positive, log_range(0.003, 0.05)] = 0.01
    """δ, largest mean KL of an update, in nats. A Gaussian's is the sum over its action dimensions; sb3-contrib's
    ``target_kl`` is their mean, so that with A dimensions its equal is A times as large here."""
    line_search_shrink: Share = 0.8
    """Factor between attempts of the line search."""
    line_search_attempts: Count = 10
    """Attempts of the line search, at most."""

    @property
    def full_kl(self) -> float:
        return self.max_kl

    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        return line_search(
            surrogate.evaluate,
            policy,
            full_step,
            max_kl=self.max_kl,
            shrink=self.line_search_shrink,
            attempts=self.line_search_attempts,
        )
