"""The cells that lie in a folder, and which of them were asked for."""

from pathlib import Path
from typing import NamedTuple

from ..errors import UsageError
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


def find_cells(path: Path, *, everything: bool = False) -> list[FoundCell]:
    """The cells of a results folder, or of one cell folder: those that its manifest names, unless ``everything``.

    Raises:
        UsageError: the folder does not exist or holds no results.
    """
    if path.is_file():
        raise UsageError(f"{path} is a file: name the results folder that `pgsuite run` made")
    if not path.is_dir():
        raise UsageError(f"the results folder {path} does not exist; make it with `pgsuite run`")
    if (path / RECORD).is_file():
        return [_found(path)]
    manifest = read_manifest(path)
    if manifest is not None and not everything:
        asked = ((path / cell.folder, frozenset(cell.seeds)) for cell in manifest.cells)
        return [_found(folder, manifest.suite, seeds) for folder, seeds in asked if (folder / RECORD).is_file()]
    found = [_found(record.parent) for record in sorted(path.glob(f"*/{RECORD}"))]
    if not found and manifest is None:
        raise UsageError(f"{path} holds no results; make them with `pgsuite run`")
    return found


def _found(folder: Path, suite: str | None = None, wanted: frozenset[int] | None = None) -> FoundCell:
    store = CellStore.open(folder)
    return FoundCell(str(store.record().get("suite", "")) if suite is None else suite, store, wanted)
