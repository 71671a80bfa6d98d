"""Reports and audits on a terminal, in 80 columns."""

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable

from ..foreign import styled
from .audit import AuditSection
from .content import Content
from .tables.table import Entry, Medium, Table

if TYPE_CHECKING:
    from rich.text import Text

    from .seeds import SeedPlan

_LONGEST = 26
"""Columns for a name; a longer one goes on in the next line."""


def print_report(content: Content, console: Console) -> None:
    """What somebody wants to know at once; everything else is in the files."""
    console.print(styled(content.headline, style="bold"))
    console.print(styled(content.completeness, style="" if content.whole else "yellow"))
    for warning in (*content.warnings, *content.remarks):
        console.print(styled(warning, style="yellow"))
    for one in (*content.leaderboards, content.environments):
        print_table(one, console)


def print_audit(audit: AuditSection, console: Console) -> None:
    """The tables of an audit, every departure, and the verdict."""
    for one in audit.tables:
        print_table(one, console)
    console.print()
    for line in audit.departures:
        console.print(styled(line, style="red"), soft_wrap=True)
    console.print(styled(audit.verdict, style="bold"), soft_wrap=True)


def print_plan(plan: "SeedPlan", console: Console) -> None:
    """How many seeds it takes, and what has to be said of single rows."""
    print_table(plan.table, console)
    for note in plan.notes:
        console.print(styled(note), soft_wrap=True)


def print_table(whole: Table, console: Console) -> None:
    """One table with its title and caption; environments become headings."""
    shown = whole.shown(Medium.TERMINAL)
    grouped = shown.headings > 1
    first = 1 if grouped else 0
    table = RichTable(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for index, column in enumerate(shown.columns[first:]):
        title = styled(column.short or column.title)
        width = {"max_width": _LONGEST, "overflow": "fold"} if index == 0 else {"no_wrap": True}
        table.add_column(title, justify="right" if column.numeric else "left", **width)
    for number, row in enumerate(shown.rows):
        if grouped and not shown.repeats(number):
            table.add_row(styled(row[0].text, style="cyan"))
        name, *others = row[first:]
        table.add_row(Padding(_cell(name), (0, 0, 0, 2 * grouped)), *map(_cell, others))
    console.print()
    console.print(styled(shown.title, style="bold"))
    console.print(table)
    if shown.caption:
        console.print(styled(shown.caption, style="dim"))


def _cell(cell: Entry) -> "Text":
    text = styled(cell.text, style="bold" if cell.strong else "")
    return text.append(f" {cell.interval}", style="dim") if cell.interval else text
