"""A stage of the search: trials are cells like any others, and one that cannot run, fails or diverges scores badly.

That is for what its setting comes to. A run that ended for another reason (its worker was killed, the disk was full, a
file is damaged) says nothing of the setting: its trial has no score until the run has come to its end.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from ...algorithms.registry import build
from ...errors import PassingTrouble, UsageError
from ...results.store.curve import FINISHED
from ...results.store.gathering import gather
from ...results.tuned import WORST, Measured
from ...wording import plural
from ..console import say
from ..planned import PlannedCell
from ..planning import plan_cells
from ..running import Outcome, run_cells
from ..scheduling.interface import Failure
from ..scheduling.places import LOCAL
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


class Unmeasured(PassingTrouble):
    """Trials are left without a score, and can be tried again."""

    def __init__(self, reasons: Mapping[str, str], measured: dict[str, list[Measured]]) -> None:
        """Say it of trials, by their names; the others are measured."""
        first, reason = next(iter(reasons.items()))
        more = f", and {plural(len(reasons) - 1, 'other')}," if len(reasons) > 1 else ""
        super().__init__(f"{first}{more} cannot be measured, from where the same command will go on: {reason}")
        self.measured = measured


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


def measure(
    task: Task, *, workers: int | None, console: Console, on: str = LOCAL, mixed: bool = False
) -> dict[str, list[Measured]]:
    """Run all algorithms of a task on its stages, and return by name how they did, stage by stage.

    The other args are those of `run_cells`.

    Raises:
        UsageError: none of the cells can be planned.
        Unmeasured: some have no score, for no reason of their own; it has the others.
        KeyboardInterrupt: the user asked for the end; what is done is kept in the folder.
    """
    refused: dict[str, str] = {}
    planned = [cell for stage in task.stages for cell in _planned(task, stage, refused)]
    failures: list[Failure] = []
    if planned:
        outcome = run_trials(planned, task.folder, workers=workers, console=console, on=on, mixed=mixed)
        if outcome.interruption:
            raise outcome.interruption
        failures = outcome.failures
    frame = _results(task.folder)
    measured: dict[str, list[Measured]] = {}
    lacking: dict[str, str] = {}
    for name in task.suite.algorithms:
        own = [one for one in failures if one.cell.algorithm == name]
        found = [_measured(frame, name, stage, task.seeds, refused.get(name, ""), own) for stage in task.stages]
        if reason := next((one for one in found if isinstance(one, str)), ""):
            lacking[name] = reason
        else:
            measured[name] = [one for one in found if not isinstance(one, str)]
    if lacking:
        raise Unmeasured(lacking, measured)
    return measured


def run_trials(
    planned: Sequence[PlannedCell],
    folder: Path,
    *,
    workers: int | None,
    console: Console,
    on: str = LOCAL,
    mixed: bool = False,
) -> Outcome:
    """Run what is missing of settings, together where they differ in numbers alone; the args are those of `run_cells`.

    What failed in company runs again alone, since it need not be to blame; what failed alone has failed.
    """
    outcome = run_cells(planned, folder, workers=workers, console=console, on=on, mixed=mixed, together=True)
    again = {one.cell.name for one in outcome.failures if one.in_company}
    if not again or outcome.interruption:
        return outcome
    say(console, "note: what trained as one program with a setting that failed runs again, each setting alone")
    left = [one for one in planned if one.cell.name in again]
    alone = run_cells(left, folder, workers=workers, console=console, on=on, mixed=mixed)
    failed = [one for one in outcome.failures if one.cell.name not in again]
    return replace(alone, failures=[*failed, *alone.failures])


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
    refused: str,
    failures: Iterable[Failure],
) -> Measured | str:
    """Return how a trial did on a stage; or, as text, why nobody knows yet.

    Args:
        frame: all results.
        name: of the trial.
        stage: what it ran on.
        seeds: of its runs.
        refused: why its setting cannot be; empty where it can.
        failures: of its cells.
    """
    own = frame[(frame.algorithm == name) & (frame.env == stage.environment)]
    runs = {seed: own[own.seed == seed].sort_values("env_steps") for seed in own.seed.unique()}
    fates = {seed: str(runs[seed].status.iloc[-1]) if seed in runs else "missing" for seed in seeds}
    whole = [seed for seed, fate in fates.items() if fate == "complete"]
    failed = [one for one in failures if one.cell.environment.name == stage.environment]
    reason = refused or next((one.reason for one in failed if not one.passing), "")
    passing = next((one.reason for one in failed if one.passing), "")
    lacking = sum(fate not in FINISHED for fate in fates.values())
    if lacking and (passing or not reason):
        return passing or f"{lacking} of {plural(len(fates), 'run')} not complete on {stage.environment}"
    scores = [max(float(runs[seed].score.iloc[-1]), WORST) if seed in whole else WORST for seed in fates]
    areas = [float(runs[seed].score.clip(lower=WORST).mean()) if seed in whole else WORST for seed in fates]
    returned = [float(runs[seed].return_mean.iloc[-1]) for seed in whole]
    diverged = sum(fate == "diverged" for fate in fates.values())
    if diverged and not reason:
        reason = f"{diverged} of {plural(len(fates), 'run')} diverged"
    area = float(np.mean(areas))
    return Measured(stage.environment, stage.steps, tuple(scores), area, _mean(returned), reason)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
