"""A search for hyperparameters written down: the sentence for a paper, the effort, every trial, and figures."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..foreign import csv_cell, markdown, named
from ..results.store.atomic import write_text
from ..results.tuned import Trial, Tuned, standing
from ..wording import plural
from .effort import EFFORT, RUNS, effort_table, runs_of_search
from .figures.drawing import save
from .figures.effort import effort_figure
from .figures.style import line_styles
from .figures.tuning import tuning_figures
from .markdown import table as markdown_table
from .notation import NOTHING, fixed, si
from .report import for_spreadsheets
from .tables.details import value
from .tables.table import Column, Entry, Table, algorithm, number, text

PAGE, TRIALS, FIGURES = "tuning.md", "trials.csv", "figures"
"""What is written into the folder of the search."""
_RANKED = (
    "Score of the worse half: the mean over environments of the mean final score of the worse half of the runs, a run "
    "that failed or diverged counting −1; on each environment at the largest budget that the trial ran there. What is "
    "equal in it is ranked by the area under the curve. Finals are on fresh seeds, with the suite's own protocol."
)


class TuningFiles(NamedTuple):
    """What was written, and what is to be said of it."""

    paths: tuple[Path, ...]
    lines: tuple[str, ...]
    effort: pd.DataFrame
    """The expected best of 1, 2, … trials, as `reports.effort.effort_table` gives it."""
    figures: tuple[Path, ...]


def write_tuning(tuned: Tuned, out: Path) -> TuningFiles:
    """Write a search into its folder: Markdown, the trials as CSV, figures as SVG and PNG.

    Returns:
        The files, and the lines that say what was chosen, the sentence last.
    """
    runs = runs_of_search(tuned)
    effort = effort_table(runs)
    drawings, curve = tuning_figures(tuned), effort_figure(effort, line_styles(tuned.algorithms))
    (out / FIGURES).mkdir(parents=True, exist_ok=True)
    figures = [file for one in filter(None, [*drawings, curve]) for file in save(one, out / FIGURES, ("svg", "png"))]
    parts = [f"# Tuning of {markdown(tuned.suite)}", markdown(tuned.sentence), "## What was found"]
    parts += [markdown_table(_winners(tuned)), markdown(_RANKED), "## Effort", markdown_table(_effort(tuned))]
    parts += [f"{tuned.steps:,} environment steps for every algorithm at most, whichever trials went on."]
    if curve:
        parts += [f"![{curve.title}]({FIGURES}/{curve.name}.svg)", markdown(curve.caption), markdown(_at_random(tuned))]
    for drawing in drawings[: 1 if drawings and drawings[0].name == "importance" else 0]:
        parts += ["## What mattered", f"![{drawing.title}]({FIGURES}/{drawing.name}.svg)", markdown(drawing.caption)]
    slices = {drawing.name: drawing for drawing in drawings}
    for name in tuned.algorithms:
        own = _trials(tuned, name)
        parts += [f"## {markdown(named(name))}", markdown_table(own)]
        parts += [f"- {markdown(line)}" for line in _failures(tuned, name)]
        for drawing in (one for one in slices.values() if one.title.startswith(f"{named(name)}: ")):
            parts += [f"![{markdown(drawing.title)}]({FIGURES}/{drawing.name}.svg)", markdown(drawing.caption)]
    write_text(out / PAGE, "\n\n".join(parts) + "\n")
    write_text(out / TRIALS, _csv(tuned))
    for name, frame in ((RUNS, runs), (EFFORT, effort)):
        write_text(out / name, for_spreadsheets(frame).to_csv(index=False, lineterminator="\n"))
    paths = (out / PAGE, out / TRIALS, out / RUNS, out / EFFORT)
    return TuningFiles(paths, tuple(_lines(tuned)), effort, tuple(figures))


def _at_random(tuned: Tuned) -> str:
    """Which trials and runs the effort is told by."""
    first = tuned.effort[0]
    return (
        f"Of the first rung, which every trial ran: {first.environment}, {plural(first.steps, 'step')} a run; what "
        f"halving and finals add is not in it. Trials that were drawn independently count: "
        f"{tuned.at_random} of {first.trials} of each algorithm."
    )


def _lines(tuned: Tuned) -> Iterator[str]:
    for name in tuned.algorithms:
        if trial := tuned.chosen(name):
            found = standing(trial.finals)
            yield (
                f"{name}: trial {trial.number}, worse half {fixed(found.reliable, 2)}, mean {fixed(found.score, 2)} in "
                f"the finals: {_settings(trial)}"
            )
    yield tuned.sentence


def _settings(trial: Trial) -> str:
    return ", ".join(f"{key} = {json.dumps(one)}" for key, one in trial.settings.items())


def _winners(tuned: Tuned) -> Table:
    columns = (
        Column("algorithm", numeric=False),
        Column("trial"),
        Column("finals: worse half"),
        Column("finals: mean score"),
        Column("settings", numeric=False),
    )
    rows = []
    for name in tuned.algorithms:
        trial = tuned.chosen(name)
        if trial is None:
            rows.append((algorithm(name), *[text(NOTHING)] * 3, text("no setting gave a result")))
            continue
        found = standing(trial.finals)
        scores = (_score(found.reliable), _score(found.score))
        rows.append((algorithm(name), number(trial.number, str(trial.number)), *scores, text(_settings(trial))))
    return Table("found", "What was found", "", columns, tuple(rows))


def _effort(tuned: Tuned) -> Table:
    titles = ("rung", "environment", "steps of a run", "trials", "runs", "steps")
    columns = tuple(Column(title, numeric=title not in ("rung", "environment")) for title in titles)
    rows = tuple(
        (
            text(rung.name),
            text(rung.environment),
            *(number(count, si(count)) for count in (rung.steps, rung.trials, rung.runs, rung.steps * rung.runs)),
        )
        for rung in tuned.effort
    )
    return Table("effort", "Effort", "", columns, rows)


def _trials(tuned: Tuned, name: str) -> Table:
    """One row per trial: the chosen one, the other finalists, then by how far they went and how they stood."""
    trials = sorted((one for one in tuned.trials if one.algorithm == name), key=_rank)
    keys = list(trials[0].settings)
    titles = ("trial", "rungs", "finals: worse half", "finals: mean", "worse half", "mean", "area")
    columns = (*(Column(title) for title in titles), *(Column(key, numeric=False) for key in keys))
    rows = tuple(
        (
            number(trial.number, str(trial.number), strong=trial.chosen),
            number(len(trial.measured), str(len(trial.measured))),
            *_standings(trial),
            *(text(value(trial.settings[key])) for key in keys),
        )
        for trial in trials
    )
    return Table("trials", f"Trials of {name}", "", columns, rows)


def _rank(trial: Trial) -> tuple[Any, ...]:
    finals = standing(trial.finals)[::2] if trial.finals else (-np.inf, -np.inf)
    stood = standing(trial.measured)[::2] if trial.measured else (-np.inf, -np.inf)
    return (not trial.chosen, *(-one for one in finals), -len(trial.measured), *(-one for one in stood), trial.number)


def _standings(trial: Trial) -> list[Entry]:
    finals = standing(trial.finals)[:2] if trial.finals else (np.nan, np.nan)
    stood = standing(trial.measured) if trial.measured else (np.nan,) * 3
    return [_score(one) for one in (*finals, *stood)]


def _score(score: float) -> Entry:
    return number(score, fixed(score, 2))


def _failures(tuned: Tuned, name: str) -> list[str]:
    own = (trial for trial in tuned.trials if trial.algorithm == name)
    return [f"trial {trial.number}: {reason}" for trial in own for reason in trial.failures]


def _csv(tuned: Tuned) -> str:
    """One row per trial, in the order of the draws; numbers in full."""
    keys = list(dict.fromkeys(key for trial in tuned.trials for key in trial.settings))
    environments = list(dict.fromkeys(one.environment for one in tuned.effort))
    head = ["algorithm", "trial", "chosen", "rungs", "finals_worse_half", "finals_mean", "worse_half", "mean", "area"]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    returns = [f"return/{env}" for env in environments]
    writer.writerow([csv_cell(one) for one in (*head, *returns, *(f"setting/{key}" for key in keys), "failures")])
    for trial in tuned.trials:
        stood = [_number(entry.value) for entry in _standings(trial)]
        latest = {one.environment: one.returned for one in (*trial.measured, *trial.finals)}
        writer.writerow(
            [
                csv_cell(trial.algorithm),
                trial.number,
                str(trial.chosen).lower(),
                len(trial.measured),
                *stood,
                *(_number(latest.get(env)) for env in environments),
                *(csv_cell(json.dumps(trial.settings[key])) if key in trial.settings else "" for key in keys),
                csv_cell("; ".join(trial.failures)),
            ]
        )
    return file.getvalue()


def _number(found: float | str | None) -> str:
    return "" if found is None else repr(float(found))
