"""The cells that lie in a folder, and which of them were asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import PgsuiteError, UsageError
from .manifest import read_manifest
from .store import RECORD, CellStore


class FoundCell(NamedTuple):
    """A cell that is there, and what of it was asked for."""

    suite: str
    store: CellStore
    wanted: frozenset[int] | None
    """Seeds that were asked for; None without a manifest: all."""

    def seeds(self) -> list[int]:
        """Seeds that have a curve and were asked for, in order."""
        return [seed for seed in self.store.stored() if self.wanted is None or seed in self.wanted]


def find_cells(path: Path, *, everything: bool = False, damaged: list[str] | None = None) -> list[FoundCell]:
    """The cells of a results folder, or of one cell folder: those that its manifest names, unless ``everything``.

    Args:
        path: the folder.
        everything: whether to look for cells that the manifest does not name, too.
        damaged: takes a line for every cell whose record cannot be read; without it, the first is an error.

    Raises:
        UsageError: the folder does not exist or holds no results.
        PgsuiteError: the manifest, or without ``damaged`` a record, cannot be read.
    """
    if path.is_file():
        raise UsageError(f"{path} is a file: name the results folder that `pgsuite run` made")
    if not path.is_dir():
        raise UsageError(f"the results folder {path} does not exist; make it with `pgsuite run`")
    if (path / RECORD).is_file():
        return _readable([(path, None, None)], damaged)
    manifest = read_manifest(path)
    if manifest is not None and not everything:
        asked = [(path / cell.folder, manifest.suite, frozenset(cell.seeds)) for cell in manifest.cells]
        return _readable([cell for cell in asked if (cell[0] / RECORD).is_file()], damaged)
    there = [(record.parent, None, None) for record in sorted(path.glob(f"*/{RECORD}"))]
    if not there and manifest is None:
        raise UsageError(f"{path} holds no results; make them with `pgsuite run`")
    return _readable(there, damaged)


def _readable(
    places: Sequence[tuple[Path, str | None, frozenset[int] | None]], damaged: list[str] | None
) -> list[FoundCell]:
    found = []
    for place in places:
        try:
            found.append(_found(*place))
        except PgsuiteError as error:
            if damaged is None:
                raise
            damaged.append(str(error))
    return found


def _found(folder: Path, suite: str | None, wanted: frozenset[int] | None) -> FoundCell:
    store = CellStore.open(folder)
    return FoundCell(str(store.record().get("suite", "")) if suite is None else suite, store, wanted)
