"""Faults planted in the four algorithms, one a class: what the regression gate is measured with.

Each is a mistake that somebody has made, in this field's libraries or in a first attempt at one. The first line of a
class says which.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pgsuite.algorithms import TRPO, ActorCritic, Reinforce, ReinforceBaseline
from pgsuite.algorithms.interface import Rollout, State
from pgsuite.algorithms.losses import likelihood_loss
from pgsuite.algorithms.trust_region import Search, Surrogate


class _Set:
    """Fields that do not have the value that the suite gives them: ``factors`` multiply, ``values`` replace."""

    factors = {}
    values = {}

    def __post_init__(self):
        for name, factor in self.factors.items():
            object.__setattr__(self, name, getattr(self, name) * factor)
        for name, value in self.values.items():
            object.__setattr__(self, name, value)
        super().__post_init__()


class _Frozen:
    """Observations are standardised by the statistics of before the first step."""

    def observed(self, state: State, rollout: Rollout) -> State:
        return super().observed(state, rollout)._replace(observation=state.observation)


class _Deaf:
    """The critic keeps its first parameters."""

    def update(self, state, rollout):
        learned, metrics = super().update(state, rollout)
        return learned._replace(critic=state.critic), metrics


class _Inert:
    """One seed in ten keeps its first policy."""

    def update(self, state, rollout):
        learned, metrics = super().update(state, rollout)
        stuck = (state.seeds % 10 == 3).unsqueeze(1)
        return learned._replace(policy=torch.where(stuck, state.policy, learned.policy)), metrics


class _NoBootstrap:
    """A truncated episode is taken for a terminated one."""

    def samples(self, state, rollout):
        ended = rollout.terminated | rollout.truncated
        return super().samples(state, rollout._replace(terminated=ended, truncated=torch.zeros_like(ended)))


class _Bootstrap:
    """A terminated episode is taken for a truncated one."""

    def samples(self, state, rollout):
        ended = rollout.terminated | rollout.truncated
        return super().samples(state, rollout._replace(terminated=torch.zeros_like(ended), truncated=ended))


class _Loud:
    """The policy's last layer begins a hundred times as large."""

    def init(self, spaces, seeds):
        state = super().init(spaces, seeds)
        policy = state.policy.clone()
        state.model.policy.last_weights(policy).mul_(100)
        return state._replace(policy=policy)


@dataclass(frozen=True, kw_only=True)
class ReinforceSlow(_Set, Reinforce):
    """A tenth of the learning rate."""

    factors = {"learning_rate": 0.1}


@dataclass(frozen=True, kw_only=True)
class ReinforceFast(_Set, Reinforce):
    """Ten times the learning rate."""

    factors = {"learning_rate": 10.0}


@dataclass(frozen=True, kw_only=True)
class ReinforceMyopic(_Set, Reinforce):
    """γ = .9."""

    values = {"discount": 0.9}


@dataclass(frozen=True, kw_only=True)
class ReinforceUndiscounted(_Set, Reinforce):
    """γ = 1."""

    values = {"discount": 1.0}


@dataclass(frozen=True, kw_only=True)
class ReinforceFrozen(_Frozen, Reinforce):
    """The observation normaliser never learns."""


@dataclass(frozen=True, kw_only=True)
class ReinforceRaw(_Set, Reinforce):
    """Returns are standardised, and the raw ones used."""

    values = {"normalise_advantages": False}


@dataclass(frozen=True, kw_only=True)
class ReinforceReversed(Reinforce):
    """Rewards so far, instead of those to come, weigh a step."""

    def samples(self, state, rollout):
        experience = self.experience(state, rollout)
        so_far = torch.cumsum(experience.reward * rollout.valid, 2)
        return self.pack(rollout, experience, weight=so_far, value_target=so_far, standardise=self.normalise_advantages)


@dataclass(frozen=True, kw_only=True)
class BaselineDeaf(_Deaf, ReinforceBaseline):
    """The critic is never updated."""


@dataclass(frozen=True, kw_only=True)
class BaselineJumpy(_Set, ReinforceBaseline):
    """Thirty times the critic's learning rate."""

    factors = {"critic_learning_rate": 30.0}


@dataclass(frozen=True, kw_only=True)
class BaselineAdded(ReinforceBaseline):
    """The value is added to the return instead of subtracted."""

    def samples(self, state, rollout):
        return self.returned(
            state,
            rollout,
            lambda returns, value: returns + value,
            discounted=False,
            standardise=self.normalise_advantages,
        )


@dataclass(frozen=True, kw_only=True)
class BaselineFast(_Set, ReinforceBaseline):
    """Ten times the learning rate."""

    factors = {"learning_rate": 10.0}


@dataclass(frozen=True, kw_only=True)
class BaselineInert(_Inert, ReinforceBaseline):
    """One seed in ten does not learn."""


@dataclass(frozen=True, kw_only=True)
class BaselineMyopic(_Set, ReinforceBaseline):
    """γ = .9."""

    values = {"discount": 0.9}


@dataclass(frozen=True, kw_only=True)
class CriticEntropySign(ActorCritic):
    """An entropy bonus of .05 with the wrong sign."""

    def policy_loss(self, distribution, outputs, samples) -> Tensor:
        return likelihood_loss(distribution, outputs, samples, -0.05) / self.window


@dataclass(frozen=True, kw_only=True)
class CriticAdvantageSign(ActorCritic):
    """The advantage has the wrong sign."""

    def samples(self, state, rollout):
        samples = super().samples(state, rollout)
        return samples._replace(weight=-samples.weight)


@dataclass(frozen=True, kw_only=True)
class CriticNoBootstrap(_NoBootstrap, ActorCritic):
    """No bootstrap at truncation."""


@dataclass(frozen=True, kw_only=True)
class CriticBootstrap(_Bootstrap, ActorCritic):
    """Bootstrap at termination."""


@dataclass(frozen=True, kw_only=True)
class CriticSlow(_Set, ActorCritic):
    """A tenth of the learning rate."""

    factors = {"learning_rate": 0.1}


@dataclass(frozen=True, kw_only=True)
class CriticFast(_Set, ActorCritic):
    """Ten times the learning rate."""

    factors = {"learning_rate": 10.0}


@dataclass(frozen=True, kw_only=True)
class CriticSwapped(ActorCritic):
    """γ and λ change places."""

    def __post_init__(self):
        discount, trace = self.discount, self.trace
        object.__setattr__(self, "discount", trace)
        object.__setattr__(self, "trace", discount)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class CriticUnscaled(_Set, ActorCritic):
    """Rewards are not scaled."""

    values = {"scale_rewards": False}


@dataclass(frozen=True, kw_only=True)
class CriticFrozen(_Frozen, ActorCritic):
    """The observation normaliser never learns."""


@dataclass(frozen=True, kw_only=True)
class CriticClipped(_Set, ActorCritic):
    """Gradients are clipped to a length of .05."""

    values = {"max_gradient_norm": 0.05}


@dataclass(frozen=True, kw_only=True)
class CriticLoud(_Loud, ActorCritic):
    """The initial policy is a hundred times as certain."""


@dataclass(frozen=True, kw_only=True)
class TRPOUnbounded(TRPO):
    """The line search does not look at the KL, and the step is five times as long."""

    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        loose = replace(self, max_kl=self.max_kl * 1e6)
        return TRPO.step(loose, surrogate, policy, 5 * full_step)


@dataclass(frozen=True, kw_only=True)
class TRPOUnrestored(TRPO):
    """A step ten times as long is tried once, and kept although it is refused."""

    def step(self, surrogate: Surrogate, policy: Tensor, full_step: Tensor) -> Search:
        found = TRPO.step(replace(self, line_search_attempts=1), surrogate, policy, 10 * full_step)
        return found._replace(policy=policy + 10 * full_step)


@dataclass(frozen=True, kw_only=True)
class TRPOStale(TRPO):
    """The ratio's old log-probabilities are those of the policy before the last update."""

    def samples(self, state, rollout):
        samples = super().samples(state, rollout)
        before = state.memory.get("before", state.policy)
        outputs = state.model.policy.evaluate(before, samples.observation)
        now = state.model.policy.evaluate(state.policy, samples.observation)
        distribution = state.model.distribution
        ratio = (distribution.log_prob(now, samples.action) - distribution.log_prob(outputs, samples.action)).exp()
        return samples._replace(weight=samples.weight * ratio)

    def init(self, spaces, seeds):
        state = super().init(spaces, seeds)
        return state._replace(memory={"before": state.policy})

    def update(self, state, rollout):
        learned, metrics = super().update(state, rollout)
        return learned._replace(memory={"before": state.policy}), metrics


@dataclass(frozen=True, kw_only=True)
class TRPODamped(_Set, TRPO):
    """A thousand times the damping."""

    factors = {"damping": 1000.0}


@dataclass(frozen=True, kw_only=True)
class TRPODeaf(_Deaf, TRPO):
    """The critic is never updated."""


@dataclass(frozen=True, kw_only=True)
class TRPOBootstrap(_Bootstrap, TRPO):
    """Bootstrap at termination."""


@dataclass(frozen=True, kw_only=True)
class TRPOTimid(_Set, TRPO):
    """A hundredth of the trust region."""

    factors = {"max_kl": 0.01}


@dataclass(frozen=True, kw_only=True)
class TRPOJumpy(_Set, TRPO):
    """Thirty times the critic's learning rate."""

    factors = {"critic_learning_rate": 30.0}


@dataclass(frozen=True, kw_only=True)
class TRPOLoud(_Loud, TRPO):
    """The initial policy is a hundred times as certain."""
