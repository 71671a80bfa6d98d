"""Tuning a suite's hyperparameters: the same small random search for every algorithm, on seeds that no result uses.

    python -m pgsuite.suites.tuning classic docs/tuning/classic.toml --trials 12 --seeds 1000-1003

A trial is one draw of hyperparameters for the whole suite. The trials of an algorithm are cells like any others, so
the search is stored, resumed and parallel as every run is; the ranking is written beside the search space as CSV.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console

from ..errors import UsageError
from ..results.frame import load
from .planning import plan
from .running import run_cells
from .schema import AlgorithmTable, Suite, load_suite, parse_seeds


def draw_trials(space: dict[str, list[Any]], trials: int) -> list[dict[str, Any]]:
    """Return ``trials`` draws, every hyperparameter independent and uniform over its values."""
    random = np.random.default_rng(0)
    return [{name: values[random.integers(len(values))] for name, values in space.items()} for _ in range(trials)]


def trial_suite(suite: Suite, spaces: dict[str, dict[str, list[Any]]], trials: int) -> Suite:
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


def ranking(results: pd.DataFrame, suite: Suite) -> pd.DataFrame:
    """Return one row per trial, best first: its final score (clipped to [-1, 1]) averaged over environments, its options."""
    last = results[results.env_steps == results.groupby(["algorithm", "env"]).env_steps.transform("max")]
    finished = last.assign(score=last.score.where(~last.diverged, -1.0).clip(-1, 1))
    table = finished.pivot_table(index="algorithm", columns="env", values="score", aggfunc="mean")
    returns = finished.pivot_table(index="algorithm", columns="env", values="return_mean", aggfunc="mean")
    ranked = pd.DataFrame({"score": table.mean(axis=1)}).join(table).join(returns.add_prefix("return "))
    options = pd.DataFrame({name: suite.algorithms[name].model_extra or {} for name in ranked.index}).T
    ranked = ranked.join(options)
    ranked.insert(0, "of", [str(name).split("#")[0] for name in ranked.index])
    return ranked.sort_values(["of", "score"], ascending=[True, False])


def main(
    suite: str,
    space: Path,
    trials: Annotated[int, typer.Option(min=1)] = 12,
    seeds: str = "1000-1003",
    env: Annotated[list[str] | None, typer.Option("-e")] = None,
    steps: int | None = None,
    out: Path | None = None,
    workers: int | None = None,
) -> None:
    """Search and write the ranking beside the search space."""
    spaces = tomllib.loads(space.read_text())
    chosen = trial_suite(load_suite(suite), spaces, trials)
    folder = out or Path("runs/tuning") / space.stem
    planned = plan(chosen, folder, environments=env or (), seeds=parse_seeds(seeds), steps=steps)
    outcome = run_cells(planned, folder, workers=workers, console=Console(stderr=True))
    ranked = ranking(load(folder), chosen)
    ranked.round(3).to_csv(space.with_suffix(".csv"))
    typer.echo(ranked.iloc[:, :2].to_string())
    if outcome.failures or outcome.interrupted:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
