"""Which backend an id gets, and what a wrong request is told."""

from typing import Any

import gymnasium
import numpy as np
import pytest

from pgsuite import envs
from pgsuite.envs.make import chosen_backend
from pgsuite.errors import UsageError


@pytest.mark.parametrize(
    ("env_id", "kwargs", "backend"),
    [
        ("CartPole-v1", {}, "compiled"),
        ("CartPole-v1", {"max_episode_steps": 9}, "gymnasium"),
        ("HalfCheetah-v5", {}, "envpool"),
        ("HalfCheetah-v5", {"ctrl_cost_weight": 0.0}, "gymnasium"),
        ("FrozenLake-v1", {}, "gymnasium"),
        ("pgsuite/ProbeValue-v0", {}, "gymnasium"),
    ],
)
def test_auto_takes_the_fastest_faithful_backend(env_id: str, kwargs: dict[str, Any], backend: str) -> None:
    assert chosen_backend(env_id, "auto", kwargs) == backend


@pytest.mark.parametrize(
    ("env_id", "backend", "wanted"),
    [
        ("LunarLander-v3", "auto", "'pgsuite[box2d]'"),
        ("LunarLander-v3", "envpool", "'pgsuite[box2d]'"),
        ("HalfCheetah-v5", "auto", "'pgsuite[mujoco]'"),
        ("CartPole-v1", "envpool", "envpool"),
        ("Pong-v5", "envpool", "envpool"),
    ],
)
def test_without_envpool_what_runs_on_it_names_the_extra(
    env_id: str, backend: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgsuite.envs.envpool_backend.find_spec", lambda _: None)
    for request in (lambda: envs.make(env_id, 1, [0], backend=backend), lambda: envs.describe(env_id, backend)):
        with pytest.raises(UsageError) as caught:
            request()
        assert f"{env_id!r} runs on EnvPool, which is not installed: pip install {wanted} (" in str(caught.value)


def test_everything_else_does_without_envpool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgsuite.envs.envpool_backend.find_spec", lambda _: None)
    assert chosen_backend("CartPole-v1", "auto", {}) == "compiled"
    assert chosen_backend("FrozenLake-v1", "auto", {}) == "gymnasium"
    assert chosen_backend("LunarLander-v3", "gymnasium", {}) == "gymnasium"
    assert chosen_backend("HalfCheetah-v5", "auto", {"ctrl_cost_weight": 0.0}) == "gymnasium"


@pytest.mark.parametrize(
    ("env_id", "backend"),
    [
        ("CartPole-v1", "compiled"),
        ("CartPole-v1", "envpool"),
        ("CartPole-v1", "gymnasium"),
        ("LunarLanderContinuous-v3", "envpool"),
        ("LunarLanderContinuous-v3", "gymnasium"),
        ("pgsuite/ProbeTruncation-v0", "gymnasium"),
    ],
)
def test_describe_tells_what_make_makes(env_id: str, backend: str) -> None:
    spec = envs.describe(env_id, backend)
    env = envs.make(env_id, 2, [0, 1], backend=backend)
    assert (spec.id, spec.backend, spec.version) == (env.id, env.backend, env.version)
    assert (spec.id, spec.backend) == (env_id, backend)
    assert spec.observation_space == env.observation_space
    assert spec.action_space == env.action_space
    assert env.observation_space.dtype == np.float32
    assert len(env.observation_space.shape) == 1


def test_describe_tells_time_limits_and_modules() -> None:
    assert envs.describe("CartPole-v1").max_episode_steps == 500
    assert envs.describe("CartPole-v1", max_episode_steps=7).max_episode_steps == 7
    assert envs.describe("pgsuite/ProbeTruncation-v0").max_episode_steps == 10
    gymnasium.register("tests/Endless-v0", entry_point="gymnasium.envs.classic_control:CartPoleEnv")
    try:
        assert envs.describe("tests/Endless-v0").max_episode_steps is None
    finally:
        del gymnasium.registry["tests/Endless-v0"]


@pytest.mark.parametrize(
    ("env_id", "backend", "sources"),
    [
        ("CartPole-v1", "auto", ["compiled:CompiledVectorEnv", "classic:TASKS[CartPole-v1]"]),
        ("pgsuite/Chain-v0", "auto", ["exact.sampling:TabularVectorEnv", "exact.models:REGISTERED[pgsuite/Chain-v0]"]),
        ("pgsuite/ProbeValue-v0", "auto", ["gymnasium_backend:GymnasiumVectorEnv", "probes:ProbeValue"]),
        ("Hopper-v5", "envpool", ["envpool_backend:EnvPoolVectorEnv"]),
        ("CartPole-v1", "gymnasium", ["gymnasium_backend:GymnasiumVectorEnv"]),
    ],
)
def test_the_definitions_that_make_an_environment_are_named(env_id, backend, sources):
    """What Gymnasium ships is not ours to name: its version stands for it."""
    assert envs.describe(env_id, backend).sources == tuple(f"pgsuite.envs.{source}" for source in sources)


@pytest.mark.parametrize(
    ("env_id", "backend", "message"),
    [
        ("CartPol-v1", "auto", r"unknown environment 'CartPol-v1': did you mean .*CartPole-v1"),
        ("HalfCheetah-v1", "auto", r"unknown environment 'HalfCheetah-v1': did you mean HalfCheetah-v5"),
        ("", "auto", "unknown environment ''"),
        ("zzz", "auto", r"unknown environment 'zzz': name a module that registers it"),
        ("no_such_module:Maze-v0", "auto", "cannot import 'no_such_module'.*ModuleNotFoundError"),
        ("json:Maze-v0", "auto", "unknown environment 'json:Maze-v0'"),
        ("CartPole-v1", "jax", "unknown backend 'jax': choose one of auto, compiled, numpy, envpool, gymnasium"),
        ("LunarLander-v3", "compiled", "'compiled' has no environment 'LunarLander-v3': it has CartPole-v1"),
        ("NoSuch-v0", "envpool", "'envpool' has no environment 'NoSuch-v0'"),
        ("Taxi-v3", "envpool", r"'envpool' observes Discrete\(500\) in 'Taxi-v3', which is not supported"),
    ],
)
def test_wrong_requests_name_the_thing_and_the_remedy(env_id: str, backend: str, message: str) -> None:
    for request in (lambda: envs.make(env_id, 1, [0], backend=backend), lambda: envs.describe(env_id, backend)):
        with pytest.raises(UsageError, match=message) as caught:
            request()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(UsageError, match=f"seed {seed} of environment 'CartPole-v1' is out of range"):
        envs.make("CartPole-v1", 2, [0, seed])


def test_one_seed_per_member() -> None:
    with pytest.raises(UsageError, match="3 environments of 'CartPole-v1' need one seed each, got 2"):
        envs.make("CartPole-v1", 3, [0, 1])


def test_forced_backends_take_no_arguments() -> None:
    with pytest.raises(UsageError, match="'compiled' takes no arguments for 'CartPole-v1', got \\['x'\\]"):
        envs.make("CartPole-v1", 1, [0], backend="compiled", x=1)


def test_module_ids_import_their_module(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_maze.py").write_text(
        "import gymnasium\nfrom pgsuite.envs.probes import ProbeValue\n"
        "gymnasium.register('MyMaze-v0', entry_point=ProbeValue)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    env = envs.make("my_maze:MyMaze-v0", 1, [0])
    env.reset()
    assert (env.id, env.backend) == ("my_maze:MyMaze-v0", "gymnasium")
    assert env.step(np.array([0])).reward == [1.0]
