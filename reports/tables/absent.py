"""What is not in the statistics: missing, unfinished, diverged, damaged, failed, not asked for, not applicable."""

from collections.abc import Iterable

from ...results.store.curve import Fate
from ...results.store.gathering import Gathered, Hidden, Member
from ...results.store.places import Place
from ...wording import plural
from ..catalogue import ABSENT, INAPPLICABLE
from ..notation import ranges
from .table import Column, Entry, Table, algorithm, number, text

_KINDS: dict[Fate, str] = {
    "missing": "never reached a checkpoint",
    "partial": "unfinished; not in the statistics",
    "diverged": "a loss, parameter or action became non-finite; not in the statistics",
    "corrupt": "its file cannot be read; not in the statistics",
}


def absent_table(gathered: Gathered) -> Table:
    """One row per cell and fate of some of its runs; empty when every pair works and every run is complete."""
    columns = (
        Column("environment", numeric=False),
        Column("algorithm", numeric=False),
        Column("what", numeric=False),
        Column("runs"),
        Column("seeds", numeric=False),
        Column("reason", numeric=False),
    )
    rows = [row for member in gathered.members for row in _rows(member)]
    for (label, env), reason in gathered.refusals.items():
        what = Entry("not applicable", "not applicable", tone="muted")
        rows.append((text(env), algorithm(label), what, text(""), text(""), text(reason)))
    title = "Missing, unfinished, diverged, failed, not applicable"
    return Table("absent", title, ABSENT, columns, tuple(rows), headings=2)


def inapplicable_table(gathered: Gathered) -> Table:
    """One row per pair of which the algorithm cannot act in the environment, with the reason."""
    columns = (
        Column("environment", numeric=False),
        Column("algorithm", numeric=False),
        Column("reason", numeric=False, wraps=True),
    )
    rows = tuple((text(env), algorithm(label), text(reason)) for (label, env), reason in gathered.refusals.items())
    return Table("inapplicable", "Not applicable", INAPPLICABLE, columns, rows, headings=2)


def _rows(member: Member) -> Iterable[tuple[Entry, ...]]:
    name = (text(member.env), algorithm(member.label))
    if member.reason:
        yield (*name, Entry("failed", "failed", tone="bad"), text(""), text(""), text(" ".join(member.reason.split())))
    for kind, meaning in _KINDS.items():
        if seeds := member.seeds(kind):
            count = number(len(seeds), f"{len(seeds)} of {len(member.asked)}")
            yield (*name, Entry(kind, kind, tone="bad"), count, text(ranges(seeds)), text(meaning))


def remarks(gathered: Gathered) -> tuple[str, ...]:
    """What else could be taken for whole and is not: damaged files, copies that differ, results not asked for."""
    lines = (*gathered.damaged, *gathered.conflicts, *map(_not_asked_for, gathered.hidden))
    return tuple(dict.fromkeys([*lines, *(_without_digests(*old) for old in gathered.unsealed)]))


def _without_digests(folder: Place, runs: int) -> str:
    return (
        f"{plural(runs, 'run')} in the folder {folder.name} {'was' if runs == 1 else 'were'} written before files had "
        "digests: damage to them may go unnoticed."
    )


def _not_asked_for(hidden: Hidden) -> str:
    return (
        f"Not shown: {plural(hidden.runs, 'run')} of {plural(hidden.cells, 'cell')} in the folder {hidden.folder.name} "
        "that the latest `pgsuite run` did not ask for (other algorithms, seeds or budgets, or results of earlier "
        "code)."
    )


def completeness(gathered: Gathered) -> str:
    """How many runs of those asked for are in the statistics, in one sentence."""
    asked = sum(len(member.asked) for member in gathered.members)
    complete = sum(len(member.seeds("complete")) for member in gathered.members)
    if asked == complete == 1:
        return "The one run that was asked for is complete."
    if asked == complete:
        return f"All {plural(asked, 'run')} that were asked for are complete."
    return f"{complete} of {plural(asked, 'run')} are complete and in the statistics."
