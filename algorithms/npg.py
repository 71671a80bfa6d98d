"""NPG: the whole natural-gradient step, its length fixed in KL to second order: TRPO without its checks.

    θ' = θ + √(2δ / xᵀFx) x,     x ≈ F⁻¹ g

Advantages, direction and critic are those of `natural_gradient`. Nothing holds the real KL divergence to δ, which is
what the line search of TRPO is there for.

Source: Kakade (2001), "A Natural Policy Gradient"; Rajeswaran et al. (2017) for the normalised step.
"""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from .natural_gradient import NaturalGradient
from .search_space import log_range
from .trust_region import Search, Surrogate
from .validation import Positive


@dataclass(frozen=True, kw_only=True)
class NPG(NaturalGradient):
    """Natural policy gradient with steps of a fixed length."""

    step_kl: Annotated[Positive, log_range(0.003, 0.05)] = 0.01
    """δ, mean KL of an update to second order, in nats; the real one may be larger."""

    @property
    def full_kl(self) -> float:
        return self.step_kl

    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        stepped, moved = policy + full_step, (full_step != 0).any(-1)
        _, kl = surrogate.evaluate(stepped)
        return Search(stepped, moved, moved.to(kl.dtype), kl)
