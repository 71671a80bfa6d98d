"""All results of a folder as one tidy frame: one row per run and checkpoint."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import UsageError
from .folders import find_cells
from .manifest import read_manifest
from .store import CellStore

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
        anchors = cell.store.record().get("anchors")
        for seed in cell.seeds():
            run = (cell.suite, cell.store.path.name, str(seed))
            if run not in runs:
                runs[run] = run_frame(cell.store, seed, cell.suite, anchors)
    if not runs and not any((manifest := read_manifest(folder)) and manifest.cells for folder in folders):
        raise UsageError(f"no run in {', '.join(map(str, paths)) or 'no folder'}; make some with `pgsuite run`")
    return joined(runs.values())


def run_frame(store: CellStore, seed: int, suite: str, anchors: Mapping[str, float] | None) -> pd.DataFrame:
    """One run's rows, with the columns that `load` adds to its curve.

    Raises:
        PgsuiteError: the file is missing or damaged.
    """
    curve, meta = store.read_curve(seed)
    random, reference = (float((anchors or {}).get(name, np.nan)) for name in ("random", "reference"))
    return curve.assign(
        **{
            "suite": suite,
            "algorithm": store.algorithm,
            "env": store.env,
            "seed": seed,
            "score": (curve["return_mean"] - random) / (reference - random),
            "diverged": meta["status"] == "diverged",
            "status": meta["status"],
            "fingerprint": store.fingerprint,
            "diverged_at": float(meta.get("diverged_at", np.nan)),
            "steps_per_second": float(meta.get("steps_per_second", np.nan)),
            "peak_memory": float(meta.get("peak_memory") or np.nan),
            "anchor/random": random,
            "anchor/reference": reference,
        }
    )


def joined(runs: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Runs below each other, the columns that a reader looks for first in front."""
    every = list(runs)
    frame = pd.concat(every, ignore_index=True) if every else pd.DataFrame(columns=LEADING)
    return frame[[*LEADING, *(column for column in frame.columns if column not in LEADING)]]
