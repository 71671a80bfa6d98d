"""What is played does not depend on what of it is asked for."""

import numpy as np
import pytest
import torch

from pgsuite.algorithms import ActorCritic
from pgsuite.algorithms.interface import Episodes, Steps
from pgsuite.algorithms.model import NetworkActor, Spaces
from pgsuite.algorithms.networks import BLOCK
from pgsuite.suites.cells import Environment, open_environments
from pgsuite.suites.noise import SeedNoise
from pgsuite.suites.playing import play

SEEDS, COUNT = [4, 1], 3


def stretches(env_id, plan, densities=True, backend="auto", acts=NetworkActor, bound="clip", sick=()):
    env = open_environments(Environment(id=env_id, backend=backend), range(len(SEEDS) * COUNT))
    algorithm = ActorCritic(hidden=(5,), action_bound=bound)
    state = algorithm.init(Spaces(env.observation_space, env.action_space), SEEDS)
    state.policy[list(sick)] = float("nan")
    actor = acts(algorithm.behaviour(state))
    noise = SeedNoise(actor.noise, actor.noise_size, COUNT, [np.random.default_rng(s) for s in SEEDS], actor.dtype)
    members = np.arange(len(SEEDS) * COUNT).reshape(len(SEEDS), COUNT)
    return list(play(plan, env, actor, noise, members, densities=densities))


@pytest.mark.parametrize("backend", ["compiled", "gymnasium"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_the_network_made_of_a_window_while_it_acted_is_kept(dtype, backend):
    """As one pass through all of the observations would leave it, in their order, episodes' ends among them."""
    env = open_environments(Environment(id="CartPole-v1", backend=backend), range(len(SEEDS) * COUNT))
    algorithm = ActorCritic(hidden=(5, 3), dtype=dtype)
    state = algorithm.init(Spaces(env.observation_space, env.action_space), SEEDS)
    actor = algorithm.actor(algorithm.behaviour(state))
    noise = SeedNoise(actor.noise, actor.noise_size, COUNT, [np.random.default_rng(s) for s in SEEDS], actor.dtype)
    members = np.arange(len(SEEDS) * COUNT).reshape(len(SEEDS), COUNT)
    (played,) = play(Steps(COUNT, BLOCK // COUNT), env, actor, noise, members)
    assert played.terminated.any()
    seen = torch.from_numpy(played.observation[:, :, :-1]).flatten(1, 2).to(state.policy.dtype)
    made = state.model.policy.forward(state.policy, seen)
    behaviour, outputs, hidden = played.passed
    assert behaviour.parameters is state.policy
    assert torch.equal(outputs, made.outputs)
    assert torch.equal(hidden, made.hidden)


class Bolder(NetworkActor):
    """Acts with other numbers than its behaviour has."""

    def __init__(self, behaviour):
        super().__init__(behaviour)
        self.code = (self.code[0] + np.float32(0.3), *self.code[1:])


def test_of_an_actor_of_another_kind_nothing_is_kept():
    env = open_environments(Environment(id="CartPole-v1"), range(COUNT))
    algorithm = ActorCritic(hidden=(5,))
    state = algorithm.init(Spaces(env.observation_space, env.action_space), [1])
    actor = Bolder(algorithm.behaviour(state))
    noise = SeedNoise(actor.noise, actor.noise_size, COUNT, [np.random.default_rng(1)], actor.dtype)
    (played,) = play(Steps(COUNT, 20), env, actor, noise, np.arange(COUNT).reshape(1, COUNT))
    assert played.passed is None


@pytest.mark.parametrize("plan", [Steps(COUNT, BLOCK // COUNT + 1), Episodes(COUNT)])
def test_of_more_than_a_block_nothing_is_kept(plan):
    assert all(played.passed is None for played in stretches("CartPole-v1", plan, True))


@pytest.mark.parametrize("plan", [Steps(COUNT, 20), Episodes(COUNT)])
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "pgsuite/ProbeAction-v0"])
@pytest.mark.parametrize("backend", ["auto", "gymnasium"])
@pytest.mark.parametrize("called", [False, True])
def test_without_log_probabilities_the_rest_is_the_same(env_id, plan, backend, called):
    acts = Called if called else NetworkActor
    asked, not_asked = (stretches(env_id, plan, densities, backend, acts) for densities in (True, False))
    assert len(asked) == len(not_asked)
    for one, other in zip(asked, not_asked, strict=True):
        assert one.log_prob.shape == one.reward.shape
        assert one.log_prob.isfinite().all()
        assert not other.log_prob.numel()
        assert_same(one, other)
        np.testing.assert_array_equal(one.environment(), other.environment())


def assert_same(one, other):
    assert torch.equal(one.action, other.action)
    for name in ("observation", "reward", "terminated", "truncated", "valid", "acted"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.sound == other.sound
    assert one.environment().dtype == other.environment().dtype
    np.testing.assert_array_equal(one.environment()[one.valid], other.environment()[one.valid])


class Called(NetworkActor):
    """A network that has to be called, and chooses into the same memory each time."""

    def __call__(self, observation, noise):
        chosen = super().__call__(observation, noise)
        if not hasattr(self, "memory"):
            self.memory = chosen
        for mine, new in zip(self.memory, chosen, strict=True):
            mine[...] = new
        return self.memory


@pytest.mark.parametrize("plan", [Steps(COUNT, 20), Episodes(COUNT)])
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "pgsuite/ProbeAction-v0"])
@pytest.mark.parametrize("backend", ["auto", "gymnasium"])
def test_all_ways_of_acting_are_the_same(env_id, plan, backend):
    """Compiled with the environment, compiled beside its steps, and called at each of them."""
    for bound in ("clip", "tanh"):
        itself, called = (
            stretches(env_id, plan, backend=backend, acts=acts, bound=bound) for acts in (NetworkActor, Called)
        )
        assert len(itself) == len(called)
        assert env_id != "CartPole-v1" or any(not stretch.valid.all() for stretch in itself)
        for one, other in zip(itself, called, strict=True):
            assert other.passed is None
            assert torch.equal(one.log_prob, other.log_prob)
            assert_same(one, other)


@pytest.mark.parametrize("acts", [NetworkActor, Called])
@pytest.mark.parametrize("backend", ["auto", "gymnasium"])
def test_whose_actions_are_not_finite_is_told(backend, acts):
    (played,) = stretches("Pendulum-v1", Steps(COUNT, 20), backend=backend, acts=acts, sick=[1])
    assert played.acted[0].all()
    assert not played.acted[1].any()
    assert played.sound


class ZeroInItsOwnWay(NetworkActor):
    def acting(self, *given):
        at = super().acting(*given)
        return lambda t: np.zeros_like(at(t))


@pytest.mark.parametrize("backend", ["auto", "gymnasium"])
def test_an_own_way_of_acting_has_its_way(backend):
    (played,) = stretches("CartPole-v1", Steps(COUNT, 20), backend=backend, acts=ZeroInItsOwnWay)
    assert not played.environment()[played.valid].any()
