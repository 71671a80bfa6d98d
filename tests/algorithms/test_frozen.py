"""What is frozen when: a rollout is acted, seen and learnt from by the statistics of the rollouts before it.

An algorithm that normalises, on a rollout, is the same algorithm without normalisation on that rollout standardised by
hand: by numpy, with the mean and the deviation of what the earlier rollouts showed.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pgsuite.algorithms import PolicyGradient, Rollout, State
from pgsuite.algorithms.model import Action
from pgsuite.algorithms.trees import named_tensors

from .rollouts import GRADIENTS, SPACES, planned, small

SEEDS = [4, 1, 7]
BEFORE = 3
STATISTICS = ("observation.", "reward.", "trace")
"""What `State` calls the normalisers' part."""
BOTH = {"normalise_observations": True, "scale_rewards": True}

every_algorithm = pytest.mark.parametrize("name", GRADIENTS)
every_option = pytest.mark.parametrize(
    "options", [{"normalise_observations": True}, {"scale_rewards": True}, BOTH], ids=lambda o: "+".join(o)
)
every_space = pytest.mark.parametrize("space", ["Discrete", "Box"])


def shifted(algorithm: PolicyGradient, state: State, space: str, occasion: int) -> Rollout:
    """What is planned, its scale and place other than those of the rollouts before; a reset pays nothing."""
    rollout = planned(algorithm, state, SPACES[space], occasion)
    observation = rollout.observation * (1.0 + occasion) + 0.5 * occasion
    reward = (rollout.reward * (1.0 + occasion)).where(rollout.valid, 0.0)
    return rollout._replace(observation=observation, reward=reward)


def learned_before(algorithm: PolicyGradient, space: str) -> tuple[State, list[Rollout]]:
    """A state after a few updates, and the rollouts that it learned from."""
    state, rollouts = algorithm.init(SPACES[space], SEEDS), []
    for occasion in range(BEFORE):
        rollouts.append(shifted(algorithm, state, space, occasion))
        state, _ = algorithm.update(state, rollouts[-1])
    return state, rollouts


def seen(rollouts: Sequence[Rollout], row: int) -> np.ndarray:
    """Every observation ``(B, O)`` that a seed acted on."""
    return np.concatenate([r.observation[row, :, :-1][r.valid[row]].double().numpy() for r in rollouts])


def standardised(algorithm: PolicyGradient, rollouts: Sequence[Rollout], observation: Tensor) -> Tensor:
    """Observations ``(S, ..., O)`` in deviations from the mean of what was seen, ten at most."""
    if not algorithm.normalise_observations:
        return observation.double()
    rows = []
    for row, one in enumerate(observation.double().numpy()):
        before = seen(rollouts, row)
        rows.append(np.clip((one - before.mean(0)) / before.std(0), -10, 10))
    return torch.from_numpy(np.stack(rows))


def discounted_sums(algorithm: PolicyGradient, rollouts: Sequence[Rollout], row: int) -> list[float]:
    """The discounted sum of rewards so far at every valid step; each rollout here begins with fresh episodes."""
    sums = []
    for rollout in rollouts:
        members = zip(*(x[row].tolist() for x in (rollout.reward, rollout.valid, rollout.done)), strict=True)
        for member in members:
            total = 0.0
            for reward, valid, done in zip(*member, strict=True):
                total = algorithm.discount * total + reward
                if valid:
                    sums.append(total)
                if done:
                    total = 0.0
    return sums


def by_hand(algorithm: PolicyGradient, rollouts: Sequence[Rollout], rollout: Rollout) -> Rollout:
    """A rollout as an algorithm without normalisation should be shown it."""
    reward = rollout.reward
    if algorithm.scale_rewards:
        scale = [np.std(discounted_sums(algorithm, rollouts, row)) for row in range(len(SEEDS))]
        reward = reward / torch.tensor(scale).view(-1, 1, 1)
    return rollout._replace(observation=standardised(algorithm, rollouts, rollout.observation), reward=reward)


def plain(algorithm: PolicyGradient) -> PolicyGradient:
    return replace(algorithm, normalise_observations=False, scale_rewards=False)


def mode(algorithm: PolicyGradient, state: State, observation: Tensor) -> Action:
    """The likeliest action ``(S, N, ...)`` on observations ``(S, N, O)``."""
    noise = torch.zeros(*observation.shape[:2], state.model.distribution.noise_size, dtype=algorithm.torch_dtype)
    return algorithm.actor(algorithm.behaviour(state))(observation, noise)


@every_algorithm
@every_option
@every_space
def test_an_update_uses_the_statistics_from_before_its_rollout(name: str, options: dict, space: str) -> None:
    """Policy, critic, optimisers and every metric: weights, values and targets are all made before the statistics."""
    algorithm = small(name, dtype="float64", **options)
    state, rollouts = learned_before(algorithm, space)
    rollout = shifted(algorithm, state, space, BEFORE)
    learned, metrics = algorithm.update(state, rollout)
    expected, expected_metrics = plain(algorithm).update(state, by_hand(algorithm, rollouts, rollout))
    there = dict(named_tensors(expected))
    for path, tensor in named_tensors(learned):
        if not path.startswith(STATISTICS):
            torch.testing.assert_close(tensor, there[path], rtol=1e-4, atol=1e-6, msg=lambda m, p=path: f"{p}: {m}")
    for metric, value in metrics.items():
        torch.testing.assert_close(value, expected_metrics[metric], rtol=1e-4, atol=1e-6, equal_nan=True)


@every_algorithm
@every_option
@every_space
def test_so_does_the_gradient(name: str, options: dict, space: str) -> None:
    algorithm = small(name, dtype="float64", **options)
    state, rollouts = learned_before(algorithm, space)
    rollout = shifted(algorithm, state, space, BEFORE)
    gradient, _ = algorithm.gradient(state, rollout)
    expected, _ = plain(algorithm).gradient(state, by_hand(algorithm, rollouts, rollout))
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-8)


@every_algorithm
def test_the_policy_acts_by_the_statistics_that_the_samples_are_made_with(name: str) -> None:
    algorithm = small(name, dtype="float64", **BOTH)
    state, rollouts = learned_before(algorithm, "Box")
    observation = shifted(algorithm, state, "Box", BEFORE).observation[:, :, 0]
    acted = mode(algorithm, state, observation).sample
    expected = mode(plain(algorithm), state, standardised(algorithm, rollouts, observation)).sample
    torch.testing.assert_close(acted, expected, rtol=1e-5, atol=1e-9)


@every_algorithm
@every_space
def test_after_an_update_the_statistics_are_those_of_every_valid_step(name: str, space: str) -> None:
    algorithm = small(name, **BOTH)
    state, rollouts = learned_before(algorithm, space)
    for row in range(len(SEEDS)):
        observations, sums = seen(rollouts, row), discounted_sums(algorithm, rollouts, row)
        assert state.observation.seen[row] == state.reward.seen[row] == len(observations)
        np.testing.assert_allclose(state.observation.mean[row], observations.mean(0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.observation.variance[row], observations.var(0), rtol=1e-9)
        np.testing.assert_allclose(state.reward.mean[row], np.mean(sums), rtol=1e-9)
        np.testing.assert_allclose(state.reward.variance[row], np.var(sums), rtol=1e-9)


@every_algorithm
def test_rewards_are_as_they_are_until_their_sums_have_differed(name: str) -> None:
    """Without a spread there is no unit to measure rewards in: nothing is divided by next to nothing."""
    algorithm = small(name, dtype="float64", scale_rewards=True, discount=0.0)
    state = algorithm.init(SPACES["Discrete"], SEEDS)
    for occasion in range(2):
        rollout = planned(algorithm, state, SPACES["Discrete"], occasion)
        rollout = rollout._replace(reward=torch.ones_like(rollout.reward).where(rollout.valid, 0.0))
        gradient, expected = (one.gradient(state, rollout)[0] for one in (algorithm, plain(algorithm)))
        torch.testing.assert_close(gradient, expected)
        state, _ = algorithm.update(state, rollout)
        # A window's resets pay nothing: its sums differ there, but what is not valid is not seen.
        assert not state.reward.variance.any()
