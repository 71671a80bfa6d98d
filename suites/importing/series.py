"""Metrics as trackers keep them (TensorBoard, W&B), and which of them is the return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.store.curve import METRIC, CurveRow
from .identity import Key, Origin, key_of, said_of_numbers
from .problems import Problems
from .runs import ImportedRun, Read, TrainingEpisodes, listed

Source = Literal["evaluation", "training"]
"""Whether a curve is made of evaluations or of training episodes."""
Held = Literal[Source, "scores"]
"""What an import holds: curves of either, or a score per run."""


class Metric(NamedTuple):
    """What a name that trackers know means."""

    source: Source
    averaged: int = 1
    """Episodes that each value is a mean of already, if it says so."""


KNOWN = {
    "return": Metric("evaluation"),
    "eval/mean_reward": Metric("evaluation"),
    "eval/episodic_return": Metric("evaluation"),
    "eval/return": Metric("evaluation"),
    "evaluation/return": Metric("evaluation"),
    "charts/episodic_return": Metric("training"),
    "episodic_return": Metric("training"),
    "rollout/ep_rew_mean": Metric("training", averaged=100),
}
"""Our own exports', Stable-Baselines3's and CleanRL's returns, the ones to be preferred first."""
BESIDE = {
    "return_std": "return_std",
    "length": "length_mean",
    "eval/mean_ep_length": "length_mean",
    "wall_time": "wall_time",
}
"""What else of an evaluation is known by its name, and the column of a curve that it is."""


class Points(NamedTuple):
    """One metric of one run, in the order in which it was logged."""

    steps: NDArray[np.int64]
    """``(n,)`` environment steps."""
    values: NDArray[np.float64]
    """``(n,)``"""


@dataclass(frozen=True)
class Tracked:
    """A run of a tracker."""

    name: str
    """How messages call it."""
    told: Origin
    """Whose it is, as its name or its path says."""
    files: tuple[Path, ...]
    metrics: Mapping[str, Points]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What the user says of tracked runs."""

    given: Mapping[str, str]
    """Algorithm, environment or seed of all of them."""
    metric: str | None = None
    """Which metric is the return; None for one that is known."""
    source: Source | None = None
    """What it is of; None for what its name says."""


def as_runs(tracked: Sequence[Tracked], wanted: Wanted) -> Read:
    """Curves of evaluations, or training episodes, of tracked runs.

    Raises:
        UsageError: naming the run, and what is missing.
    """
    problems, read = Problems(), Read([], [], [])
    origins: list[Origin] = []
    for run in _numbered(tracked, wanted.given, read.notes):
        with problems.collected():
            name, metric = _chosen(run, wanted)
            key = key_of(run.told, wanted.given, run.name)
            origins.append(run.told)
            if metric.source == "evaluation":
                read.runs.append(ImportedRun(*key, run.files, _evaluations(run, name)))
            else:
                read.trained.append(_episodes(run, name, key, metric.averaged))
            if metric.averaged > 1:
                read.notes.append(f"{name} averages the last {metric.averaged} training episodes already")
            read.notes.extend(run.notes)
    problems.check()
    if "seed" not in wanted.given:
        read.notes.extend(said_of_numbers(origins))
    return read._replace(notes=list(dict.fromkeys(read.notes)))


def _numbered(tracked: Sequence[Tracked], given: Mapping[str, str], notes: list[str]) -> list[Tracked]:
    """The runs, with numbers for seeds where no name tells one and there are several."""
    untold = [run for run in tracked if run.told.seed is None]
    if "seed" in given or len(untold) < 2 or len(untold) < len(tracked) or len({run.files for run in tracked}) > 1:
        return list(tracked)
    notes.append(
        f"no name of a run tells its seed, so {listed(range(len(tracked)))} are taken, in their order: "
        f"{', '.join(run.name for run in tracked[:5])}{' ...' if len(tracked) > 5 else ''}"
    )
    counts: dict[tuple[str | None, str | None], int] = {}
    numbered = []
    for run in tracked:
        place = counts.get(run.told[:2], 0)
        counts[run.told[:2]] = place + 1
        numbered.append(Tracked(run.name, run.told._replace(seed=place), run.files, run.metrics, run.notes))
    return numbered


def _chosen(run: Tracked, wanted: Wanted) -> tuple[str, Metric]:
    """The metric that is the return."""
    if wanted.metric is not None:
        if wanted.metric not in run.metrics:
            raise UsageError(f"{run.name} has no metric {wanted.metric!r}; it has {_some(run.metrics)}")
        guess: Source = "evaluation" if "eval" in wanted.metric or "test" in wanted.metric else "training"
        known = KNOWN.get(wanted.metric, Metric(guess))
        return wanted.metric, known._replace(source=wanted.source or known.source)
    fitting = [name for name, metric in KNOWN.items() if name in run.metrics and wanted.source in (None, metric.source)]
    if not fitting:
        of = f" of {wanted.source}" if wanted.source else ""
        raise UsageError(f"{run.name} has no return{of} of a known name; give one with --metric: {_some(run.metrics)}")
    return fitting[0], KNOWN[fitting[0]]


def _some(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)[:20]) + (" ..." if len(names) > 20 else "") or "none"


def _evaluations(run: Tracked, metric: str) -> tuple[CurveRow, ...]:
    steps, returns = run.metrics[metric]
    for before, here in pairwise(steps):
        if here <= before:
            problem = "is there twice" if here == before else f"comes after {before}"
            raise UsageError(f"{run.name}, {metric}: step {here} {problem}; export one uninterrupted run")
    _check_finite(run, metric)
    beside: dict[str, dict[int, float]] = {}
    for name, points in run.metrics.items():
        if name in BESIDE or name.startswith(METRIC):
            beside[BESIDE.get(name, name)] = dict(zip(points.steps.tolist(), points.values.tolist(), strict=True))
    first = int(steps[0] != 0)

    def at(step: int, column: str) -> float:
        return beside.get(column, {}).get(step, float("nan"))

    return tuple(
        CurveRow(
            checkpoint=k + first,
            env_steps=step,
            trained_steps=step,
            return_mean=value,
            return_std=at(step, "return_std"),
            episodes=0,
            length_mean=at(step, "length_mean"),
            eval_steps=0,
            updates=0,
            wall_time=at(step, "wall_time"),
            metrics={
                name.removeprefix(METRIC): values[step]
                for name, values in beside.items()
                if name.startswith(METRIC) and step in values
            },
        )
        for k, (step, value) in enumerate(zip(steps.tolist(), returns.tolist(), strict=True))
    )


def _episodes(run: Tracked, metric: str, key: Key, averaged: int) -> TrainingEpisodes:
    _check_finite(run, metric)
    steps, returns = run.metrics[metric]
    if (np.diff(steps) < 0).any():
        raise UsageError(f"{run.name}, {metric}: its steps fall; export one uninterrupted run")
    unknown = np.full(len(steps), np.nan)
    return TrainingEpisodes(*key, run.files, steps, returns, unknown, unknown, averaged)


def _check_finite(run: Tracked, metric: str) -> None:
    steps, values = run.metrics[metric]
    if not steps.size:
        raise UsageError(f"{run.name}, {metric}: there is no value")
    if steps.min() < 0:
        raise UsageError(f"{run.name}, {metric}: step {steps.min()} is negative; log environment steps")
    if not np.isfinite(values).all():
        where = steps[~np.isfinite(values)][0]
        raise UsageError(f"{run.name}, {metric}: not finite at step {where}; end the run at its last finite value")
