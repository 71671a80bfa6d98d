"""Performance against the effort of tuning: how good the best of k trials is, for every algorithm on one axis."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..errors import UsageError
from ..foreign import from_csv_cell
from ..results.statistics.effort import Effort, effort, freedom, shown_ahead
from ..results.statistics.sensitivity import tasks_of
from ..results.store.atomic import write_text
from ..results.swept import Swept
from ..results.tuned import Tuned
from ..wording import plural
from .figures.drawing import save
from .figures.effort import effort_figure
from .figures.style import line_styles
from .notation import fixed, interval, si
from .report import for_spreadsheets
from .tables.table import Column, Table, algorithm, number

RUNS, EFFORT = "runs.csv", "effort.csv"
"""Of a sweep or a search: every run, by trial, where ``in_effort`` says which count here; and what is made of them."""
COLUMNS = ["algorithm", "trial", "environment", "steps", "status", "final_score", "in_effort"]
CURVE = [
    *("algorithm", "trials", "steps", "score", "score_error", "score_low", "score_high", "search_score"),
    *("runs", "held_out"),
]
_KINDS = {"algorithm": str, "trial": str, "environment": str, "steps": int, "final_score": float, "in_effort": bool}
FEWEST = 3
"""Trials of an algorithm for which there is something to draw."""


def effort_table(runs: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """One row per algorithm and number of trials, from 1 to all that it has.

    ``steps`` are the environment steps that so many trials take, those of the runs that choose; ``score`` is what the
    best of them is expected to have, by runs that did not choose, with its standard error over trials and its interval;
    ``search_score`` what it seems to have by those that did.

    Args:
        runs: `COLUMNS`; ``final_score`` is NaN of a run without a result.
        level: of the interval.

    Raises:
        UsageError: trials ran on other environments, or with other budgets.
    """
    rows, runs = [], runs[runs["in_effort"].astype(bool)]
    budgets: dict[str, dict[str, int]] = {}
    for name, own in runs.groupby("algorithm", sort=False):
        budget = {str(env): int(steps) for env, steps in own.groupby("environment", sort=False)["steps"].max().items()}
        if (own.groupby("environment")["steps"].nunique() > 1).any():
            raise UsageError(f"the trials of {name} ran with other budgets: they are not on one axis of effort")
        budgets[str(name)] = budget
        tasks = [tasks_of(trial, list(budget)) for _, trial in own.groupby("trial", sort=False)]
        tasks = [each for each in tasks if all(task.size for task in each)]
        if len(tasks) >= FEWEST:
            rows += _rows(str(name), effort(tasks, level=level), sum(budget.values()))
    for name, budget in budgets.items():
        first, other = next(iter(budgets.items()))
        if budget != other:
            raise UsageError(
                f"trials of {first} are {_of(other)}, those of {name} {_of(budget)}: they are not on one axis of effort"
            )
    return pd.DataFrame(rows, columns=CURVE)


def _rows(name: str, found: Effort, steps: int) -> list[tuple[object, ...]]:
    curve = zip(found.score, found.error, found.low, found.high, found.search, strict=True)
    each, facts = steps * found.choosing, (found.choosing, found.held_out)
    return [(name, k, k * each, *map(float, numbers), *facts) for k, numbers in enumerate(curve, 1)]


def _of(budget: dict[str, int]) -> str:
    return ", ".join(f"{plural(steps, 'step')} on {env}" for env, steps in budget.items())


def runs_of_sweep(swept: Swept) -> pd.DataFrame:
    """The runs of a sweep. Every value that was asked for is a trial, on the environments with anchors.

    Seeds count that all trials of an algorithm have, since all are halved by the same ones.
    """
    runs = swept.runs.assign(trial=swept.runs["hyperparameter"] + "=" + swept.runs["value"])
    scored = runs.groupby("environment")["final_score"].transform(lambda scores: scores.notna().any())
    asked = runs.groupby(["algorithm", "trial"], sort=False)["asked"].transform("any")
    counted = runs[scored.astype(bool) & asked.astype(bool)]
    cells = counted.groupby(["algorithm", "trial"], sort=False)["cell"].agg(
        lambda names: "\0".join(dict.fromkeys(names))
    )
    first = cells.reset_index().drop_duplicates(["algorithm", "cell"])  # the suite's own is one trial, not several
    trials = pd.MultiIndex.from_frame(first[["algorithm", "trial"]])
    within = pd.MultiIndex.from_frame(runs[["algorithm", "trial"]]).isin(trials)
    here = runs.index.isin(counted.index) & within & (runs["status"] != "missing")
    of_seed = runs[here].groupby(["algorithm", "environment", "seed"])["trial"].transform("nunique")
    of_all = runs[here].groupby(["algorithm", "environment"])["trial"].transform("nunique")
    return runs.assign(in_effort=runs.index.isin(of_seed.index[of_seed == of_all]))


def runs_of_search(tuned: Tuned) -> pd.DataFrame:
    """The runs of a search, rung by rung. What was drawn at random counts, on the first rung, which all of them ran."""
    rows = [
        (
            trial.algorithm,
            str(trial.number),
            one.environment,
            one.steps,
            "",
            score,
            not rung and number < tuned.at_random,
        )
        for trial in tuned.trials
        for number in (trial.number,)
        for rung, one in enumerate(trial.measured)
        for score in one.scores
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_runs(folders: Iterable[Path]) -> pd.DataFrame:
    """Read the runs in folders of `pgsuite tune` and `pgsuite sweep`, one below the other.

    Raises:
        UsageError: a folder is not of these, or two hold trials of one algorithm.
    """
    found: list[pd.DataFrame] = []
    seen: dict[str, Path] = {}
    for folder in {folder.resolve(): folder for folder in folders}.values():
        try:
            runs = pd.read_csv(
                folder / RUNS, usecols=COLUMNS, dtype=_KINDS, keep_default_na=False, na_values={"final_score": ""}
            )
        except FileNotFoundError:
            raise UsageError(
                f"{folder} has no {RUNS}: name the folder of a `pgsuite tune` or `pgsuite sweep`"
            ) from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder / RUNS} cannot be read: {error}; the same command writes it anew") from None
        runs = runs.assign(**{name: runs[name].map(from_csv_cell) for name in ("algorithm", "trial", "environment")})
        for name in runs["algorithm"].unique():
            if (other := seen.setdefault(name, folder)) != folder:
                raise UsageError(f"{other} and {folder} both have trials of {name}: name one of them")
        found.append(runs)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


class EffortFiles(NamedTuple):
    """What was made of the trials of searches and sweeps."""

    effort: pd.DataFrame
    """As `effort_table` gives it."""
    table: Table
    """Some of its rows."""
    lines: tuple[str, ...]
    """Who is ahead with how much effort, and whether that is shown."""
    paths: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_effort(runs: pd.DataFrame, out: Path, formats: Collection[str] = ("svg", "png")) -> EffortFiles:
    """Write performance against effort into a folder: the numbers as CSV, and the figure.

    Args:
        runs: as `read_runs` gives them.
        out: the folder; made if it is not there.
        formats: of the figure: ``svg``, ``png``, ``pdf``.

    Raises:
        UsageError: there are too few trials, or they ran on other environments or with other budgets.
    """
    found = effort_table(runs)
    drawing = effort_figure(found, line_styles(list(dict.fromkeys(found["algorithm"]))))
    if drawing is None:
        raise UsageError(f"no algorithm has {FEWEST} trials that ran on all environments: there is nothing to draw")
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / EFFORT, for_spreadsheets(found).to_csv(index=False, lineterminator="\n"))
    table, figures = _shown(found, drawing.caption), save(drawing, out, formats)
    return EffortFiles(found, table, tuple(_ahead(found)), (out / EFFORT,), tuple(figures))


def _shown(found: pd.DataFrame, caption: str) -> Table:
    """The rows of 1, 2, 4, 8 … and of all trials."""
    columns = (
        Column("algorithm", numeric=False),
        Column("trials", numeric=False),
        Column("steps"),
        Column("expected score [95%]", short="expected score"),
        Column("as the search sees it"),
    )
    last = found.groupby("algorithm")["trials"].transform("max")
    rows = found[_told(found["trials"], last)]
    shown = tuple(
        (
            algorithm(row["algorithm"]),
            number(row["trials"], str(row["trials"])),
            number(row["steps"], si(row["steps"])),
            number(row["score"], fixed(row["score"], 2), interval(row["score_low"], row["score_high"], 2)),
            number(row["search_score"], fixed(row["search_score"], 2)),
        )
        for row in rows.to_dict("records")
    )
    return Table("effort", "Expected score of the best trial", caption, columns, shown, headings=2, sortable=False)


def _told(trials: pd.Series, last: pd.Series | int) -> pd.Series:
    """Whether a number of trials is told in tables and sentences: 1, 2, 4, 8 … and the last."""
    return (trials & (trials - 1) == 0) | (trials == last)


def _ahead(found: pd.DataFrame) -> Iterator[str]:
    """Say whose best trial has the highest expected score, and whether that is shown, where trials cost the same."""
    if found["algorithm"].nunique() < 2 or (found["steps"] / found["trials"]).nunique() > 1:
        return
    own = found.assign(freedom=freedom(found.groupby("algorithm")["trials"].transform("max"), found["trials"]))
    names = ("score", "score_error", "freedom")
    score, error, freedoms = (own.pivot(index="trials", columns="algorithm", values=name) for name in names)
    score = score.dropna()
    score = score[_told(score.index.to_series(), score.index.max())]
    known = (part.loc[score.index].to_numpy() for part in (score, error, freedoms))
    shown, leaders = pd.Series(shown_ahead(*known), index=score.index), score.idxmax(axis=1)
    if shown.any():
        yield f"Best of k trials, shown above all others (95%, on these seeds): {_spans(leaders[shown])}"
    if not shown.all():
        yield f"Best of k trials, highest by means alone, which is not shown: {_spans(leaders[~shown])}"


def _spans(leaders: pd.Series) -> str:
    """Who leads with how many trials, such as ``trpo with 1, 2; ppo with 4``."""
    spans = groupby(leaders.items(), key=lambda item: item[1])
    return "; ".join(f"{name} with {', '.join(str(trials) for trials, _ in own)}" for name, own in spans)
