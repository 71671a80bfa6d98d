"""CSV of Weights & Biases, and of what is built on it, such as Open RL Benchmark.

Wide: a chart's export, ``"Step","<run> - <metric>","<run> - <metric>__MIN","<run> - <metric>__MAX"``, a row per step.
Where runs are grouped, or a chart has fewer points than a run has steps, a value is a mean, and lies between the two
others. Long: a history, a row per call of ``log``, with a column per metric (empty where it was not logged), and in
tables of several runs their names, or ``exp_name``, ``env_id`` and ``seed``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import UsageError
from .csv_file import Line, Table, number
from .identity import Origin, origin, origin_in
from .problems import Problems
from .runs import Read, checked_name
from .series import BESIDE, KNOWN, Points, Tracked, Wanted, as_runs

STEPS = (
    "global_step",
    "env_steps",
    "timesteps",
    "time/total_timesteps",
    "step",
    "Step",
    "_step",
    "trainer/global_step",
)
"""Columns of steps, the ones to be preferred first."""
COUNTERS = ("Step", "_step")
"""W&B's own, which count calls of ``log`` unless it was told steps."""
ALGORITHM, ENV, SEED = ("exp_name", "algorithm", "algo"), ("env_id", "env", "env_name", "gym_id"), ("seed",)
RUN = ("run", "run_name", "name", "Name", "wandb_run_name", "run_id")
_EXTREMES = ("__MIN", "__MAX")
_GROUP = re.compile(r"[A-Za-z_][\w./]*: ")
"""How a group of runs begins its name: by what it was grouped by."""


def is_wide(table: Table) -> bool:
    """Whether it is a chart's export."""
    return _step_column(table) is not None and any(" - " in title for title in table.header[1:])


def is_long(table: Table, metric: str | None) -> bool:
    """Whether it is a history."""
    known = [metric] if metric else [name for name in KNOWN if name != "return"]
    return _step_column(table) is not None and any(name in table.header for name in known)


def read_wide(table: Table, wanted: Wanted) -> Read:
    """The runs of a chart.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    steps = _step_column(table) or table.header[0]
    columns: dict[str, dict[str, str]] = {}
    for title in table.header:
        run, dash, metric = title.rpartition(" - ")
        if dash and not title.endswith(_EXTREMES) and metric not in STEPS:
            columns.setdefault(run, {})[metric] = title
    problems, tracked, notes = Problems(), list[Tracked](), [*table.notes, *_counted(table, steps)]
    for run, titles in columns.items():
        with problems.collected():
            if _GROUP.match(run):
                raise UsageError(
                    f"{table.path}: {run!r} is a group of runs, whose values are means over them; ungroup the chart "
                    "and export it again"
                )
            metrics = {metric: _points(table.lines, steps, title) for metric, title in titles.items()}
            notes += [note for title in titles.values() for note in _averaged(table, title)]
            tracked.append(Tracked(f"{table.path}, run {run!r}", origin_in(run), (table.path,), metrics))
    problems.check()
    read = as_runs(tracked, wanted)
    return read._replace(notes=[*notes, *read.notes])


def read_long(table: Table, wanted: Wanted) -> Read:
    """The runs of a history, or of the histories of several runs in one table.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    steps = _step_column(table) or table.header[0]
    names = [[title for title in titles if title in table.header][:1] for titles in (ALGORITHM, ENV, SEED, RUN)]
    identity = [title for found in names for title in found]
    by_run: dict[tuple[str, ...], list[Line]] = {}
    for line in table.lines:
        by_run.setdefault(tuple(line.values[title].strip() for title in identity), []).append(line)
    metrics = [wanted.metric] if wanted.metric else [*KNOWN, *BESIDE]
    metrics = [name for name in metrics if name in table.header]
    problems, tracked = Problems(), list[Tracked]()
    for called, lines in by_run.items():
        with problems.collected():
            points = {name: _points(lines, steps, name) for name in metrics}
            name = f"{table.path}, {' '.join(called)}" if called else str(table.path)
            told = _told(lines[0], names, table.path)
            tracked.append(Tracked(name, told, (table.path,), {k: v for k, v in points.items() if v.steps.size}))
    problems.check()
    read = as_runs(tracked, wanted)
    return read._replace(notes=[*table.notes, *_counted(table, steps), *read.notes])


def _told(line: Line, names: Sequence[Sequence[str]], path: Path) -> Origin:
    """Whose a row is: as its columns say, else as the name of its run does, else as the file's path does."""
    algorithm, env, seed, run = (
        [line.values[title].strip() for title in found if line.values[title].strip()] for found in names
    )
    told = origin_in(run[0]) if run else origin(path)
    return Origin(
        checked_name(algorithm[0], "algorithm", f"{path}, line {line.number}") if algorithm else told.algorithm,
        env[0] if env else told.env,
        line.whole_in(names[2][0]) if seed else told.seed,
        told.counted and not seed,
    )


def _step_column(table: Table) -> str | None:
    return next((title for title in STEPS if title in table.header), None)


def _points(lines: Sequence[Line], steps: str, title: str) -> Points:
    """A metric where it was logged."""
    problems, logged = Problems(), list[tuple[int, float]]()
    for line in lines:
        if line.values[title].strip().lower() not in ("", "nan", "null", "none"):
            with problems.collected():
                logged.append((line.whole_in(steps), line.number_in(title)))
    problems.check()
    return Points(
        np.array([step for step, _ in logged], np.int64), np.array([value for _, value in logged], np.float64)
    )


def _averaged(table: Table, title: str) -> list[str]:
    """Say where a chart's values are means of several, as its extremes show."""
    extremes = [title + end for end in _EXTREMES if title + end in table.header]
    logged = [line for line in table.lines if line.values[title].strip()]
    apart = [line for line in logged if len({number(line.values[name].strip()) for name in (title, *extremes)}) > 1]
    if not apart:
        return []
    return [
        f"{table.path}: {title!r} is a mean of several values at {len(apart)} of {len(logged)} steps, by its __MIN and "
        "__MAX: of steps that the chart put together, or of runs that were grouped, which would be no run"
    ]


def _counted(table: Table, steps: str) -> list[str]:
    if steps not in COUNTERS:
        return []
    return [f"{table.path}: {steps} is taken for environment steps; W&B counts calls of log by it unless told steps"]
