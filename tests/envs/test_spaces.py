"""Spaces that would break a trainer, or teach it nonsense, are refused before anything runs; the others go on."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from pgsuite import envs
from pgsuite.envs.spaces import LONGEST_OBSERVATION, one_line
from pgsuite.errors import UsageError

ECHO = "tests/Echo-v0"
IMAGE = spaces.Box(0, 255, (84, 84, 3), np.uint8)
PAIR = spaces.Box(-1, 1, (2,))


class Odd(gymnasium.Space[Any]):
    """A space of the user's own, of which Gymnasium knows nothing."""

    def sample(self, mask: Any = None, probability: Any = None) -> Any:
        return None

    def contains(self, x: Any) -> bool:
        return True

    def __repr__(self) -> str:
        return "Odd()"


def refusal(**options: Any) -> str:
    """What describing and making the environment are told, in the same words."""
    messages = set()
    for request in (lambda: envs.make(ECHO, 1, [0], **options), lambda: envs.describe(ECHO, **options)):
        with pytest.raises(UsageError) as caught:
            request()
        messages.add(str(caught.value))
    (message,) = messages
    assert "\n" not in message
    assert f"environment {ECHO!r}" in message
    assert ": wrap it so that it " in message
    return message


@pytest.mark.parametrize(
    ("space", "place"),
    [
        (IMAGE, ""),
        (spaces.Box(0, 255, (84, 84), np.uint8), ""),
        (spaces.Box(0, 255, (4, 84, 84), np.uint8), ""),
        (spaces.Box(0, 255, (84, 84, 3), np.float32), ""),
        (spaces.Box(0, 255, (84, 84, 3), np.int64), ""),
        (spaces.Box(0, 10, (7, 7, 3), np.uint8), ""),
        (spaces.Dict({"camera": IMAGE, "speed": PAIR}), "camera"),
        (spaces.Dict({"robot": spaces.Tuple((PAIR, spaces.Dict({"left": IMAGE})))}), "robot.1.left"),
    ],
    ids=str,
)
def test_an_image_is_never_flattened(space: spaces.Space[Any], place: str) -> None:
    message = refusal(observation_space=space)
    assert "which has the form of an image (which takes a convolutional network, and there is none yet)" in message
    assert "observes a vector (Box, Discrete, MultiDiscrete, MultiBinary, and Dict or Tuple of these)" in message
    if place:
        assert f"in its observation space, at {place!r}, the part Box(0, 255, (84, 84, 3), uint8)" in message
    else:
        assert f"has the observation space {space}" in message


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (spaces.Text(5), "is not supported"),
        (spaces.Graph(PAIR, None), "is not supported"),
        (spaces.Sequence(spaces.Discrete(2)), "is not supported"),
        (spaces.OneOf((spaces.Discrete(2), PAIR)), "is not supported"),
        (Odd(), "is not supported"),
        (spaces.Dict({"said": spaces.Text(5), "seen": PAIR}), "is not supported"),
        (spaces.Box(-1, 1, (0,)), "is empty"),
        (spaces.Box(-1, 1, (3, 0)), "is empty"),
        (spaces.MultiDiscrete([]), "is empty"),
        (spaces.Dict({}), "is empty"),
        (spaces.Tuple(()), "is empty"),
        (spaces.Dict({"a": spaces.Box(-1, 1, (0,)), "b": spaces.Tuple(())}), "is empty"),
        (spaces.Box(np.inf, np.inf, (2,)), "has infinity as the only value of a number"),
        (spaces.Dict({"a": spaces.Box(-np.inf, -np.inf, (1,))}), "has infinity as the only value of a number"),
        (spaces.Discrete(10**12), "is of 1,000,000,000,000 numbers, more than 65,536"),
        (spaces.Tuple([spaces.Discrete(LONGEST_OBSERVATION), PAIR]), "is of 65,538 numbers, more than 65,536"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_vector_is_not_observed(space: spaces.Space[Any], reason: str) -> None:
    assert f"which {reason}: wrap it" in refusal(observation_space=space)


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2))), "is not supported"),
        (spaces.Dict({"a": spaces.Discrete(2)}), "is not supported"),
        (spaces.Text(3), "is not supported"),
        (Odd(), "is not supported"),
        (spaces.Box(0, 9, (1,), np.int64), "is not supported"),
        (spaces.Box(0, 255, (2,), np.uint8), "is not supported"),
        (spaces.MultiDiscrete([[2, 2], [2, 2]]), "is not supported"),
        (spaces.MultiBinary([2, 2]), "is not supported"),
        (spaces.MultiDiscrete([]), "is empty"),
        (spaces.Box(-1, 1, (0,)), "is empty"),
        (spaces.Box(-1, 1, (2, 0)), "is empty"),
        (spaces.Box(1, 1, (2,)), "leaves nothing to choose where low equals high"),
        (spaces.Box(np.float32([-1, 0.5]), np.float32([1, 0.5])), "leaves nothing to choose where low equals high"),
        (spaces.Box(np.inf, np.inf, (2,)), "has infinity as the only value of a number"),
        (spaces.Box(-3.4e38, 3.4e38, (2,)), "has bounds too wide to scale an action to"),
        (spaces.Box(-1e308, 1e308, (2,), np.float64), "has bounds too wide to scale an action to"),
    ],
    ids=str,
)
def test_what_leaves_nothing_to_choose_is_not_acted_in(space: spaces.Space[Any], reason: str) -> None:
    message = refusal(action_space=space)
    assert f"has the action space {one_line(space)}, which {reason}" in message
    assert message.endswith("it takes Discrete, Box of floats, one-dimensional MultiDiscrete or MultiBinary")


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (spaces.Box(0, 255, (128,), np.uint8), 128),
        (spaces.Box(0, 1, (84, 84, 3)), 84 * 84 * 3),
        (spaces.Box(-1, 1, (), np.float32), 1),
        (spaces.Box(0, 1, (3, 3), np.bool_), 9),
        (spaces.Box(-np.inf, np.inf, (2,), np.float64), 2),
        (spaces.Dict({"a": spaces.Box(-1, 1, (0,)), "b": PAIR}), 2),
        (spaces.MultiDiscrete([[3, 4], [2, 2]], start=[[1, 1], [0, -5]]), 11),
        (spaces.Dict({"a": spaces.Dict({"b": spaces.Tuple((spaces.Dict({"c": spaces.Discrete(4)}),))})}), 4),
    ],
    ids=str,
)
def test_unusual_vectors_are_observed(space: spaces.Space[Any], size: int) -> None:
    env = envs.make(ECHO, 1, [0], observation_space=space)
    space.seed(0)
    expected = spaces.flatten(space, space.sample()).astype(np.float32)
    np.testing.assert_array_equal(env.reset()[0], expected)
    assert envs.describe(ECHO, observation_space=space).observation_space.shape == (size,)


def test_a_space_with_many_bounds_is_quoted_in_part() -> None:
    bounds = np.linspace(1.0, 2.0, 900, dtype=np.float32)
    message = refusal(action_space=spaces.Tuple((spaces.Box(-bounds, bounds),)))
    assert len(message) < 500
    assert "..." in message


def test_an_image_on_envpool_is_no_vector_either() -> None:
    pytest.importorskip("envpool")
    with pytest.raises(UsageError, match=r"'Pong-v5' has the observation space .*has the form of an image"):
        envs.describe("Pong-v5", "envpool")
