"""RLOO: the baseline of an episode is the mean return of the other episodes that began where it began.

    ∇J(θ) ≈ 1/E Σ_i (R_i - 1/(G - 1) Σ_{j≠i} R_j) Σ_t ∇log π_θ(a_t|s_t),     R_i = Σ_t γ^t r_t

Groups of G episodes from one start state; the sum over j runs over the others of the group, which know nothing of the
actions of episode i, so that the baseline has no bias. The whole return weighs every step, as when an answer is judged
by its end: the mean is the gradient of the discounted return.

Source: Kool et al. (2019), "Buy 4 REINFORCE Samples, Get a Baseline for Free!"; Ahmadian et al. (2024), "Back to
Basics".
"""

from dataclasses import dataclass

from torch import Tensor

from .adam import decayed
from .blocks import Samples
from .descent import descend
from .diagnostics import policy_change
from .distributions import Distribution
from .grouped import Grouped
from .interface import GroupWeights, Metrics, Rollout, State, Target
from .losses import compiled_loss, likelihood_loss


@dataclass(frozen=True, kw_only=True)
class RLOO(Grouped):
    """REINFORCE with the leave-one-out baseline."""

    @property
    def target(self) -> Target:
        weights = GroupWeights(self.group_size, leave_one_out=True)
        return Target(state_weighting="discounted", bootstrap=None, group=weights)

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
