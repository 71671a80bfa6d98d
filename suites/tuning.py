"""Tuning a suite's hyperparameters: the same small search for every algorithm, on seeds that no result uses.

    python -m pgsuite.suites.tuning classic docs/tuning/classic.toml --trials 10 --seeds 1000-1003 --finals 1000-1009

A trial is one random draw of hyperparameters for the whole suite. All trials of an algorithm run on the first
environment, the better half of them on the next, and so on. The finalists run again on more seeds, because a few do
not show how often a setting fails; the winner has the highest score over the worse half of its runs. Trials are cells
like any others, so the search is stored, resumed and parallel as every run is. The ranking is written beside the
search space as CSV; algorithms that ``-a`` leaves out keep the rows that they have there.

Source: successive halving, Jamieson & Talwalkar (2016), with environments for rounds.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console

from ..errors import UsageError
from ..results import load
from .planning import plan_cells
from .running import run_cells
from .schema import AlgorithmTable, Suite, load_suite, parse_seeds

Space = dict[str, list[Any]]


def draw_trials(space: Space, trials: int) -> list[dict[str, Any]]:
    """Return ``trials`` draws, every hyperparameter independent and uniform over its values."""
    random = np.random.default_rng(0)
    return [{name: values[random.integers(len(values))] for name, values in space.items()} for _ in range(trials)]


def trial_suite(suite: Suite, spaces: dict[str, Space], trials: int) -> Suite:
    """Return the suite with every algorithm replaced by its trials, named ``trpo#0``, ``trpo#1`` ..."""
    tables = {}
    for algorithm, space in spaces.items():
        if algorithm not in suite.algorithms:
            raise UsageError(f"{algorithm!r} is not in suite {suite.name}: it has {', '.join(suite.algorithms)}")
        base = suite.algorithms[algorithm]
        for n, options in enumerate(draw_trials(space, trials)):
            merged = {**(base.model_extra or {}), **options}
            tables[f"{algorithm}#{n}"] = AlgorithmTable(
                reference=base.reference or algorithm, environments=base.environments, **merged
            )
    # Only the last evaluation ranks a trial: a few checkpoints are enough.
    evaluation = suite.evaluation.model_copy(update={"checkpoints": 4})
    return suite.model_copy(update={"algorithms": tables, "evaluation": evaluation})


def ranking(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per trial, those of more rounds first, then by ``reliable``.

    Columns: the algorithm it is a trial ``of``, ``rounds`` run, ``score`` (final, clipped to [-1, 1], averaged over
    runs, then environments; a diverged run counts -1), ``reliable`` (the same over the worse half of each
    environment's runs, because a setting that sometimes fails is no good one) and the mean final return per
    environment.
    """
    run = ["algorithm", "env", "seed"]
    last = results.loc[results.groupby(run)["env_steps"].idxmax()]
    scored = last.assign(score=last.score.where(~last.diverged, -1.0).clip(-1, 1))
    grouped = scored.groupby(["algorithm", "env"])["score"]
    mean, reliable = grouped.mean().groupby("algorithm"), grouped.agg(_worse_half).groupby("algorithm")
    returns = scored.pivot_table(index="algorithm", columns="env", values="return_mean", aggfunc="mean")
    ranked = pd.DataFrame({"rounds": mean.size(), "score": mean.mean(), "reliable": reliable.mean()}).join(returns)
    ranked.insert(0, "of", [str(name).split("#")[0] for name in ranked.index])
    return ranked.sort_values(["of", "rounds", "reliable"], ascending=[True, False, False])


def _worse_half(scores: "pd.Series[float]") -> float:
    return float(scores.nsmallest(-(-len(scores) // 2)).mean())


def better_half(ranked: pd.DataFrame) -> list[str]:
    """Return the names of the better half of each algorithm's trials, rounded up, among those of the latest round."""
    latest = ranked[ranked.rounds == ranked.rounds.max()]
    return [str(name) for _, group in latest.groupby("of") for name in group.index[: -(-len(group) // 2)]]


def chosen_spaces(spaces: dict[str, Space], algorithms: list[str] | None) -> dict[str, Space]:
    """Return the search spaces of these algorithms; all where none is named.

    Raises:
        UsageError: one has no search space.
    """
    for name in algorithms or []:
        if name not in spaces:
            raise UsageError(f"{name!r} has no search space: those that have are {', '.join(spaces)}")
    return {name: spaces[name] for name in algorithms or spaces}


def with_others(ranked: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return the ranking with the rows that other algorithms have in ``file``, ordered by algorithm."""
    if not file.exists():
        return ranked
    before = pd.read_csv(file, index_col="algorithm", dtype=object)
    others = before[~before.of.isin(ranked.of)]
    return pd.concat([others, ranked.astype(object)]).sort_values("of", kind="stable").rename_axis("algorithm")


def main(
    suite: str,
    space: Path,
    trials: Annotated[int, typer.Option(min=1)] = 10,
    seeds: str = "1000-1003",
    finals: Annotated[str | None, typer.Option(help="Seeds of the finalists.  [default: as before]")] = None,
    env: Annotated[list[str] | None, typer.Option("-e", help="Rounds, in order.  [default: all]")] = None,
    steps: Annotated[int | None, typer.Option(help="Budget instead of the suite's.")] = None,
    algorithm: Annotated[list[str] | None, typer.Option("-a", help="Search for these.  [default: all]")] = None,
    out: Annotated[Path | None, typer.Option(help="Results folder.  [default: runs/tuning/SPACE]")] = None,
    workers: int | None = None,
) -> None:
    """Search, and write the ranking beside the search space."""
    spaces = chosen_spaces(tomllib.loads(space.read_text()), algorithm)
    chosen = trial_suite(load_suite(suite), spaces, trials)
    folder = out or Path("runs/tuning") / space.stem
    rounds = list(env or chosen.environments)
    stages = [([environment], seeds) for environment in rounds] + ([(rounds, finals)] if finals else [])
    alive = list(chosen.algorithms)
    ranked = pd.DataFrame()
    for n, (environments, stage_seeds) in enumerate(stages):
        if 0 < n < len(rounds):  # the finals are for all who ran the last round
            alive = better_half(ranked)
        planned = plan_cells(
            chosen,
            folder,
            algorithms=alive,
            environments=environments,
            seeds=parse_seeds(stage_seeds),
            steps=steps,
        )
        outcome = run_cells(planned, folder, workers=workers, console=Console(stderr=True))
        if outcome.failures or outcome.interruption:
            for failure in outcome.failures:
                typer.echo(f"failed: {failure.cell.name}: {failure.reason}", err=True)
            raise typer.Exit(1)
        ranked = ranking(load(folder))
        options = pd.DataFrame({name: chosen.algorithms[name].model_extra or {} for name in ranked.index}).T
        table = space.with_suffix(".csv")
        with_others(ranked.join(options).round(3), table).to_csv(table)
    typer.echo(ranked.to_string())


if __name__ == "__main__":
    typer.run(main)
