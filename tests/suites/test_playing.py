"""What is played does not depend on what of it is asked for."""

import numpy as np
import pytest
import torch

from pgsuite.algorithms import ActorCritic
from pgsuite.algorithms.interface import Episodes, Steps
from pgsuite.algorithms.model import Spaces
from pgsuite.suites.cells import Environment, open_environments
from pgsuite.suites.noise import SeedNoise
from pgsuite.suites.playing import play

SEEDS, COUNT = [4, 1], 3


def stretches(env_id, plan, densities):
    env = open_environments(Environment(id=env_id), range(len(SEEDS) * COUNT))
    algorithm = ActorCritic(hidden=(5,))
    actor = algorithm.actor(algorithm.behaviour(algorithm.init(Spaces(env.observation_space, env.action_space), SEEDS)))
    noise = SeedNoise(actor.noise, actor.noise_size, COUNT, [np.random.default_rng(s) for s in SEEDS], actor.dtype)
    members = np.arange(len(SEEDS) * COUNT).reshape(len(SEEDS), COUNT)
    return list(play(plan, env, actor, noise, members, densities=densities))


@pytest.mark.parametrize("plan", [Steps(COUNT, 20), Episodes(COUNT)])
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "pgsuite/ProbeAction-v0"])
def test_without_log_probabilities_the_rest_is_the_same(env_id, plan):
    asked, not_asked = (stretches(env_id, plan, densities) for densities in (True, False))
    assert len(asked) == len(not_asked)
    for one, other in zip(asked, not_asked, strict=True):
        assert one.log_prob.shape == one.reward.shape
        assert one.log_prob.isfinite().all()
        assert not other.log_prob.numel()
        assert torch.equal(one.action, other.action)
        for name in ("observation", "reward", "terminated", "truncated", "valid", "acted"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert one.sound == other.sound
        np.testing.assert_array_equal(one.environment(), other.environment())
