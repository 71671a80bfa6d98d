"""Declared search spaces: inside what a field allows, told by text as by class, and no part of a fingerprint."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from pgsuite.algorithms import search_space
from pgsuite.algorithms.options import options
from pgsuite.algorithms.registry import ALGORITHMS, build, load_class
from pgsuite.algorithms.search_space import Choices, Range, choices, declared_space, linear_range, log_range
from pgsuite.algorithms.validation import Count, Positive
from pgsuite.results.store.fingerprint import source_hash


@dataclass(frozen=True)
class Declaring:
    rate: Annotated[Positive, log_range(1e-4, 1e-2)] = 1e-3
    size: Annotated[Count | None, choices(8, 16)] = None
    width: Annotated[int, linear_range(1, 4)] = 2
    plain: Positive = 1.0


def test_a_class_declares_where_to_look():
    found = declared_space(Declaring)
    assert found == {
        "rate": Range(1e-4, 1e-2, log=True),
        "size": Choices((8, 16)),
        "width": Range(1, 4),
    }
    assert [one.whole for one in found.values() if isinstance(one, Range)] == [False, True]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_accepts_what_it_declares_and_says_it_in_its_text(name):
    space = declared_space(load_class(name))
    assert space
    for field, searched in space.items():
        ends = searched.values if isinstance(searched, Choices) else (searched.low, searched.high)
        assert all(getattr(build(name, {field: value}), field) == value for value in ends)
    written = {option.name: option.searched for option in options(name) if option.searched}
    functions = {one: getattr(search_space, one) for one in search_space.DECLARING}
    assert {field: eval(text, functions) for field, text in written.items()} == space
    assert not [option.kind for option in options(name) if "Annotated" in option.kind]


def test_the_space_is_no_part_of_what_results_depend_on(tmp_path):
    file = tmp_path / "mine.py"
    head = "from dataclasses import dataclass\nfrom typing import Annotated\nfrom pgsuite.algorithms import *\n"

    def hashed(field: str) -> str:
        Path(file).write_text(
            f"{head}\n@dataclass(frozen=True, kw_only=True)\nclass Mine(ActorCritic):\n    {field}\n", encoding="utf-8"
        )
        return source_hash(f"{file}:Mine")

    plain = hashed("discount: float = 0.9")
    assert hashed("discount: Annotated[float, choices(0.9, 0.99)] = 0.9") == plain
    assert hashed("discount: Annotated[float, linear_range(0.9, 1.0)] = 0.9") == plain
    assert hashed("discount: float = 0.8") != plain
