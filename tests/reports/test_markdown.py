from pgsuite.reports.content import content
from pgsuite.reports.markdown import Picture, table, to_markdown
from pgsuite.reports.tables.leaderboard import leaderboard
from pgsuite.reports.tables.table import Column, Table, number, text
from pgsuite.results import gather


def test_a_table_has_aligned_pipes_and_groups_named_once():
    columns = (Column("env", False), Column("who", False), Column("x"))
    rows = [("a", "one", 1.0), ("a", "two|three", 2.0)]
    cells = tuple((text(env), text(who), number(x, f"{x:g}", "[0, 3]", strong=x > 1)) for env, who, x in rows)
    assert table(Table("t", "T", "C", columns, cells, headings=2)).splitlines() == [
        "| env | who        |            x |",
        "| --- | ---------- | -----------: |",
        "| a   | one        |     1 [0, 3] |",
        "|     | two\\|three | **2** [0, 3] |",
    ]


def test_the_order_of_the_report(folder, comparison):
    folder.cell("trpo", curves=[[0, 40], [0, 60]])
    said = content(comparison, gather([folder.path]))
    page = to_markdown(said, [Picture("Curves", "figures/curves.png", "What is drawn.")])
    pieces = [
        "# tiny: 2 algorithms on 2 environments",
        "**fast is ahead.**",
        "All 2 runs that were asked for are complete.",
        "## Leaderboard",
        table(leaderboard(comparison, "final")),
        "## Per environment",
        "![Curves](figures/curves.png)",
        "## Cost",
        "## What is not there",
        "Every run that was asked for is complete.",
        "## How it was measured",
        "git commit 0123456789ab with uncommitted changes",
    ]
    places = [page.index(piece) for piece in pieces]
    assert places == sorted(places)
