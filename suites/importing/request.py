"""An import from request to results folder: everything is read and checked, and only then written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import UsageError
from ...results.store.provenance import versions
from .files import find_files
from .placing import MARK, ImportedCell, StoredRun, place
from .rules import Rules, evaluation_rules, rules_like, training_rules
from .runs import ImportedRun, checked_name, horizon, on_grid
from .sb3 import Source, read_sb3
from .tidy import read_tidy


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """What to import, and what its files do not say."""

    paths: tuple[Path, ...]
    suite: str = "imported"
    algorithm: str | None = None
    env: str | None = None
    seed: int | None = None
    source: Source | None = None
    """Evaluations or training episodes; None takes evaluations where there are some."""
    like: Path | None = None
    """Results folder by whose rules these evaluations were made, as the user declares."""
    steps: int | None = None
    """Budget, beyond which curves are cut; None takes the longest run's last point or training episode."""
    checkpoints: int = 20
    """Points that training episodes are put on."""
    window: int = 10
    """Training episodes averaged at a point."""


class Imported(NamedTuple):
    """What came of it."""

    cells: list[ImportedCell]
    notes: list[str]
    """What the user might not expect, a line each."""


def import_results(request: ImportRequest, out: Path) -> Imported:
    """Read everything, check everything, and only then write it to ``out``.

    Raises:
        UsageError: naming file, line or column, and remedy; nothing has been written then.
    """
    notes: list[str] = []
    runs, source = _read(request, notes)
    _check_each_once(runs)
    cells: list[ImportedCell] = []
    for env in dict.fromkeys(run.env for run in runs):
        of_env = [run for run in runs if run.env == env]
        rules = _rules(request, env, of_env, source)
        if rules.record["anchors"] is None:
            notes.append(f"{env} has no anchors, so its returns have no score")
        if short := [run for run in rules.runs if not run.complete]:
            notes.append(_unfinished(env, rules.record["steps"], short, rules.runs, request))
        cells += _cells(rules, request.suite, source)
    return Imported(place(cells, out, request.suite), notes)


def _read(request: ImportRequest, notes: list[str]) -> tuple[list[ImportedRun], Source]:
    files = find_files(request.paths)
    named = {"algorithm": request.algorithm, "env": request.env}
    given = {name: checked_name(value, name, f"--{name}") for name, value in named.items() if value is not None}
    given |= {} if request.seed is None else {"seed": str(request.seed)}
    if files.tidy and (files.monitors or files.evaluations):
        raise UsageError(f"{files.tidy[0]} is a tidy CSV, the others are not; import them by two commands")
    if files.tidy:
        if request.source == "training":
            raise UsageError(f"{files.tidy[0]} holds evaluations; leave --source training out")
        tables = [read_tidy(path, given) for path in files.tidy]
        notes += [
            f"{path}: the columns {', '.join(table.ignored)} are ignored"
            for path, table in zip(files.tidy, tables, strict=True)
            if table.ignored
        ]
        return _cut([run for table in tables for run in table.runs], request), "evaluation"
    evaluated, trained = read_sb3(files, given, request.source)
    if not trained:
        return _cut(evaluated, request), "evaluation"
    if request.like:
        raise UsageError(
            f"{trained[0].files[0]} holds training episodes, which no evaluation is like; "
            "leave --like out, or import evaluations"
        )
    budgets = {run.env: request.steps or horizon([r for r in trained if r.env == run.env]) for run in trained}
    return [on_grid(run, budgets[run.env], request.checkpoints, request.window) for run in trained], "training"


def _cut(runs: list[ImportedRun], request: ImportRequest) -> list[ImportedRun]:
    """Evaluated runs up to the budget that the user stated."""
    if request.steps is None:
        return runs
    if request.like:
        raise UsageError(f"--steps {request.steps}: the budget is that of {request.like}; leave --steps or --like out")
    cut = [run._replace(rows=tuple(row for row in run.rows if row.env_steps <= (request.steps or 0))) for run in runs]
    if empty := next((run for run in cut if not run.rows), None):
        raise UsageError(f"--steps {request.steps}: {empty.name} has no point up to there; give more steps")
    return cut


def _check_each_once(runs: Sequence[ImportedRun]) -> None:
    seen: dict[tuple[str, str, int], ImportedRun] = {}
    for run in runs:
        if (other := seen.setdefault(run[:3], run)) is not run:
            raise UsageError(f"{other.files[0]} and {run.files[0]} both hold {run.name}; leave one out")


def _rules(request: ImportRequest, env: str, runs: Sequence[ImportedRun], source: Source) -> Rules:
    if request.like:
        return rules_like(request.like, env, runs)
    if source == "training":
        return training_rules(env, runs, steps=request.steps, checkpoints=request.checkpoints, window=request.window)
    return evaluation_rules(env, runs)


def _unfinished(
    env: str, steps: int, short: Sequence[ImportedRun], runs: Sequence[ImportedRun], request: ImportRequest
) -> str:
    """Which runs of an environment end before its budget, and how they could be in the statistics."""
    if request.like:
        remedy = f"train them up to {steps} steps, as {request.like.name} did, or import all without --like"
    else:
        common = min(run.rows[-1].env_steps for run in short)
        remedy = f"cut all of {env} to their common budget with --steps {common}, or train these further"
    named = ", ".join(f"{run.algorithm} seed {run.seed} (up to {run.rows[-1].env_steps})" for run in short)
    return (
        f"{len(short)} of {len(runs)} runs on {env} end before its budget of {steps} steps, count as unfinished and "
        f"are in no statistics: {named}; {remedy}"
    )


def _cells(rules: Rules, suite: str, source: Source) -> list[ImportedCell]:
    env = rules.runs[0].env
    record = {
        "suite": suite,
        **rules.record,
        MARK: {"source": source},
        "configuration": {},
        "provenance": {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions("pgsuite"),
        },
    }
    cells = []
    for algorithm in dict.fromkeys(run.algorithm for run in rules.runs):
        of_it = sorted((run for run in rules.runs if run.algorithm == algorithm), key=lambda run: run.seed)
        cells.append(ImportedCell(algorithm, env, record, {run.seed: _stored(run) for run in of_it}))
    return cells


def _stored(run: ImportedRun) -> StoredRun:
    facts: dict[str, Any] = {"status": "complete" if run.complete else "partial"}
    last = run.rows[-1]
    if last.wall_time > 0:
        facts["steps_per_second"] = last.env_steps / last.wall_time
    facts[MARK] = [
        {"file": "/".join(path.absolute().parts[-3:]), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in run.files
    ]
    return StoredRun(run.rows, facts)
