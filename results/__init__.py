"""What a run leaves behind: the store, fingerprints and statistics. Imports no torch."""

from .store.curve import CurveRow, RunStatus
from .store.gathering import Gathered, gather, load
from .store.manifest import read_manifest, write_manifest
from .store.store import CellStore

__all__ = ["CellStore", "CurveRow", "Gathered", "RunStatus", "gather", "load", "read_manifest", "write_manifest"]
