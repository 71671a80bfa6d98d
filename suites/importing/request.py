"""An import from request to results folder: everything is read and checked, and only then written."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import UsageError
from ...results.statistics.identical import MEASURED, IdenticalRuns, identical_curves, said
from ...results.store.places import Place
from ...results.store.protocol import Grid
from ...results.store.provenance import versions
from ...wording import plural
from ..anchors import AnchorsTable, known_anchors
from .event_files import read_events
from .files import find_files
from .placing import MARK, ImportedCell, StoredRun, place
from .problems import Problems
from .rules import Rules, evaluation_rules, rules_like, score_rules, training_rules
from .runs import ImportedRun, Read, checked_name, horizon, listed, on_grid, side_by_side
from .sb3 import read_sb3
from .scores import read_scores
from .series import Held, Source, Wanted
from .tables import read_csv


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
    metric: str | None = None
    """Which metric of a tracker is the return; None for one that is known."""
    like: Place | None = None
    """Results folder by whose rules these evaluations were made, as the user declares."""
    grid: Grid = "same"
    """Whether runs must be evaluated at the same steps, or are read on a common grid."""
    anchors: Mapping[str, AnchorsTable] = field(default_factory=dict)
    """Score anchors by environment, in place of those that are known."""
    steps: int | None = None
    """Budget, beyond which curves are cut; None takes the longest run's last point or training episode."""
    checkpoints: int = 20
    """Points that training episodes are put on."""
    window: int = 10
    """Training episodes averaged at a point."""
    episodes: int | None = None
    """Episodes of an evaluation, where the files do not say."""
    deterministic: bool | None = None
    """Whether evaluations played the mode of the policy."""


NORMALISED = (
    "the numbers are taken for scores, 0 a random policy and 1 a reference, as rliable has them; where they are "
    "returns, give the anchors with --anchors FILE"
)


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
    if request.like and request.anchors:
        raise UsageError(f"--anchors: the anchors are those of {request.like}; leave --anchors or --like out")
    runs, source = _read(request, notes)
    if unused := request.anchors.keys() - {run.env for run in runs}:
        notes.append(f"anchors of environments that are not there: {', '.join(sorted(unused))}")
    problems = Problems()
    _check_each_once(runs, problems)
    rules: list[Rules] = []
    for env in dict.fromkeys(run.env for run in runs):
        with problems.collected():
            of_env = [run for run in runs if run.env == env]
            if request.grid == "common" and not request.like and source != "scores":
                of_env, done = side_by_side(env, of_env)
                notes += [done] if done else []
            rules.append(_rules(request, env, of_env, source))
            notes += _remarks(env, rules[-1], source, request)
    problems.check()
    notes = list(dict.fromkeys(notes))
    cells = [cell for of_env in rules for cell in _cells(of_env, request.suite, source, notes)]
    placed = place(cells, out, request.suite, grid=request.grid)
    return Imported(placed, [*notes, *_copies(placed)])


def _read(request: ImportRequest, notes: list[str]) -> tuple[list[ImportedRun], Held]:
    files = find_files(request.paths)
    notes += files.notes
    named = {"algorithm": request.algorithm, "env": request.env}
    given = {name: checked_name(value, name, f"--{name}") for name, value in named.items() if value is not None}
    given |= {} if request.seed is None else {"seed": str(request.seed)}
    wanted = Wanted(given, request.metric, request.source)
    evaluated, trained = read_sb3(files, given, request.source, notes)
    problems = Problems()
    kinds = [kind for kind in (files.tables, files.events, files.scores, [*evaluated, *trained]) if kind]
    if len(kinds) > 1:
        raise UsageError(
            "the files are of several kinds (CSV, event files, scores, SB3's); import each by a command of its own"
        )
    readers: list[Callable[[], Read]] = [partial(read_csv, path, wanted) for path in files.tables]
    readers += [partial(read_scores, path, given) for path in files.scores]
    readers += [partial(read_events, files.events, wanted)] if files.events else []
    for reader in readers:
        with problems.collected():
            read = reader()
            evaluated += read.runs
            trained += read.trained
            notes += read.notes
    problems.check()
    if evaluated and trained:
        raise UsageError(
            f"{evaluated[0].name} holds evaluations and {trained[0].name} training episodes; choose by --source, or "
            "import them by two commands"
        )
    if files.scores:
        return _alone(evaluated, request), "scores"
    if not trained:
        return _cut(evaluated, request), "evaluation"
    if request.like:
        raise UsageError(
            f"{trained[0].files[0]} holds training episodes, which no evaluation is like; "
            "leave --like out, or import evaluations"
        )
    longest = horizon if request.grid == "same" else partial(horizon, shortest=True)
    budgets = {run.env: request.steps or longest([r for r in trained if r.env == run.env]) for run in trained}
    runs: list[ImportedRun] = []
    for run in trained:
        with problems.collected():
            runs.append(on_grid(run, budgets[run.env], request.checkpoints, request.window))
    problems.check()
    return runs, "training"


def _alone(runs: list[ImportedRun], request: ImportRequest) -> list[ImportedRun]:
    """Scores without steps; refuse what is said of curves."""
    for option, value in (("--like", request.like), ("--source", request.source), ("--metric", request.metric)):
        if value:
            raise UsageError(f"{runs[0].files[0]} holds a score per run and no curve; leave {option} out")
    if request.steps is None:
        return runs
    return [run._replace(rows=(run.rows[0]._replace(env_steps=request.steps),)) for run in runs]


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


def _check_each_once(runs: Sequence[ImportedRun], problems: Problems) -> None:
    seen: dict[tuple[str, str, int], ImportedRun] = {}
    for run in runs:
        if (other := seen.setdefault(run[:3], run)) is not run:
            with problems.collected():
                raise UsageError(f"{other.files[0]} and {run.files[0]} both hold {run.name}; leave one out")


def _rules(request: ImportRequest, env: str, runs: Sequence[ImportedRun], source: Held) -> Rules:
    if request.like:
        return rules_like(request.like, env, runs, grid=request.grid)
    declared = request.anchors.get(env) or known_anchors(env)
    if source == "scores":
        return score_rules(runs, request.anchors.get(env), request.steps)
    if source == "training":
        steps, checkpoints, window = request.steps, request.checkpoints, request.window
        return training_rules(runs, declared, steps=steps, checkpoints=checkpoints, window=window)
    return evaluation_rules(runs, declared, episodes=request.episodes, deterministic=request.deterministic)


def _impossible(env: str, rules: Rules) -> str:
    """That returns lie where none can by the environment's definition; empty where they do not."""
    ends = rules.record.get("possible_returns")
    returns = [row.return_mean for run in rules.runs for row in run.rows]
    beyond = [value for value in returns if ends and not ends[0] <= value <= ends[1]]
    if not ends or not beyond:
        return ""
    return (
        f"{plural(len(beyond), 'return')} on {env} lie beyond what it can give, {ends[0]:g} to {ends[1]:g} "
        f"(such as {beyond[0]:.6g}): is it another environment, or a scaled reward?"
    )


def _remarks(env: str, rules: Rules, source: Held, request: ImportRequest) -> list[str]:
    """What the user might not expect of the runs of an environment."""
    found = []
    if rules.record["anchors"] is None:
        found.append(f"{env} has no anchors, so its returns have no score; give it some with --anchors FILE")
    if note := _impossible(env, rules):
        found.append(note)
    if source == "scores" and env not in request.anchors:
        found.append(NORMALISED)
    if source == "evaluation":
        found += _uneven(env, rules.runs)
    if short := [run for run in rules.runs if not run.complete]:
        found.append(_unfinished(env, rules.record["steps"], short, rules.runs, request))
    return found


def _uneven(env: str, runs: Sequence[ImportedRun]) -> list[str]:
    """Evaluations that average different numbers of episodes, which is no error and must be known."""
    by_count: dict[int, dict[str, list[int]]] = {}
    for run in runs:
        for count in dict.fromkeys(row.episodes for row in run.rows if row.episodes):
            by_count.setdefault(count, {}).setdefault(run.algorithm, []).append(run.seed)
    if len(by_count) < 2:
        return []
    told = (
        f"{count} in {', '.join(f'{name} seed {listed(seeds)}' for name, seeds in found.items())}"
        for count, found in sorted(by_count.items())
    )
    return [f"the evaluations on {env} average different numbers of episodes: {'; '.join(told)}"]


def _copies(cells: Sequence[ImportedCell]) -> list[str]:
    """Runs that are one run under several seeds, among all that the cells now hold."""
    groups = []
    for cell in cells:
        curves = {
            seed: np.array(
                [[row.env_steps, *(getattr(row, name) for name in MEASURED)] for row in run.rows], np.float64
            )
            for seed, run in cell.runs.items()
        }
        groups += [IdenticalRuns(cell.algorithm, cell.env, seeds) for seeds in identical_curves(curves)]
    return said(groups)


def _unfinished(
    env: str, steps: int, short: Sequence[ImportedRun], runs: Sequence[ImportedRun], request: ImportRequest
) -> str:
    """Which runs of an environment end before its budget, and how they could be in the statistics."""
    if request.like:
        remedy = f"train them up to {steps} steps, as {request.like.name} did, or import all without --like"
    else:
        common = min(run.rows[-1].env_steps for run in short)
        remedy = f"cut all of {env} to their common budget with --steps {common}, or train these further"
        if common < 1:
            remedy = "train these further, or leave them out"
    named = ", ".join(f"{run.algorithm} seed {run.seed} (up to {run.rows[-1].env_steps})" for run in short[:10])
    named += f" and {len(short) - 10} more" if len(short) > 10 else ""
    return (
        f"{len(short)} of {len(runs)} runs on {env} end before its budget of {steps} steps, count as unfinished and "
        f"are in no statistics: {named}; {remedy}"
    )


def _cells(rules: Rules, suite: str, source: Held, notes: Sequence[str]) -> list[ImportedCell]:
    env = rules.runs[0].env
    record = {
        "suite": suite,
        **rules.record,
        MARK: {"source": source, "notes": list(notes)},
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
