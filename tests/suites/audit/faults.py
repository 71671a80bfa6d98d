"""A catalogue of faults, each a small change of a correct algorithm: what the audit must catch.

Every class still declares the target of the algorithm that it spoils. `FAULTS` names them in the words of those who
found such things in published code.
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Literal

import torch

from pgsuite.algorithms.actor_critic import ActorCritic
from pgsuite.algorithms.critic import fit_critic
from pgsuite.algorithms.groups import GUARD
from pgsuite.algorithms.grpo import GRPO
from pgsuite.algorithms.losses import likelihood_loss
from pgsuite.algorithms.npg import NPG
from pgsuite.algorithms.ppo import PPO
from pgsuite.algorithms.reinforce import Reinforce
from pgsuite.algorithms.reinforce_baseline import ReinforceBaseline
from pgsuite.algorithms.returns import discount_powers, discounted_returns, generalised_advantage
from pgsuite.algorithms.rloo import RLOO
from pgsuite.algorithms.trpo import TRPO
from pgsuite.algorithms.trust_region import Surrogate, conjugate_gradient, full_step, line_search


def later(x, steps=1):
    """Entries moved ``steps`` earlier in time, zero (or false) after the end."""
    moved = torch.roll(x, -steps, dims=2)
    moved[:, :, -1] = 0
    return moved


@dataclass(frozen=True, kw_only=True)
class DiscountWeightDropped(Reinforce):
    state_weighting: Literal["undiscounted", "discounted"] = "discounted"

    def samples(self, state, rollout):
        return Reinforce.samples(replace(self, state_weighting="undiscounted"), state, rollout)


@dataclass(frozen=True, kw_only=True)
class DiscountWeightOfWindowDropped(ActorCritic):
    state_weighting: Literal["undiscounted", "discounted"] = "discounted"

    @property
    def target(self):
        return replace(super().target, state_weighting=self.state_weighting)


class Weighted(Reinforce):
    """REINFORCE with other weights in place of the return to go."""

    def weight(self, reward, done):
        raise NotImplementedError

    def samples(self, state, rollout):
        experience = self.experience(state, rollout)
        weight = self.weight(experience.reward, rollout.done)
        if self.state_weighting == "discounted":
            weight = weight * discount_powers(rollout.time, self.discount, weight.dtype)
        return self.pack(rollout, experience, weight=weight, value_target=weight, standardise=self.normalise_advantages)


@dataclass(frozen=True, kw_only=True)
class UndiscountedReturn(Weighted):
    def weight(self, reward, done):
        return discounted_returns(reward, done, 1.0)


@dataclass(frozen=True, kw_only=True)
class UndiscountedAdvantage(ActorCritic):
    def bootstrapped(self, state, rollout, *, trace, standardise):
        if self.discount == 1.0:
            return super().bootstrapped(state, rollout, trace=trace, standardise=standardise)
        return replace(self, discount=1.0).bootstrapped(state, rollout, trace=trace, standardise=standardise)


@dataclass(frozen=True, kw_only=True)
class ReturnOffByOne(Weighted):
    def weight(self, reward, done):
        return later(discounted_returns(reward, done, self.discount))


@dataclass(frozen=True, kw_only=True)
class LastStepDropped(Reinforce):
    def samples(self, state, rollout):
        return super().samples(state, rollout._replace(valid=rollout.valid & ~rollout.done))


@dataclass(frozen=True, kw_only=True)
class LastStepOfWindowDropped(ActorCritic):
    def samples(self, state, rollout):
        valid = rollout.valid.clone()
        valid[:, :, -1] = False
        return super().samples(state, rollout._replace(valid=valid))


class Baselined(ReinforceBaseline):
    """REINFORCE with a baseline and other weights."""

    def weight(self, returns, value, rollout):
        raise NotImplementedError

    def samples(self, state, rollout):
        experience = self.experience(state, rollout)
        returns = discounted_returns(experience.reward, rollout.done, self.discount)
        weight = self.weight(returns, experience.value, rollout)
        if self.state_weighting == "discounted":
            weight = weight * discount_powers(rollout.time, self.discount, weight.dtype)
        return self.pack(
            rollout, experience, weight=weight, value_target=returns, standardise=self.normalise_advantages
        )


@dataclass(frozen=True, kw_only=True)
class ReturnLeaksIntoNextEpisode(Baselined):
    """Episodes laid end to end, one environment after another, and no cut between them."""

    def weight(self, returns, value, rollout):
        leaks = torch.roll(returns[:, :, 0], -1, dims=1).unsqueeze(2)
        left = (rollout.valid.sum(2, keepdim=True) - rollout.time).to(returns.dtype)
        return returns + leaks * self.discount**left - value[..., :-1]


class Flags(ActorCritic):
    """Actor-critic whose advantage sees other flags."""

    def flags(self, rollout):
        raise NotImplementedError

    def bootstrapped(self, state, rollout, *, trace, standardise):
        experience = self.experience(state, rollout)
        terminated, truncated = self.flags(rollout)
        advantage = generalised_advantage(
            experience.reward, experience.value, terminated, truncated, self.discount, trace
        )
        target = advantage + experience.value[..., :-1]
        return self.pack(rollout, experience, weight=advantage, value_target=target, standardise=standardise)


@dataclass(frozen=True, kw_only=True)
class AdvantageLeaksIntoNextEpisode(ActorCritic):
    def bootstrapped(self, state, rollout, *, trace, standardise):
        """Values are cut at an end, the trace is not."""
        experience = self.experience(state, rollout)
        value, reward = experience.value, experience.reward
        following = value[..., 1:] * (~rollout.terminated)
        delta = reward + self.discount * following - value[..., :-1]
        advantage = discounted_returns(delta, torch.zeros_like(rollout.done), self.discount * trace)
        return self.pack(
            rollout, experience, weight=advantage, value_target=advantage + value[..., :-1], standardise=standardise
        )


@dataclass(frozen=True, kw_only=True)
class BootstrapAtTermination(Flags):
    def flags(self, rollout):
        return torch.zeros_like(rollout.terminated), rollout.done


@dataclass(frozen=True, kw_only=True)
class NoBootstrapAtTruncation(Flags):
    def flags(self, rollout):
        return rollout.done, rollout.truncated


@dataclass(frozen=True, kw_only=True)
class ShiftedFlag(Flags):
    def flags(self, rollout):
        return later(rollout.terminated), later(rollout.truncated)


@dataclass(frozen=True, kw_only=True)
class LateFlag(Flags):
    def flags(self, rollout):
        late = [torch.roll(x, 1, dims=2) for x in (rollout.terminated, rollout.truncated)]
        for x in late:
            x[:, :, 0] = False
        return late


@dataclass(frozen=True, kw_only=True)
class ActionDependentBaseline(Baselined):
    def weight(self, returns, value, rollout):
        action = rollout.action.reshape(*returns.shape, -1)[..., 0]
        return returns - value[..., :-1] * (1 + 0.3 * action)


@dataclass(frozen=True, kw_only=True)
class BaselineNotDetached(ReinforceBaseline):
    """The loss ``-(G - V) log π`` is differentiated in V as well."""

    def gradient_of(self, state, samples):
        gradient, loss = super().gradient_of(state, samples)
        return leaking(gradient, leak(state, samples) / self.num_envs), loss


@dataclass(frozen=True, kw_only=True)
class CriticNotDetached(ActorCritic):
    def gradient_of(self, state, samples):
        gradient, loss = super().gradient_of(state, samples)
        return leaking(gradient, leak(state, samples) / self.window), loss


def leaking(gradient, leak):
    return gradient._replace(critic=gradient.critic + leak)


def leak(state, samples):
    """Gradient of ``Σ V log π`` in the critic's parameters."""
    model, policy, critic = state.model, state.policy, state.critic
    outputs = model.policy.evaluate(policy, samples.observation)
    slope = model.distribution.log_prob(outputs, samples.action) * samples.mask
    network, gradient = model.value_network, torch.zeros_like(critic)
    made = network.forward(critic, samples.observation)
    network.add_cotangent(critic, made, slope.unsqueeze(2), gradient)
    return gradient


def stale(rollout):
    action = torch.roll(rollout.action, 1, dims=2)
    action[:, :, 0] = rollout.action[:, :, 0]
    return rollout._replace(action=action)


@dataclass(frozen=True, kw_only=True)
class StaleActions(Reinforce):
    def samples(self, state, rollout):
        return super().samples(state, stale(rollout))


@dataclass(frozen=True, kw_only=True)
class StaleActionsOfWindow(ActorCritic):
    def samples(self, state, rollout):
        return super().samples(state, stale(rollout))


@dataclass(frozen=True, kw_only=True)
class SignFlipped(Reinforce):
    def policy_loss(self, distribution, outputs, samples):
        return -super().policy_loss(distribution, outputs, samples)


@dataclass(frozen=True, kw_only=True)
class EntropySubtracted(ActorCritic):
    def policy_loss(self, distribution, outputs, samples):
        return likelihood_loss(distribution, outputs, samples, -self.entropy_weight) / self.window


@dataclass(frozen=True, kw_only=True)
class AveragePerStep(Reinforce):
    def gradient_of(self, state, samples):
        gradient, loss = super().gradient_of(state, samples)
        scale = self.num_envs / samples.size
        return gradient._replace(policy=gradient.policy * scale.unsqueeze(1)), loss * scale


@dataclass(frozen=True, kw_only=True)
class NextValue(Baselined):
    def weight(self, returns, value, rollout):
        return returns - value[..., 1:]


@dataclass(frozen=True, kw_only=True)
class NextValueOfWindow(ActorCritic):
    def bootstrapped(self, state, rollout, *, trace, standardise):
        samples = super().bootstrapped(state, rollout, trace=trace, standardise=standardise)
        value = self.experience(state, rollout).value
        shift = (value[..., :-1] - value[..., 1:]).flatten(1)
        return samples._replace(weight=samples.weight + shift)


@dataclass(frozen=True, kw_only=True)
class FullEpisodeReturn(Reinforce):
    """Every step is weighed by the whole episode's return: unbiased for the discounted weighting, but noisy."""

    state_weighting: Literal["undiscounted", "discounted"] = "discounted"

    def samples(self, state, rollout):
        if self.state_weighting == "undiscounted":
            return super().samples(state, rollout)
        experience = self.experience(state, rollout)
        returns = discounted_returns(experience.reward, rollout.done, self.discount)
        whole = returns[:, :, :1].expand_as(returns)
        return self.pack(rollout, experience, weight=whole, value_target=returns, standardise=self.normalise_advantages)


@dataclass(frozen=True, kw_only=True)
class NotStandardised(TRPO):
    """Advantages are standardised, and then the raw ones are used."""

    def samples(self, state, rollout):
        return self.bootstrapped(state, rollout, trace=self.trace, standardise=False)


@dataclass(frozen=True, kw_only=True)
class WrongDampingSign(TRPO):
    def natural_gradient(self, surrogate, gradient):
        return conjugate_gradient(
            lambda v: surrogate.fisher_product(v) - self.damping * v,
            gradient,
            iterations=self.cg_iterations,
            tolerance=self.cg_tolerance,
        )


class Stepping(TRPO):
    """TRPO whose step is taken elsewhere."""

    def search(self, state, policy, samples, descent):
        raise NotImplementedError

    def update(self, state, rollout):
        samples = self.samples(state, rollout)
        gradient, loss = self.gradient_of(state, samples)
        search = self.search(state, state.policy, samples, gradient.policy)
        fit = fit_critic(state, samples, learning_rate=self.critic_learning_rate, epochs=1, minibatch=128)
        learned = state._replace(policy=search.policy, critic=fit.critic, optimisers={"critic": fit.optimiser})
        return self.observed(learned, rollout), {"loss": loss, "kl": search.kl}

    def searched(self, evaluate, policy, step):
        return line_search(
            evaluate,
            policy,
            step,
            max_kl=self.max_kl,
            shrink=self.line_search_shrink,
            attempts=self.line_search_attempts,
        )


@dataclass(frozen=True, kw_only=True)
class ReversedKL(Stepping):
    def search(self, state, policy, samples, descent):
        surrogate = Surrogate(state.model, policy, samples)

        def evaluate(candidate):
            gain, _ = surrogate.evaluate(candidate)
            return gain, Surrogate(state.model, candidate, samples).evaluate(policy)[1]

        step = full_step(self.natural_gradient(surrogate, -descent), self.max_kl)
        return self.searched(evaluate, policy, step)


@dataclass(frozen=True, kw_only=True)
class WithoutLogStd(Stepping):
    def search(self, state, policy, samples, descent):
        surrogate = Surrogate(state.model, policy, samples)
        step = full_step(self.natural_gradient(surrogate, -descent), self.max_kl)
        if constants := state.model.policy.constants:
            step = step.clone()
            step[:, -constants:] = 0
        return self.searched(surrogate.evaluate, policy, step)


@dataclass(frozen=True, kw_only=True)
class LineSearchIgnoresKL(TRPO):
    def step(self, surrogate, policy, full_step):
        def evaluate(candidate):
            gain, kl = surrogate.evaluate(candidate)
            return gain, torch.zeros_like(kl)

        found = super().step(SimpleNamespace(evaluate=evaluate), policy, full_step)
        return found._replace(kl=surrogate.evaluate(found.policy)[1])


@dataclass(frozen=True, kw_only=True)
class OppositeWhenStandardised(TRPO):
    def update(self, state, rollout):
        learned, metrics = super().update(state, rollout)
        if not self.normalise_advantages:
            return learned, metrics
        return learned._replace(policy=2 * state.policy - learned.policy), metrics


@dataclass(frozen=True, kw_only=True)
class CriticFittedFirst(TRPO):
    """The critic learns a rollout's returns before its values are the baseline of the same rollout."""

    def update(self, state, rollout):
        fit = fit_critic(
            state,
            self.samples(state, rollout),
            learning_rate=self.critic_learning_rate,
            epochs=self.critic_epochs,
            minibatch=self.critic_minibatch,
        )
        learned, metrics = super().update(state._replace(critic=fit.critic), rollout)
        return learned._replace(critic=fit.critic), metrics


@dataclass(frozen=True, kw_only=True)
class LineSearchIgnoresImprovement(TRPO):
    """A candidate within the KL is taken, whether its surrogate is better or worse."""

    def step(self, surrogate, policy, full_step):
        def evaluate(candidate):
            gain, kl = surrogate.evaluate(candidate)
            return gain.abs() + 1.0, kl

        return super().step(SimpleNamespace(evaluate=evaluate), policy, full_step)


@dataclass(frozen=True, kw_only=True)
class OwnReturnInItsBaseline(RLOO):
    """The mean of all of a group, in place of the others', which has part of what it is compared with."""

    def samples(self, state, rollout):
        samples = super().samples(state, rollout)
        return samples._replace(weight=samples.weight * (1 - 1 / self.group_size))


class Compared:
    """Episodes of groups are weighed otherwise; mixed into an algorithm of groups."""

    def weigh(self, returns, lengths):
        """Return the weights ``(S, groups, G)`` of episodes from their returns and lengths."""
        raise NotImplementedError

    def samples(self, state, rollout):
        experience = self.experience(state, rollout)
        returns = discounted_returns(experience.reward, rollout.done, self.discount)
        groups = len(returns), -1, self.group_size
        weight = self.weigh(returns[..., 0].reshape(groups), rollout.valid.sum(2).reshape(groups))
        weight = weight.flatten(1).unsqueeze(2).expand_as(returns).contiguous()
        return self.pack(rollout, experience, weight=weight, value_target=returns, standardise=False)


@dataclass(frozen=True, kw_only=True)
class BaselineOfAnotherGroup(Compared, RLOO):
    """Without bias, but what another question is worth says nothing of this one."""

    def weigh(self, returns, lengths):
        return returns - returns.mean(2, keepdim=True).roll(1, 1)


class Divided(Compared):
    """GRPO's advantage, divided by the given where it says so."""

    def weigh(self, returns, lengths):
        advantage = returns - returns.mean(2, keepdim=True)
        if self.normalise_by_deviation:
            advantage = advantage / (self.deviation(returns) + GUARD)
        return advantage / self.divisor(lengths) if self.normalise_by_length else advantage

    def deviation(self, returns):
        return returns.std(2, keepdim=True, correction=0)

    def divisor(self, lengths):
        return lengths


@dataclass(frozen=True, kw_only=True)
class DeviationOfTheBatch(Divided, GRPO):
    def deviation(self, returns):
        return returns.flatten(1).std(1, correction=0).view(-1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class DeviationOfASample(Divided, GRPO):
    """Divided by G - 1 in place of G, as a library's default has it."""

    def deviation(self, returns):
        return returns.std(2, keepdim=True, correction=1)


@dataclass(frozen=True, kw_only=True)
class LongestLength(Divided, GRPO):
    """Every episode is divided by the length of the longest, as padding has it."""

    def divisor(self, lengths):
        return lengths.flatten(1).amax(1).view(-1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class AlwaysDivided(GRPO):
    """The switches are there, and not looked at."""

    def samples(self, state, rollout):
        return GRPO.compared(replace(self, normalise_by_deviation=True, normalise_by_length=True), state, rollout)


@dataclass(frozen=True, kw_only=True)
class ProbabilitiesOfAnotherStep(PPO):
    """The ratio's denominator is that of the step before."""

    def samples(self, state, rollout):
        samples = super().samples(state, rollout)
        return samples._replace(log_prob=samples.log_prob.roll(1, 1))


@dataclass(frozen=True, kw_only=True)
class TwiceTheKL(NPG):
    """``√(2δ / xᵀFx)`` with the two squared."""

    @property
    def full_kl(self):
        return 2 * self.step_kl


FAULTS = {
    "critic fitted before its values serve": "CriticFittedFirst",
    "line search ignores the improvement": "LineSearchIgnoresImprovement",
    "γ^t dropped while declared": "DiscountWeightDropped",
    "γ^t dropped in a window while declared": "DiscountWeightOfWindowDropped",
    "undiscounted return": "UndiscountedReturn",
    "undiscounted advantage": "UndiscountedAdvantage",
    "return off by one step": "ReturnOffByOne",
    "last step dropped": "LastStepDropped",
    "last step of the window dropped": "LastStepOfWindowDropped",
    "return leaking across an episode's end": "ReturnLeaksIntoNextEpisode",
    "advantage leaking across an episode's end": "AdvantageLeaksIntoNextEpisode",
    "bootstrap at termination": "BootstrapAtTermination",
    "no bootstrap at truncation": "NoBootstrapAtTruncation",
    "action-dependent baseline": "ActionDependentBaseline",
    "baseline not detached": "BaselineNotDetached",
    "critic not detached": "CriticNotDetached",
    "stale actions": "StaleActions",
    "stale actions in a window": "StaleActionsOfWindow",
    "sign flipped": "SignFlipped",
    "entropy bonus subtracted": "EntropySubtracted",
    "average per step instead of per episode": "AveragePerStep",
    "advantage with the next state's value": "NextValue",
    "GAE with the next state's value": "NextValueOfWindow",
    "GAE flag shifted (early)": "ShiftedFlag",
    "GAE flag shifted (late)": "LateFlag",
    "full-episode return instead of return to go": "FullEpisodeReturn",
    "advantages standardised and not used": "NotStandardised",
    "TRPO: wrong sign of damping": "WrongDampingSign",
    "TRPO: KL in the reverse direction": "ReversedKL",
    "TRPO: without the log-σ parameters": "WithoutLogStd",
    "TRPO: line search ignores KL": "LineSearchIgnoresKL",
    "TRPO: opposite step when standardised": "OppositeWhenStandardised",
    "RLOO: own return in its baseline": "OwnReturnInItsBaseline",
    "RLOO: baseline of another group": "BaselineOfAnotherGroup",
    "GRPO: deviation of the whole batch": "DeviationOfTheBatch",
    "GRPO: deviation over G - 1": "DeviationOfASample",
    "GRPO: divided by the longest length": "LongestLength",
    "GRPO: divided whatever the switches say": "AlwaysDivided",
    "PPO: probabilities of another step": "ProbabilitiesOfAnotherStep",
    "NPG: twice the KL": "TwiceTheKL",
}
"""Fault to class."""
