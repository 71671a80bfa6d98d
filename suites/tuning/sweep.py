"""A sweep: one hyperparameter after another at several values, all else as the suite has it.

A setting is a cell like any other, called ``trpo#max_kl=0.02``; the suite's own is the suite's cell, ``trpo``, which
all hyperparameters share. Values that differ in numbers alone train as one program. What a folder holds of earlier
commands with the same code, settings and budget is part of the sweep.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from ...algorithms.registry import build, load_class
from ...algorithms.search_space import Range, declared_space
from ...errors import UsageError, in_one_line
from ...results.statistics.scores import per_run, read_curves
from ...results.store.atomic import write_text
from ...results.store.gathering import gather
from ...results.store.locking import locked
from ...results.store.manifest import read_manifest
from ...results.swept import COLUMNS, Axis, Swept, is_number, spelled
from ...wording import plural, written_seeds
from ..console import say
from ..planned import PlannedCell
from ..planning import plan_cells
from ..running import Outcome
from ..scheduling.places import check_place
from ..schema import AlgorithmTable, Suite
from .asked import StudyRequest, checked_suite
from .measuring import run_trials, with_trial
from .values import FORM, Interval, Values, values_for

FILE, RUNS = "sweep.json", "runs"
_NAMED = 4
"""Settings that a note names, at most."""
FIRST_SEED = 1000
"""From here on seeds are taken that the suite does not report."""


@dataclass(frozen=True, kw_only=True)
class SweepRequest(StudyRequest):
    """What is asked of a sweep."""

    values: Mapping[str, Values]
    """By hyperparameter; that of an inner algorithm as ``base.learning_rate``."""
    seeds: tuple[int, ...] = ()
    """By default as many as the suite has, and none that it reports or that its search has seen."""


class _Entry(NamedTuple):
    """Values of a hyperparameter in an environment that the folder's commands asked for."""

    algorithm: str
    """As it was asked for."""
    name: str
    environment: str
    values: tuple[Any, ...]
    log: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.algorithm, self.name, self.environment

    @property
    def texts(self) -> set[str]:
        """The values as they are written."""
        return {spelled(one) for one in self.values}

    def with_more(self, other: "_Entry") -> "_Entry":
        """Both together, the values of this one first."""
        values = {spelled(one): one for one in (*self.values, *other.values)}
        return self._replace(values=tuple(values.values()), log=self.log or other.log)


class _Point(NamedTuple):
    """A hyperparameter at a value in an environment."""

    axis: int
    value: Any
    cell: PlannedCell
    asked: bool
    """Whether the value is one that was asked for, or there as the suite's own alone."""
    own: bool
    """Whether it is the suite's."""
    now: bool
    """Whether this command runs it."""


class Sweep:
    """A sweep that has been checked, and can be carried out."""

    def __init__(self, request: SweepRequest) -> None:
        """Check all that is asked for: suite, algorithms, environments, seeds, every value of every hyperparameter.

        Raises:
            UsageError: naming what is wrong.
        """
        check_place(request.on, mixed=request.mixed)
        if not request.values:
            raise UsageError(f"no hyperparameter is named: {FORM}")
        self.request = request
        self.suite = checked_suite(
            request.suite, request.algorithms, request.environments, request.steps, hyperparameters=request.values
        )
        self.seeds = request.seeds or fresh_seeds(self.suite)
        self._own: dict[tuple[str, str], PlannedCell] = {}
        before, self._failed = _read(request.out / FILE)
        now = self._asked()
        together = {key: before[key].with_more(one) if key in before else one for key, one in now.items()}
        self._entries = before | together
        self.axes: list[Axis] = []
        self._points: list[_Point] = []
        self._lost: list[str] = []
        for about in dict.fromkeys(key[:2] for key in self._entries):
            self._add([one for key, one in self._entries.items() if key[:2] == about], now)

    @property
    def announcement(self) -> list[str]:
        """What is said before anything is run: the values, the runs and their environment steps."""
        cells = self.planned
        now = sorted({point.axis for point in self._points if point.now})
        wide = max(len(self.axes[n].algorithm) for n in now), max(len(self.axes[n].name) for n in now)
        rows = []
        for env in dict.fromkeys(p.cell.environment.name for p in cells):
            own = [p for p in cells if p.cell.environment.name == env]
            runs, steps = sum(len(p.seeds) for p in own), own[0].cell.steps
            rows.append(f"  {env:28} {steps:>14,} {len(own):>9,} {runs:>6,} {runs * steps:>14,}")
        runs, steps = sum(len(p.seeds) for p in cells), sum(len(p.seeds) * p.cell.steps for p in cells)
        several = "one hyperparameter at a time, " if len({self.axes[n].name for n in now}) > 1 else ""
        seeds = f"{'seed' if len(self.seeds) == 1 else 'seeds'} {written_seeds(self.seeds)}"
        return [
            f"{self.suite.name}: {several}all else as the suite has it; {plural(len(self.seeds), 'run')} of each "
            f"setting on {seeds}",
            *(f"  {self.axes[n].algorithm:{wide[0]}}  {self.axes[n].name:{wide[1]}}  {self._said(n)}" for n in now),
            f"  {'environment':28} {'steps of a run':>14} {'settings':>9} {'runs':>6} {'steps':>14}",
            *rows,
            f"{plural(runs, 'run')}, {steps:,} environment steps, less what is there already",
        ]

    @property
    def caution(self) -> str:
        """What is to be said of seeds that the suite reports; empty where it reports none of these."""
        if not (seen := [seed for seed in self.seeds if seed in self.suite.seeds]):
            return ""
        return (
            f"suite {self.suite.name} reports seeds {written_seeds(seen)}: a value that is chosen by this sweep is to "
            "be reported on others"
        )

    def _said(self, axis: int) -> str:
        asked = {spelled(p.value) for p in self._points if p.axis == axis and p.now and p.asked}
        now = [text for text in map(spelled, self.axes[axis].values) if text in asked]
        own: dict[str, list[str]] = {}
        for p in self._points:
            if p.axis == axis and p.now and p.own:
                own.setdefault(spelled(p.value), []).append(p.cell.cell.environment.name)
        suite = next(iter(own)) if len(own) == 1 else ", ".join(f"{one} on {', '.join(own[one])}" for one in own)
        return f"{', '.join(now)}; the suite has {suite}"

    def _reference(self, algorithm: str) -> str:
        """The class's name or address of an algorithm as it was asked for."""
        return self.suite.algorithms.get(algorithm, AlgorithmTable()).reference or algorithm

    def _asked(self) -> dict[tuple[str, str, str], _Entry]:
        """What this command asks for, with the values that it makes of each."""
        request, entries = self.request, list[_Entry]()
        environments = request.environments or tuple(self.suite.environments)
        for algorithm in request.algorithms or tuple(self.suite.algorithms):
            for name, values in request.values.items():
                own = _setting(self._plan_own(algorithm, environments[0]), name)
                made = values_for(name, values, own)
                log = _logarithmic(values, made, declared_space(load_class(self._reference(algorithm))).get(name))
                entries += [_Entry(algorithm, name, env, made, log) for env in environments]
        return {one.key: one for one in entries}

    def _plan_own(self, algorithm: str, env: str) -> PlannedCell:
        """The suite's own setting, planned once."""
        if (algorithm, env) not in self._own:
            (self._own[algorithm, env],) = self._planned(self.suite, algorithm, env)
        return self._own[algorithm, env]

    def _planned(self, suite: Suite, algorithm: str, env: str) -> list[PlannedCell]:
        where, request = self.request.out / RUNS, self.request
        names = [algorithm] if algorithm else []
        return plan_cells(suite, where, algorithms=names, environments=[env], seeds=self.seeds, steps=request.steps)

    def _add(self, entries: Sequence[_Entry], now: Mapping[tuple[str, str, str], _Entry]) -> None:
        """Plan a hyperparameter: what this command asks for, and of what was asked for before all that can be."""
        name, own_values = entries[0].algorithm, dict[str, Any]()
        for entry in entries:
            asked = now[entry.key].texts if entry.key in now else set()
            try:
                own = self._plan_own(entry.algorithm, entry.environment)
                value = _setting(own, entry.name)
                self._points += self._points_of(len(self.axes), entry, own, value, asked)
            except UsageError:
                if asked:
                    raise
                self._lost.append(f"{entry.algorithm} on {entry.environment}")
            else:
                name, own_values[entry.environment] = own.cell.algorithm, value
        values = {spelled(one): one for entry in entries for one in entry.values}
        listed = tuple(values.values())
        ordered = tuple(sorted(listed)) if all(map(is_number, listed)) else listed
        self.axes.append(Axis(name, entries[0].name, ordered, any(one.log for one in entries), own_values))

    def _points_of(self, axis: int, entry: _Entry, own: PlannedCell, own_value: Any, asked: set[str]) -> list[_Point]:
        """The points of a hyperparameter in an environment; the suite's own value is the suite's own cell."""
        found = [_Point(axis, own_value, own, spelled(own_value) in entry.texts, True, bool(asked))]
        for now in (True, False):
            values = [one for one in entry.values if (spelled(one) in asked) is now]
            values = [one for one in values if spelled(one) != spelled(own_value)]
            tables = {
                f"{own.cell.algorithm}#{entry.name}={spelled(one)}": with_trial(
                    self.suite, entry.algorithm, own.cell.reference, {entry.name: one}
                )
                for one in values
            }
            if tables:
                suite = self.suite.model_copy(update={"algorithms": tables})
                _check(suite, entry, dict(zip(tables, values, strict=True)))
                planned = self._planned(suite, "", entry.environment)
                found += [_Point(axis, one, p, True, False, now) for one, p in zip(values, planned, strict=True)]
        return found

    @property
    def planned(self) -> list[PlannedCell]:
        """The cells that this command runs, each once, environments together."""
        cells = {p.cell.store.path: p.cell for p in self._points if p.now}
        order = list(dict.fromkeys(p.cell.environment.name for p in cells.values()))
        return sorted(cells.values(), key=lambda p: order.index(p.cell.environment.name))

    def carry_out(self, *, workers: int | None, console: Console) -> tuple[Swept, Outcome]:
        """Run what is missing, and read what is there of all that the folder's commands asked for.

        Raises:
            UsageError: the folder cannot be written, or holds another suite's results.
        """
        if self.caution:
            say(console, f"note: {self.caution}")
        request = self.request
        with locked(request.out) as note:
            if note:
                say(console, f"note: {note}")
            outcome = run_trials(
                self.planned, request.out / RUNS, workers=workers, console=console, on=request.on, mixed=request.mixed
            )
            self._note_failures(outcome)
            asked = [one._asdict() for one in self._entries.values()]
            write_text(request.out / FILE, json.dumps({"asked": asked, "failed": self._failed}, indent=2) + "\n")
        return self._swept(), outcome

    def _note_failures(self, outcome: Outcome) -> None:
        """Remember which settings failed for a reason of their own; a killed run says nothing of its setting."""
        folders = {p.cell.name: p.store.path.name for p in self.planned}
        for folder in folders.values():
            self._failed.pop(folder, None)
        self._failed |= {folders[one.cell.name]: one.reason for one in outcome.failures if not one.passing}

    def _swept(self) -> Swept:
        manifest = read_manifest(self.request.out / RUNS)
        expected = {cell.folder: cell for cell in manifest.cells} if manifest else {}
        points = [p for p in self._points if p.cell.store.path.name in expected and not p.cell.refusal]
        stale = [p for p in self._points if p.asked and not p.now and p not in points]
        lost = [*self._lost, *(f"{p.cell.cell.algorithm} on {p.cell.cell.environment.name}" for p in stale)]
        runs, damaged = _runs({p.cell.store.path.name: p.cell for p in points}.values())
        rows = []
        for point in points:
            own, axis = expected[point.cell.store.path.name], self.axes[point.axis]
            cell = point.cell.cell
            facts = {
                "algorithm": axis.algorithm,
                "hyperparameter": axis.name,
                "value": spelled(point.value),
                "suite_setting": point.own,
                "asked": point.asked,
                "cell": cell.algorithm,
                "environment": cell.environment.name,
                "steps": cell.steps,
            }
            reason = self._failed.get(own.folder, "")
            for seed in own.seeds:
                absent = {"status": "failed" if reason else "missing", "reason": reason or own.reason or ""}
                rows.append(facts | {"seed": seed} | runs.get((own.folder, seed), absent))
        environments = {p.cell.cell.environment.name: p.cell.cell.steps for p in points}
        order = [env for env in self.suite.environments if env in environments]
        order += [env for env in environments if env not in order]
        names = list(dict.fromkeys(lost))
        shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        notes = [f"{shown}: run by other code, settings or budgets, and not shown"] if names else []
        return Swept(
            self.suite.name,
            tuple(self.axes),
            {env: environments[env] for env in order},
            pd.DataFrame(rows, columns=list(COLUMNS)),
            (*notes, *damaged),
        )


def fresh_seeds(suite: Suite) -> tuple[int, ...]:
    """Return as many seeds as a suite has, from 1000 on: none that it reports, or that its search has seen."""
    taken = {*suite.seeds, *(suite.tuning.seeds if suite.tuning else ())}
    return tuple(islice((seed for seed in count(FIRST_SEED) if seed not in taken), len(suite.seeds)))


def _check(suite: Suite, entry: _Entry, values: Mapping[str, Any]) -> None:
    """Refuse a value that cannot be, as one of the command.

    Args:
        suite: that has the settings.
        entry: which hyperparameter it is.
        values: of the settings, by their names.

    Raises:
        UsageError: naming the value.
    """
    for name, value in values.items():
        try:
            build(suite.algorithms[name].reference or name, suite.options(name, entry.environment))
        except UsageError as error:
            raise UsageError(
                f"{entry.name}={spelled(value)} of {entry.algorithm} on {entry.environment}: {error}"
            ) from None


def _setting(planned: PlannedCell, name: str) -> Any:
    """What an algorithm has for a hyperparameter; None where it cannot be told."""
    found: Any = build(planned.cell.reference, dict(planned.cell.options))
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else getattr(found, part, None)
    return list(found) if isinstance(found, tuple) else found


def _logarithmic(values: Values, made: Sequence[Any], declared: Any) -> bool:
    """Whether values lie on a logarithmic scale: as they were asked for, as declared, or as they are spaced."""
    if isinstance(values, Interval):
        return values.log
    if not all(is_number(one) and one > 0 for one in made):
        return False
    if isinstance(declared, Range):
        return declared.log
    even, logs = np.diff(np.sort(made)), np.diff(np.log(np.sort(made)))
    return len(made) > 2 and bool(logs.std() / logs.mean() < even.std() / even.mean())


def _runs(cells: Iterable[PlannedCell]) -> tuple[dict[tuple[str, int], dict[str, Any]], list[str]]:
    """What is known of the runs of cells, by folder and seed, and what cannot be read of them."""
    there = {p.store.path.name: p for p in cells if p.store.seeds()}
    if not there:
        return {}, []
    gathered = gather([p.store.path for p in there.values()])
    names = {(p.cell.algorithm, p.cell.environment.name): folder for folder, p in there.items()}
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for (label, env), curves in read_curves(gathered.frame).items():
        within = (curves.possible_scores if curves.scored else curves.possible_returns) or (np.nan, np.nan)
        for n, seed in enumerate(curves.seeds):
            found[names[label, env], seed] = {
                "status": "complete",
                "final_return": per_run(curves, curves.returns, "final")[n],
                "final_score": per_run(curves, curves.scores, "final")[n],
                "auc_return": per_run(curves, curves.returns, "auc")[n],
                "auc_score": per_run(curves, curves.scores, "auc")[n],
                "lowest": within[0],
                "highest": within[1],
                "reason": "",
            }
    for member in gathered.members:
        for seed in member.seeds("diverged"):
            found[names[member.label, member.env], seed] = {"status": "diverged", "reason": "diverged"}
    return found, [str(error) for error in gathered.errors]


def _read(file: Path) -> tuple[dict[tuple[str, str, str], _Entry], dict[str, str]]:
    """What commands before asked for, and why which folders of results failed; nothing where there were none.

    Raises:
        UsageError: the file is damaged.
    """
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        entries = [_Entry(**entry)._replace(values=tuple(entry["values"])) for entry in known["asked"]]
        return {one.key: one for one in entries}, dict(known["failed"])
    except FileNotFoundError:
        return {}, {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = in_one_line(error)
        raise UsageError(f"{file} cannot be read: {reason}; delete it, and sweep again what it said") from None
