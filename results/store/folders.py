"""What lies in a results folder: the cells and runs that were asked for, begun or not, and what nobody asked for.

This is the one walk over a folder; `pgsuite.results.store.gathering` reads the curves of what is found here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import PgsuiteError, UsageError
from .manifest import ExpectedCell, read_manifest
from .store import RECORD, CellStore, read_record


class FoundCell(NamedTuple):
    """A cell of a results folder."""

    folder: Path
    """The results folder, or the cell's own, as it was named."""
    suite: str
    store: CellStore
    record: Mapping[str, Any]
    """Its ``cell.json``; empty when it never began or its record cannot be read."""
    asked: tuple[int, ...]
    """Seeds that were asked for; those that are there, where nobody says."""
    there: tuple[int, ...] = ()
    """Seeds that have a curve, readable or not, in order; none where the record cannot be read."""
    reason: str = ""
    """Why it failed, in one line; empty when it did not."""
    error: PgsuiteError | None = None
    """Why its record cannot be read."""


class Folder(NamedTuple):
    """The cells of a results folder."""

    path: Path
    cells: tuple[FoundCell, ...]
    """Those that the manifest asks for, in its order; all that are there where no manifest says."""
    others: tuple[FoundCell, ...] = ()
    """Those that are there and that the manifest does not ask for."""

    @property
    def every(self) -> tuple[FoundCell, ...]:
        """All cells, as if all their runs had been asked for."""
        every = (*self.cells, *self.others)
        return tuple(cell._replace(asked=tuple(sorted({*cell.asked, *cell.there}))) for cell in every)

    def begun(self) -> list[FoundCell]:
        """The cells that were asked for and have a record.

        Raises:
            PgsuiteError: a record cannot be read.
        """
        for cell in self.cells:
            if cell.error:
                raise cell.error
        return [cell for cell in self.cells if cell.record]


def read_folder(path: Path) -> Folder:
    """Look through a results folder, or one cell folder: every record is read once, and no curve.

    A record that cannot be read is an error where there is no manifest to tell what its cell is; otherwise it is kept
    with its cell.

    Raises:
        UsageError: the folder does not exist or holds no results, or what was asked for is of another version.
        PgsuiteError: the manifest, or a record without manifest, cannot be read.
    """
    if path.is_file():
        raise UsageError(f"{path} is a file: name the results folder that `pgsuite run` made")
    if not path.is_dir():
        raise UsageError(f"the results folder {path} does not exist; make it with `pgsuite run`")
    if (path / RECORD).is_file():
        return Folder(path, (_there(path, path),))
    manifest, places = read_manifest(path), [record.parent for record in sorted(path.glob(f"*/{RECORD}"))]
    if manifest is None:
        if not places:
            raise UsageError(f"{path} holds no results; make them with `pgsuite run`")
        return Folder(path, tuple(_there(path, place) for place in places))
    named = {expected.folder for expected in manifest.cells}
    return Folder(
        path,
        tuple(_asked_for(path, manifest.suite, expected) for expected in manifest.cells),
        tuple(_unasked(path, place) for place in places if place.name not in named),
    )


def _there(path: Path, place: Path) -> FoundCell:
    record = read_record(place)
    store = CellStore.at(place, record["algorithm"], record["env"], record["fingerprint"])
    seeds = tuple(store.stored())
    return FoundCell(path, str(record.get("suite", "")), store, record, asked=seeds, there=seeds)


def _asked_for(path: Path, suite: str, expected: ExpectedCell) -> FoundCell:
    place, reason = path / expected.folder, expected.reason or ""
    try:
        return _there(path, place)._replace(suite=suite, asked=expected.seeds, reason=reason)
    except UsageError:
        raise
    except PgsuiteError as error:
        store = CellStore.at(place, expected.algorithm, expected.env, expected.folder.rpartition("--")[2])
        damage = error if (place / RECORD).exists() else None
        return FoundCell(path, suite, store, {}, expected.seeds, reason=reason, error=damage)


def _unasked(path: Path, place: Path) -> FoundCell:
    try:
        return _there(path, place)._replace(asked=())
    except PgsuiteError as error:
        return FoundCell(path, "", CellStore.at(place, "", "", ""), {}, (), error=error)
