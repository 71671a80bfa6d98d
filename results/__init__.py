"""What a run leaves behind: the store, fingerprints and statistics. Imports no torch."""

from .curve import CurveRow
from .frame import load
from .gathering import Gathered, gather
from .manifest import read_manifest, write_manifest
from .status import RunStatus
from .store import CellStore

__all__ = ["CellStore", "CurveRow", "Gathered", "RunStatus", "gather", "load", "read_manifest", "write_manifest"]
