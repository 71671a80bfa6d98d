"""Several results folders as one comparison: what is there, what was asked for, and what cannot be read.

An algorithm is known by one name over all environments and folders. Where two folders hold different configurations
(or code) under one name, each is called ``name (folder)``. Folders that measured an environment by different rules are
refused: their numbers must not stand side by side.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from ...errors import PgsuiteError, UsageError
from .folders import find_cells
from .frame import joined, run_frame
from .manifest import ExpectedCell, read_manifest
from .protocol import check_protocol
from .store import RECORD, CellStore

Status = Literal["complete", "partial", "diverged", "corrupt", "missing"]
Horizon = Literal["error", "common"]


class Member(NamedTuple):
    """One algorithm configuration on one environment, as a comparison knows it."""

    label: str
    """Name of the configuration, unique in the comparison."""
    suite: str
    algorithm: str
    env: str
    folder: Path
    """The results folder, or the cell's, as it was named."""
    fingerprint: str
    """At least its first 12 digits."""
    record: Mapping[str, Any]
    """Its ``cell.json``; empty when it never began."""
    asked: tuple[int, ...]
    """Seeds that were asked for; those that are there, where nobody says."""
    status: Mapping[int, Status]
    """What became of each."""
    reason: str
    """Why it failed, in one line; empty when it did not."""

    def seeds(self, *kinds: Status) -> tuple[int, ...]:
        """The seeds that ended so, in order."""
        return tuple(seed for seed in self.asked if self.status[seed] in kinds)


class Gathered(NamedTuple):
    """All that a comparison is made of."""

    frame: pd.DataFrame
    """As `pgsuite.results.load` gives it, with ``label``; runs that cannot be read are left out."""
    members: tuple[Member, ...]
    """In the order they were asked for, environments together."""
    damaged: tuple[str, ...]
    """One line for every file that cannot be read."""
    conflicts: tuple[str, ...] = ()
    """One line for every run that two folders hold with other evaluations."""

    @property
    def asked(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Seeds that were asked for, by label and environment."""
        return {(member.label, member.env): member.asked for member in self.members}

    @property
    def whole(self) -> bool:
        """Whether everything asked for is there: complete, or diverged, which is a result too."""
        return not any(member.reason or member.seeds("missing", "partial", "corrupt") for member in self.members)


class _Cell(NamedTuple):
    """A cell of one folder, before it is named."""

    folder: Path
    suite: str
    algorithm: str
    env: str
    fingerprint: str
    record: Mapping[str, Any]
    asked: tuple[int, ...]
    reason: str
    store: CellStore | None


class _Run(NamedTuple):
    """A run that can be read, and where it is."""

    frame: pd.DataFrame
    place: str

    @property
    def status(self) -> Status:
        return self.frame["status"].iloc[0]  # type: ignore[no-any-return]  # the store has checked it


_RANK: dict[Status, int] = {"missing": 0, "corrupt": 1, "partial": 2, "complete": 3, "diverged": 3}
_EVALUATION = ["env_steps", "return_mean", "return_std", "episodes", "length_mean", "status"]


def gather(paths: Sequence[str | Path], *, horizon: Horizon = "error") -> Gathered:
    """Read results folders and cell folders as one comparison.

    A run that several folders hold counts once: a finished one rather than an unfinished or a damaged one, whatever the
    order of the folders. A file that cannot be read is left out, named and counted as corrupt.

    Args:
        paths: the folders.
        horizon: whether budgets that differ on an environment are an error, or curves will be cut.

    Raises:
        UsageError: a folder holds no results, is of another version, or folders disagree about the protocol.
        PgsuiteError: a manifest is damaged.
    """
    damaged: list[str] = []
    conflicts: list[str] = []
    cells = [cell for path in dict.fromkeys(map(Path, paths)) for cell in _cells(path, damaged)]
    check_protocol([(str(cell.folder), cell.env, cell.record) for cell in cells if cell.record], horizon=horizon)
    runs: dict[tuple[str, str, int], _Run] = {}
    members: dict[tuple[str, str], Member] = {}
    for label, cell in zip(_labels(cells), cells, strict=True):
        status: dict[int, Status] = {}
        for seed in cell.asked:
            key = (label, cell.env, seed)
            if (run := _read(cell, label, seed, damaged)) is not None:
                runs[key] = _better(runs[key], run, conflicts) if key in runs else run
            status[seed] = runs[key].status if key in runs else _absence(cell, seed)
        member = Member(label, *cell[1:4], cell.folder, cell.fingerprint, cell.record, cell.asked, status, cell.reason)
        same = members.get((label, cell.env))
        members[label, cell.env] = _union(same, member) if same else member
    if not members:
        raise UsageError(f"no run in {', '.join(map(str, paths)) or 'no folder'}; make some with `pgsuite run`")
    ordered = _environments_together(members.values())
    order = {(member.label, member.env): n for n, member in enumerate(ordered)}
    rows = [runs[key].frame for key in sorted(runs, key=lambda key: (order[key[:2]], key[2]))]
    frame = joined(rows) if rows else joined(rows).assign(label="")
    return Gathered(frame, tuple(ordered), tuple(damaged), tuple(conflicts))


def _cells(path: Path, damaged: list[str]) -> Iterable[_Cell]:
    """The cells of a folder that were asked for, begun or not; without a manifest, those that are there."""
    manifest = None if (path / RECORD).is_file() else read_manifest(path)
    if manifest is None:
        for found in find_cells(path):
            store, record = found.store, found.store.record()
            if seeds := tuple(store.stored()):
                yield _cell(path, found.suite, store, record, seeds, "")
        return
    for expected in manifest.cells:
        try:
            store = CellStore.open(path / expected.folder)
            yield _cell(path, manifest.suite, store, store.record(), expected.seeds, expected.reason or "")
        except UsageError:
            raise
        except PgsuiteError as error:
            if (path / expected.folder / RECORD).exists():
                damaged.append(str(error))
            yield _absent(path, manifest.suite, expected)


def _cell(
    path: Path, suite: str, store: CellStore, record: Mapping[str, Any], asked: tuple[int, ...], reason: str
) -> _Cell:
    return _Cell(path, suite, store.algorithm, store.env, store.fingerprint, record, asked, reason, store)


def _absent(path: Path, suite: str, expected: ExpectedCell) -> _Cell:
    fingerprint = expected.folder.rpartition("--")[2]
    return _Cell(
        path, suite, expected.algorithm, expected.env, fingerprint, {}, expected.seeds, expected.reason or "", None
    )


def _read(cell: _Cell, label: str, seed: int, damaged: list[str]) -> _Run | None:
    if cell.store is None or seed not in cell.store.stored():
        return None
    try:
        frame = run_frame(cell.store, seed, cell.suite, cell.record.get("anchors"))
        return _Run(frame.assign(label=label), f"seed {seed} in {cell.store.path}")
    except PgsuiteError as error:
        damaged.append(str(error))
        return None


def _better(kept: _Run, other: _Run, conflicts: list[str]) -> _Run:
    """Of two copies of one run the finished one, else the longer one, else the first."""
    ranks = [(_RANK[run.status], len(run.frame) if run.status == "partial" else 0) for run in (kept, other)]
    if ranks[1] > ranks[0]:
        return other
    if ranks[0] == ranks[1] and not kept.frame[_EVALUATION].equals(other.frame[_EVALUATION]):
        conflicts.append(f"{other.place} has other evaluations than {kept.place}, which is shown; one of them is wrong")
    return kept


def _absence(cell: _Cell, seed: int) -> Status:
    return "corrupt" if cell.store is not None and seed in cell.store.stored() else "missing"


def _union(one: Member, other: Member) -> Member:
    """The same configuration in two folders: all runs of both, each with the better of its two fates."""
    status = dict(one.status)
    for seed, fate in other.status.items():
        status[seed] = max(status.get(seed, fate), fate, key=_RANK.__getitem__)
    asked = tuple(sorted({*one.asked, *other.asked}))
    return one._replace(
        asked=asked, status=status, record=one.record or other.record, reason=one.reason or other.reason
    )


def _labels(cells: Sequence[_Cell]) -> list[str]:
    """A name per cell: the algorithm's, with the folder, or the fingerprint, where that names several things."""

    def clashing(place: Callable[[_Cell], Any]) -> set[Any]:
        prints = defaultdict(set)
        for cell in cells:
            prints[place(cell)].add(cell.fingerprint[:12])
        return {key for key, values in prints.items() if len(values) > 1}

    within = clashing(lambda cell: (cell.folder, cell.algorithm, cell.env))
    across = {algorithm for algorithm, _ in clashing(lambda cell: (cell.algorithm, cell.env))}
    folders = _short_names(list(dict.fromkeys(cell.folder for cell in cells)))
    labels = []
    for cell in cells:
        label = cell.algorithm
        if cell.algorithm in across and len(folders) > 1:
            label += f" ({folders[cell.folder]})"
        if (cell.folder, cell.algorithm, cell.env) in within:
            label += f" @{cell.fingerprint[:6]}"
        labels.append(label)
    return labels


def _short_names(folders: Sequence[Path]) -> dict[Path, str]:
    """The last parts of each path, as few as tell all of them apart."""
    resolved = {folder: folder.resolve().parts for folder in folders}
    for length in range(1, max(map(len, resolved.values()), default=1) + 1):
        names = {folder: "/".join(parts[-length:]) for folder, parts in resolved.items()}
        if len(set(names.values())) == len(set(resolved.values())):
            return names
    raise AssertionError("paths that differ have names that differ")


def _environments_together(members: Iterable[Member]) -> list[Member]:
    """Members ordered by environment, each kept where its environment appeared first."""
    order: dict[str, int] = {}
    return sorted(members, key=lambda member: order.setdefault(member.env, len(order)))
