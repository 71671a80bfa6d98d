"""What the algorithms share: seeing a rollout, laying it out, learning its statistics."""

import math

import numpy as np
import pytest
import torch

from pgsuite.algorithms import ActorCritic, PolicyGradient, Reinforce, ReinforceBaseline, Rollout
from pgsuite.algorithms.adam import decayed
from pgsuite.algorithms.losses import likelihood_loss
from pgsuite.algorithms.normalisers import Moments

from . import oracles
from .rollouts import SPACES, episodes, planned, window

DISCRETE = SPACES["Discrete"]
SEEDS = [3, 0]


def seen_before(algorithm: PolicyGradient):
    """A state whose normalisers have seen other rollouts."""
    state = algorithm.init(DISCRETE, SEEDS)
    for occasion in (5, 6):
        state = algorithm.observed(state, planned(algorithm, state, DISCRETE, occasion))
    return state


def valid_observations(rollout: Rollout, seed: int) -> np.ndarray:
    return rollout.observation[seed, :, :-1][rollout.valid[seed]].double().numpy()


@pytest.mark.parametrize("algorithm", [ActorCritic, Reinforce])
def test_observations_are_standardised_by_what_was_seen_before(algorithm: type[PolicyGradient]) -> None:
    """By the valid steps of earlier rollouts, never by those of this one."""
    configured = algorithm(num_envs=3, normalise_observations=True, dtype="float64")
    state = seen_before(configured)
    before = [planned(configured, state, DISCRETE, occasion) for occasion in (5, 6)]
    rollout = planned(configured, state, DISCRETE)
    seen = configured.experience(state, rollout).observation
    for s in range(len(SEEDS)):
        earlier = np.concatenate([valid_observations(r, s) for r in before])
        expected = (rollout.observation[s].numpy() - earlier.mean(0)) / earlier.std(0)
        np.testing.assert_allclose(seen[s], np.clip(expected, -10, 10), rtol=1e-6, atol=1e-9)


def test_rewards_are_scaled_by_the_deviation_of_their_sums() -> None:
    """Over windows that go on: an episode's sum is carried from one to the next, and rewards keep their mean."""
    configured = ActorCritic(num_envs=3, num_steps=50, scale_rewards=True, dtype="float64", discount=0.9)
    state, first = configured.init(DISCRETE, SEEDS), window(DISCRETE, SEEDS, 3, 50, occasion=1)
    # The second window goes on where the first stopped: no environment begins an episode at its start.
    second = window(DISCRETE, SEEDS, 3, 50, occasion=2)
    second = second._replace(time=second.time + 7, reward=second.reward.where(second.valid, 0.0))
    first = first._replace(reward=first.reward.where(first.valid, 0.0))
    for rollout in (first, second):
        state = configured.observed(state, rollout)
    scaled = configured.experience(state, first).reward
    for s in range(len(SEEDS)):
        carry = np.zeros(3)
        sums = _sums(first, s, 0.9, carry) + _sums(second, s, 0.9, carry)
        np.testing.assert_allclose(state.reward.mean[s], np.mean(sums))
        np.testing.assert_allclose(scaled[s], first.reward[s] / np.std(sums), rtol=1e-6)


def _sums(rollout: Rollout, seed: int, discount: float, carry: np.ndarray) -> list[float]:
    """Discounted sums of the rewards so far, at every valid step; ``carry`` ``(N,)`` is moved along."""
    sums = []
    for n, t in np.ndindex(*rollout.valid.shape[1:]):
        if rollout.valid[seed, n, t]:
            carry[n] = discount * carry[n] + float(rollout.reward[seed, n, t])
            sums.append(carry[n])
        if rollout.done[seed, n, t]:
            carry[n] = 0.0
    return sums


@pytest.mark.parametrize("collect", [episodes, lambda *a: window(*a, 30)])
def test_values_are_the_critics_at_every_step(collect) -> None:
    configured = ReinforceBaseline(num_envs=3, dtype="float64", hidden=(5,))
    state, rollout = configured.init(DISCRETE, SEEDS), collect(DISCRETE, SEEDS, 3)
    value = configured.experience(state, rollout).value
    expected = oracles.all_outputs(state.model.critic, state.critic, rollout.observation.double().flatten(1, 2))
    expected = expected.view(value.shape)
    if rollout.complete:
        torch.testing.assert_close(value[..., :-1], expected[..., :-1] * rollout.valid)
    else:
        torch.testing.assert_close(value, expected)


def test_without_a_critic_values_are_zero() -> None:
    configured = Reinforce(num_envs=3)
    rollout = episodes(DISCRETE, SEEDS, 3)
    assert not configured.experience(configured.init(DISCRETE, SEEDS), rollout).value.any()


def test_normalisers_stand_still_when_they_are_not_used() -> None:
    configured = ActorCritic(num_envs=3, num_steps=20)
    state = seen_before(configured)
    for moments in (state.observation, state.reward):
        assert not any(x.any() for x in moments)
    assert state.updates.tolist() == [2, 2]


def test_the_actor_sees_what_the_learner_sees() -> None:
    configured, space = ActorCritic(num_envs=3, normalise_observations=True, dtype="float64"), SPACES["Box"]
    state = configured.init(space, SEEDS)
    state = configured.observed(state, window(space, SEEDS, 3, 40))
    rollout = planned(configured, state, space, occasion=1)
    seen = configured.experience(state, rollout).observation[:, :, 0]
    mean = oracles.all_outputs(state.model.policy, state.policy, seen)[..., :2]
    mode = configured.actor(configured.behaviour(state))(
        rollout.observation[:, :, 0], torch.zeros(2, 3, 2, dtype=torch.float64)
    ).sample
    torch.testing.assert_close(mode, mean)
    assert not torch.allclose(seen, rollout.observation[:, :, 0].double()), "the statistics matter"


def test_an_actor_without_normalisation_ignores_the_statistics() -> None:
    configured = ActorCritic(num_envs=3)
    state = configured.init(DISCRETE, SEEDS)._replace(observation=Moments.zeros(2, 3)._replace(seen=torch.ones(2)))
    assert configured.behaviour(state).observation is None


def test_likelihood_loss_by_hand() -> None:
    """Two equally likely actions: log π = −log 2 and the entropy is log 2, in a sum over valid samples."""
    configured = Reinforce(hidden=(), dtype="float64", num_envs=1)
    state = configured.init(SPACES["MultiBinary"], [0])
    rollout = episodes(SPACES["MultiBinary"], [0], 1)
    samples = configured.samples(state, rollout)
    length = int(rollout.valid.sum())
    samples = samples._replace(weight=torch.full_like(samples.weight, 2.0))
    outputs = torch.zeros(1, samples.mask.shape[1], 3, dtype=torch.float64)
    for weight in (0.0, 0.5):
        loss = likelihood_loss(state.model.distribution, outputs, samples, weight)
        assert loss.item() == pytest.approx(length * (2.0 - weight) * 3 * math.log(2))


def test_decay_falls_to_zero_with_the_budget() -> None:
    progress = torch.tensor([0.0, 0.25, 1.0])
    assert decayed(0.5, "none", progress).tolist() == [0.5, 0.5, 0.5]
    assert decayed(0.5, "linear", progress).tolist() == [0.5, 0.375, 0.0]
