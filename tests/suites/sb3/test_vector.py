"""Our environments in the hands of Stable-Baselines3, beside Gymnasium's in its own `DummyVecEnv`."""

import gymnasium
import numpy as np
import pytest

from pgsuite.envs import make
from pgsuite.errors import EnvironmentFault

sb3 = pytest.importorskip("stable_baselines3")
from stable_baselines3.common.vec_env import DummyVecEnv  # noqa: E402

from pgsuite.suites.sb3.vector import SuiteVecEnv  # noqa: E402

SEEDS = [11, 12, 13]


class Dummy(DummyVecEnv):
    """Environments whose first resets have seeds of their own."""

    def __init__(self, makers, seeds):
        super().__init__(makers)
        self._seeds = list(seeds)


def pair(env_id, wrap=lambda env: env, **options):
    ours = SuiteVecEnv(make(env_id, len(SEEDS), SEEDS, backend="gymnasium"), **options)
    return ours, Dummy([lambda: wrap(gymnasium.make(env_id))] * len(SEEDS), SEEDS)


@pytest.mark.parametrize(("env_id", "steps"), [("CartPole-v1", 80), ("Pendulum-v1", 420), ("CliffWalking-v1", 40)])
def test_steps_are_those_of_the_librarys_own_environments(env_id, steps):
    """Observations, rewards, ends, what ended them and the last observation before a reset."""
    ours, theirs = pair(env_id)
    space = gymnasium.make(env_id).observation_space

    def flat(observation):
        return np.stack([gymnasium.spaces.flatten(space, one) for one in observation]).astype(np.float32)

    random, ends = np.random.default_rng(0), 0
    np.testing.assert_array_equal(ours.reset(), flat(theirs.reset()))
    for _ in range(steps):
        if isinstance(ours.action_space, gymnasium.spaces.Discrete):
            actions = random.integers(ours.action_space.n, size=len(SEEDS))
        else:
            actions = random.uniform(-2, 2, (len(SEEDS), 1)).astype(np.float32)
        seen, rewards, dones, infos = ours.step(actions)
        expected, wanted, ended, told = theirs.step(actions)
        np.testing.assert_array_equal(seen, flat(expected))
        np.testing.assert_array_equal(rewards, wanted)
        np.testing.assert_array_equal(dones, ended)
        for info, other, done in zip(infos, told, dones, strict=True):
            if done:
                ends += 1
                assert info["TimeLimit.truncated"] == other["TimeLimit.truncated"]
                np.testing.assert_array_equal(info["terminal_observation"], flat([other["terminal_observation"]])[0])
    assert ends or env_id == "CliffWalking-v1"


def test_rescaled_actions_are_gymnasiums():
    low, high = np.float32(-1), np.float32(1)
    ours, theirs = pair(
        "Pendulum-v1", lambda env: gymnasium.wrappers.RescaleAction(env, low, high), rescale_actions=True
    )
    assert ours.action_space == gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
    ours.reset()
    theirs.reset()
    for actions in np.random.default_rng(1).uniform(-1, 1, (20, len(SEEDS), 1)).astype(np.float32):
        np.testing.assert_allclose(ours.step(actions)[0], theirs.step(actions)[0], rtol=1e-6)


class Broken(gymnasium.Env):
    """Gives a reward that is no number, or an observation, at its third step."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2, start=5)

    def __init__(self, what="reward"):
        self.what, self.steps = what, 0

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        assert action in (5, 6)
        self.steps += 1
        bad = self.steps == 3
        seen = np.full(2, np.nan if bad and self.what == "observation" else 0.5, np.float32)
        return seen, float("inf") if bad and self.what == "reward" else 1.0, False, False, {}


@pytest.mark.parametrize("what", ["reward", "observation"])
def test_a_number_that_is_not_finite_is_the_environments_fault(what):
    gymnasium.register(
        "pgsuite/BrokenForSB3-v0", Broken, max_episode_steps=10, kwargs={"what": what}, disable_env_checker=True
    )
    try:
        env = SuiteVecEnv(make("pgsuite/BrokenForSB3-v0", 2, [0, 1], backend="gymnasium"), 7)
        env.reset()
        for _ in range(2):
            env.step(np.array([0, 1]))
        with pytest.raises(EnvironmentFault, match=rf"non-finite {what} to seed 7"):
            env.step(np.array([0, 1]))
    finally:
        del gymnasium.registry["pgsuite/BrokenForSB3-v0"]
