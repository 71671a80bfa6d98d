"""A sweep written down: how sensitive the score is, in words, as tables and as figures."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..foreign import markdown, slug
from ..results.statistics.sensitivity import SUITE, points
from ..results.store.atomic import write_text
from ..results.swept import Axis, Swept
from ..wording import plural
from .effort import EFFORT, RUNS, effort_table, runs_of_sweep
from .figures.drawing import Drawing, save
from .figures.effort import effort_figure
from .figures.sensitivity import sensitivity_figures
from .figures.style import line_styles
from .markdown import table as markdown_table
from .notation import common_decimals, fixed, interval
from .report import for_spreadsheets
from .tables.table import FILES, TERMINAL, Column, Entry, Table, number, text

PAGE, POINTS, FIGURES = "sweep.md", "points.csv", "figures"
"""What is written into the folder of the sweep, beside `effort.RUNS` and `effort.EFFORT`."""
_MEANS = (
    "Means over runs with 95% intervals; a run that diverged or failed counts −1 in the scores, and is not in the "
    "returns."
)
_BOLD = (
    "Bold: possibly the best, which is not shown worse than any other value; with 95% confidence, column by column and "
    "environment by environment, the best of the values that were tried is among these, whoever looks for the highest "
    "first."
)
_STARRED = "* is the suite's own setting."
_STAR = " *"
_TUNED = (
    "A sweep's trials lie around the suite's setting, and what it took to find that one is not counted: compare "
    "algorithms by this only where their settings were found with the same effort."
)


class SweepFiles(NamedTuple):
    """What was made of a sweep."""

    points: pd.DataFrame
    """A row per hyperparameter, environment and value, as `results.statistics.sensitivity.points` gives it."""
    runs: pd.DataFrame
    """A row per run, as `reports.effort.runs_of_sweep` gives it."""
    effort: pd.DataFrame
    """The expected best of k values, as `reports.effort.effort_table` gives it."""
    tables: tuple[Table, ...]
    lines: tuple[str, ...]
    """How sensitive the score is, a sentence for each hyperparameter and environment; then what is not shown."""
    paths: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_sweep(swept: Swept, out: Path, formats: Collection[str] = ("svg", "png")) -> SweepFiles:
    """Write a sweep into its folder: Markdown, points and runs as CSV, a figure for each hyperparameter.

    Args:
        swept: the runs.
        out: the folder; it exists.
        formats: of the figures: ``svg``, ``png``, ``pdf``.
    """
    found, runs = points(swept), runs_of_sweep(swept)
    effort = effort_table(runs)
    styles = line_styles(list(dict.fromkeys(axis.algorithm for axis in swept.axes)))
    drawings = sensitivity_figures(swept, found, styles)
    tuning = effort_figure(effort, styles)
    tables = [table for axis in swept.axes if (table := _table(axis, found)).rows]
    caption = _caption([entry for table in tables for row in table.rows for entry in row])
    tables[-1:] = [table._replace(caption=caption) for table in tables[-1:]]
    lines = (*sensitivity_lines(swept, found), *swept.notes)
    (out / FIGURES).mkdir(parents=True, exist_ok=True)
    figures = [path for one in (*drawings, *filter(None, [tuning])) for path in save(one, out / FIGURES, formats)]
    for name, frame in ((POINTS, found), (RUNS, runs), (EFFORT, effort)):
        write_text(out / name, for_spreadsheets(frame).to_csv(index=False, lineterminator="\n"))
    shown = {path.stem: path.name for path in reversed(figures)}
    parts = [f"# Sensitivity of {markdown(swept.suite)}", *(f"- {markdown(line)}" for line in lines)]
    for drawing in drawings:
        parts += [f"## {markdown(drawing.title)}", *_picture(drawing, shown)]
    for table in tables:
        parts += [f"## {markdown(table.title)}", markdown_table(table)]
    parts += [markdown(caption)] if tables else []
    if tuning:
        parts += [f"## {tuning.title}", *_picture(tuning, shown), markdown(_TUNED)]
    write_text(out / PAGE, "\n\n".join(parts) + "\n")
    paths = (out / PAGE, out / POINTS, out / RUNS, out / EFFORT)
    return SweepFiles(found, runs, effort, tuple(tables), lines, paths, tuple(figures))


def _caption(entries: Collection[Entry]) -> str:
    """Say what the tables hold, and of their signs those that are there."""
    bold, starred = any(one.strong for one in entries), any(one.text.endswith(_STAR) for one in entries)
    return " ".join([_MEANS, *[_BOLD] * bold, *[_STARRED] * starred])


def _picture(drawing: Drawing, files: dict[str, str]) -> list[str]:
    file = files.get(drawing.name)
    return [*([f"![{markdown(drawing.title)}]({FIGURES}/{file})"] if file else []), markdown(drawing.caption)]


def sensitivity_lines(swept: Swept, found: pd.DataFrame) -> Iterator[str]:
    """Say how much the score depends on each hyperparameter, and which values may be the best.

    Args:
        swept: the runs.
        found: what `points` gives of them.
    """
    for axis in swept.axes:
        of_axis = found[(found["algorithm"] == axis.algorithm) & (found["hyperparameter"] == axis.name)]
        for env in dict.fromkeys(of_axis["environment"]):
            rows = of_axis[(of_axis["environment"] == env) & (of_axis["runs"] > 0)]
            if len(rows):
                yield f"{axis.algorithm} on {env}, {axis.name}: {_sensitivity(axis, rows)}"


def _sensitivity(axis: Axis, rows: pd.DataFrame) -> str:
    numbers = (
        {"score": "final score", "auc": "AUC score"} if rows["score"].notna().any() else {"return": "final return"}
    )
    said = [_spread(axis, rows[(rows["value"] != SUITE) & rows[name].notna()], name, numbers[name]) for name in numbers]
    return f"{'; '.join(said)}{_lost(rows)}"


def _spread(axis: Axis, values: pd.DataFrame, name: str, words: str) -> str:
    if values.empty:
        return "no run has a result"
    means = dict(zip(values["value"], map(float, values[name]), strict=True))
    places = common_decimals(means.values()) if name == "return" else 2
    worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    spread = f"{words} from {fixed(means[worst], places)} ({worst}) to {fixed(means[best], places)} ({best})"
    if means[worst] == means[best]:
        spread = f"{words} {fixed(means[best], places)} at {'every value' if len(means) > 1 else best}"
    return spread if len(means) < 2 else f"{spread}, {_best(axis, values, 'auc' if name == 'auc' else 'score')}"


def _best(axis: Axis, values: pd.DataFrame, name: str) -> str:
    """Which values may be the best, and whether the suite's own is among them."""
    if not values["told"].all():
        runs = int(values["runs"].min())
        return f"and {plural(runs, 'run')} of each {'is' if runs == 1 else 'are'} too few to show a value worse"
    possible, texts = list(values[f"{name}_possibly_best"].astype(bool)), list(values["value"])
    kept = [value for value, may in zip(texts, possible, strict=True) if may]
    if all(possible):
        return f"none of {len(texts)} values shown worse than another"
    first, last = possible.index(True), len(possible) - 1 - possible[::-1].index(True)
    said = ", ".join(kept)
    if axis.numeric and len(kept) > 1 and all(possible[first : last + 1]):
        factor = f", a factor of {float(kept[-1]) / float(kept[0]):.3g}" if axis.log and float(kept[0]) > 0 else ""
        said = f"{kept[0]} to {kept[-1]} ({len(kept)} of {len(texts)} values{factor})"
    own = list(values.loc[values["suite_setting"], "value"])
    among = f", the suite's {own[0]} {'' if own[0] in kept else 'not '}among them" if own else ""
    return f"possibly the best {said}{'' if own == kept else among}"


def _lost(rows: pd.DataFrame) -> str:
    lost = rows[(rows["diverged"] + rows["failed"]) > 0]
    parts = [
        f"{row['diverged'] + row['failed']} of {plural(row['runs'], 'run')} at {row['value']}"
        for row in lost.to_dict("records")
        if row["value"] != SUITE
    ]
    return f"; diverged or failed: {', '.join(parts)}" if parts else ""


def _table(axis: Axis, found: pd.DataFrame) -> Table:
    """One row per environment and value."""
    columns = (
        Column("environment", numeric=False),
        Column("value", numeric=False),
        Column("runs"),
        Column("final score [95%]", short="final score"),
        Column("AUC score [95%]", short="AUC score"),
        Column("final return [95%]", media=FILES),
        Column("return", media=TERMINAL, explanation="With its interval where there are no scores."),
        Column("diverged or failed", short="lost"),
    )
    own = found[(found["algorithm"] == axis.algorithm) & (found["hyperparameter"] == axis.name)]
    rows = []
    for env in dict.fromkeys(own["environment"]):
        here = own[own["environment"] == env]
        places = common_decimals(here["return"])
        rows += [_row(row, places) for row in here.to_dict("records")]
    return Table(
        f"sensitivity-{slug(axis.name)}-{slug(axis.algorithm)}",
        f"{axis.name} of {axis.algorithm}",
        "",
        columns,
        tuple(rows),
        headings=2,
        sortable=False,
    )


def _row(row: dict[str, object], places: int) -> tuple[Entry, ...]:
    lost = row["diverged"] + row["failed"]  # type: ignore[operator]
    value = f"{row['value']}{_STAR if row['suite_setting'] and row['value'] != SUITE else ''}"
    absent = f" of {row['runs'] + row['missing']}" if row["missing"] else ""  # type: ignore[operator]
    found, missing = _number(row, "return", places), row["score"] != row["score"]
    return (
        text(row["environment"]),
        text(value),
        number(float(row["runs"]), f"{row['runs']}{absent}"),  # type: ignore[arg-type]
        _number(row, "score", 2),
        _number(row, "auc", 2),
        found,
        found if missing else found._replace(interval=""),
        number(float(lost), str(lost)),
    )


def _number(row: dict[str, object], name: str, places: int) -> Entry:
    middle, low, high = (float(row.get(key, float("nan"))) for key in (name, f"{name}_low", f"{name}_high"))  # type: ignore[arg-type]
    judged = "score" if name == "return" and row["score"] != row["score"] else name
    best = row["told"] is True and row.get(f"{judged}_possibly_best") is True
    return number(middle, fixed(middle, places), interval(low, high, places), strong=best)
