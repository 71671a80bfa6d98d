"""What a run leaves behind: the store, fingerprints and statistics. Imports no torch.

Names are imported when first used: pandas is loaded only by those who read or write results.
"""

from typing import TYPE_CHECKING

from ..lazy import front_door

if TYPE_CHECKING:
    from .store.curve import CurveRow as CurveRow
    from .store.curve import RunStatus as RunStatus
    from .store.gathering import Gathered as Gathered
    from .store.gathering import gather as gather
    from .store.gathering import load as load
    from .store.manifest import read_manifest as read_manifest
    from .store.manifest import write_manifest as write_manifest
    from .store.store import CellStore as CellStore

_HOMES = {
    "CellStore": "pgsuite.results.store.store:CellStore",
    "CurveRow": "pgsuite.results.store.curve:CurveRow",
    "Gathered": "pgsuite.results.store.gathering:Gathered",
    "RunStatus": "pgsuite.results.store.curve:RunStatus",
    "gather": "pgsuite.results.store.gathering:gather",
    "load": "pgsuite.results.store.gathering:load",
    "read_manifest": "pgsuite.results.store.manifest:read_manifest",
    "write_manifest": "pgsuite.results.store.manifest:write_manifest",
}

__getattr__, __dir__ = front_door(__name__, _HOMES)
