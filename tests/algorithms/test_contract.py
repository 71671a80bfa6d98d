"""What every algorithm promises, by being registered: it works on every space, and no seed feels another."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pgsuite.algorithms import Episodes, PolicyGradient, Rollout, State, Steps, Target
from pgsuite.algorithms.registry import ALGORITHMS
from pgsuite.algorithms.trees import named_tensors, take, tree_map, with_tensors

from .rollouts import GRADIENTS, SPACES, planned, small

SEEDS = [4, 1, 0, 7, 2]
UPDATES = 3
NORMALISED = {"normalise_observations": True, "scale_rewards": True}

every_algorithm = pytest.mark.parametrize("name", ALGORITHMS)
every_gradient = pytest.mark.parametrize("name", GRADIENTS)
every_space = pytest.mark.parametrize("space", SPACES)


def trained(
    algorithm: PolicyGradient,
    space: str,
    seeds: list[int],
    change: Callable[[Rollout], Rollout] = lambda rollout: rollout,
) -> tuple[State, list[dict[str, torch.Tensor]]]:
    """The state after a few rollouts, and each update's metrics."""
    state, told = algorithm.init(SPACES[space], seeds), []
    for occasion in range(UPDATES):
        state, metrics = algorithm.update(state, change(planned(algorithm, state, SPACES[space], occasion)))
        told.append(dict(metrics))
    return state, told


def same_bits(one: Any, other: Any) -> None:
    """Two trees, tensor by tensor; NaN equals NaN."""
    for (name, x), (_, y) in zip(named_tensors(one), named_tensors(other), strict=True):
        assert x.dtype == y.dtype
        assert torch.equal(x.nan_to_num(nan=1e30), y.nan_to_num(nan=1e30)), name


@every_gradient
@every_space
@pytest.mark.parametrize(
    "options", [{}, NORMALISED | {"hidden": (), "action_bound": "tanh"}], ids=["plain", "normalised"]
)
def test_it_works_on_every_space(name: str, space: str, options: dict[str, Any]) -> None:
    algorithm = small(name, **options)
    fresh = algorithm.init(SPACES[space], SEEDS)
    state, told = trained(algorithm, space, SEEDS)
    assert state.policy.isfinite().all()
    assert state.critic.isfinite().all()
    assert (state.policy != fresh.policy).any(1).all(), "every seed learns"
    assert algorithm.has_critic == bool(state.critic.shape[1])
    if algorithm.has_critic:
        assert (state.critic != fresh.critic).any(1).all(), "and its critic"
    assert state.updates.tolist() == [UPDATES] * len(SEEDS)
    for metrics in told:
        assert {"loss", "gradient_norm"} <= set(metrics)
        assert all(metric.shape == (len(SEEDS),) for metric in metrics.values())
        assert metrics["loss"].isfinite().all()


@every_gradient
@every_space
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("normalise", [False, True])
def test_its_actor_acts(name: str, space: str, dtype: str, normalise: bool) -> None:
    """On observations as environments give them, whatever the dtype of the weights."""
    algorithm = small(name, dtype=dtype, normalise_observations=normalise)
    state, _ = trained(algorithm, space, SEEDS)
    rollout = planned(algorithm, state, SPACES[space])
    noise = torch.ones(len(SEEDS), algorithm.num_envs, state.model.distribution.noise_size, dtype=state.policy.dtype)
    action = algorithm.actor(algorithm.behaviour(state))(rollout.observation[:, :, 0], noise)
    assert action.sample.shape == rollout.action[:, :, 0].shape
    for chosen in action.environment.reshape(-1, *action.environment.shape[2:]):
        assert SPACES[space].action.contains(chosen)


@every_gradient
def test_its_plan_and_target_are_what_they_should_be(name: str) -> None:
    algorithm = small(name)
    assert isinstance(algorithm.target, Target)
    assert isinstance(algorithm.plan(algorithm.init(SPACES["Discrete"], SEEDS)), Steps | Episodes)
    assert algorithm == small(name), "a configuration is a value"
    assert hash(algorithm) == hash(small(name))


@every_algorithm
@every_space
def test_its_state_leads_with_the_seeds(name: str, space: str) -> None:
    state, _ = trained(small(name, **NORMALISED), space, SEEDS)
    assert {path: len(x) for path, x in named_tensors(state)} == dict.fromkeys(dict(named_tensors(state)), len(SEEDS))
    assert state.policy.shape == (len(SEEDS), state.model.policy.size)
    assert state.critic.shape == (len(SEEDS), state.model.critic.size if state.model.critic else 0)
    assert state.seeds.tolist() == SEEDS


@every_gradient
@every_space
def test_its_gradient_is_a_pure_function(name: str, space: str) -> None:
    algorithm = small(name, dtype="float64")
    state, _ = trained(algorithm, space, SEEDS)
    rollout = planned(algorithm, state, SPACES[space])
    gradient, _ = algorithm.gradient(state, rollout)
    for part, parameters in zip(gradient, (state.policy, state.critic), strict=True):
        assert part.shape == parameters.shape
        assert part.dtype == torch.float64
        assert not part.requires_grad
    same_bits(gradient, algorithm.gradient(state, rollout)[0])


@every_algorithm
@every_space
def test_an_update_leaves_its_inputs_alone(name: str, space: str) -> None:
    algorithm = small(name, **NORMALISED)
    state, _ = trained(algorithm, space, SEEDS)
    rollout = planned(algorithm, state, SPACES[space])
    copies = tree_map(torch.clone, state), tree_map(torch.clone, rollout)
    learned, _ = algorithm.update(state, rollout)
    same_bits(state, copies[0])
    same_bits(rollout, copies[1])
    same_bits(algorithm.update(state, rollout)[0], learned)


@every_algorithm
@every_space
@pytest.mark.parametrize("options", [{}, NORMALISED], ids=["plain", "normalised"])
@pytest.mark.parametrize("seeds", [[7], [0], [2, 0, 4], [1, 4, 2, 7, 0]], ids=str)
def test_no_seed_feels_another(name: str, space: str, options: dict[str, Any], seeds: list[int]) -> None:
    """State and metrics have the same bits alone, among others, in any order, and beside much longer episodes."""
    algorithm = small(name, **options)
    together, told = trained(algorithm, space, SEEDS)
    apart, told_apart = trained(algorithm, space, seeds)
    rows = torch.tensor([SEEDS.index(seed) for seed in seeds])
    same_bits(take(together, rows), apart)
    for metrics, metrics_apart in zip(told, told_apart, strict=True):
        same_bits(take(metrics, rows), metrics_apart)


@every_algorithm
@every_space
@pytest.mark.parametrize("reward", [math.nan, math.inf, 1e30])
def test_a_seed_that_diverges_does_not_disturb_the_others(name: str, space: str, reward: float) -> None:
    algorithm, broken = small(name, **NORMALISED), SEEDS.index(1)

    def poisoned(rollout: Rollout) -> Rollout:
        spoilt = rollout.reward.clone()
        spoilt[broken, 0, 0] = reward
        return rollout._replace(reward=spoilt)

    healthy = torch.tensor([row for row in range(len(SEEDS)) if row != broken])
    with np.errstate(all="ignore"):  # numpy's remarks on overflow are not what this is about
        disturbed, told = trained(algorithm, space, SEEDS, poisoned)
    undisturbed, told_before = trained(algorithm, space, SEEDS)
    same_bits(take(disturbed, healthy), take(undisturbed, healthy))
    same_bits(take(told[-1], healthy), take(told_before[-1], healthy))


@every_algorithm
def test_a_state_that_is_stored_goes_on_with_the_same_bits(name: str) -> None:
    algorithm = small(name, **NORMALISED)
    state, _ = trained(algorithm, "Box", SEEDS)
    stored = {path: x.numpy().copy() for path, x in named_tensors(state)}
    restored = with_tensors(
        algorithm.init(SPACES["Box"], SEEDS), {path: torch.from_numpy(x) for path, x in stored.items()}
    )
    rollout = planned(algorithm, state, SPACES["Box"], UPDATES)
    same_bits(algorithm.update(restored, rollout)[0], algorithm.update(state, rollout)[0])


@every_algorithm
def test_different_seeds_differ(name: str) -> None:
    parameters = small(name).init(SPACES["Discrete"], SEEDS).policy
    assert len(parameters.unique(dim=0)) == len(SEEDS)
