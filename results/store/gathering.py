"""Several results folders as one comparison: what is there, what was asked for, and what cannot be read.

An algorithm is known by one name over all environments and folders. Where two folders hold different configurations
(or code) under one name, each is called ``name (folder)``. Folders that measured an environment by different rules are
refused: their numbers must not stand side by side.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import PgsuiteError, UsageError
from .curve import Fate
from .folders import FoundCell, read_folder
from .format import DIGESTS_SINCE, FORMAT
from .places import Place, place_of
from .protocol import ALLOWED, Grid, check_protocol
from .reading import UNREADABLE, DamagedFile
from .remote import Remote, fetch

LEADING = [
    *("suite", "algorithm", "env", "seed", "env_steps", "return_mean", "return_std", "episodes", "score", "diverged"),
    *("status", "fingerprint"),
]
POSSIBLE = ("possible/lowest", "possible/highest")
"""The lowest and the highest return there can be."""
OF_RUN = ["diverged_at", "steps_per_second", "peak_memory", "anchor/random", "anchor/reference", *POSSIBLE, "label"]
"""Columns that stand behind those of the curve."""


LARGEST_RETURN = 1e300
"""In size, beyond which differences and sums of returns are no numbers any more."""


class Member(NamedTuple):
    """One algorithm configuration on one environment, as a comparison knows it."""

    label: str
    """Name of the configuration, unique in the comparison."""
    suite: str
    algorithm: str
    env: str
    folder: Place
    """The results folder, or the cell's, as it was named."""
    fingerprint: str
    """At least its first 12 digits."""
    record: Mapping[str, Any]
    """Its ``cell.json``; empty when it never began."""
    asked: tuple[int, ...]
    """Seeds that were asked for; those that are there, where nobody says."""
    status: Mapping[int, Fate]
    """What became of each."""
    reason: str
    """Why it failed, in one line; empty when it did not."""
    tuned_on: tuple[int, ...] = ()
    """Seeds that the search for its hyperparameters saw; none where no search is known."""

    def seeds(self, *kinds: Fate) -> tuple[int, ...]:
        """The seeds that ended so, in order."""
        return tuple(seed for seed in self.asked if self.status[seed] in kinds)


class Hidden(NamedTuple):
    """What lies in a folder and is left out, because the latest run command did not ask for it."""

    folder: Place
    cells: int
    """Cells of which some run is left out."""
    runs: int


class Gathered(NamedTuple):
    """All that a comparison is made of."""

    frame: pd.DataFrame
    """As `load` gives it; runs that cannot be read are left out."""
    members: tuple[Member, ...]
    """In the order they were asked for, environments together."""
    errors: tuple[PgsuiteError, ...]
    """One for every file that cannot be read."""
    conflicts: tuple[str, ...] = ()
    """One line for every run that two folders hold with other evaluations."""
    hidden: tuple[Hidden, ...] = ()
    """Folders that hold more than was asked for."""
    unsealed: tuple[tuple[Place, int], ...] = ()
    """Folders with runs, so many, of a format without digests: damage to their numbers may go unnoticed."""
    refusals: Mapping[tuple[str, str], str] = MappingProxyType({})
    """Why an algorithm cannot act in an environment, by label and environment: such a pair is not applicable."""
    unknown: bool = False
    """Whether a manifest or a record cannot be read, so that what was asked for, or is there, is not known."""

    @property
    def damaged(self) -> tuple[str, ...]:
        """One line for every file that cannot be read."""
        return tuple(map(str, self.errors))

    @property
    def asked(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Seeds that were asked for, by label and environment."""
        return {(member.label, member.env): member.asked for member in self.members}

    @property
    def unreadable(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Seeds that there is a file of which cannot be read, by label and environment."""
        return {(member.label, member.env): seeds for member in self.members if (seeds := member.seeds("corrupt"))}

    @property
    def whole(self) -> bool:
        """Whether everything asked for is there: complete, or diverged, which is a result too."""
        lacking = (member.reason or member.seeds("missing", "partial", "corrupt") for member in self.members)
        return not (self.unknown or any(lacking))


class _Run(NamedTuple):
    """A run that can be read, and where it is."""

    cell: FoundCell
    seed: int
    curve: Mapping[str, NDArray[Any]]
    """``(K+1,)`` each."""
    facts: Mapping[str, Any]

    @property
    def status(self) -> Fate:
        return self.facts["status"]  # type: ignore[no-any-return]  # the store has checked it

    @property
    def place(self) -> str:
        return f"seed {self.seed} in {self.cell.store.path}"


_RANK: dict[Fate, int] = {"missing": 0, "corrupt": 1, "partial": 2, "complete": 3, "diverged": 3}
_EVALUATION = ["env_steps", "return_mean", "return_std", "episodes", "length_mean"]


def load(*paths: str | Place, everything: bool = False) -> pd.DataFrame:
    """One row per run and checkpoint, of all results folders and cell folders named, by path or by URL.

    The columns are ``suite, algorithm, env, seed, env_steps, return_mean, return_std, episodes, score, diverged,
    status, fingerprint``, then the rest of the curve with its ``metric/<name>`` columns, ``diverged_at``,
    ``steps_per_second`` and ``peak_memory`` in bytes, the anchors ``anchor/random`` and ``anchor/reference``, the
    lowest and the highest return there can be, ``possible/lowest`` and ``possible/highest`` (NaN where any of these is
    not known or does not apply), and ``label``: the algorithm's name, with the folder or the fingerprint where that
    names several configurations. ``score`` is ``(return_mean - random) / (reference - random)``, NaN for an environment
    without anchors.

    Of a folder with a manifest, only the cells and seeds that run commands asked for last are loaded, in its
    order, environments together, unless ``everything``. A run that several folders hold is loaded once. The frame is
    empty when a manifest asks for runs and none of them has begun.

    Raises:
        UsageError: a folder does not exist or holds no results.
        PgsuiteError: a file is damaged; the message names it.
    """
    folders = [read_folder(path) for path in _paths(paths)]
    cells = [cell for folder in folders for cell in (folder.every if everything else folder.cells)]
    others = [cell.error for folder in folders if everything for cell in folder.others if cell.error]
    gathered = _gathered(cells, paths, [*(error for folder in folders for error in folder.errors), *others])
    if gathered.errors:
        raise gathered.errors[0]
    return gathered.frame


def gather(paths: Sequence[str | Place], *, grid: Grid = "same") -> Gathered:
    """Read results folders and cell folders as one comparison.

    A run that several folders hold counts once: a finished one rather than an unfinished or a damaged one, whatever the
    order of the folders. A file that cannot be read is left out, named and counted as corrupt.

    Args:
        paths: the folders, or URLs of them.
        grid: whether budgets and evaluations that differ on an environment are an error, or curves will be put on a
            common grid. Checkpoints may differ here: whoever compares the curves refuses them, naming the steps.

    Raises:
        UsageError: a folder holds no results, is of another version, or folders disagree about the protocol.
        PgsuiteError: nothing that was asked for can be read.
    """
    folders = [read_folder(path) for path in _paths(paths)]
    cells = [cell for folder in folders for cell in folder.cells]
    places = [(str(cell.folder), cell.store.env, cell.record) for cell in cells if cell.record and cell.asked]
    check_protocol(places, allowing=ALLOWED[grid])
    found = [error for folder in folders for error in folder.errors]
    gathered = _gathered(cells, paths, found)
    errors = [*gathered.errors, *(cell.error for folder in folders for cell in folder.others if cell.error)]
    hidden = []
    for folder in folders:
        runs = [len({*cell.there} - {*cell.asked}) for cell in (*folder.cells, *folder.others)]
        hidden += [Hidden(folder.path, sum(map(bool, runs)), sum(runs))] if any(runs) else []
    unsealed = [(folder.path, sum(map(_unsealed, folder.cells))) for folder in folders]
    return gathered._replace(
        errors=tuple(errors),
        unknown=len(found) > 0,
        hidden=tuple(hidden),
        unsealed=tuple((path, runs) for path, runs in unsealed if runs),
    )


def _unsealed(cell: FoundCell) -> int:
    """Runs that were asked for, are there and have no digests."""
    old = cell.record.get("format", FORMAT) < DIGESTS_SINCE
    return len({*cell.asked} & {*cell.there}) if old else 0


def _paths(paths: Iterable[str | Place]) -> list[Place]:
    """Each folder once."""
    return list(dict.fromkeys(map(place_of, paths)))


def _gathered(cells: Sequence[FoundCell], paths: Sequence[str | Place], damaged: Sequence[PgsuiteError]) -> Gathered:
    """The cells of which runs were asked for, named and read, and why some of their files cannot be."""
    errors, refused = list(damaged), [cell for cell in cells if cell.refusal and not cell.asked]
    cells = [cell for cell in cells if cell.asked]
    if not cells:
        nothing = f"no run in {', '.join(map(str, paths)) or 'no folder'}; make some with `pgsuite run`"
        raise errors[0] if errors else UsageError(nothing)
    conflicts: list[str] = []
    runs: dict[tuple[str, str, int], _Run] = {}
    members: dict[tuple[str, str], Member] = {}
    fetch(cell.store.curve_file(seed) for cell in cells for seed in {*cell.asked} & {*cell.there})
    for label, cell in zip(_labels(cells), cells, strict=True):
        store, status = cell.store, dict[int, Fate]()
        for seed in cell.asked:
            key = (label, store.env, seed)
            try:
                if seed in cell.there:
                    run = _Run(cell, seed, *store.read_columns(seed))
                    _check_computable(run)
                    runs[key] = _better(runs[key], run, conflicts) if key in runs else run
            except UNREADABLE as error:
                errors.append(error)
            status[seed] = runs[key].status if key in runs else "corrupt" if seed in cell.there else "missing"
        names = (label, cell.suite, store.algorithm, store.env, cell.folder, store.fingerprint)
        member = Member(*names, cell.record, cell.asked, status, cell.reason, cell.tuned_on)
        same = members.get((label, store.env))
        members[label, store.env] = _union(same, member) if same else member
    ordered = _environments_together(members.values())
    order = {(member.label, member.env): n for n, member in enumerate(ordered)}
    rows = [(key[0], runs[key]) for key in sorted(runs, key=lambda key: (order[key[:2]], key[2]))]
    refusals = {(_label_of(cell, ordered), cell.store.env): cell.refusal for cell in refused}
    refusals = {key: reason for key, reason in refusals.items() if key not in members}
    return Gathered(_frame(rows), tuple(ordered), tuple(errors), tuple(conflicts), refusals=refusals)


def _label_of(cell: FoundCell, members: Iterable[Member]) -> str:
    """What an algorithm is called that has runs elsewhere in the same folder."""
    names = [one.label for one in members if (one.folder, one.algorithm) == (cell.folder, cell.store.algorithm)]
    return names[0] if names else cell.store.algorithm


def _check_computable(run: _Run) -> None:
    """Refuse returns that are numbers, and with which no statistic can be computed.

    Raises:
        DamagedFile: naming the run's file.
    """
    largest = float(np.abs(run.curve["return_mean"]).max())
    if largest > LARGEST_RETURN:
        path = run.cell.store.curve_file(run.seed)
        reason = f"it has a return of {largest:.0e}, with which nothing can be computed"
        raise DamagedFile(path, reason, "leave this run out, or scale the rewards")


def _frame(runs: Sequence[tuple[str, _Run]]) -> pd.DataFrame:
    """Labelled runs below each other, the columns that a reader looks for first in front."""
    if not runs:
        return pd.DataFrame(columns=[*LEADING, "label"])
    lengths = [len(run.curve["env_steps"]) for _, run in runs]
    names = dict.fromkeys(name for _, run in runs for name in run.curve)
    nothing = [np.full(length, np.nan) for length in lengths]
    curves = {
        name: np.concatenate([run.curve.get(name, nan) for (_, run), nan in zip(runs, nothing, strict=True)])
        for name in names
    }
    facts = pd.DataFrame([_facts(label, run) for label, run in runs])
    repeated = facts.loc[np.repeat(facts.index, lengths)].reset_index(drop=True)
    frame = pd.concat([pd.DataFrame(curves), repeated], axis=1)
    random, reference = frame["anchor/random"], frame["anchor/reference"]
    frame["score"] = (frame["return_mean"] - random) / (reference - random)
    return frame[list(dict.fromkeys([*LEADING, *(name for _, run in runs for name in (*run.curve, *OF_RUN))]))]


def _facts(label: str, run: _Run) -> dict[str, Any]:
    """What is the same in every row of a run."""
    anchors = run.cell.record.get("anchors") or {}
    return {
        "suite": run.cell.suite,
        "algorithm": run.cell.store.algorithm,
        "env": run.cell.store.env,
        "seed": run.seed,
        "diverged": run.status == "diverged",
        "status": run.status,
        "fingerprint": run.cell.store.fingerprint,
        "diverged_at": float(run.facts.get("diverged_at", np.nan)),
        "steps_per_second": float(run.facts.get("steps_per_second", np.nan)),
        "peak_memory": float(run.facts.get("peak_memory") or np.nan),
        "anchor/random": float(anchors.get("random", np.nan)),
        "anchor/reference": float(anchors.get("reference", np.nan)),
        **dict(zip(POSSIBLE, _possible(run.cell.record), strict=True)),
        "label": label,
    }


def _possible(record: Mapping[str, Any]) -> tuple[float, float]:
    match record.get("possible_returns"):
        case [int() | float() as low, int() | float() as high] if low < high:
            return float(low), float(high)
    return float("nan"), float("nan")


def _better(kept: _Run, other: _Run, conflicts: list[str]) -> _Run:
    """Of two copies of one run the finished one, else the longer one, else the first."""
    ranks = [(_RANK[run.status], len(run.curve["env_steps"]) * (run.status == "partial")) for run in (kept, other)]
    if ranks[1] > ranks[0]:
        return other
    if ranks[0] == ranks[1] and not _same_evaluations(kept, other):
        conflicts.append(f"{other.place} has other evaluations than {kept.place}, which is shown; one of them is wrong")
    return kept


def _same_evaluations(one: _Run, other: _Run) -> bool:
    same = (np.array_equal(one.curve[name], other.curve[name], equal_nan=True) for name in _EVALUATION)
    return one.status == other.status and all(same)


def _union(one: Member, other: Member) -> Member:
    """The same configuration in two folders: all runs of both, each with the better of its two fates."""
    status = dict(one.status)
    for seed, fate in other.status.items():
        status[seed] = max(status.get(seed, fate), fate, key=_RANK.__getitem__)
    asked = tuple(sorted({*one.asked, *other.asked}))
    return one._replace(
        asked=asked,
        status=status,
        record=one.record or other.record,
        reason=one.reason or other.reason,
        tuned_on=tuple(sorted({*one.tuned_on, *other.tuned_on})),
    )


def _labels(cells: Sequence[FoundCell]) -> list[str]:
    """A name per cell: the algorithm's, with the folder, or the fingerprint, where that names several things."""

    def clashing(place: Callable[[FoundCell], Any]) -> set[Any]:
        prints = defaultdict(set)
        for cell in cells:
            prints[place(cell)].add(cell.store.fingerprint[:12])
        return {key for key, values in prints.items() if len(values) > 1}

    within = clashing(lambda cell: (cell.folder, cell.store.algorithm, cell.store.env))
    across = {algorithm for algorithm, _ in clashing(lambda cell: (cell.store.algorithm, cell.store.env))}
    folders = _short_names(list(dict.fromkeys(cell.folder for cell in cells)))
    labels = []
    for cell in cells:
        label = algorithm = cell.store.algorithm
        if algorithm in across and len(folders) > 1:
            label += f" ({folders[cell.folder]})"
        if (cell.folder, algorithm, cell.store.env) in within:
            label += f" @{cell.store.fingerprint[:6]}"
        labels.append(label)
    return labels


def _short_names(folders: Sequence[Place]) -> dict[Place, str]:
    """The last parts of each path, as few as tell all of them apart."""
    resolved = {folder: _parts(folder) for folder in folders}
    for length in range(1, max(map(len, resolved.values()), default=1) + 1):
        names = {folder: "/".join(parts[-length:]) for folder, parts in resolved.items()}
        if len(set(names.values())) == len(set(resolved.values())):
            return names
    raise AssertionError("paths that differ have names that differ")


def _parts(folder: Place) -> tuple[str, ...]:
    """The parts of a path that nothing leads around, or of a URL."""
    return tuple(str(folder).split("/")) if isinstance(folder, Remote) else folder.resolve().parts


def _environments_together(members: Iterable[Member]) -> list[Member]:
    """Members ordered by environment, each kept where its environment appeared first."""
    order: dict[str, int] = {}
    return sorted(members, key=lambda member: order.setdefault(member.env, len(order)))
