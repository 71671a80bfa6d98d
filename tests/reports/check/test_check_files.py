"""A check on a terminal, on the page, in a comment and for CI: what it says, in 80 columns, whatever names hold."""

import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from pgsuite.reports.check import print_check, write_check
from pgsuite.reports.check.files import to_comment, to_junit
from pgsuite.reports.check.page import render
from pgsuite.results.checked import Band, Checked, CheckedCell, Diagnostic, Speed
from pgsuite.results.statistics.gate import Look

LOOKS = (Look("screening", 5, -0.2, 0.1, -3.1, -2.48), Look("confirmation", 10, -0.2, 0.1, -5.9, -5.42))
BAND = Band((0.0, 10.0), (0.0, 8.0), (0.0, 12.0))


def regressed(**facts):
    given = {
        "algorithm": "reinforce-baseline",
        "env": "MountainCarContinuous-v0",
        "verdict": "regressed",
        "tier": "curves",
        "reason": "lower scores",
        "seeds": 15,
        "seconds": 123.4,
        "difference": (-0.2, -0.25, -0.15),
        "other": (-0.3, -0.4, -0.2),
        "tail": (0.5, 0.2),
        "diverged": (0, 2),
        "correlation": 0.75,
        "sign_flip_p": 0.0009,
        "detectable": 0.08,
        "excluded": 0.25,
        "looks": LOOKS,
        "steps": (0, 100),
        "curves": (BAND, BAND),
        "diagnostics": (Diagnostic("policy_entropy", 0.5, 0.3, 1e-6),),
        "speed": Speed((0.97, 0.94, 1.01), 0.1, 7),
    }
    return CheckedCell(**{**given, **facts})


def checked(*cells, **facts):
    same = CheckedCell(algorithm="trpo", env="CartPole-v1", verdict="identical", tier="source")
    given = {"suite": "tiny", "baseline": "main (abc123456)", "candidate": "the working tree", "notes": ("a note",)}
    return Checked(**{**given, "margin": 0.1, "metric": "auc", "cells": (*cells, same), **facts})


def test_a_terminal_of_80_columns_is_enough(capsys):
    print_check(checked(regressed()), Console(width=80, force_terminal=False))
    out = capsys.readouterr().out
    rows = out.partition("Verdicts")[2].partition("Difference:")[0]
    assert max(map(len, rows.splitlines())) <= 80
    assert "reinforce-baseline  regressed  curves  -.20 [-.25, -.15]" in " ".join(rows.split("\n")).replace("   ", "  ")
    assert "regressed: reinforce-baseline on MountainCarContinuous-v0" in out
    assert "note: a note" in out
    assert "margin 0.1" in out


def test_the_comment_has_the_outcome_first_and_the_rest_in_a_fold():
    lines = to_comment(checked(regressed())).splitlines()
    assert lines[0] == "### pgsuite check tiny: regressed"
    fold = next(n for n, line in enumerate(lines) if "<details>" in line)
    assert any("lower scores" in line for line in lines[:fold])
    assert all(not line.startswith("|") for line in lines[:fold])
    assert any(line.startswith("|") and "policy entropy" in line for line in lines[fold:])


def test_junit_counts_what_it_holds():
    waived = regressed(env="Acrobot-v1", waiver="known, until 2027-01-01")
    undecided = regressed(env="Pendulum-v1", verdict="open", reason="")
    suite = ElementTree.fromstring(to_junit(checked(regressed(), waived, undecided)))
    counted = [int(suite.get(name)) for name in ("tests", "failures", "skipped")]
    assert counted == [len(suite), len(suite.findall(".//failure")), len(suite.findall(".//skipped"))] == [4, 1, 2]


def test_a_pair_that_is_not_applicable_has_its_row_and_its_reason_everywhere(capsys):
    reason = "sb3-dqn takes Discrete alone"
    pair = CheckedCell(
        algorithm="sb3-dqn", env="Pendulum-v1", verdict="not applicable", tier="spaces", reason=reason, seconds=1.0
    )
    found = checked(pair)
    print_check(found, Console(width=80, force_terminal=False))
    out = capsys.readouterr().out
    assert ["sb3-dqn", "not", "applicable", "spaces"] in [line.split()[:4] for line in out.splitlines()]
    assert f"sb3-dqn on Pendulum-v1: not applicable: {reason}" in out
    page, comment = render(found), to_comment(found)
    assert all("not applicable" in text and reason in text for text in (page, comment))
    suite = ElementTree.fromstring(to_junit(found))
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["2", "0", "1"]
    assert suite.find(".//skipped").get("message") == f"not applicable: {reason}"
    assert "Pendulum-v1" not in page.partition('<section id="code"')[2]


def test_the_page_has_both_curves_and_the_path_of_the_test():
    page = render(checked(regressed()))
    assert page.count('class="figure"') == 2
    assert "MountainCarContinuous-v0: path of the test" in page
    assert "confirmation, 10 pairs: -5.90, bound -5.42" in page
    assert "Diagnostics that changed" in page


def test_the_page_of_identical_cells_has_no_empty_parts():
    page = render(checked())
    assert 'id="curves"' not in page
    assert 'id="speed"' not in page


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "a|b@c", "\x1b[31mred\u202e", "]]>&amp;"])
def test_names_from_outside_act_nowhere(hostile, tmp_path):
    found = checked(regressed(algorithm=hostile, reason=hostile), notes=(hostile,), baseline=hostile)
    page, comment, junit = render(found), to_comment(found), to_junit(found)
    assert "<script>alert" not in page + comment + junit
    assert "\x1b" not in page + comment + junit
    assert "\u202e" not in page + comment + junit
    ElementTree.fromstring(junit)
    assert write_check(found, tmp_path, json=tmp_path / "a.json").is_file()
