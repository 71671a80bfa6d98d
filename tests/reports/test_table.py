import io
import re

import pandas as pd
import pytest
from rich.console import Console

from pgsuite.reports import print_table, summarise, to_markdown
from pgsuite.results import load, read_manifest


@pytest.fixture
def summary(folder):
    folder.cell("trpo", "CartPole-v1", curves=[[0, 40], [0, 60]])
    folder.cell("reinforce", "CartPole-v1", curves=[[0, 90], [0]], status={1: "diverged"}, seeds=range(4))
    folder.cell("actor-critic", "CartPole-v1", seeds=range(10), reason="ValueError: a [b] | c")
    folder.cell("trpo", "Mine-v0", curves=[[0, 7]], anchors=None)
    return summarise(load(folder.path), [read_manifest(folder.path)])


def lines(markdown):
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in markdown.splitlines()]


def test_markdown_by_hand(summary):
    header, rule, *rows = lines(to_markdown(summary))
    assert [cell[-1] for cell in rule] == ["-", "-", *":" * 6]
    assert [header, *rows] == [
        ["environment", "algorithm", "steps", "final return", "final score", "AUC (score)", "runs", "steps/s"],
        ["CartPole-v1", "trpo", "100", "**50.0 ± 14.1**", "0.50 ± 0.14", "0.25 ± 0.07", "2", "2k"],
        ["", "reinforce", "100", "90.0", "0.90", "0.45", "1 (missing 2/4, diverged 1/4)", "2k"],
        ["", "actor-critic", "—", r"— (failed: ValueError: a [b] \| c)", "—", "—", "0 (missing 10/10)", "—"],
        ["Mine-v0", "trpo", "100", "7.00", "—", "3.50 (return)", "1", "2k"],
    ]


def test_pipes_are_aligned(summary):
    widths = {len(line) for line in to_markdown(summary).splitlines()}
    assert len(widths) == 1


def test_the_terminal_shows_the_same_and_the_meaning_of_the_spread(summary):
    output = io.StringIO()
    print_table(summary, Console(file=output, width=160))
    text = output.getvalue()
    for piece in (
        "50.0 ± 14.1",
        "1 (missing 2/4, diverged 1/4)",
        "failed: ValueError: a [b] | c",
        "standard deviation",
    ):
        assert piece in text


def test_the_terminal_marks_the_best_and_separates_environments(summary):
    output = io.StringIO()
    print_table(summary, Console(file=output, width=160, force_terminal=True, color_system="standard"))
    text = output.getvalue()
    assert re.search(r"\x1b\[1m *50\.0 ± 14\.1", text)
    assert not re.search(r"\x1b\[1m *90\.0", text)
    assert len([line for line in text.splitlines() if "\x1b[1;36m" in line]) == 2  # a heading for each environment


def test_columns_without_a_number_are_left_out(folder):
    folder.cell("trpo", "Mine-v0", curves=[[0, 7]], anchors=None)
    summary = summarise(load(folder.path)).assign(steps_per_second=float("nan"))
    assert lines(to_markdown(summary))[0] == [
        "environment",
        "algorithm",
        "steps",
        "final return",
        "AUC (return)",
        "runs",
    ]


def test_an_interrupted_cell_is_not_a_zero(folder):
    folder.cell("trpo", curves=[[0, 7]], status={0: "partial"})
    row = lines(to_markdown(summarise(load(folder.path))))[2]
    assert row[3:7] == ["— (no completed run)", "—", "0 (partial 1/1)", "2k"]


def test_a_failure_is_told_beside_the_runs_that_were_saved(folder):
    folder.cell("trpo", curves=[[0, 7]], seeds=[0, 1], reason="x " * 100)
    text = to_markdown(summarise(load(folder.path), [read_manifest(folder.path)]))
    assert "1 (missing 1/2, failed: x x" in text
    assert "…" in text


def test_suites_are_named_when_there_are_several(folder):
    folder.cell("trpo", curves=[[0, 7]])
    frame = load(folder.path)
    text = to_markdown(summarise(pd.concat([frame, frame.assign(suite="other")])))
    assert "other: CartPole-v1" in text
    assert "tiny: CartPole-v1" in text
