"""States as trees of tensors: nested named tuples and dicts whose tensors all lead with the seed axis.

What does not change (a model, None) is carried along untouched and is not saved.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
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
    for name, leaf in _named_leaves(tree, prefix):
        if isinstance(leaf, Tensor):
            yield name, leaf


def tensors(tree: Any) -> list[Tensor]:
    """Return the tensors of a tree."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, dict):
        tree = tree.values()
    elif not hasattr(tree, "_fields"):
        return []
    return [leaf for child in tree for leaf in tensors(child)]


def _named_leaves(tree: Any, prefix: str) -> list[tuple[str, Any]]:
    if isinstance(tree, Tensor):
        return [(prefix, tree)]
    if isinstance(tree, dict):
        children: Iterable[tuple[str, Any]] = tree.items()
    elif hasattr(tree, "_fields"):
        children = zip(tree._fields, tree, strict=True)
    else:
        return [(prefix, tree)]
    named = ((f"{prefix}.{name}" if prefix else name, child) for name, child in children)
    return [leaf for name, child in named for leaf in _named_leaves(child, name)]


def with_tensors(tree: T, tensors: Mapping[str, Tensor], optional: Collection[str] = ()) -> T:
    """Return the tree with its tensors replaced by those of the same path: the inverse of `named_tensors`.

    Args:
        tree: what to fill.
        tensors: by path.
        optional: beginnings of paths that may be missing; the tree's own tensors then stay.

    Raises:
        KeyError: if one is missing.
        ValueError: if one has another shape or type.
    """
    replaced = []
    for name, old in named_tensors(tree):
        kept = name not in tensors and any(name == path or name.startswith(f"{path}.") for path in optional)
        new = old if kept else tensors[name]
        if new.shape != old.shape or new.dtype != old.dtype:
            raise ValueError(f"{name} is {_described(new)}, expected {_described(old)}")
        replaced.append(new)
    remaining = iter(replaced)
    return tree_map(lambda _: next(remaining), tree)


def check_seeds(tree: Any, seeds: int) -> None:
    """Hold a tree to what saving and masking it take.

    Raises:
        ValueError: naming what does not lead with the seed axis, or would be lost because it is no tensor.
    """
    for name, leaf in _named_leaves(tree, ""):
        if isinstance(leaf, Tensor):
            if leaf.shape[:1] != (seeds,):
                raise ValueError(f"{name} is {_described(leaf)}: its first axis must be the {seeds} seeds")
        elif isinstance(leaf, bool | int | float | list | tuple | set | np.ndarray | np.generic):
            raise ValueError(f"{name} is a {type(leaf).__name__}: what a state remembers are tensors, seeds first")


def check_alike(old: Any, new: Any) -> None:
    """Hold a tree to the shapes and types that it had.

    Raises:
        ValueError: naming what is missing, has been added, or has another shape or type.
    """
    if _same_form(old, new):
        return
    before, after = dict(named_tensors(old)), dict(named_tensors(new))
    if different := before.keys() ^ after.keys():
        name = min(different)
        raise ValueError(f"{name} was {'dropped' if name in before else 'added'}; a state keeps its parts")
    for name, tensor in after.items():
        if tensor.dtype != before[name].dtype:
            raise ValueError(f"{name} became {tensor.dtype}, it was {before[name].dtype}")
        if tensor.shape != before[name].shape:
            raise ValueError(f"{name} became {_described(tensor)}, it was {_described(before[name])}")


def _same_form(old: Any, new: Any) -> bool:
    """Whether two trees are alike, without saying where they are not."""
    if old is new:
        return True
    if isinstance(old, Tensor):
        return isinstance(new, Tensor) and old.dtype == new.dtype and old.shape == new.shape
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same_form(old[name], new[name]) for name in old)
    return not hasattr(old, "_fields") or all(map(_same_form, old, new))


def _described(tensor: Tensor) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}"
