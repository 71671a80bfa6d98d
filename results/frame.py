"""All results of a folder as one tidy frame: one row per run and checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import UsageError
from .manifest import read_manifest
from .store import RECORD, CellStore

LEADING = [
    "suite",
    "algorithm",
    "env",
    "seed",
    "env_steps",
    "return_mean",
    "return_std",
    "episodes",
    "score",
    "diverged",
    "status",
    "fingerprint",
]


class FoundCell(NamedTuple):
    """A cell that is there, and what of it was asked for."""

    suite: str
    store: CellStore
    wanted: frozenset[int] | None
    """Seeds that were asked for; None without a manifest: all."""

    def seeds(self) -> list[int]:
        """Seeds that have a curve and were asked for, in order."""
        return [seed for seed in self.store.stored() if self.wanted is None or seed in self.wanted]


def load(*paths: str | Path, everything: bool = False) -> pd.DataFrame:
    """One row per run and checkpoint, of all results folders and cell folders named.

    The columns are ``suite, algorithm, env, seed, env_steps, return_mean, return_std, episodes, score, diverged,
    status, fingerprint``, then the rest of the curve with its ``metric/<name>`` columns, ``diverged_at``,
    ``steps_per_second`` and ``peak_memory`` in bytes (NaN where they do not apply), and the anchors
    ``anchor/random`` and ``anchor/reference``. ``score`` is ``(return_mean - random) / (reference - random)``, NaN for
    an environment without anchors.

    Of a folder with a manifest, only the cells and seeds that run commands asked for last are loaded, in its
    order, unless ``everything``. A run that several folders hold is loaded once. The frame is empty when a manifest
    asks for runs and none of them has begun.

    Raises:
        UsageError: a folder does not exist or holds no results.
        PgsuiteError: a file is damaged; the message names it.
    """
    folders = [Path(path) for path in paths]
    runs: dict[tuple[str, ...], pd.DataFrame] = {}
    for cell in (cell for folder in folders for cell in find_cells(folder, everything=everything)):
        anchors = cell.store.record().get("anchors") or {"random": np.nan, "reference": np.nan}
        for seed in cell.seeds():
            run = (cell.suite, cell.store.path.name, str(seed))
            if run not in runs:
                runs[run] = _run_frame(cell, seed, anchors)
    if not runs and not any((manifest := read_manifest(folder)) and manifest.cells for folder in folders):
        raise UsageError(f"no run in {', '.join(map(str, paths)) or 'no folder'}; make some with `pgsuite run`")
    frame = pd.concat(runs.values(), ignore_index=True) if runs else pd.DataFrame(columns=LEADING)
    return frame[[*LEADING, *(column for column in frame.columns if column not in LEADING)]]


def find_cells(path: Path, *, everything: bool = False) -> list[FoundCell]:
    """The cells of a results folder, or of one cell folder: those that its manifest names, unless ``everything``.

    Raises:
        UsageError: the folder does not exist or holds no results.
    """
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


def _run_frame(cell: FoundCell, seed: int, anchors: Mapping[str, float]) -> pd.DataFrame:
    curve, meta = cell.store.read_curve(seed)
    random, reference = float(anchors["random"]), float(anchors["reference"])
    return curve.assign(
        **{
            "suite": cell.suite,
            "algorithm": cell.store.algorithm,
            "env": cell.store.env,
            "seed": seed,
            "score": (curve["return_mean"] - random) / (reference - random),
            "diverged": meta["status"] == "diverged",
            "status": meta["status"],
            "fingerprint": cell.store.fingerprint,
            "diverged_at": float(meta.get("diverged_at", np.nan)),
            "steps_per_second": float(meta.get("steps_per_second", np.nan)),
            "peak_memory": float(meta.get("peak_memory") or np.nan),
            "anchor/random": random,
            "anchor/reference": reference,
        }
    )
