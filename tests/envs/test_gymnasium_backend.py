"""Any Gymnasium environment: spaces in all forms, and faults that are named."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from pgsuite import envs
from pgsuite.errors import EnvironmentFault, UsageError

ECHO = "tests/Echo-v0"


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (spaces.Box(-1, 1, (4, 3, 2)), 24),
        (spaces.Box(0, 255, (128,), np.uint8), 128),
        (spaces.Box(-1e30, 1e30, (2,), np.float64), 2),
        (spaces.Discrete(5, start=3), 5),
        (spaces.MultiDiscrete([2, 3]), 5),
        (spaces.MultiBinary([2, 2]), 4),
        (spaces.Dict({"speed": spaces.Box(-1, 1, (2,)), "gear": spaces.Discrete(3)}), 5),
        (spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2))), 4),
    ],
)
def test_observations_are_flattened_as_gymnasium_flattens(space: spaces.Space[Any], size: int) -> None:
    env = envs.make(ECHO, 1, [0], observation_space=space)
    assert env.observation_space.shape == (size,)
    assert env.observation_space.dtype == np.float32
    space.seed(0)
    expected = spaces.flatten(space, space.sample()).astype(np.float32)
    np.testing.assert_array_equal(env.reset()[0], expected)


@pytest.mark.parametrize(
    ("space", "counted", "given"),
    [
        (spaces.Discrete(3, start=5), [0, 2], [5, 7]),
        (spaces.Discrete(3, start=-1), [0, 2], [-1, 1]),
        (spaces.MultiDiscrete([2, 3], start=[1, 10]), [[0, 0], [1, 2]], [[1, 10], [2, 12]]),
        (spaces.MultiBinary(3), [[0, 1, 1], [1, 0, 0]], [[0, 1, 1], [1, 0, 0]]),
        (spaces.MultiBinary([3]), [[0, 1, 1], [1, 0, 0]], [[0, 1, 1], [1, 0, 0]]),
        (spaces.Box(-1, 1, (2,)), [[0.5, -0.5], [1, -1]], [[0.5, -0.5], [1, -1]]),
        (spaces.Box(np.float32([0, -np.inf]), np.float32([np.inf, 3])), [[0.5, -9], [9, 3]], [[0.5, -9], [9, 3]]),
        (spaces.Box(-np.inf, np.inf, (2, 1), np.float64), [[9, 8], [7, 6]], [[[9], [8]], [[7], [6]]]),
    ],
)
def test_actions_reach_the_environment_in_its_own_form(space: spaces.Space[Any], counted: Any, given: Any) -> None:
    env = envs.make(ECHO, 2, [0, 1], action_space=space)
    env.reset()
    # The environment asserts that the action is in its space, and pays the sum of the action.
    step = env.step(np.array(counted))
    np.testing.assert_allclose(step.reward, [np.sum(action) for action in given])


def test_environments_may_keep_their_actions() -> None:
    env = envs.make(ECHO, 1, [0], action_space=spaces.Box(-1, 1, (1,)))
    env.reset()
    action = np.array([[0.5]], np.float32)
    env.step(action)
    action[:] = 0.0
    assert env._members[0].unwrapped.last == [0.5]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("broken", "message", "cause"),
    [
        ("constructor", "raised ValueError in its constructor: no such level; fix", ValueError),
        ("reset", "raised RuntimeError in reset: no map; fix", RuntimeError),
        ("step", "raised ZeroDivisionError in step: division by zero; fix", ZeroDivisionError),
        ("shape", r"gave an observation in step that is of shape \(5,\) where \(1,\) is declared: ", type(None)),
    ],
)
def test_faults_name_the_environment(broken: str, message: str, cause: type) -> None:
    def play() -> None:
        env = envs.make(ECHO, 1, [0], broken=broken)
        env.reset()
        env.step(np.zeros(1, np.int64))

    with pytest.raises(EnvironmentFault, match=f"environment '{ECHO}' {message}") as caught:
        play()
    assert isinstance(caught.value.__cause__, cause)


def test_wrong_arguments() -> None:
    with pytest.raises(UsageError, match=f"'{ECHO}' does not take the arguments .*'nonsense': 1"):
        envs.make(ECHO, 1, [0], nonsense=1)


def test_missing_dependencies() -> None:
    with pytest.raises(UsageError, match=f"'{ECHO}' needs something that is not installed: install the simulator"):
        envs.make(ECHO, 1, [0], broken="dependency")


def test_missing_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise gymnasium.error.DependencyNotInstalled("MuJoCo is not installed")

    monkeypatch.setattr(gymnasium, "make", fails)
    with pytest.raises(UsageError, match=r"'Humanoid-v5' needs more packages: pip install 'pgsuite\[mujoco\]'"):
        envs.make("Humanoid-v5", 1, [0])


def test_both_flags_on_the_last_allowed_step() -> None:
    env = envs.make(ECHO, 1, [0], max_episode_steps=3)
    env.reset()
    for _ in range(3):
        step = env.step(np.zeros(1, np.int64))
    assert step.terminated[0]
    assert step.truncated[0]


def test_action_spaces_are_seeded() -> None:
    env = envs.make(ECHO, 2, [7, 7])
    env.reset()
    one, other = (member.action_space for member in env._members)  # type: ignore[attr-defined]
    assert [one.sample() for _ in range(20)] == [other.sample() for _ in range(20)]
