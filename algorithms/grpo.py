"""GRPO: PPO's clipped surrogate without a critic; an episode is compared with those that began where it began.

    maximise_θ  1/E Σ_i 1/|o_i| Σ_t min(ρ A_i, clip(ρ, 1 - ε, 1 + ε) A_i),     A_i = (R_i - mean_j R_j) / std_j R_j

Groups of G episodes from one start state; R_i = Σ_t γ^t r_t, |o_i| the steps of episode i, ρ as in PPO. The two
divisions are switches, because they are disputed: by the standard deviation, which makes much of starts that are nearly
always won or lost, and by the length, which spares long failures. With both off this is Dr. GRPO, whose gradient is
(1 - 1/G) times that of the return. The penalty for leaving a reference policy is left out: nobody learns from a
pretrained one here.

Source: Shao et al. (2024), "DeepSeekMath", equation 3; Liu et al. (2025), "Understanding R1-Zero-Like Training".
"""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from .adam import decayed
from .blocks import Samples
from .descent import descend
from .diagnostics import policy_change
from .distributions import Distribution
from .grouped import Grouped
from .interface import GroupWeights, Metrics, Rollout, State, Target
from .losses import clipped_surrogate, compiled_loss
from .search_space import choices, linear_range
from .validation import Count, Positive


@dataclass(frozen=True, kw_only=True)
class GRPO(Grouped):
    """Group-relative policy optimisation."""

    normalise_by_deviation: Annotated[bool, choices(False, True)] = True
    """Divide by the standard deviation of the group's returns."""
    normalise_by_length: Annotated[bool, choices(False, True)] = True
    """Divide an episode's weight by its length. Returns that differ in length weigh little then."""
    clip_range: Annotated[Positive, linear_range(0.1, 0.3)] = 0.2
    """ε, how far the probability ratio may move before its gradient is cut."""
    epochs: Annotated[Count, choices(1, 2, 4)] = 1
    """Steps on the same episodes; on the first nothing is clipped."""

    @property
    def target(self) -> Target:
        weights = GroupWeights(
            self.group_size,
            leave_one_out=False,
            deviation=self.normalise_by_deviation,
            length=self.normalise_by_length,
        )
        normalised = self.normalise_by_deviation or self.normalise_by_length
        return Target(state_weighting="discounted", bootstrap=None, normalised=normalised, group=weights)

    @compiled_loss
    def policy_loss(self, distribution: Distribution, outputs: Tensor, samples: Samples) -> Tensor:
        return -clipped_surrogate(distribution, outputs, samples, self.clip_range) / self.num_envs

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        samples = self.samples(state, rollout)
        rate = decayed(self.learning_rate, self.learning_rate_decay, rollout.progress)
        learned, first = state, None
        for _ in range(self.epochs):
            gradient, loss = self.gradient_of(learned, samples)
            learned, length = descend(learned, gradient, rate)
            first = first or (loss, length)
        assert first is not None
        return self.observed(learned, rollout), {
            "loss": first[0],
            "gradient_norm": first[1],
            **policy_change(state, learned.policy, samples),
        }
