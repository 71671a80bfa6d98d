"""A pair that cannot work: not applicable, wherever the others have numbers."""

import csv

import pytest
from rich.console import Console

from pgsuite.reports.compared import compare
from pgsuite.reports.latex import to_latex
from pgsuite.reports.report import write_tables
from pgsuite.reports.seeds import plan
from pgsuite.reports.tables.leaderboard import leaderboard
from pgsuite.reports.terminal import print_plan

REASON = "it takes choices & no 100% angles"
CURVES = [[0, 40 + n, 80 + n] for n in range(6)]


@pytest.fixture
def refusing(folder):
    """`dqn` on two environments, of which it can act in one; `trpo` on both."""
    folder.cell("trpo", curves=CURVES)
    folder.cell("dqn", curves=CURVES)
    folder.cell("trpo", "Pendulum-v1", curves=CURVES)
    folder.cell("dqn", "Pendulum-v1", refusal=REASON)
    return folder


def test_the_file_of_a_table_has_its_row_with_the_reason(refusing, tmp_path):
    compared = compare(refusing.path)
    write_tables(compared.comparison, tmp_path, compared.gathered.refusals)
    with (tmp_path / "tables/environments.csv").open() as file:
        rows = {(row["label"], row["env"]): row for row in csv.DictReader(file)}
    refused = rows.pop(("dqn", "Pendulum-v1"))
    assert (refused["runs"], refused["final_return_mean"], refused["not_applicable"]) == ("0", "", REASON)
    assert {row["not_applicable"] for row in rows.values()} == {""}
    assert {row["runs"] for row in rows.values()} == {"6"}


def test_latex_has_the_reason(refusing):
    text = to_latex(compare(refusing.path).content)
    assert r"Pendulum-v1 & dqn & it takes choices \& no 100\% angles \\" in text
    assert r"{llp{0.5\linewidth}}" in text


def test_latex_says_nothing_where_all_pairs_work(folder):
    folder.cell("trpo", curves=CURVES)
    assert "tab:pgsuite-inapplicable" not in to_latex(compare(folder.path).content)


def test_what_cannot_be_there_is_no_fault_and_what_is_missing_is_one(refusing):
    def entered(refusals):
        comparison = compare(refusing.path).comparison
        return {row[0].text: row[-1] for row in leaderboard(comparison, "final", refusals).rows}

    found = entered({("dqn", "Pendulum-v1")})
    assert (found["dqn"].text, found["dqn"].tone) == ("1 of 2", "")
    assert entered(frozenset())["dqn"].tone == "bad"
    assert list(found) == ["trpo", "dqn"]  # still unranked


def test_no_number_of_seeds_helps_it(refusing, capsys):
    planned = plan(refusing.path)
    print_plan(planned, Console(width=100, force_terminal=False))
    out = capsys.readouterr().out
    (row,) = [line.split() for line in out.splitlines() if "not applicable" in line and "—" in line]
    assert row == ["Pendulum-v1", "not", "applicable", "—", "—", "—", "—"]
    assert f"dqn, Pendulum-v1: not applicable: {REASON}" in planned.notes
    assert f"dqn, Pendulum-v1: not applicable: {REASON}" in " ".join(out.split())
