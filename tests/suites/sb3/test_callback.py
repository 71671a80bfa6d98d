"""`pgsuite.sb3_callback`: a model that learns elsewhere, evaluated by our protocol."""

import gymnasium
import numpy as np
import pytest
import torch

import pgsuite
from pgsuite.algorithms.streams import Stream
from pgsuite.errors import UsageError
from pgsuite.results import gather, load
from pgsuite.results.statistics.comparison import compare
from pgsuite.suites.evaluation import environment_seeds

sb3 = pytest.importorskip("stable_baselines3")
from stable_baselines3.common.env_util import make_vec_env  # noqa: E402
from stable_baselines3.common.vec_env import VecNormalize  # noqa: E402

ENV = "CartPole-v1"


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model(kind="A2C", envs=1, seed=0, normalise=False, **options):
    env = make_vec_env(ENV, n_envs=envs, seed=seed)
    env = VecNormalize(env) if normalise else env
    return getattr(sb3, kind)("MlpPolicy", env, seed=seed, device="cpu", policy_kwargs={"net_arch": [4]}, **options)


def callback(out, seed=0, **options):
    usual = {"algorithm": "sb3-a2c", "env": ENV, "steps": 100, "checkpoints": 4, "episodes": 2}
    return pgsuite.sb3_callback(out, seed=seed, **{**usual, **options})


def weights(learner):
    return [parameter.detach().clone() for parameter in learner.policy.parameters()]


def test_the_grid_begins_at_0_and_no_policy_has_seen_more_than_its_point_allows(tmp_path):
    """A2C with windows of 7 updates at 7, 14 ...: at 25 the policy of 21 steps, at 100 that of 98."""
    model(n_steps=7).learn(100, callback=callback(tmp_path))
    frame = load(tmp_path)
    assert frame["env_steps"].to_list() == [0, 25, 50, 75, 100]
    assert frame["trained_steps"].to_list() == [0, 21, 49, 70, 98]
    assert frame["updates"].to_list() == [0, 3, 7, 10, 14]
    assert set(frame["episodes"]) == {2}
    assert gather([tmp_path]).whole


def test_several_environments_and_a_checkpoint_that_an_update_meets(tmp_path):
    """4 environments × 5 steps: updates at 20, 40 ... 100; the policy of 100 steps is the one at 100."""
    model(envs=4, n_steps=5).learn(100, callback=callback(tmp_path, checkpoints=5))
    assert load(tmp_path)["trained_steps"].to_list() == [0, 20, 40, 60, 80, 100]


def test_training_notices_nothing(tmp_path):
    alone = model(normalise=True).learn(100)
    watched = model(normalise=True).learn(100, callback=callback(tmp_path))
    for one, other in zip(weights(alone), weights(watched), strict=True):
        assert torch.equal(one, other)
    assert np.array_equal(alone.get_vec_normalize_env().obs_rms.mean, watched.get_vec_normalize_env().obs_rms.mean)


def test_episodes_are_those_of_our_evaluation_streams(tmp_path):
    """The mode of the untrained policy, played by hand in Gymnasium."""
    model(normalise=True).learn(100, callback=callback(tmp_path, seed=3, deterministic=True))
    fresh = model(normalise=True)
    fresh.env.reset()  # as `learn` does, which shows the normaliser a first observation
    returns = []
    for word in environment_seeds(3, Stream.EVALUATION_ENVIRONMENT, 0, 2):
        env = gymnasium.make(ENV)
        observation, done, total = env.reset(seed=word)[0], False, 0.0
        while not done:
            action, _ = fresh.predict(fresh.env.normalize_obs(observation), deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, done = total + reward, terminated or truncated
        returns.append(total)
    assert load(tmp_path)["return_mean"].iloc[0] == np.mean(returns)


def test_a_run_in_two_calls_of_learn_is_the_run_in_one(tmp_path):
    model(n_steps=5).learn(100, callback=callback(tmp_path / "whole"))
    halves = model(n_steps=5).learn(50, callback=callback(tmp_path / "halves"))
    assert load(tmp_path / "halves")["status"].to_list() == ["partial"] * 3
    halves.learn(50, callback=callback(tmp_path / "halves"), reset_num_timesteps=False)
    for name in ("env_steps", "trained_steps", "return_mean", "status"):
        assert load(tmp_path / "whole")[name].to_list() == load(tmp_path / "halves")[name].to_list()


def test_a_model_that_was_loaded_goes_on_where_it_stands(tmp_path):
    """Saved at 50 steps and killed at 80: what was evaluated beyond 50 is done again."""
    first = model(n_steps=5)
    first.learn(50, callback=callback(tmp_path / "out"))
    first.save(tmp_path / "model.zip")
    first.learn(30, callback=callback(tmp_path / "out"), reset_num_timesteps=False)
    assert len(load(tmp_path / "out")) == 4
    loaded = sb3.A2C.load(tmp_path / "model.zip", env=make_vec_env(ENV, seed=1))
    loaded.learn(50, callback=callback(tmp_path / "out"), reset_num_timesteps=False)
    assert load(tmp_path / "out")["env_steps"].to_list() == [0, 25, 50, 75, 100]


def test_evaluations_that_were_missed_are_not_made_up(tmp_path):
    learner = model(n_steps=5)
    learner.learn(50)
    with pytest.raises(UsageError, match=r"has done 50 steps and its curve in .* is empty"):
        learner.learn(50, callback=callback(tmp_path), reset_num_timesteps=False)
    with pytest.raises(UsageError, match="call learn with reset_num_timesteps=False"):
        learner.learn(50, callback=callback(tmp_path))


def test_a_finished_run_is_not_replaced(tmp_path):
    model().learn(100, callback=callback(tmp_path))
    before = load(tmp_path)
    with pytest.raises(UsageError, match="holds the finished run of sb3-a2c on CartPole-v1, seed 0"):
        model(seed=1).learn(100, callback=callback(tmp_path))
    assert load(tmp_path).equals(before)


def test_a_policy_that_diverged_is_recorded_as_such(tmp_path):
    learner = model(n_steps=5)
    learner.learn(50, callback=callback(tmp_path))
    with torch.no_grad():
        next(learner.policy.parameters()).fill_(float("nan"))
    watching = callback(tmp_path)
    watching.init_callback(learner)
    watching.on_training_start({}, {})
    watching.on_training_end()
    frame = load(tmp_path)
    assert (set(frame["status"]), set(frame["diverged_at"]), frame["env_steps"].max()) == ({"diverged"}, {50}, 25)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": None}, "needs the budget"),
        ({"steps": 3}, "at most the steps"),
        ({"episodes": 0}, "at least 1"),
        ({"seed": -1}, "seed=-1"),
        ({"algorithm": " "}, "algorithm is empty"),
        ({"suite": "nowhere"}, "nowhere"),
        ({"suite": "quick", "env": "Pendulum-v1", "steps": None}, "Pendulum-v1"),
    ],
)
def test_wrong_arguments_are_one_line(options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        callback(tmp_path, **options)


def test_an_environment_unlike_the_model_s_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot act in sb3-a2c on Acrobot-v1: .*give `env` a function"):
        model().learn(100, callback=callback(tmp_path, env="Acrobot-v1"))


def test_a_suite_gives_the_grid_and_one_table_holds_both(tmp_path):
    """Ours as `run` records it, theirs as the callback does: the same rules, with no word of the user."""
    from pgsuite.suites.planning import plan_cells
    from pgsuite.suites.schema import load_suite

    ours = plan_cells(load_suite("quick"), tmp_path, algorithms=["trpo"], environments=[ENV])[0]
    theirs = callback(tmp_path / "theirs", suite="quick", steps=None, checkpoints=None, episodes=None)
    assert theirs.cell.grid == ours.cell.grid
    theirs.init_callback(model())
    theirs.on_training_start({}, {})
    record = theirs.store.record()
    for part in ("steps", "protocol", "anchors", "possible_returns"):
        assert record[part] == (list(ours.record[part]) if part == "possible_returns" else ours.record[part])
    for part in ("options", "max_episode_steps"):
        assert record["environment"][part] == ours.record["environment"][part]
    assert record["configuration"]["gamma"] == 0.99


def test_the_report_holds_several_algorithms_and_seeds(tmp_path):
    for kind in ("A2C", "PPO"):
        for seed in range(2):
            options = {} if kind == "A2C" else {"n_steps": 50, "batch_size": 25, "n_epochs": 1}
            name = f"sb3-{kind.lower()}"
            model(kind, seed=seed, **options).learn(100, callback=callback(tmp_path, seed=seed, algorithm=name))
    gathered = gather([tmp_path])
    assert [(member.label, member.asked) for member in gathered.members] == [("sb3-a2c", (0, 1)), ("sb3-ppo", (0, 1))]
    assert compare(gathered.frame, gathered.asked).environments_table["runs"].to_list() == [2, 2]
