"""Which spaces the algorithms can handle, and how observations become flat vectors.

An observation enters a network as the numbers that it is made of, in the environment's own units: a one for the value
that a `Discrete` has, the numbers of a `Box` as they are. Bytes such as those of a game's memory are numbers from 0 to
255 then, and `normalise_observations` brings them to one scale. Images are refused: flattened, they would be learned
from as if their pixels had no place.
"""

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..errors import UsageError

SUPPORTED_OBSERVATIONS = "Box, Discrete, MultiDiscrete, MultiBinary, and Dict or Tuple of these"
SUPPORTED_ACTIONS = "Discrete, Box of floats, one-dimensional MultiDiscrete or MultiBinary"
LONGEST_OBSERVATION = 2**16
"""Most numbers of an observation: a rollout keeps every one of them, for each of its steps."""
LONGEST_TEXT = 200
"""Characters of a space that a message quotes."""


def flat_observation_space(env_id: str, space: gymnasium.Space[Any]) -> spaces.Box:
    """The float32 Box ``(O,)`` that observations of a space are flattened to.

    Raises:
        UsageError: the space has no such form, or only one that makes no sense.
    """
    check_observation_space(env_id, space)
    flat = spaces.flatten_space(space)
    assert isinstance(flat, spaces.Box)
    # Bounds of float64 spaces may exceed float32; infinity is what they mean.
    with np.errstate(over="ignore"):
        return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32))


def check_observation_space(env_id: str, space: gymnasium.Space[Any]) -> None:
    """Accept the observation spaces that a fully connected network can be shown.

    Raises:
        UsageError: naming the environment, the space or the part of it that is not supported, and the remedy.
    """
    for place, part in _parts(space):
        if reason := _unseen(part):
            raise UsageError(_refusal(env_id, "observation", part, reason, place))
    size = sum(spaces.flatdim(part) for _, part in _parts(space))
    if not size:
        raise UsageError(_refusal(env_id, "observation", space, "is empty"))
    if size > LONGEST_OBSERVATION:
        reason = f"is of {size:,} numbers, more than {LONGEST_OBSERVATION:,}"
        raise UsageError(_refusal(env_id, "observation", space, reason))


def check_action_space(env_id: str, space: gymnasium.Space[Any]) -> None:
    """Accept the action spaces that the algorithms have a distribution for.

    Raises:
        UsageError: the space is another one, or leaves nothing to choose.
    """
    if reason := _unplayable(space):
        raise UsageError(_refusal(env_id, "action", space, reason))


def first_action(space: gymnasium.Space[Any]) -> NDArray[Any] | int:
    """What an action counted from 0 is offset by to lie in the space."""
    if isinstance(space, spaces.Discrete):
        return int(space.start)
    if isinstance(space, spaces.MultiDiscrete):
        return space.start
    return 0


def one_line(space: gymnasium.Space[Any]) -> str:
    """A space as text for a message; numpy breaks its bounds over lines, and prints up to a thousand of them."""
    text = " ".join(str(space).split())
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def _parts(space: gymnasium.Space[Any], place: str = "") -> Iterator[tuple[str, gymnasium.Space[Any]]]:
    """The spaces that a space is made of, however deep, each with its place, such as ``camera.left``."""
    inner: dict[Any, gymnasium.Space[Any]] | None = None
    if isinstance(space, spaces.Dict):
        inner = dict(space.spaces)
    elif isinstance(space, spaces.Tuple):
        inner = dict(enumerate(space.spaces))
    if inner is None:
        yield place, space
        return
    for name, part in inner.items():
        yield from _parts(part, f"{place}.{name}" if place else str(name))


def _unseen(space: gymnasium.Space[Any]) -> str:
    """Why a space without parts cannot be observed; empty where it can."""
    if not _has_fixed_size(space):
        return "is not supported"
    if isinstance(space, spaces.Box):
        if _is_image(space):
            return "has the form of an image (which takes a convolutional network, and there is none yet)"
        if _only_infinite(space):
            return "has infinity as the only value of a number"
    return ""


def _has_fixed_size(space: gymnasium.Space[Any]) -> bool:
    """Whether Gymnasium makes a vector of it whose numbers mean something: the codes of a text's letters do not."""
    try:
        return space.is_np_flattenable and not isinstance(space, spaces.Text | spaces.OneOf)
    except NotImplementedError:  # a space of the user's own that does not say
        return False


def _is_image(space: spaces.Box) -> bool:
    """Whether numbers in two dimensions or more are bytes, by their type or by their bounds."""
    bytes_by_bounds = bool(space.low.size) and bool((space.low == 0).all() and (space.high == 255).all())
    return len(space.shape) > 1 and (space.dtype == np.uint8 or bytes_by_bounds)


def _unplayable(space: gymnasium.Space[Any]) -> str:
    """Why a space cannot be acted in; empty where it can."""
    match space:
        case spaces.Discrete():
            return ""
        case spaces.MultiDiscrete():
            return _of_one_dimension(space)
        case spaces.MultiBinary():
            return _of_one_dimension(space)
        case spaces.Box() if np.issubdtype(space.dtype, np.floating):
            if not space.low.size:
                return "is empty"
            if _only_infinite(space):
                return "has infinity as the only value of a number"
            if (space.low == space.high).any():
                return "leaves nothing to choose where low equals high"
            with np.errstate(over="ignore"):
                width = space.high.astype(np.float32) - space.low.astype(np.float32)
            if (np.isinf(width) & np.isfinite(space.low) & np.isfinite(space.high)).any():
                return "has bounds too wide to scale an action to (infinite ones are said by infinity)"
            return ""
        case _:
            return "is not supported"


def _of_one_dimension(space: spaces.MultiDiscrete | spaces.MultiBinary) -> str:
    if len(space.shape) != 1:
        return "is not supported"
    return "" if np.prod(space.shape) else "is empty"


def _only_infinite(space: spaces.Box) -> bool:
    """Whether some number can only be infinite."""
    return bool(np.isposinf(space.low).any() or np.isneginf(space.high).any())


def _refusal(env_id: str, kind: str, space: gymnasium.Space[Any], reason: str, place: str = "") -> str:
    what = f"in its {kind} space, at {place!r}, the part" if place else f"the {kind} space"
    remedy = (
        f"observes a vector ({SUPPORTED_OBSERVATIONS}), as gymnasium.wrappers.FlattenObservation makes of a small grid"
        if kind == "observation"
        else f"takes {SUPPORTED_ACTIONS}"
    )
    return f"environment {env_id!r} has {what} {one_line(space)}, which {reason}: wrap it so that it {remedy}"
