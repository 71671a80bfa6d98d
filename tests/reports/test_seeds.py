import io

import numpy as np
import pytest
from rich.console import Console

from pgsuite.errors import UsageError
from pgsuite.reports.seeds import parse_share, plan
from pgsuite.reports.terminal import print_plan


def planned(folder, drop="20%", power=0.9, alpha=0.05):
    console = Console(width=100, record=True, file=io.StringIO())
    found = plan(folder.path, drop=drop, power=power, alpha=alpha)
    print_plan(found, console)
    return found.frame, console.export_text()


@pytest.mark.parametrize(("text", "share"), [("20%", 0.2), (" 5 %", 0.05), ("0.1", 0.1), ("1", 1.0), ("100%", 1.0)])
def test_shares(text, share):
    assert parse_share("--drop", text) == share


@pytest.mark.parametrize("text", ["", "%", "a fifth", "0", "-5%", "20", "120%", "nan", "inf%"])
def test_what_is_no_share_is_named(text):
    with pytest.raises(UsageError, match="--drop must be a share"):
        parse_share("--drop", text)


def test_the_table_says_what_it_takes(folder):
    # Scores .8 times 1 +- .14 * sqrt(.9), so that the coefficient of variation is .14.
    spread = 0.14 * np.sqrt(0.9)
    folder.cell("trpo", curves=[[0, 80 * (1 + sign * spread)] for sign in [1, -1] * 5])
    folder.cell("trpo", "B-v0", curves=[[0, 100]] * 5)
    table, text = planned(folder)
    assert table["needed"].iloc[0] == 10
    row = next(line for line in text.splitlines() if "CartPole-v1" in line)
    assert row.split()[:4] == ["CartPole-v1", "10", "0.14", "10"]
    assert "finds a drop of 20%" in " ".join(text.split())
    assert "trpo, B-v0: no spread between runs" in text


def test_a_label_in_brackets_is_printed_as_it_is(folder):
    folder.cell("[red]trpo[/]", curves=[[0, 80], [0, 90]])
    assert "[red]trpo[/]" in planned(folder)[1]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"power": 1.0}, "--power"),
        ({"alpha": 0.0}, "--alpha"),
        ({"drop": "none"}, "--drop"),
        ({"power": 0.1, "alpha": 0.2}, "--power"),
    ],
)
def test_a_bad_option_is_named(folder, options, match):
    folder.cell("trpo", curves=[[0, 80], [0, 90]])
    with pytest.raises(UsageError, match=match):
        planned(folder, **options)


def test_without_a_completed_run_there_is_nothing_to_plan_from(folder):
    folder.cell("trpo", curves=[[0, 80]], status={0: "partial"})
    with pytest.raises(UsageError, match=r"no run in .* is complete"):
        planned(folder)
