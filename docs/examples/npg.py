"""NPG: the natural gradient with a step of fixed length in KL, and no line search: TRPO's step without its checks.

    θ' = θ + √(2δ / xᵀFx) x,     x ≈ F⁻¹ g

    pgsuite run quick -a docs/examples/npg.py:NPG

Source: Kakade (2001), "A Natural Policy Gradient"; Rajeswaran et al. (2017) for the normalised step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pgsuite.algorithms import TRPO, Search, Surrogate


@dataclass(frozen=True, kw_only=True)
class NPG(TRPO):
    """Natural policy gradient; the fields of the line search have no effect."""

    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        _, kl = surrogate.evaluate(policy + full_step)
        return Search(policy + full_step, torch.ones_like(kl, dtype=torch.bool), torch.ones_like(kl), kl)
