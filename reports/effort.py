"""Performance against the effort of tuning: how good the best of k trials is, for every algorithm on one axis."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..errors import UsageError
from ..foreign import from_csv_cell
from ..results.statistics.effort import Effort, effort
from ..results.statistics.sensitivity import tasks_of
from ..results.swept import Swept
from ..results.tuned import Tuned
from ..wording import plural

RUNS, EFFORT = "runs.csv", "effort.csv"
"""Of a sweep or a search: every run, by trial, where ``in_effort`` says which count here; and what is made of them."""
COLUMNS = ["algorithm", "trial", "environment", "steps", "status", "final_score", "in_effort"]
CURVE = ["algorithm", "trials", "steps", "score", "score_low", "score_high", "search_score", "runs", "held_out"]
FEWEST = 3
"""Trials of an algorithm for which there is something to draw."""


def effort_table(runs: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """One row per algorithm and number of trials, from 1 to all that it has.

    ``steps`` are the environment steps that so many trials take, those of the runs that choose; ``score`` is what the
    best of them is expected to have, by runs that did not choose, with its interval; ``search_score`` what it seems to
    have by those that did.

    Args:
        runs: `COLUMNS`; ``final_score`` is NaN of a run without a result.
        level: of the interval.

    Raises:
        UsageError: trials ran on other environments, or with other budgets.
    """
    rows, runs = [], runs[runs["in_effort"].astype(bool)]
    budgets: dict[str, dict[str, int]] = {}
    for algorithm, own in runs.groupby("algorithm", sort=False):
        budget = {str(env): int(steps) for env, steps in own.groupby("environment", sort=False)["steps"].max().items()}
        if (own.groupby("environment")["steps"].nunique() > 1).any():
            raise UsageError(f"the trials of {algorithm} ran with other budgets: they are not on one axis of effort")
        budgets[str(algorithm)] = budget
        tasks = [tasks_of(trial, list(budget)) for _, trial in own.groupby("trial", sort=False)]
        tasks = [each for each in tasks if all(task.size for task in each)]
        if len(tasks) >= FEWEST:
            rows += _rows(str(algorithm), effort(tasks, level=level), sum(budget.values()))
    for algorithm, budget in budgets.items():
        first, other = next(iter(budgets.items()))
        if budget != other:
            raise UsageError(
                f"trials of {first} are {_of(other)}, those of {algorithm} {_of(budget)}: they are not on one axis of "
                "effort"
            )
    return pd.DataFrame(rows, columns=CURVE)


def _rows(algorithm: str, found: Effort, steps: int) -> list[tuple[object, ...]]:
    curve = zip(found.score, found.low, found.high, found.search, strict=True)
    each, facts = steps * found.choosing, (found.choosing, found.held_out)
    return [(algorithm, k, k * each, *map(float, numbers), *facts) for k, numbers in enumerate(curve, 1)]


def _of(budget: dict[str, int]) -> str:
    return ", ".join(f"{plural(steps, 'step')} on {env}" for env, steps in budget.items())


def runs_of_sweep(swept: Swept) -> pd.DataFrame:
    """The runs of a sweep. Every value that was asked for is a trial, on the environments with anchors."""
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
    return runs.assign(in_effort=runs.index.isin(counted.index) & within)


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
    for folder in folders:
        try:
            runs = pd.read_csv(
                folder / RUNS, dtype={"trial": str}, usecols=COLUMNS, keep_default_na=False, na_values=""
            )
        except FileNotFoundError:
            raise UsageError(
                f"{folder} has no {RUNS}: name the folder of a `pgsuite tune` or `pgsuite sweep`"
            ) from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder / RUNS} cannot be read: {error}; the same command writes it anew") from None
        runs = runs.assign(**{name: runs[name].map(from_csv_cell) for name in ("algorithm", "trial", "environment")})
        for algorithm in runs["algorithm"].unique():
            if (other := seen.setdefault(algorithm, folder)) != folder:
                raise UsageError(f"{other} and {folder} both have trials of {algorithm}: name one of them")
        found.append(runs)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)
