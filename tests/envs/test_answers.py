"""What environments of users answer that is not Gymnasium's interface: each named as what it is, with the remedy."""

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pandas as pd
import pytest
import torch
from gymnasium import spaces

from pgsuite import envs
from pgsuite.errors import EnvironmentFault

ODD = "tests/Odd-v0"
PAIR = spaces.Box(-9, 9, (2,))
FIRST = np.zeros(2, np.float32)
PARTS = spaces.Dict({"speed": spaces.Box(-1, 1, (2,)), "gear": spaces.Discrete(2)})


class Odd(gymnasium.Env[Any, Any]):
    """Gives a value in place of a part of its answers."""

    action_space = spaces.Discrete(2)

    def __init__(self, part: str = "", value: Any = None, space: spaces.Space[Any] = PAIR) -> None:
        self.part, self.value, self.observation_space = part, value, space

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.value if self.part == "reset" else (self.observation_space.sample(), {})

    def step(self, action: Any) -> Any:
        answer = {"observation": self.observation_space.sample(), "reward": 1.0}
        answer |= {"terminated": False, "truncated": False, "info": {}}
        return self.value if self.part == "step" else tuple((answer | {self.part: self.value}).values())[:5]


class Seedless(Odd):
    """As before 0.26."""

    def reset(self) -> Any:  # type: ignore[override]
        return FIRST


class Spaceless(gymnasium.Env[Any, Any]):
    """Declares no action space."""

    observation_space = PAIR


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    gymnasium.register(ODD, Odd, max_episode_steps=9)
    gymnasium.register("tests/Seedless-v0", Seedless)
    gymnasium.register("tests/Spaceless-v0", Spaceless)


def play(**options: Any) -> envs.Transition:
    env = envs.make(ODD, 1, [0], **options)
    env.reset()
    return env.step(np.zeros(1, np.int64))


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("reward", np.ones(1), "reward in step that is an array of shape (1,) and dtype float64: return one number"),
        ("reward", torch.ones(1), "an array of shape (1,) and dtype torch.float32"),
        ("reward", pd.Series([1.0]), "an array of shape (1,)"),
        ("reward", np.ones(3), "an array of shape (3,)"),
        ("reward", [1.0], "[1.0], of type list"),
        ("reward", None, "reward in step that is None"),
        ("reward", "1.0", "reward in step that is the text '1.0'"),
        ("reward", 1j, "of type complex"),
        ("terminated", "False", "terminated in step as the text 'False': return True or False"),
        ("terminated", None, "terminated in step as None"),
        ("terminated", float("nan"), "terminated in step as nan"),
        ("terminated", np.array([True, False]), "terminated in step as an array of shape (2,)"),
        ("truncated", np.array([True]), "truncated in step as an array of shape (1,)"),
        ("truncated", 2, "truncated in step as 2"),
        ("truncated", {"TimeLimit.truncated": True}, "of type dict"),
        ("reset", FIRST, "an observation alone, as versions before 0.26 did, in reset: return (observation, info)"),
        ("reset", (FIRST, None), "in reset: return (observation, info), info a dictionary"),
        ("reset", None, "returned None, in reset"),
        ("step", (FIRST, 1.0, False, {}), "4 values, as (observation, reward, done, info) of versions before 0.26"),
        ("step", (FIRST, 1.0, False, False, {}, {}), "something else than 5 values"),
        ("step", None, "something else than 5 values, in step: return (observation, reward, terminated,"),
        ("observation", np.zeros(3), "of shape (3,) where (2,) is declared: return what its observation_space"),
        ("observation", np.zeros((2, 1)), "of shape (2, 1) where (2,) is declared"),
        ("observation", None, "observation in step that is None"),
        ("observation", "up", "the text 'up'"),
        ("observation", np.array([None, 1.0]), "an array of shape (2,) and dtype object"),
        ("observation", np.array(["1", "2"]), "dtype <U1"),
        ("observation", [[1.0], [2.0, 3.0]], "of type list"),
        ("observation", (FIRST, {}), "of type tuple"),
        ("observation", pd.DataFrame({"a": [1.0], "b": [2.0]}), "of shape (1, 2) where (2,) is declared"),
    ],
)
def test_an_odd_answer_is_named(part: str, value: Any, words: str) -> None:
    with pytest.raises(EnvironmentFault) as error:
        play(part=part, value=value)
    assert str(error.value).startswith(f"environment '{ODD}' ")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("space", "value", "words"),
    [
        (spaces.Discrete(3), -1, "-1, where it counts from 0 to 2"),  # as an index it would mean the last one
        (spaces.Discrete(3, start=1), 4, "4, where it counts from 1 to 3"),
        (spaces.Discrete(3), 1.0, "1.0, of type float where whole numbers are declared"),
        (spaces.MultiDiscrete([2, 3]), np.array([0, 3]), "with a number out of its range"),
        (spaces.MultiBinary(2), np.array([2, 0]), "with a number out of its range"),
        (PARTS, {"speed": FIRST}, "a dictionary of speed where gear, speed are declared"),
        (PARTS, {"speed": FIRST[:1], "gear": 1}, "at 'speed' of shape (1,) where (2,) is declared"),
        (PARTS, FIRST, "where a dictionary of gear, speed is declared"),
        (spaces.Tuple((PAIR, PAIR)), (FIRST,), "where a tuple of 2 is declared"),
    ],
)
def test_an_observation_that_its_space_has_not(space: spaces.Space[Any], value: Any, words: str) -> None:
    with pytest.raises(EnvironmentFault, match="gave an observation in step that is") as error:
        play(part="observation", value=value, space=space)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("reward", np.float32(1.0)),
        ("reward", np.array(1.0)),
        ("reward", torch.tensor(1.0)),
        ("reward", True),
        ("truncated", 0),
        ("terminated", np.bool_(False)),
        ("terminated", np.array(False)),
        ("info", None),
        ("observation", [0.0, 1.0]),
        ("observation", torch.zeros(2)),
        ("observation", np.array([True, False])),
    ],
)
def test_what_means_the_same_is_taken(part: str, value: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = play(part=part, value=value)
    assert (step.reward[0], step.terminated[0], step.truncated[0]) == (1.0, False, False)


def test_a_step_of_old_without_a_wrapper_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bare: Callable[..., Any] = lambda _id, disable_env_checker, **options: Odd(**options)  # noqa: E731
    monkeypatch.setattr(gymnasium, "make", bare)
    with pytest.raises(EnvironmentFault, match=r"4 values, as \(observation, reward, done, info\)"):
        play(part="step", value=(FIRST, 1.0, False, {}))
    with pytest.raises(EnvironmentFault, match="returned 3 values, in step"):
        play(part="step", value=(FIRST, 1.0, False))


def test_a_reset_of_old_takes_no_seed() -> None:
    env = envs.make("tests/Seedless-v0", 1, [0])
    with pytest.raises(EnvironmentFault, match=r"takes no seed: define reset\(self, \*, seed=None, options=None\)"):
        env.reset()


def test_a_space_that_is_not_declared() -> None:
    with pytest.raises(EnvironmentFault, match=r"has None for its action_space: set self\.action_space"):
        envs.make("tests/Spaceless-v0", 1, [0])
