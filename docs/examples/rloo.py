"""RLOO: the baseline of an episode's return is the mean return of the other episodes of its round.

    ∇J(θ) ≈ 1/E Σ_i Σ_t  (R_i - 1/(E - 1) Σ_{j≠i} R_j) ∇log π_θ(a_t|s_t),     R_i = Σ_t γ^t r_t

The whole return weighs every step, so that the mean is the gradient of the discounted return.

    pgsuite run quick -a docs/examples/rloo.py:RLOO

Source: Kool et al. (2019), "Buy 4 REINFORCE Samples, Get a Baseline for Free!".
"""

from dataclasses import dataclass

from pgsuite.algorithms import Reinforce, Rollout, Samples, State, Target, discounted_returns


@dataclass(frozen=True, kw_only=True)
class RLOO(Reinforce):
    """REINFORCE with the leave-one-out baseline; `num_envs` is at least 2, `state_weighting` has no effect."""

    @property
    def target(self) -> Target:
        return Target(state_weighting="discounted", bootstrap=None, normalised=self.normalise_advantages)

    def samples(self, state: State, rollout: Rollout) -> Samples:
        experience = self.experience(state, rollout)
        returns = discounted_returns(experience.reward, rollout.done, self.discount)
        episode = returns[..., :1]
        others = (episode.sum(1, keepdim=True) - episode) / (self.num_envs - 1)
        weight = (episode - others).expand_as(returns)
        return self.pack(
            rollout, experience, weight=weight, value_target=returns, standardise=self.normalise_advantages
        )
