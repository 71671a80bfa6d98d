"""Some of what `fuzz_suites.py` does in thousands."""

import pytest

from .fuzz_suites import kinds
from .fuzzing import FAULTS, judge

KINDS = ("suite, bytes", "suite, words and lines", "suite, values")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return kinds(tmp_path_factory.mktemp("suites"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_suite_is_refused_in_one_line_or_means_what_it_says(kind, cases):
    for number in range(60):
        outcome, trace = judge(cases[kind], kind, 1, number)
        assert outcome not in FAULTS, f"case {number}: {trace}"
