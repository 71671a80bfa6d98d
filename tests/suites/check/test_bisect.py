"""The search of a bisection, over every place of the first bad commit and undecided ones anywhere."""

import itertools

import pytest

from pgsuite.suites.check.bisect import search

COMMITS = list("abcdefg")


@pytest.mark.parametrize("first", range(7))
def test_the_first_bad_commit_is_found_in_three_steps(first):
    asked = []

    def fate(commit):
        asked.append(commit)
        return "bad" if COMMITS.index(commit) >= first else "good"

    assert search(COMMITS, fate) == [COMMITS[first]]
    assert len(asked) <= 3
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("first", range(7))
@pytest.mark.parametrize("unknown", list(itertools.combinations("abcdef", 2)))
def test_undecided_commits_are_passed_over_and_stay_under_suspicion(first, unknown):
    def fate(commit):
        return "unknown" if commit in unknown else "bad" if COMMITS.index(commit) >= first else "good"

    found = search(COMMITS, fate)
    assert COMMITS[first] in found
    assert set(found) - {found[-1]} <= set(unknown)


def test_a_single_commit_is_the_one():
    assert search(["a"], lambda _: pytest.fail("nothing to ask")) == ["a"]
