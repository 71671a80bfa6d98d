"""Observations as users of a policy have them, one or several, as the vectors that it was trained on.

Several come as vector environments give them: arrays with one more leading axis, and dictionaries and tuples of such
arrays. A list of single ones does for any space. Each is held to the rules that hold in training.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ...envs.answers import kind, wrong

_ARRAYS = spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary
"""Spaces of which an observation is an array, and several are one array."""


class Observations(NamedTuple):
    """One observation, or several."""

    ones: list[Any]
    """Each by itself, its numbers in arrays of numpy."""
    alone: bool
    """Whether it was one, not a batch of one."""


def flat_observations(space: gymnasium.Space[Any], observation: Any) -> tuple[NDArray[np.float32], bool]:
    """Return observations as vectors ``(N, O)``, and whether it was a single one.

    Raises:
        ValueError: saying what it is that the space does not have.
    """
    with_info = isinstance(observation, tuple) and len(observation) > 1 and isinstance(observation[-1], Mapping)
    if with_info and not isinstance(space, spaces.Tuple):
        raise ValueError("it is all that env.reset() or env.step() returned: give the first of that")
    ones, alone = _read(space, observation, "it")
    rows = np.empty((len(ones), spaces.flatdim(space)), np.float32)
    for row, one in zip(rows, ones, strict=True):
        if reason := wrong(space, one):
            raise ValueError(f"it is {reason}")
        with np.errstate(over="ignore"):  # told below
            row[:] = np.reshape(one, -1) if isinstance(space, spaces.Box) else np.asarray(spaces.flatten(space, one))
    if not np.isfinite(rows).all():
        raise ValueError("it has numbers that are not finite in float32")
    return rows, alone


def _read(space: gymnasium.Space[Any], value: Any, name: str) -> Observations:
    """What a value is, by its form alone; what has none of a space's forms is left to `wrong`."""
    if space.shape is not None and isinstance(space, _ARRAYS):
        return _array(space.shape, value, name)
    if isinstance(space, spaces.Dict) and isinstance(value, Mapping) and set(value) == set(space):
        parts = _aligned(_read(part, value[key], f"its part {key!r}") for key, part in space.items())
        return parts._replace(ones=[dict(zip(space, row, strict=True)) for row in parts.ones])
    if isinstance(space, spaces.Tuple) and isinstance(value, tuple) and len(value) == len(space):
        return _aligned(_read(part, value[n], f"its part {n}") for n, part in enumerate(space))
    if isinstance(value, list):
        each = [_read(space, one, f"the one at {n}") for n, one in enumerate(value)]
        if not all(one.alone for one in each):
            raise ValueError("it is a list of which not each is a single observation")
        return Observations([one.ones[0] for one in each], alone=False)
    return Observations([value], alone=True)


def _array(shape: tuple[int, ...], value: Any, name: str) -> Observations:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} is {kind(value)}")
    if array.shape == shape:
        return Observations([array], alone=True)
    if not array.ndim or array.shape[1:] != shape:
        several = f"(N, {', '.join(map(str, shape))})" if shape else "(N,)"
        raise ValueError(f"{name} has the shape {array.shape}, not {shape} or {several}")
    return Observations(list(array), alone=False)


def _aligned(parts: Iterable[Observations]) -> Observations:
    """Observations made of parts, as many of each: each a tuple of its parts."""
    columns = list(parts)
    if len({(len(ones), alone) for ones, alone in columns}) > 1:
        counts = ", ".join("one" if alone else f"a batch of {len(ones)}" for ones, alone in columns)
        raise ValueError(f"its parts are of different numbers of observations: {counts}")
    return Observations(list(zip(*(part.ones for part in columns), strict=True)), columns[0].alone)
