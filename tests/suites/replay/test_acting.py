"""A stored policy acts wherever its environment is: SB3's evaluation, Gymnasium's loops, torch alone."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array
from torch import nn

import pgsuite
from pgsuite.algorithms import Moments, Reinforce, Spaces
from pgsuite.envs.spaces import flat_observation_space
from pgsuite.errors import UsageError
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.replay.acting import Policy
from pgsuite.suites.replay.policies import open_policy
from pgsuite.suites.replay.replay import episode
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

from ..hill_climbing import LinearActor
from .conftest import cell

ACTIONS = {
    "discrete": (spaces.Discrete(5, start=-2), "clip"),
    "clip": (spaces.Box(np.float32([-0.3, -np.inf, 0]), np.float32([0.1, np.inf, np.inf])), "clip"),
    "tanh": (spaces.Box(np.float32([-0.3, -np.inf, 0]), np.float32([0.1, np.inf, np.inf])), "tanh"),
    "matrix": (spaces.Box(-2, 1, (2, 3), np.float64), "tanh"),
    "multi-discrete": (spaces.MultiDiscrete([3, 2, 4], start=[1, 0, -1]), "clip"),
    "multi-binary": (spaces.MultiBinary(4), "clip"),
}
VECTOR = spaces.Box(-1, 1, (4,), np.float32)
OBSERVATIONS = {
    "vector": VECTOR,
    "matrix": spaces.Box(-10, 10, (2, 3), np.float64),
    "bytes": spaces.Box(0, 255, (5,), np.uint8),
    "discrete": spaces.Discrete(6, start=3),
    "multi-discrete": spaces.MultiDiscrete([2, 3]),
    "multi-binary": spaces.MultiBinary(3),
    "dict": spaces.Dict(
        {"where": VECTOR, "what": spaces.Discrete(3), "deep": spaces.Dict({"on": spaces.MultiBinary(2)})}
    ),
    "tuple": spaces.Tuple((VECTOR, spaces.Discrete(3))),
}


def made(observation=VECTOR, action=ACTIONS["discrete"][0], bound="clip", seed=3, **options):
    """A policy whose network and statistics are drawn, so that all of its actions occur."""
    algorithm = Reinforce(hidden=(16, 8), normalise_observations=True, action_bound=bound, **options)
    flat, random = flat_observation_space("test", observation), torch.Generator().manual_seed(seed)
    state = algorithm.init(Spaces(flat, action), [0])
    seen = 0.3 + 2 * torch.randn(1, 50, flat.shape[0], generator=random)
    state = state._replace(
        policy=torch.randn(state.policy.shape, generator=random, dtype=algorithm.torch_dtype),
        observation=Moments.zeros(1, flat.shape[0]).updated(seen, torch.ones(1, 50)),
    )
    actor = algorithm.actor(algorithm.evaluated(state))
    return Policy(actor, observation, action, name="the test", deterministic=False, noise_seed=0)


def samples(space, count):
    space.seed(1)
    return [space.sample() for _ in range(count)]


def batch(space, ones):
    """As Gymnasium's vector environments put observations together."""
    return concatenate(space, ones, create_empty_array(space, len(ones)))


@pytest.mark.parametrize("space", OBSERVATIONS.values(), ids=OBSERVATIONS)
def test_one_and_several_observations_of_every_space(space):
    policy, ones = made(space), samples(space, 40)
    single = [policy.predict(one, deterministic=True)[0] for one in ones]
    assert len(set(single)) > 1
    assert batch(space, ones) in batch_space(space, 40)
    for several in (batch(space, ones), ones):
        actions, state = policy.predict(several, deterministic=True)
        assert actions.tolist() == single
        assert state is None
    assert policy.predict(batch(space, ones[:1]), deterministic=True)[0].tolist() == single[:1]
    assert policy.predict(create_empty_array(space, 0), deterministic=True)[0].shape == (0,)


@pytest.mark.parametrize(("space", "bound"), ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("deterministic", [False, True])
def test_actions_are_those_of_the_space(space, bound, deterministic):
    policy = made(action=space, bound=bound)
    for one in samples(VECTOR, 20):
        assert policy.predict(one, deterministic=deterministic)[0] in space
    actions, _ = policy.predict(batch(VECTOR, samples(VECTOR, 20)), deterministic=deterministic)
    assert actions.shape == (20, *space.shape)
    assert actions.dtype == space.dtype
    assert all(action in space for action in actions)


def test_predict_is_what_a_call_gives_and_hands_the_state_back():
    policy, one = made(), np.ones(4)
    drawn = [policy.predict(one)[0] for _ in range(30)]
    policy.reseed(0)
    assert [policy(one) for _ in range(30)] == drawn
    assert len(set(drawn)) > 1
    memory = (np.zeros(2),)
    assert policy.predict(one, memory, np.ones(1, np.bool_), True)[1] is memory


SAME = {
    "float64": lambda one: one.astype(np.float64),
    "list": lambda one: one.tolist(),
    "tuple": lambda one: tuple(one.tolist()),
    "tensor": torch.from_numpy,
    "double tensor": lambda one: torch.from_numpy(one).double(),
    "transposed": lambda one: np.stack([one, one], 1)[:, 0],
}


@pytest.mark.parametrize("form", SAME.values(), ids=SAME)
def test_numbers_in_any_container_are_an_observation(form):
    policy, one = made(action=ACTIONS["tanh"][0], bound="tanh"), samples(VECTOR, 1)[0]
    (expected, _), (found, _) = (policy.predict(x, deterministic=True) for x in (one, form(one)))
    np.testing.assert_array_equal(found, expected)
    several, _ = policy.predict([form(one), form(one)], deterministic=True)
    np.testing.assert_array_equal(several, [expected, expected])


WRONG = {
    "shape": (VECTOR, np.zeros(3), "it has the shape (3,), not (4,) or (N, 4)"),
    "column": (VECTOR, np.zeros((4, 1)), "it has the shape (4, 1), not (4,) or (N, 4)"),
    "batch of batches": (VECTOR, np.zeros((2, 3, 4)), "it has the shape (2, 3, 4)"),
    "number": (VECTOR, 1.0, "it has the shape (), not (4,) or (N, 4)"),
    "reset": (VECTOR, (np.zeros(4), {}), "it is all that env.reset() or env.step() returned: give the first"),
    "none": (VECTOR, None, "it is None"),
    "text": (VECTOR, "left", "it is the text 'left'"),
    "dictionary": (VECTOR, {"a": np.zeros(4)}, "it is {'a': array([0., 0., 0., 0.])}, of type dict"),
    "ragged": (VECTOR, [np.zeros(4), np.zeros(3)], "inhomogeneous"),
    "nan": (VECTOR, np.full(4, np.nan), "numbers that are not finite"),
    "beyond float32": (VECTOR, np.full(4, 1e300), "numbers that are not finite in float32"),
    "gradient": (VECTOR, torch.zeros(4, requires_grad=True), "requires grad"),
    "choice": (spaces.Discrete(6, start=3), 2, "it is 2, where it counts from 3 to 8"),
    "one-hot": (spaces.Discrete(3), np.eye(3), "it has the shape (3, 3), not () or (N,)"),
    "fraction": (spaces.Discrete(3), np.array([0.5]), "where whole numbers are declared"),
    "coins": (spaces.MultiBinary(2), np.array([0, 2]), "a number out of its range"),
    "no dictionary": (OBSERVATIONS["dict"], np.zeros(4), "where a dictionary of deep, what, where is declared"),
    "missing key": (OBSERVATIONS["dict"], {"where": np.zeros((2, 4))}, "a dictionary of where where deep, what, where"),
    "part": (
        OBSERVATIONS["dict"],
        {"where": np.zeros(3), "what": 0, "deep": {"on": np.zeros(2, int)}},
        "its part 'where' has the shape (3,), not (4,) or (N, 4)",
    ),
    "parts": (
        OBSERVATIONS["dict"],
        {"where": np.zeros((2, 4)), "what": 0, "deep": {"on": np.zeros((3, 2), int)}},
        "different numbers of observations: a batch of 3, one, a batch of 2",
    ),
    "array of tuples": (OBSERVATIONS["tuple"], np.zeros(5), "where a tuple of 2 is declared"),
    "list of batches": (OBSERVATIONS["tuple"], [(np.zeros((2, 4)), np.zeros(2, int))], "not each is a single"),
}


@pytest.mark.parametrize(("space", "observation", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_observation_is_told_in_one_line(space, observation, words):
    with pytest.raises(UsageError, match=re.escape(words)) as error:
        made(space).predict(observation)
    assert str(error.value).startswith("<policy of the test> takes no such observation: ")
    assert "\n" not in str(error.value)


class Corridor(gymnasium.Env):
    """Left or right by -1 and 1, seen as a dictionary; the actions that come are kept."""

    observation_space = spaces.Dict({"at": spaces.Box(-9, 9, (2,), np.float64), "way": spaces.Discrete(2, start=1)})
    action_space = spaces.Discrete(3, start=-1)

    def seen(self):
        return {"at": np.array([self.at, self.time], np.float64), "way": np.int64(1 + (self.at > 0))}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at, self.time = int(self.np_random.integers(-3, 4)), 0
        return self.seen(), {}

    def step(self, action):
        assert {-1: "left", 0: "stay", 1: "right"}[action]  # as environments look actions up
        self.at, self.time = self.at + int(action), self.time + 1
        return self.seen(), float(self.at), self.time == 8, False, {}


def played(policy, env, seed):
    """A bare loop of Gymnasium's, and what it returned."""
    observation, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        action, _ = policy.predict(observation, deterministic=True)
        observation, reward, terminated, truncated, _ = env.step(action)
        total, over = total + float(reward), terminated or truncated
    env.close()
    return total


def test_a_loaded_policy_plays_its_recorded_evaluation_by_observations_as_they_come(results):
    """Nothing but the policy knows the statistics that its training normalised observations by."""
    stored = open_policy(cell(results, "actor-critic"), 1)
    assert stored.store.record()["configuration"]["normalise_observations"]
    recorded = episode(replace(stored, protocol=replace(stored.protocol, deterministic=True)), 0)
    policy = pgsuite.load_policy(results, algorithm="actor-critic", env="CartPole-v1", seed=1)
    seen = recorded.observation[: len(recorded.action)]
    assert policy.predict(seen, deterministic=True)[0].tolist() == recorded.action.tolist()
    assert len(set(recorded.action.tolist())) == 2


@pytest.mark.parametrize("algorithm", ["actor-critic", "trpo"])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_sb3_evaluates_it_as_a_bare_loop_does(algorithm, env, results):
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    policy = pgsuite.load_policy(results, algorithm=algorithm, env=env, seed=1)
    expected = [played(policy, gymnasium.make(env), seed) for seed in range(3)]
    members = DummyVecEnv([lambda: Monitor(gymnasium.make(env))] * 3)
    members.seed(0)
    returns, lengths = evaluate_policy(policy, members, 3, return_episode_rewards=True)
    assert sorted(returns) == pytest.approx(sorted(expected), abs=1e-3)  # rewards are float32 there
    assert len(lengths) == 3
    for alone in (gymnasium.make(env), Monitor(gymnasium.make(env))):
        mean, deviation = evaluate_policy(policy, alone, 2, warn=False)
        assert np.isfinite([mean, deviation]).all()


def test_sb3_evaluates_it_on_dictionaries_and_actions_that_begin_elsewhere():
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import DummyVecEnv

    policy = made(Corridor.observation_space, Corridor.action_space)
    expected = [played(policy, Corridor(), seed) for seed in range(3)]
    assert len(set(expected)) > 1
    members = DummyVecEnv([Corridor] * 3)
    members.seed(0)
    returns, _ = evaluate_policy(policy, members, 3, return_episode_rewards=True, warn=False)
    assert returns == expected


def test_vector_environments_of_gymnasium_take_its_actions():
    policy = made(Corridor.observation_space, Corridor.action_space)
    members = SyncVectorEnv([Corridor] * 3)
    observations, _ = members.reset(seed=[0, 1, 2])
    total, over = np.zeros(3), False
    while not over:
        actions, _ = policy.predict(observations, deterministic=True)
        observations, reward, terminated, _, _ = members.step(actions)
        total, over = total + reward, terminated.any()
    assert total.tolist() == [played(policy, Corridor(), seed) for seed in range(3)]


@pytest.mark.parametrize("options", [{}, {"activation": "relu", "dtype": "float64"}], ids=["float32", "float64"])
@pytest.mark.parametrize(("space", "bound"), ACTIONS.values(), ids=ACTIONS)
def test_the_torch_module_gives_the_modes(space, bound, options):
    policy = made(action=space, bound=bound, **options)
    module = policy.to_torch()
    observations = np.float32(3 * np.random.default_rng(0).standard_normal((200, 4)))
    observations[::2] *= 10  # beyond ten standard deviations too
    shown = torch.from_numpy(observations).to(next(module.parameters()).dtype)
    expected, _ = policy.predict(observations, deterministic=True)
    with torch.no_grad():
        actions, single = module(shown).numpy(), module(shown[0]).numpy()
        nested = module(shown.view(2, 100, 4)).numpy()
    assert actions.shape == expected.shape
    np.testing.assert_allclose(actions, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(single, expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(nested.reshape(actions.shape), actions)
    if isinstance(space, spaces.Box):
        assert all(space.contains(action.astype(space.dtype)) for action in actions)


def test_the_torch_module_without_normalisation_is_the_network(results):
    policy = pgsuite.load_policy(results, algorithm="trpo", env="Acrobot-v1", seed=1)
    module = policy.to_torch()
    assert isinstance(module.observation, nn.Identity)
    observations = np.float32(np.random.default_rng(0).standard_normal((100, 6)))
    expected, _ = policy.predict(observations, deterministic=True)
    assert module(torch.from_numpy(observations)).tolist() == expected.tolist()


def test_all_but_the_last_step_of_the_module_describes_the_distribution():
    """The oracle is torch's distributions: actions as drawn are likely as the actor says."""
    observations = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    for name, density in {
        "discrete": lambda out, action: torch.distributions.Categorical(logits=out).log_prob(action),
        "multi-binary": lambda out, action: torch.distributions.Bernoulli(logits=out).log_prob(action.float()).sum(-1),
        "clip": lambda out, action: torch.distributions.Normal(out[:, :3], out[:, 3:].exp()).log_prob(action).sum(-1),
    }.items():
        policy = made(action=ACTIONS[name][0])
        outputs = policy.to_torch()[:-1](observations)
        noise = torch.randn(1, 50, policy._actor.noise_size, generator=torch.Generator().manual_seed(1))
        chosen = policy._actor(observations[None], noise)
        torch.testing.assert_close(density(outputs, chosen.sample[0]), chosen.log_prob[0], rtol=1e-4, atol=1e-4)


def test_the_how_to_runs(results, tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/classic").symlink_to(results)
    monkeypatch.chdir(tmp_path)
    text = (Path(pgsuite.__file__).parent / "docs/how-to/policy.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)).replace("seed=3", "seed=1")
    names = {}
    exec(code, names)
    assert names["actions"].shape == (8,)
    assert names["mean"] >= 8  # a pole cannot fall faster
    assert (tmp_path / "policy.pt2").is_file()


ALONE = """
import sys
from pathlib import Path
sys.modules["pgsuite"] = None
import torch
for file in Path().glob("*.pt"):
    modules = torch.load(file, weights_only=False), torch.export.load(file.with_suffix(".pt2")).module()
    torch.save([module(torch.ones(7, 4)) for module in modules], file.with_suffix(".out"))
"""


def test_the_torch_module_runs_where_this_package_is_not(tmp_path):
    """Saved whole, or exported, it is opened by a process that cannot import the package."""
    modules = {name: made(action=space, bound=bound).to_torch() for name, (space, bound) in ACTIONS.items()}
    for name, module in modules.items():
        exported = torch.export.export(module, (torch.zeros(3, 4),), dynamic_shapes=({0: torch.export.Dim("N")},))
        torch.export.save(exported, tmp_path / f"{name}.pt2")
        torch.save(module, tmp_path / f"{name}.pt")
    subprocess.run([sys.executable, "-c", ALONE], check=True, cwd=tmp_path, timeout=120)
    for name, module in modules.items():
        for found in torch.load(tmp_path / f"{name}.out"):
            torch.testing.assert_close(found, module(torch.ones(7, 4)))


def test_the_torch_module_takes_the_numbers_of_another():
    before, after = (made(action=ACTIONS["tanh"][0], seed=seed).to_torch() for seed in range(2))
    shown = torch.ones(3, 4)
    assert not torch.equal(before(shown), after(shown))
    after.load_state_dict(before.state_dict())
    assert torch.equal(before(shown), after(shown))


def test_the_torch_module_is_a_copy():
    policy, one = made(action=ACTIONS["tanh"][0]), np.ones(4)
    before, _ = policy.predict(one, deterministic=True)
    with torch.no_grad():
        for number in [*policy.to_torch().parameters(), *policy.to_torch().buffers()]:
            number.zero_()
    np.testing.assert_array_equal(policy.predict(one, deterministic=True)[0], before)


def test_a_policy_that_sb3_trained_acts_by_the_same_signature(tmp_path):
    pytest.importorskip("sb3_contrib")
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import DummyVecEnv

    suite = {
        "name": "theirs",
        "description": "of the test",
        "seeds": "0",
        "evaluation": {"checkpoints": 1, "episodes": 2, "deterministic": True},
        "environments": {"CartPole-v1": {"steps": 400}},
        "algorithms": {"sb3-a2c": {"normalise_observations": True}},
    }
    assert not run_cells(plan_cells(parse_suite(suite, "test"), tmp_path), tmp_path, workers=1).failures
    policy = pgsuite.load_policy(tmp_path)
    members = DummyVecEnv([lambda: gymnasium.make("CartPole-v1")] * 3)
    members.seed(0)
    returns, _ = evaluate_policy(policy, members, 3, return_episode_rewards=True, warn=False)
    assert sorted(returns) == sorted(played(policy, gymnasium.make("CartPole-v1"), seed) for seed in range(3))
    seen = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    assert policy.to_torch()(torch.from_numpy(seen)).tolist() == policy.predict(seen, deterministic=True)[0].tolist()
    assert policy.predict(seen[:0])[0].tolist() == []


def test_a_policy_that_is_no_network_of_ours_has_no_torch_module():
    policy = Policy(
        LinearActor(torch.ones(1, 4)), VECTOR, spaces.Discrete(2), name="hill", deterministic=True, noise_seed=0
    )
    assert policy.predict(np.ones(4))[0] == 1
    with pytest.raises(UsageError, match="a LinearActor, which has no form as a torch module"):
        policy.to_torch()
