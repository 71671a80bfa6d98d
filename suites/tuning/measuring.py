"""A stage of the search: trials are cells like any others, and one that cannot run, fails or diverges scores badly."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from ...algorithms.registry import build
from ...errors import UsageError
from ...results.store.gathering import gather
from ...results.tuned import WORST, Measured
from ...wording import plural
from ..planning import PlannedCell, plan_cells
from ..running import run_cells
from ..schema import AlgorithmTable, Suite
from .halving import Stage
from .space import with_settings, without


class Task(NamedTuple):
    """What trials run on: a suite with their settings as its algorithms."""

    suite: Suite
    stages: tuple[Stage, ...]
    seeds: tuple[int, ...]
    folder: Path
    """For the results: an ordinary results folder."""


def with_trial(suite: Suite, algorithm: str, reference: str, settings: Mapping[str, Any]) -> AlgorithmTable:
    """Return the table of an algorithm with a trial's settings, everywhere: the suite's own exceptions give way.

    Args:
        suite: that may have the algorithm.
        algorithm: its name there.
        reference: its class's name or address, where the suite names none; empty where the name is one.
        settings: of the trial.
    """
    base = suite.algorithms.get(algorithm, AlgorithmTable())
    exceptions = {
        env: table.model_validate(own)
        for env, table in base.environments.items()
        if (own := without(table.model_extra or {}, settings))
    }
    options = with_settings(base.model_extra or {}, settings)
    return AlgorithmTable(reference=base.reference or reference or None, environments=exceptions, **options)


def measure(task: Task, *, workers: int | None, console: Console) -> dict[str, list[Measured]]:
    """Run all algorithms of a task on its stages, and return by name how they did, stage by stage.

    Raises:
        UsageError: none of the cells can be planned.
        KeyboardInterrupt: the user asked for the end; what is done is kept in the folder.
    """
    refused: dict[str, str] = {}
    planned = [cell for stage in task.stages for cell in _planned(task, stage, refused)]
    failed: dict[tuple[str, str], str] = {}
    if planned:
        outcome = run_cells(planned, task.folder, workers=workers, console=console, together=True)
        if outcome.failures and not outcome.interruption:  # whose company need not have failed
            outcome = run_cells(planned, task.folder, workers=workers, console=console)
        if outcome.interruption:
            raise outcome.interruption
        failed = {(one.cell.algorithm, one.cell.environment.name): one.reason for one in outcome.failures}
    frame = _results(task.folder)
    return {
        name: [_measured(frame, name, stage, task.seeds, refused, failed) for stage in task.stages]
        for name in task.suite.algorithms
    }


def _planned(task: Task, stage: Stage, refused: dict[str, str]) -> list[PlannedCell]:
    """Plan the trials on a stage; those whose settings cannot be are noted among the refused, and left out."""
    alive = []
    for name, table in task.suite.algorithms.items():
        try:
            build(table.reference or name, task.suite.options(name, stage.environment))
            alive.append(name)
        except UsageError as error:
            refused[name] = str(error)
    if not alive:
        return []
    try:
        return _plan(task, stage, alive)
    except UsageError:
        return [cell for name in alive for cell in _plan_alone(task, stage, name, refused)]


def _plan_alone(task: Task, stage: Stage, name: str, refused: dict[str, str]) -> list[PlannedCell]:
    try:
        return _plan(task, stage, [name])
    except UsageError as error:
        refused[name] = str(error)
        return []


def _plan(task: Task, stage: Stage, names: Sequence[str]) -> list[PlannedCell]:
    return plan_cells(
        task.suite,
        task.folder,
        algorithms=names,
        environments=[stage.environment],
        seeds=task.seeds,
        steps=stage.steps,
    )


def _results(folder: Path) -> pd.DataFrame:
    try:
        return gather([folder]).frame
    except UsageError:  # no run has come to a checkpoint
        return pd.DataFrame(columns=["algorithm", "env", "seed", "env_steps", "score", "status", "return_mean"])


def _measured(
    frame: pd.DataFrame,
    name: str,
    stage: Stage,
    seeds: Iterable[int],
    refused: Mapping[str, str],
    failed: Mapping[tuple[str, str], str],
) -> Measured:
    own = frame[(frame.algorithm == name) & (frame.env == stage.environment)]
    runs = {seed: own[own.seed == seed].sort_values("env_steps") for seed in own.seed.unique()}
    fates = {seed: str(runs[seed].status.iloc[-1]) if seed in runs else "missing" for seed in seeds}
    whole = [seed for seed, fate in fates.items() if fate == "complete"]
    scores = [max(float(runs[seed].score.iloc[-1]), WORST) if seed in whole else WORST for seed in fates]
    areas = [float(runs[seed].score.clip(lower=WORST).mean()) if seed in whole else WORST for seed in fates]
    returned = [float(runs[seed].return_mean.iloc[-1]) for seed in whole]
    diverged = sum(fate == "diverged" for fate in fates.values())
    reason = refused.get(name) or failed.get((name, stage.environment), "")
    if diverged and not reason:
        reason = f"{diverged} of {plural(len(fates), 'run')} diverged"
    elif len(whole) < len(fates) and not reason:
        reason = f"{len(fates) - len(whole)} of {plural(len(fates), 'run')} not complete"
    area = float(np.mean(areas))
    return Measured(stage.environment, stage.steps, tuple(scores), area, _mean(returned), reason)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
