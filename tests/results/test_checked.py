"""What follows from the verdicts: exit codes, sentences, the file."""

import json

import pytest

from pgsuite.results.checked import Checked, CheckedCell, Speed, explained, write_checked


def cell(verdict, name="mine", **facts):
    return CheckedCell(algorithm=name, env="CartPole-v1", verdict=verdict, tier="curves", **facts)


def checked(*cells, **facts):
    return Checked(suite="tiny", baseline="main", candidate="here", margin=0.1, metric="auc", cells=cells, **facts)


@pytest.mark.parametrize(
    ("verdicts", "whole", "code"),
    [
        (["identical", "identical"], "identical", 0),
        (["identical", "improved"], "improved", 0),
        (["passed", "improved"], "passed", 0),
        (["passed", "open"], "open", 3),
        (["open", "regressed", "passed"], "regressed", 1),
        (["identical", "not applicable"], "identical", 0),
        (["not applicable", "regressed"], "regressed", 1),
    ],
)
def test_the_worst_cell_decides(verdicts, whole, code):
    found = checked(*map(cell, verdicts))
    assert (found.verdict, found.exit_code, found.ok) == (whole, code, code == 0)
    assert found.headline.startswith(whole)


def test_what_is_not_applicable_is_told_and_says_nothing_for_or_against():
    found = checked(
        cell("improved", difference=(0.2, 0.1, 0.3)), cell("not applicable", name="dqn", reason="no choices")
    )
    assert found.headline == "improved: mine on CartPole-v1"
    assert "dqn on CartPole-v1: not applicable: no choices" in str(found)
    assert [one.is_skipped for one in found.cells] == [False, True]
    same = checked(cell("identical"), cell("not applicable"))
    assert same.headline == "identical: every cell that applies computes the same, bit for bit"


def test_open_may_be_called_fine():
    assert checked(cell("open"), open_is_ok=True).exit_code == 0
    assert checked(cell("open"), cell("regressed"), open_is_ok=True).exit_code == 1


def test_a_waived_cell_does_not_count_and_is_told():
    found = checked(cell("regressed", reason="lower scores", waiver="known, until 2027-01-01"), cell("passed"))
    assert found.exit_code == 0
    (line,) = found.lines()
    assert "regressed (lower scores)" in line
    assert "waived: known, until 2027-01-01" in line


def test_an_open_cell_says_what_would_decide():
    facts = {"excluded": 0.14, "detectable": 0.12, "would_decide": 130, "seeds": 80}
    said = explained(cell("open", **facts))
    assert said == (
        "open: a drop above 0.14 is excluded so far, one of 0.12 would have been found; "
        "about 130 seeds would decide if it stays as it is"
    )
    assert "no number of seeds" in explained(cell("open", **{**facts, "would_decide": None}))


def test_a_slower_candidate_is_told_beside_its_verdict():
    slow = Speed((0.8, 0.75, 0.85), 0.1, 7)
    assert slow.slower
    assert not Speed((0.8, 0.7, 0.95), 0.1, 7).slower
    assert "trains at 80% of the baseline's speed" in explained(cell("regressed", reason="lower scores", speed=slow))


def test_the_file_is_json_without_what_json_has_no_word_for(tmp_path):
    write_checked(tmp_path / "out.json", checked(cell("open", excluded=float("inf"))))
    found = json.loads((tmp_path / "out.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert (found["verdict"], found["exit_code"]) == ("open", 3)
    assert found["cells"][0]["excluded"] is None
