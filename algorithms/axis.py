"""The hyperparameter axis: algorithms that differ in numbers alone, as one with a number for each seed ``(S,)``.

So the settings of a search, each with its seeds, train as one program. Whatever decides what is computed (networks,
sizes, switches, names, whether a number is there or zero) is the same for all: it is the algorithms' *form*. Numbers
are kept in float64; `along` gives them the shape and the precision that a number of Python's would have in a product,
so that a run has the bits that it has alone.
"""

from collections.abc import Hashable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from .registry import ALGORITHMS, address_of, is_algorithm

T = TypeVar("T")


def along(number: float | Tensor, like: Tensor) -> float | Tensor:
    """Return a hyperparameter as it is combined with a tensor ``(S, ...)``.

    Args:
        number: one for all, which stays as it is, or one for each seed ``(S,)``.
        like: whose precision it takes, and whose seed axis it goes along.
    """
    if not isinstance(number, Tensor):
        return number
    return number.to(like.dtype).view(-1, *(1,) * (like.dim() - 1))


def within(x: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """Return ``(S, ...)`` cut off at hyperparameters: numbers, or one for each seed ``(S,)``."""
    return x.clamp(along(low, x), along(high, x))  # type: ignore[arg-type]  # both are numbers, or both tensors


def is_zero(number: float | Tensor) -> bool:
    """Return whether a hyperparameter is zero, for all seeds: whether one is, is a matter of form."""
    return not number.any() if isinstance(number, Tensor) else number == 0


def form(algorithm: Any) -> Hashable:
    """Return what algorithms have in common that `stack` takes; None for one that must stay alone.

    Only classes of this package are known to take a number for each seed wherever they take one.
    """
    if address_of(type(algorithm)) not in ALGORITHMS.values():
        return None
    parts: list[tuple[str, Hashable]] = []
    for name, value in _values(algorithm).items():
        if isinstance(value, float):
            parts.append((name, value == 0))
        elif is_algorithm(value):
            if (inner := form(value)) is None:
                return None
            parts.append((name, inner))
        else:
            parts.append((name, value))
    return type(algorithm), tuple(parts)


def stack(algorithms: Sequence[T]) -> T:
    """Return algorithms of one form as one, the n-th of them for the n-th seed.

    Its state is made by each of them for its own seeds.
    """
    first = algorithms[0]
    if all(one is first for one in algorithms):
        return first
    stacked = object.__new__(type(first))
    for name, value in _values(first).items():
        own = [getattr(one, name) for one in algorithms]
        if isinstance(value, float):
            numbers = torch.tensor(own, dtype=torch.float64)
            object.__setattr__(stacked, name, value if bool((numbers == value).all()) else numbers)
        else:
            object.__setattr__(stacked, name, stack(own) if is_dataclass(value) else value)
    return stacked


def _values(algorithm: Any) -> dict[str, Any]:
    return {one.name: getattr(algorithm, one.name) for one in fields(algorithm)}
