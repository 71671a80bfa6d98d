"""Stable-Baselines3's algorithms as cells: trained by their own loop, measured by our protocol."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

from pgsuite.algorithms import Spaces
from pgsuite.algorithms.registry import PEERS, build
from pgsuite.algorithms.streams import Stream, seed_sequence
from pgsuite.envs import make
from pgsuite.errors import EnvironmentFault
from pgsuite.suites.cells import Environment
from pgsuite.suites.evaluation import environment_seeds
from pgsuite.suites.replay.modules import module_of

sb3 = pytest.importorskip("stable_baselines3")

MODEL = "model of Stable-Baselines3"
"""Name of the stream that seeds a model."""
LITTLE = {"policy_kwargs": {"net_arch": [5]}}
SMALL = {
    "sb3-a2c": {"n_envs": 3, "n_steps": 7, **LITTLE},
    "sb3-ppo": {"n_envs": 2, "n_steps": 32, "batch_size": 16, "n_epochs": 2, **LITTLE},
    "sb3-dqn": {"learning_starts": 50, "buffer_size": 500, "train_freq": 8, **LITTLE},
    "sb3-trpo": {"n_envs": 2, "n_steps": 32, "n_critic_updates": 2, **LITTLE},
}
every_peer = pytest.mark.parametrize("name", PEERS)


def seen_by(policy):
    return {name: tensor.numpy().tobytes() for name, tensor in policy.state_dict().items()}


def kept(memory, seed):
    prefix = "behaviour.policy."
    return {k.removeprefix(prefix): v.tobytes() for k, v in memory.tensors[seed].items() if k.startswith(prefix)}


@every_peer
def test_it_is_the_librarys_own_training(small_cell, train, name):
    """The weights at the end are those of a model that learns without anybody watching."""
    steps = {"sb3-a2c": 210, "sb3-dqn": 208}.get(name, 192)  # where an update ends
    memory = train(small_cell(name, steps=steps, checkpoints=3, **SMALL[name]), [4])
    algorithm = build(name, SMALL[name])
    env = make("CartPole-v1", algorithm.n_envs, environment_seeds(4, Stream.ENVIRONMENT, 0, algorithm.n_envs))
    (word,) = seed_sequence(4, MODEL).generate_state(1)
    model = algorithm.model(algorithm.environment(env), seed=int(word))
    model.learn(steps)
    assert kept(memory, 4) == seen_by(model.policy)
    assert memory.facts[4]["status"] == "complete"
    assert memory.steps == model.num_timesteps


@every_peer
def test_the_policy_at_a_checkpoint_has_seen_no_more_steps_than_it_allows(small_cell, train, name):
    rows = train(small_cell(name, steps=210, checkpoints=6, **SMALL[name]), [0]).rows[0]
    assert [row.env_steps for row in rows] == [0, 35, 70, 105, 140, 175, 210]
    assert all(row.trained_steps <= row.env_steps for row in rows)
    at_once = {"sb3-a2c": 21, "sb3-ppo": 64, "sb3-dqn": 8, "sb3-trpo": 64}[name]
    assert all(row.env_steps - row.trained_steps < at_once for row in rows)
    assert all(row.episodes == 2 for row in rows)


@every_peer
def test_a_run_depends_on_nobody_and_on_nothing_before(small_cell, train, name):
    cell = small_cell(name, steps=130, checkpoints=2, **SMALL[name])
    torch.manual_seed(1)
    together = train(cell, [3, 0, 7])
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002  (the library's own generator)
    alone = train(cell, [7])
    assert alone.bits(7) == together.bits(7)
    assert (
        together.bits(0)["behaviour.policy." + next(iter(kept(together, 0)))]
        != together.bits(3)["behaviour.policy." + next(iter(kept(together, 3)))]
    )


@every_peer
def test_a_run_leaves_nothing_in_the_temporary_folder(small_cell, train, name, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    train(small_cell(name, steps=130, checkpoints=2, **SMALL[name]), [3])
    assert list(tmp_path.iterdir()) == []


def test_seeds_of_any_size_are_the_runs(small_cell, train):
    """The library takes seeds below 2³² alone."""
    cell = small_cell("sb3-a2c", steps=40, checkpoints=1, **SMALL["sb3-a2c"])
    memory = train(cell, [2**63 - 1, 2**32 + 1, 1])
    assert len({tuple(sorted(kept(memory, seed).items())) for seed in memory.rows}) == 3


def test_an_evaluation_is_the_policys_own_in_fresh_environments(small_cell, train):
    """The mode, played by hand in Gymnasium with the library's `predict` and frozen statistics."""
    options = {**SMALL["sb3-a2c"], "normalise_observations": True, "scale_rewards": True}
    cell = small_cell("sb3-a2c", steps=210, checkpoints=2, **options)
    cell = replace(
        cell,
        evaluation=replace(cell.evaluation, deterministic=True),
        environment=Environment(id="CartPole-v1", backend="gymnasium"),
    )
    memory = train(cell, [5])
    algorithm = build("sb3-a2c", options)
    words = environment_seeds(5, Stream.ENVIRONMENT, 0, 3)
    (word,) = seed_sequence(5, MODEL).generate_state(1)
    model = algorithm.model(algorithm.environment(make("CartPole-v1", 3, words, backend="gymnasium")), seed=int(word))
    model.learn(210)
    model.policy.set_training_mode(False)
    returns = []
    for episode in environment_seeds(5, Stream.EVALUATION_ENVIRONMENT, 2, 2):
        env = gymnasium.make("CartPole-v1")
        observation, done, total = env.reset(seed=episode)[0], False, 0.0
        while not done:
            normalised = model.get_vec_normalize_env().normalize_obs(observation)
            action, _ = model.policy.predict(normalised, deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, done = total + float(reward), terminated or truncated
        returns.append(total)
    assert memory.rows[5][-1].return_mean == np.mean(returns)


def test_actions_are_drawn_from_the_policy_and_its_mode_is_another_one(small_cell, train):
    cell = small_cell("sb3-ppo", steps=64, checkpoints=1, **SMALL["sb3-ppo"])
    drawn = train(cell, [0]).rows[0]
    mode = train(replace(cell, evaluation=replace(cell.evaluation, deterministic=True)), [0]).rows[0]
    assert drawn != mode
    assert drawn == [row._replace(wall_time=drawn[n].wall_time) for n, row in enumerate(train(cell, [0]).rows[0])]


@pytest.mark.parametrize("env", ["Pendulum-v1", "CartPole-v1"])
def test_a_policy_that_is_no_number_any_more_has_diverged(small_cell, train, env):
    options = {**SMALL["sb3-ppo"], "learning_rate": 1e30, "max_grad_norm": 1e30}
    memory = train(small_cell("sb3-ppo", env, steps=512, checkpoints=4, **options), [0])
    assert memory.facts[0]["status"] == "diverged"
    assert 0 < memory.facts[0]["diverged_at"] <= 512
    assert memory.rows[0][0].env_steps == 0
    assert len(memory.rows[0]) < 5


def test_who_has_diverged_trains_no_further(small_cell, train, monkeypatch):
    """DQN would go on without an error."""

    def poisoned(model, *_, **__):
        with torch.no_grad():
            next(iter(model.policy.parameters())).fill_(torch.nan)

    monkeypatch.setattr(sb3.DQN, "train", poisoned)
    memory = train(small_cell("sb3-dqn", steps=400, checkpoints=4, **SMALL["sb3-dqn"]), [0])
    assert memory.facts[0]["status"] == "diverged"
    assert memory.steps < 400
    assert memory.facts[0].get("steps_per_second", 0) < 1e5


class Broken(gymnasium.Env):
    """Gives a reward that is no number at its twentieth step."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.zeros(2, np.float32), np.nan if self.steps == 20 else 1.0, False, False, {}


def test_an_environments_fault_is_no_divergence(small_cell, train):
    gymnasium.register("pgsuite/BrokenForPeers-v0", Broken, max_episode_steps=15, disable_env_checker=True)
    try:
        cell = small_cell("sb3-a2c", "pgsuite/BrokenForPeers-v0", steps=60, checkpoints=1, **SMALL["sb3-a2c"])
        train(cell, [0])  # its episodes end before
        gymnasium.registry["pgsuite/BrokenForPeers-v0"].max_episode_steps = 30
        with pytest.raises(EnvironmentFault, match="non-finite reward"):
            train(cell, [0])
    finally:
        del gymnasium.registry["pgsuite/BrokenForPeers-v0"]


SPACES = {
    "Discrete": gymnasium.spaces.Discrete(4),
    "Box": gymnasium.spaces.Box(np.float32([-1, 0]), np.float32([3, 0.5])),
    "MultiDiscrete": gymnasium.spaces.MultiDiscrete([2, 3]),
    "MultiBinary": gymnasium.spaces.MultiBinary(3),
}


@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("space", SPACES)
@every_peer
def test_its_mode_is_a_torch_module(name, space, rescale):
    """It gives what the library's own `predict` gives, with the library's own statistics."""
    if name == "sb3-dqn" and space != "Discrete":
        return
    spaces = Spaces(gymnasium.spaces.Box(-1, 1, (3,)), SPACES[space])
    options = {**SMALL[name], "n_envs": 1, "normalise_observations": True, "rescale_actions": rescale}
    options["policy_kwargs"] = {"net_arch": [7, 6], **({} if name == "sb3-dqn" else {"ortho_init": False})}
    actor = build(name, options).actor_for(spaces)
    actor.normaliser.obs_rms.mean, actor.normaliser.obs_rms.var = np.array([1.0, -2.0, 0.5]), np.array([4.0, 0.01, 1.0])
    seen = torch.from_numpy(np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32) * 20)
    expected = actor(seen[None], torch.zeros(1, 200, 2)).environment[0]
    with torch.no_grad():
        chosen = module_of(actor, SPACES[space])(seen)
    torch.testing.assert_close(chosen.numpy(), expected, rtol=1e-5, atol=1e-5, check_dtype=False)
    assert len(np.unique(expected, axis=0)) > 1


@pytest.mark.parametrize("space", ["Discrete", "Box"])
@pytest.mark.parametrize("name", ["sb3-a2c", "sb3-ppo", "sb3-trpo"])
def test_its_module_has_what_describes_the_distribution(name, space):
    spaces = Spaces(gymnasium.spaces.Box(-1, 1, (3,)), SPACES[space])
    actor = build(name, {**SMALL[name], "n_envs": 1, "policy_kwargs": {"log_std_init": -0.7}}).actor_for(spaces)
    seen = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    with torch.no_grad():
        outputs, own = module_of(actor, SPACES[space])[:-1](seen), actor.policy.get_distribution(seen).distribution
    if space == "Discrete":
        torch.testing.assert_close(outputs.log_softmax(1), own.logits)
    else:
        torch.testing.assert_close(outputs, torch.cat([own.mean, own.stddev.log()], 1))


@pytest.mark.parametrize("env", ["Pendulum-v1", "CartPole-v1"])
def test_state_dependent_exploration_is_evaluated_alike_every_time(small_cell, train, env):
    options = {**SMALL["sb3-a2c"], "use_sde": env == "Pendulum-v1"}
    cell = small_cell("sb3-a2c", env, steps=84, checkpoints=2, **options)
    assert train(cell, [1]).bits(1) == train(cell, [1]).bits(1)
