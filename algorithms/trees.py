"""States as trees of tensors: nested named tuples and dicts whose tensors all lead with the seed axis.

Anything else in a tree (a model, None) is carried along untouched and is not saved.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def tree_map(function: Callable[..., Any], tree: T, *others: T) -> T:
    """Return the tree with ``function`` applied to its tensors, and to those at the same place of the others."""
    result: Any = tree
    if isinstance(tree, Tensor):
        result = function(tree, *others)
    elif isinstance(tree, dict):
        result = {key: tree_map(function, tree[key], *(o[key] for o in others)) for key in tree}  # type: ignore[index]
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        result = type(tree)(*(tree_map(function, *parts) for parts in zip(tree, *others, strict=True)))
    return result  # type: ignore[no-any-return]


def take(tree: T, rows: Tensor) -> T:
    """Return the seeds ``rows`` ``(R,)`` of a tree."""
    return tree_map(lambda x: x[rows], tree)


def put(tree: T, rows: Tensor, part: T) -> T:
    """Return the tree with the seeds ``rows`` replaced by those of ``part``."""
    return tree_map(lambda x, y: x.index_copy(0, rows, y), tree, part)


def select(condition: Tensor, tree: T, other: T) -> T:
    """Return each seed from ``tree`` where ``condition`` ``(S,)`` is true, else from ``other``."""
    return tree_map(lambda x, y: torch.where(condition.view(-1, *[1] * (x.ndim - 1)), x, y), tree, other)


def concatenate(trees: list[T]) -> T:
    """Return all seeds of several trees, in order."""
    return tree_map(lambda *parts: torch.cat(parts), *trees)


def named_tensors(tree: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Iterate over the tensors of a tree, each with its path, such as ``state.optimisers.policy.first``."""
    if isinstance(tree, Tensor):
        yield prefix, tree
    children = tree._asdict() if hasattr(tree, "_fields") else tree if isinstance(tree, dict) else {}
    for name, child in children.items():
        yield from named_tensors(child, f"{prefix}.{name}" if prefix else name)


def with_tensors(tree: T, tensors: Mapping[str, Tensor]) -> T:
    """Return the tree with its tensors replaced by those of the same path: the inverse of `named_tensors`.

    Raises:
        KeyError: if one is missing.
        ValueError: if one has another shape or type.
    """
    replaced = []
    for name, old in named_tensors(tree):
        new = tensors[name]
        if new.shape != old.shape or new.dtype != old.dtype:
            raise ValueError(f"{name} is {new.dtype} {tuple(new.shape)}, expected {old.dtype} {tuple(old.shape)}")
        replaced.append(new)
    remaining = iter(replaced)
    return tree_map(lambda _: next(remaining), tree)
