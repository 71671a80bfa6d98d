"""The summary as a table: Markdown for a page, rich for a terminal."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .notation import NOTHING, mean_and_spread, si

CAPTION = (
    "Mean ± standard deviation over completed runs (one run is one seed; their number is under “runs”), "
    "at the last checkpoint, never the best. Score: 0 = uniform random policy, 1 = reference return. "
    "AUC: mean of the learning curve over its whole length. "
    "Bold: highest mean of the environment among complete cells; not a test of significance."
)
_REASON_LENGTH = 100


class Row(NamedTuple):
    """One line of the table, as text."""

    texts: tuple[str, ...]
    bold: int | None
    """Which text is the best of its environment; None when none is."""
    starts_group: bool


def table_rows(summary: pd.DataFrame) -> tuple[list[str], list[Row]]:
    """Header and lines; columns that no cell has a number for are left out."""
    scored = bool(summary["final_score_mean"].notna().any())
    timed = bool(summary["steps_per_second"].notna().any())
    header = ["environment", "algorithm", "steps", "final return"]
    header += ["final score"] * scored + ["AUC (score)" if scored else "AUC (return)", "runs"] + ["steps/s"] * timed
    several = summary["suite"].nunique() > 1
    rows = []
    previous: tuple[Hashable, ...] | None = None
    for record in summary.to_dict("records"):
        group = (record["suite"], record["env"])
        name = f"{record['suite']}: {record['env']}" if several else str(record["env"])
        texts = ["" if group == previous else name, record["label"], si(record["env_steps"])]
        texts.append(_final_return(record))
        texts += [mean_and_spread(record["final_score_mean"], record["final_score_std"], 2)] * scored
        texts += [_area(record, scored), runs_text(record)] + [si(record["steps_per_second"])] * timed
        rows.append(Row(tuple(texts), 3 if record["best"] else None, group != previous))
        previous = group
    return header, rows


def _final_return(record: Mapping[Hashable, Any]) -> str:
    if record["completed"]:
        return mean_and_spread(record["final_return_mean"], record["final_return_std"])
    if record["reason"]:
        return f"{NOTHING} (failed: {shorten(record['reason'])})"
    return f"{NOTHING} (no completed run)"


def _area(record: Mapping[Hashable, Any], scored: bool) -> str:
    """The area in units of score; of an environment without anchors beside some that have them, marked as a return."""
    score = mean_and_spread(record["auc_score_mean"], record["auc_score_std"], 2)
    if score != NOTHING:
        return score
    area = mean_and_spread(record["auc_return_mean"], record["auc_return_std"])
    return f"{area} (return)" if scored and area != NOTHING else area


def runs_text(record: Mapping[Hashable, Any]) -> str:
    """``10`` when all are complete, else what became of the others: ``6 (missing 3/10, diverged 1/10)``."""
    expected = len(record["expected"])
    others = [f"{kind} {n}/{expected}" for kind in ("missing", "partial", "diverged") if (n := len(record[kind]))]
    if record["reason"] and record["completed"]:
        others.append(f"failed: {shorten(record['reason'])}")
    return str(len(record["completed"])) + (f" ({', '.join(others)})" if others else "")


def shorten(reason: str) -> str:
    """A reason that fits into a table; the notes of the report give it in full."""
    line = " ".join(reason.split())
    return line if len(line) <= _REASON_LENGTH else line[: _REASON_LENGTH - 1] + "…"


def to_markdown(summary: pd.DataFrame) -> str:
    """The table with aligned pipes; the caption is `CAPTION`."""
    header, rows = table_rows(summary)
    lines = [header] + [
        [_markdown(text, bold=index == row.bold) for index, text in enumerate(row.texts)] for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rule = ["-" * width if column < 2 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    padded = [
        [
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in [header, rule, *lines[1:]]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded) + "\n"


def _markdown(text: str, *, bold: bool) -> str:
    escaped = text.replace("|", "\\|")
    return f"**{escaped}**" if bold else escaped


def print_table(summary: pd.DataFrame, console: Console) -> None:
    """The table and its caption, on a terminal: environments as headings, so that it fits into 80 columns."""
    header, rows = table_rows(summary)
    environment, algorithm, steps = range(3)
    shown = [column for column in range(len(header)) if column not in (environment, steps)]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=CAPTION, caption_justify="left", caption_style="dim")
    for column in shown:
        left = column == algorithm
        table.add_column(header[column], justify="left" if left else "right", no_wrap=left, overflow="fold")
    for row in rows:
        if row.starts_group:
            table.add_row(Text(f"{row.texts[environment]}  {row.texts[steps]} steps", style="bold cyan"))
        cells = [Text(row.texts[column], style="bold" if column == row.bold else "") for column in shown]
        table.add_row(Text("  ") + cells[0], *cells[1:])
    console.print(table)
