"""Some of what `fuzz_store.py` does in thousands."""

import pytest

from .fuzz_store import KINDS, kinds
from .fuzzing import FAULTS, judge


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return kinds(tmp_path_factory.mktemp("store"))


def test_all_kinds_are_tried(cases):
    assert cases.keys() == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_raises_nothing_hangs_nowhere_and_changes_no_number(kind, cases):
    for number in range(12):
        outcome, trace = judge(cases[kind], kind, 1, number)
        assert outcome not in FAULTS, f"case {number}: {trace}"
