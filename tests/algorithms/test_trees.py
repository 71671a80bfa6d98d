"""States as trees: taking, putting, choosing, joining and naming their tensors."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from pgsuite.algorithms.trees import concatenate, named_tensors, put, select, take, tree_map, with_tensors


class Leaf(NamedTuple):
    weight: Tensor
    count: Tensor


class Tree(NamedTuple):
    model: Any
    plain: Tensor
    named: dict[str, Leaf]
    nothing: None = None


MODEL = object()


def tree(*seeds: int) -> Tree:
    """A tree whose every number tells its seed."""
    s = torch.tensor(seeds)
    leaf = Leaf(s.unsqueeze(1) * torch.ones(3), s)
    return Tree(MODEL, s.double(), {"b": leaf, "a": Leaf(-leaf.weight, -leaf.count)})


def same(one: Tree, other: Tree) -> bool:
    pairs = zip(named_tensors(one), named_tensors(other), strict=True)
    return all(n == m and x.dtype == y.dtype and torch.equal(x, y) for (n, x), (m, y) in pairs)


def test_tensors_are_named_by_their_path() -> None:
    names = ["plain", "named.b.weight", "named.b.count", "named.a.weight", "named.a.count"]
    assert [name for name, _ in named_tensors(tree(0))] == names
    assert [name for name, _ in named_tensors(tree(0), "state")] == [f"state.{name}" for name in names]
    assert list(named_tensors(torch.ones(1), "x")) == [("x", torch.ones(1))]


def test_named_tensors_make_the_tree_again() -> None:
    stored = {name: x.clone() for name, x in named_tensors(tree(4, 7))}
    restored = with_tensors(tree(0, 0), dict(sorted(stored.items())))
    assert same(restored, tree(4, 7))
    assert restored.model is MODEL
    assert restored.nothing is None


@pytest.mark.parametrize("wrong", [torch.zeros(3).double(), torch.zeros(2, 1).double(), torch.zeros(2).float()])
def test_a_tensor_of_another_shape_or_type_is_refused(wrong: Tensor) -> None:
    stored = dict(named_tensors(tree(4, 7))) | {"plain": wrong}
    with pytest.raises(ValueError, match=r"plain is torch.float\d+ .*, expected torch.float64 \(2,\)"):
        with_tensors(tree(0, 0), stored)


def test_a_missing_tensor_is_named() -> None:
    stored = dict(named_tensors(tree(4)))
    del stored["named.a.count"]
    with pytest.raises(KeyError, match=r"named\.a\.count"):
        with_tensors(tree(0), stored)


def test_taking_and_putting() -> None:
    whole = tree(1, 2, 3, 4)
    rows = torch.tensor([3, 0])
    assert same(take(whole, rows), tree(4, 1))
    assert same(put(whole, rows, tree(40, 10)), tree(10, 2, 3, 40))
    assert same(put(whole, rows, take(whole, rows)), whole)
    assert same(whole, tree(1, 2, 3, 4)), "the tree itself stays as it was"


def test_select_chooses_by_seed() -> None:
    assert same(select(torch.tensor([True, False, True]), tree(1, 2, 3), tree(10, 20, 30)), tree(1, 20, 3))


def test_a_seed_that_is_not_selected_leaves_no_nan() -> None:
    broken = tree_map(lambda x: x.new_full(x.shape, torch.nan) if x.is_floating_point() else x, tree(1, 2))
    assert same(select(torch.tensor([False, False]), broken, tree(1, 2)), tree(1, 2))


def test_concatenate_joins_in_order() -> None:
    assert same(concatenate([tree(3), tree(1, 2)]), tree(3, 1, 2))
    assert same(concatenate([take(tree(5, 6), torch.tensor([n])) for n in range(2)]), tree(5, 6))


def test_tree_map_goes_over_several_trees() -> None:
    assert same(tree_map(lambda x, y: x + y, tree(1, 2), tree(10, 20)), tree(11, 22))
