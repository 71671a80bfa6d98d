"""Evaluation is a pure function of the policy, the seed and the checkpoint."""

import gymnasium
import numpy as np
import pytest
import torch

from pgsuite.algorithms.model import NetworkActor, Spaces
from pgsuite.algorithms.registry import build
from pgsuite.algorithms.streams import Stream
from pgsuite.algorithms.trees import take
from pgsuite.errors import EnvironmentFault
from pgsuite.suites.cells import Environment, Evaluation, open_environments
from pgsuite.suites.evaluation import environment_seeds, evaluate

SEEDS = [7, 3, 1]
PROTOCOL = Evaluation(episodes=6)


def policies(env_id, seeds=SEEDS):
    """Untrained policies."""
    environment = Environment(id=env_id)
    probe = open_environments(environment, [0])
    algorithm = build("reinforce", {"hidden": (8,)})
    state = algorithm.init(Spaces(probe.observation_space, probe.action_space), seeds)
    return environment, algorithm.behaviour(state)


def play(environment: Environment, behaviour, seeds, checkpoint=2, protocol=PROTOCOL):
    return evaluate(NetworkActor(behaviour), environment, protocol, seeds, checkpoint)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "LunarLander-v3"])
def test_the_same_arguments_give_the_same_episodes(env_id):
    if env_id == "LunarLander-v3":
        pytest.importorskip("envpool")
    these = policies(env_id)
    first, second = play(*these, SEEDS), play(*these, SEEDS)
    assert first.returns.tobytes() == second.returns.tobytes()
    assert np.array_equal(first.lengths, second.lengths)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
def test_other_seeds_change_nothing(env_id):
    environment, behaviour = policies(env_id)
    together = play(environment, behaviour, SEEDS)
    for n, seed in enumerate(SEEDS):
        alone = play(environment, take(behaviour, torch.tensor([n])), [seed])
        assert alone.returns[0].tobytes() == together.returns[n].tobytes()


@pytest.mark.parametrize(("env_id", "deterministic"), [("CartPole-v1", True), ("pgsuite/ProbeAction-v0", False)])
def test_seed_and_checkpoint_choose_environments_and_actions(env_id, deterministic):
    """Without noise only the environments can differ, and in the probe, where all are alike, only the actions."""
    environment, behaviour = policies(env_id, [5])
    protocol = Evaluation(episodes=30, deterministic=deterministic)
    returns = {
        tuple(play(environment, behaviour, [seed], checkpoint, protocol).returns[0])
        for seed in (5, 6)
        for checkpoint in (0, 1)
    }
    assert len(returns) == 4


def test_one_whole_episode_each():
    environment, behaviour = policies("CartPole-v1")
    episodes = play(environment, behaviour, SEEDS)
    assert episodes.returns.shape == (3, 6)
    assert np.array_equal(episodes.returns, episodes.lengths)  # CartPole pays 1 a step
    assert len(np.unique(episodes.lengths)) > 3


def test_deterministic_plays_the_mode():
    """The untrained policy is nearly even: sampled, it takes both actions; its mode takes one."""
    environment, behaviour = policies("pgsuite/ProbeAction-v0")
    sampled = play(environment, behaviour, SEEDS, protocol=Evaluation(episodes=40)).returns
    mode = play(environment, behaviour, SEEDS, protocol=Evaluation(episodes=40, deterministic=True)).returns
    assert all(0.2 < mean < 0.8 for mean in sampled.mean(1))
    assert set(mode.mean(1)) <= {0.0, 1.0}


def test_streams_of_training_and_evaluation_never_meet():
    drawn = [
        environment_seeds(seed, stream, occasion, 50)
        for seed in range(5)
        for stream in (Stream.ENVIRONMENT, Stream.EVALUATION_ENVIRONMENT)
        for occasion in range(5)
    ]
    flat = [s for seeds in drawn for s in seeds]
    assert len(set(flat)) == len(flat)
    assert max(flat) < 2**31
    assert environment_seeds(3, Stream.ENVIRONMENT, 1, 4) == environment_seeds(3, Stream.ENVIRONMENT, 1, 9)[:4]


class SickOnce(gymnasium.Env):
    """Sound, but for one number in the first evaluation episode of seed 1 at checkpoint 1."""

    observation_space = gymnasium.spaces.Box(-1, 1, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, what):
        self.what = what

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        self.sick = seed == environment_seeds(1, Stream.EVALUATION_ENVIRONMENT, 1, 1)[0]
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        wrong = float("nan") if self.sick and self.time == 2 else 1.0
        observation, reward = (wrong, 1.0) if self.what == "observation" else (1.0, wrong)
        return np.full(1, observation, np.float32), reward, self.time == 3, False, {}


@pytest.mark.parametrize("what", ["reward", "observation"])
def test_a_number_that_is_not_finite_fails_the_cell_and_names_the_seed(what, small_cell, train):
    env_id = f"tests/SickOnce{what.title()}-v0"
    gymnasium.register(env_id, entry_point=SickOnce, kwargs={"what": what}, max_episode_steps=9)
    try:
        cell = small_cell("reinforce", env_id, steps=30, checkpoints=1)
        train(cell, [0, 2])
        with pytest.raises(EnvironmentFault, match=rf"{env_id}.*non-finite .*{what}.*seed 1\b"):
            train(cell, [0, 1, 2])
    finally:
        del gymnasium.registry[env_id]


class OnceNotFinite:
    """A policy whose first action is not finite for one of the seeds."""

    def __init__(self, actor, row):
        self.actor, self.row, self.called = actor, row, 0

    def __getattr__(self, name):
        return getattr(self.actor, name)

    def __call__(self, observation, noise):
        action = self.actor(observation, noise)
        self.called += 1
        finite = np.ones(len(observation), dtype=bool)
        finite[self.row] = self.called != 2
        return action._replace(finite=finite)


def test_a_policy_that_was_once_not_finite_has_no_return():
    environment, behaviour = policies("CartPole-v1")
    actor = NetworkActor(behaviour)
    sound = evaluate(actor, environment, PROTOCOL, SEEDS, 2)
    sick = evaluate(OnceNotFinite(actor, 1), environment, PROTOCOL, SEEDS, 2)
    assert np.isnan(sick.returns[1]).all()
    assert np.array_equal(sick.returns[[0, 2]], sound.returns[[0, 2]])
    assert np.array_equal(sick.lengths, sound.lengths)
