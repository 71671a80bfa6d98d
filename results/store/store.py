"""The content-addressed store: one folder per cell, named after everything that its results depend on.

``OUT/<algorithm>--<env>--<fingerprint, 12 digits>/`` holds ``cell.json`` (everything needed to repeat the cell)
and, per seed, ``seed-3.parquet`` (the curve) and ``seed-3.safetensors`` (the snapshot: weights and whole state).
A cell is the union of its runs, so two workers never write the same file. Nothing is ever unpickled.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ...errors import PgsuiteError, UsageError
from .atomic import write_atomic, write_text
from .curve import CurveRow, RunStatus, decode_columns, decode_curve, encode_curve
from .format import FORMAT, check_format

RECORD = "cell.json"
_CURVE = re.compile(r"seed-([0-9]{1,19})\.parquet")
LARGEST_SEED = 2**63 - 1
"""A seed is a signed 64-bit integer in every frame."""


def cell_folder(algorithm: str, env: str, fingerprint: str) -> str:
    """The name of a cell's folder; whatever a file system might refuse in the names becomes ``-``."""
    return f"{_safe(algorithm)}--{_safe(env)}--{_safe(fingerprint[:12])}"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.")[:80] or "unnamed"


class CellStore:
    """One cell's folder.

    A crash between two writes must never lose or invent anything, hence `write_checkpoint`: the curve first, then the
    snapshot, and the word "complete" last. So a curve may be one checkpoint ahead of its snapshot; a run that resumes
    drops the rows beyond the snapshot's checkpoint and does that segment again.
    """

    def __init__(self, root: Path, algorithm: str, env: str, fingerprint: str) -> None:
        self.algorithm = algorithm
        self.env = env
        self.fingerprint = fingerprint
        self.path = Path(root) / cell_folder(algorithm, env, fingerprint)

    @classmethod
    def open(cls, folder: Path) -> "CellStore":
        """The store of a folder that exists, whatever it is called now.

        Raises:
            PgsuiteError: it has no readable ``cell.json``.
        """
        record = read_record(folder)
        return cls.at(folder, record["algorithm"], record["env"], record["fingerprint"])

    @classmethod
    def at(cls, folder: Path, algorithm: str, env: str, fingerprint: str) -> "CellStore":
        """The store of a folder, whatever it is called and whether it exists."""
        store = cls(folder.parent, algorithm, env, fingerprint)
        store.path = folder
        return store

    def create(self, record: Mapping[str, Any]) -> None:
        """Make the folder and write ``cell.json``, unless a readable one is there already.

        Args:
            record: everything needed to repeat the cell. Readers use ``suite`` (name), ``anchors`` (``random`` and
                ``reference`` return, or null), ``protocol`` (mapping) and ``provenance``; they ask for none of them.

        Raises:
            UsageError: the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self._has_record():
                identity = {"algorithm": self.algorithm, "env": self.env, "fingerprint": self.fingerprint}
                text = json.dumps({"format": FORMAT, **record, **identity}, indent=2) + "\n"
                write_text(self.path / RECORD, text)
        except (OSError, PgsuiteError) as error:
            raise UsageError(
                f"cannot write results to {self.path}: {_reason(error)}; "
                "choose a folder that can be written with --out, or change its permissions"
            ) from error

    def record(self) -> dict[str, Any]:
        """The content of ``cell.json``.

        Raises:
            PgsuiteError: there is none, or it cannot be read.
        """
        return read_record(self.path)

    def seeds(self) -> dict[int, RunStatus]:
        """What is there, by seed, in order.

        A run whose curve or snapshot cannot be read is ``corrupt``: nothing is moved or deleted here, and its files
        are replaced when the run is done again. Files of other names, temporary ones among them, are ignored.
        """
        return {seed: self._status(seed) for seed in self.stored()}

    def stored(self) -> list[int]:
        """Seeds that have a curve, readable or not, in order."""
        files = self.path.iterdir() if self.path.is_dir() else ()
        seeds = (int(match[1]) for file in files if (match := _CURVE.fullmatch(file.name)))
        return sorted(seed for seed in seeds if seed <= LARGEST_SEED)

    def curve_file(self, seed: int) -> Path:
        """Where a run's curve is, or would be."""
        return self.path / f"seed-{seed}.parquet"

    def write_curve(self, seed: int, rows: Sequence[CurveRow] | pd.DataFrame, meta: Mapping[str, Any]) -> None:
        """Replace a run's curve.

        Args:
            seed: the run.
            rows: one per checkpoint reached, in order.
            meta: facts of the run, JSON-like: ``status`` ("complete", "partial" or "diverged"), ``diverged_at`` in
                environment steps for a diverged one, ``steps_per_second`` where measured, and any others.
        """
        write_atomic(self.curve_file(seed), lambda file: encode_curve(rows, meta, file))

    def read_curve(self, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
        """A run's rows and its facts.

        Raises:
            PgsuiteError: the file is missing or damaged.
        """
        return decode_curve(self.curve_file(seed))

    def read_columns(self, seed: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The same as arrays ``(K+1,)`` by column."""
        return decode_columns(self.curve_file(seed))

    def write_snapshot(self, seed: int, tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, str]) -> None:
        """Replace a run's snapshot: named arrays of any shape, and text."""
        contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
        content = safetensors.numpy.save(contiguous, metadata=dict(meta))
        write_atomic(self._snapshot(seed), lambda file: file.write(content))

    def read_snapshot(self, seed: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]] | None:
        """A run's arrays and text, or None when it has no snapshot.

        Raises:
            PgsuiteError: the file is damaged.
        """
        path = self._snapshot(seed)
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="np") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise PgsuiteError(f"{path} is damaged and cannot be read; delete it and run the suite again") from error

    def write_checkpoint(
        self,
        seed: int,
        rows: Sequence[CurveRow] | pd.DataFrame,
        meta: Mapping[str, Any],
        tensors: Mapping[str, NDArray[Any]],
        snapshot_meta: Mapping[str, str],
    ) -> None:
        """Curve and snapshot in the order that a crash between them cannot spoil."""
        self.write_curve(seed, rows, {**meta, "status": "partial"})
        self.write_snapshot(seed, tensors, snapshot_meta)
        if meta.get("status") != "partial":
            self.write_curve(seed, rows, meta)

    def _has_record(self) -> bool:
        try:
            return bool(read_record(self.path))
        except PgsuiteError:
            return False

    def _status(self, seed: int) -> RunStatus:
        try:
            _, meta = self.read_columns(seed)
            self.read_snapshot(seed)
        except PgsuiteError:
            return "corrupt"
        status: RunStatus = meta["status"]
        return status

    def _snapshot(self, seed: int) -> Path:
        return self.path / f"seed-{seed}.safetensors"


def read_record(folder: Path) -> dict[str, Any]:
    """The ``cell.json`` of a folder.

    Raises:
        PgsuiteError: there is none, or it cannot be read.
        UsageError: it is of another format.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_bytes())
        check_format(path, record)
        _check_types(record)
    except FileNotFoundError:
        raise PgsuiteError(f"{path} does not exist; {folder} is not a cell of results") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PgsuiteError(f"{path} is damaged and cannot be read; run the suite again to restore it") from error
    return dict(record)


def _check_types(record: Mapping[str, Any]) -> None:
    """Hold a record to what readers rely on: anybody may have written it."""
    if not all(isinstance(record.get(name), str) for name in ("algorithm", "env", "fingerprint")):
        raise ValueError("algorithm, env or fingerprint is missing")
    if not all(isinstance(record.get(name, {}), dict) for name in ("protocol", "environment", "configuration")):
        raise ValueError("protocol, environment or configuration is no table")
    if (anchors := record.get("anchors")) is not None:
        random, reference = float(anchors["random"]), float(anchors["reference"])
        if not (math.isfinite(random) and math.isfinite(reference) and random != reference):
            raise ValueError("anchors are not two numbers")


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return getattr(cause, "strerror", None) or str(cause)
