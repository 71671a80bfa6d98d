"""What lies in a results folder: the cells and runs that were asked for, begun or not, and what nobody asked for.

This is the one walk over a folder; `pgsuite.results.store.gathering` reads the curves of what is found here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import PgsuiteError, UsageError
from .format import DIGESTS_SINCE
from .manifest import MANIFEST, ExpectedCell, read_manifest
from .places import Place, looked
from .reading import UNREADABLE, DamagedFile
from .record import RECORD, has_record, read_record
from .remote import fetch
from .store import CellStore, cell_folder

_RESTORE = "run the suite again to restore it"


class FoundCell(NamedTuple):
    """A cell of a results folder."""

    folder: Place
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
    refusal: str = ""
    """Why its algorithm cannot act in its environment, so that nothing was asked for; empty where it can."""
    tuned_on: tuple[int, ...] = ()
    """Seeds that the search for its hyperparameters saw; none where no search is known."""


class Folder(NamedTuple):
    """The cells of a results folder."""

    path: Place
    cells: tuple[FoundCell, ...]
    """Those that the manifest asks for, in its order; all that are there where no manifest says."""
    others: tuple[FoundCell, ...] = ()
    """Those that are there and that the manifest does not ask for."""
    error: PgsuiteError | None = None
    """Why the manifest cannot be read, so that nobody knows what was asked for: then all that is there counts."""

    @property
    def errors(self) -> list[PgsuiteError]:
        """What of all that was asked for cannot be read, curves apart."""
        return [error for error in (self.error, *(cell.error for cell in self.cells)) if error]

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
        for error in self.errors:
            raise error
        return [cell for cell in self.cells if cell.record]


def read_folder(path: Place) -> Folder:
    """Look through a results folder, or one cell folder: every record is read once, and no curve.

    A record that cannot be read is kept with its cell, and a manifest with the folder. What lies at a URL is listed
    once, and is for whatever is read of it later as it was then.

    Raises:
        UsageError: the folder does not exist or holds no results, or what was asked for is of another version.
        PgsuiteError: nothing in it can be read, or its object store cannot be asked.
    """
    seen = looked(path)
    if not seen.is_dir():
        if path.exists():
            raise UsageError(f"{path} is a file: name the results folder that `pgsuite run` made")
        raise UsageError(f"the results folder {path} does not exist; make it with `pgsuite run`")
    path = seen
    if has_record(path):
        return Folder(path, (_there(path, path),))
    places, damage = _cells(path), None
    fetch([path / MANIFEST, *(place / RECORD for place in places)])
    try:
        manifest = read_manifest(path)
    except DamagedFile as error:
        manifest, damage = None, error
    if manifest is None:
        if not places:
            raise damage or UsageError(f"{path} holds no results; make them with `pgsuite run`")
        return Folder(path, tuple(_found(path, place) for place in places), error=damage)
    named = {expected.folder for expected in manifest.cells}
    return Folder(
        path,
        tuple(_asked_for(path, manifest.suite, expected) for expected in manifest.cells),
        tuple(_unasked(path, place) for place in places if place.name not in named),
    )


def _cells(path: Place) -> list[Place]:
    """Folders with a record, readable or not; hidden ones are on their way."""
    try:
        return sorted(place for place in path.iterdir() if not place.name.startswith(".") and has_record(place))
    except OSError as error:
        raise UsageError(
            f"the results folder {path} cannot be read: {error.strerror}; change its permissions"
        ) from error


def _there(path: Place, place: Place) -> FoundCell:
    record = read_record(place)
    store = CellStore.at(place, record["algorithm"], record["env"], record["fingerprint"], record)
    seeds = tuple(store.stored())
    return FoundCell(path, str(record.get("suite", "")), store, record, asked=seeds, there=seeds)


def _found(path: Place, place: Place) -> FoundCell:
    try:
        return _there(path, place)
    except DamagedFile as error:
        return _unreadable(path, place, error)


def _unreadable(path: Place, place: Place, error: PgsuiteError) -> FoundCell:
    return FoundCell(path, "", CellStore.at(place, "", "", ""), {}, (), error=error)


def _asked_for(path: Place, suite: str, expected: ExpectedCell) -> FoundCell:
    place = path / expected.folder
    said: dict[str, Any] = {
        "asked": expected.seeds,
        "reason": expected.reason or "",
        "refusal": expected.refusal or "",
        "tuned_on": expected.tuned_on,
    }
    try:
        found = _there(path, place)
        _check_names(found, expected)
        return found._replace(suite=suite, **said)
    except UsageError:
        raise
    except UNREADABLE as error:
        store = CellStore.at(place, expected.algorithm, expected.env, expected.folder.rpartition("--")[2])
        return FoundCell(path, suite, store, {}, error=error if has_record(place) else None, **said)


def _check_names(found: FoundCell, expected: ExpectedCell) -> None:
    """Refuse a record that is not of the cell that was asked for.

    Raises:
        DamagedFile: naming the difference.
    """
    store, path = found.store, found.store.path / RECORD
    if (store.algorithm, store.env) != (expected.algorithm, expected.env):
        reason = (
            f"it is of {store.algorithm} on {store.env}, and the manifest asks for {expected.algorithm} on "
            f"{expected.env} here"
        )
        raise DamagedFile(path, reason, _RESTORE)
    if found.record.get("format", 0) >= DIGESTS_SINCE and expected.folder != cell_folder(
        store.algorithm, store.env, store.fingerprint
    ):
        raise DamagedFile(path, "it is of a cell that belongs into another folder", _RESTORE)


def _unasked(path: Place, place: Place) -> FoundCell:
    try:
        return _there(path, place)._replace(asked=())
    except UNREADABLE as error:
        return _unreadable(path, place, error)
