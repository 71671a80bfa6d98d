"""Which spaces the algorithms can handle, and how observations become flat vectors."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..errors import UsageError

SUPPORTED_OBSERVATIONS = "Box, Discrete and whatever Gymnasium flattens to a Box of fixed size"
SUPPORTED_ACTIONS = "Discrete, Box of floats, one-dimensional MultiDiscrete, MultiBinary(int)"


def flat_observation_space(env_id: str, space: gymnasium.Space[Any]) -> spaces.Box:
    """The float32 Box ``(O,)`` that observations of a space are flattened to.

    Raises:
        UsageError: the space has no such form.
    """
    flat = spaces.flatten_space(space) if space.is_np_flattenable else None
    if not isinstance(flat, spaces.Box) or flat.shape == (0,):
        raise UsageError(
            f"environment {env_id!r} has the observation space {one_line(space)}, which is not supported: "
            f"wrap it so that it observes {SUPPORTED_OBSERVATIONS}"
        )
    # Bounds of float64 spaces may exceed float32; infinity is what they mean.
    with np.errstate(over="ignore"):
        return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32))


def check_action_space(env_id: str, space: gymnasium.Space[Any]) -> None:
    """Accept the action spaces that the algorithms have a distribution for.

    Raises:
        UsageError: the space is another one.
    """
    match space:
        case spaces.Discrete():
            supported = True
        case spaces.Box():
            supported = bool(np.issubdtype(space.dtype, np.floating))
        case spaces.MultiDiscrete():
            supported = space.nvec.ndim == 1
        case spaces.MultiBinary():
            supported = isinstance(space.n, int | np.integer)
        case _:
            supported = False
    if not supported:
        raise UsageError(
            f"environment {env_id!r} has the action space {one_line(space)}, which is not supported: "
            f"wrap it so that it takes {SUPPORTED_ACTIONS}"
        )


def first_action(space: gymnasium.Space[Any]) -> NDArray[Any] | int:
    """What an action counted from 0 is offset by to lie in the space."""
    if isinstance(space, spaces.Discrete):
        return int(space.start)
    if isinstance(space, spaces.MultiDiscrete):
        return space.start
    return 0


def one_line(space: gymnasium.Space[Any]) -> str:
    """A space as text for a message; numpy breaks its bounds over lines."""
    return " ".join(str(space).split())
