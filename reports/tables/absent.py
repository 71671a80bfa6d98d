"""What was asked for and is not in the statistics: missing, unfinished, diverged, damaged, failed, not asked for."""

from collections.abc import Iterable
from pathlib import Path

from ...results.store.folders import find_cells
from ...results.store.gathering import Gathered, Member, Status
from ..notation import plural, ranges
from .table import Cell, Column, Table, algorithm, number, text

_KINDS: dict[Status, str] = {
    "missing": "never reached a checkpoint",
    "partial": "unfinished; not in the statistics",
    "diverged": "a loss, parameter or action became non-finite; not in the statistics",
    "corrupt": "its file cannot be read; not in the statistics",
}


def absent_table(gathered: Gathered) -> Table:
    """One row per cell and fate of some of its runs; empty when every run asked for is complete."""
    columns = (
        Column("environment", numeric=False),
        Column("algorithm", numeric=False),
        Column("what", numeric=False),
        Column("runs"),
        Column("seeds", numeric=False),
        Column("reason", numeric=False),
    )
    rows = [row for member in gathered.members for row in _rows(member)]
    caption = "Counted beside the statistics, never as 0 and never left out in silence."
    return Table("absent", "Missing, unfinished, diverged, failed", caption, columns, tuple(rows), headings=2)


def _rows(member: Member) -> Iterable[tuple[Cell, ...]]:
    name = (text(member.env), algorithm(member.label))
    if member.reason:
        yield (*name, Cell("failed", "failed", tone="bad"), text(""), text(""), text(" ".join(member.reason.split())))
    for kind, meaning in _KINDS.items():
        if seeds := member.seeds(kind):
            count = number(len(seeds), f"{len(seeds)} of {len(member.asked)}")
            yield (*name, Cell(kind, kind, tone="bad"), count, text(ranges(seeds)), text(meaning))


def remarks(gathered: Gathered) -> tuple[str, ...]:
    """What else could be taken for whole and is not: damaged files, copies that differ, results not asked for."""
    folders = dict.fromkeys(member.folder for member in gathered.members)
    lines = [line for folder in folders for line in _not_asked_for(folder)]
    return tuple(dict.fromkeys([*gathered.damaged, *gathered.conflicts, *lines]))  # a damaged cell is named once


def _not_asked_for(folder: Path) -> Iterable[str]:
    """Results that lie in the folder and are not shown, because the latest run command did not ask for them.

    A cell whose record cannot be read has a line of its own: nobody knows what it is.
    """
    damaged: list[str] = []
    shown, there = (
        {
            (cell.store.path, seed)
            for cell in find_cells(folder, everything=every, damaged=damaged)
            for seed in cell.seeds()
        }
        for every in (False, True)
    )
    yield from damaged
    hidden = there - shown
    if not hidden:
        return
    cells = len({path for path, _ in hidden})
    yield (
        f"Not shown: {plural(len(hidden), 'run')} of {plural(cells, 'cell')} in the folder {folder.name} that the "
        "latest `pgsuite run` did not ask for (other algorithms, seeds or budgets, or results of earlier code)."
    )


def completeness(gathered: Gathered) -> str:
    """How many runs of those asked for are in the statistics, in one sentence."""
    asked = sum(len(member.asked) for member in gathered.members)
    complete = sum(len(member.seeds("complete")) for member in gathered.members)
    if asked == complete:
        return f"All {plural(asked, 'run')} that were asked for are complete."
    return f"{complete} of {plural(asked, 'run')} are complete and in the statistics."
