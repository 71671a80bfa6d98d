"""A learning curve: its rows, and the Parquet file that holds them together with the run's facts and its fate."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import PgsuiteError

FinalStatus = Literal["complete", "partial", "diverged"]
"""What a run's curve says about itself: it reached its budget, was cut short, or its numbers became non-finite."""
RunStatus = Literal[FinalStatus, "corrupt"]
"""The same, seen from outside: ``corrupt`` is a file that cannot be read, whose run has to be done again."""
Fate = Literal[RunStatus, "missing"]
"""What became of a run that was asked for: ``missing`` is one that has no curve."""

METRIC = "metric/"
_META_KEY = b"pgsuite"


class CurveRow(NamedTuple):
    """One checkpoint of one run."""

    checkpoint: int
    """Index on the evaluation grid; 0 is the untrained policy."""
    env_steps: int
    """The grid point, in environment steps."""
    trained_steps: int
    """Steps that the evaluated policy was trained on: at most ``env_steps``."""
    return_mean: float
    """Mean return of the evaluation episodes."""
    return_std: float
    """Their standard deviation: the spread of episodes, not of runs."""
    episodes: int
    """Evaluation episodes."""
    length_mean: float
    """Mean length of the evaluation episodes, in steps."""
    eval_steps: int
    """Steps spent on this evaluation; they count towards no budget."""
    updates: int
    """Updates of the algorithm so far."""
    wall_time: float
    """Seconds of training so far."""
    metrics: Mapping[str, float] = {}
    """The algorithm's diagnostics, averaged since the last checkpoint; stored as ``metric/<name>``."""


FACTS = {"diverged_at": False, "steps_per_second": False, "peak_memory": True}
"""Facts of a run that are numbers; whether null stands for not measured."""
COLUMNS = {name: kind for name, kind in CurveRow.__annotations__.items() if name != "metrics"}


def curve_frame(rows: Sequence[CurveRow]) -> pd.DataFrame:
    """Rows as a frame: the fixed columns, then ``metric/<name>`` by name, NaN where a row lacks a metric."""
    fixed = pd.DataFrame([row[: len(COLUMNS)] for row in rows], columns=list(COLUMNS))
    names = {name for row in rows for name in row.metrics}
    metrics = {METRIC + name: [row.metrics.get(name, float("nan")) for row in rows] for name in names}
    return _in_order(fixed.assign(**metrics))


def curve_rows(frame: pd.DataFrame) -> list[CurveRow]:
    """The inverse of `curve_frame`: what a resumed run goes on from. Metrics that are NaN are dropped."""
    names = [str(column) for column in frame.columns if str(column).startswith(METRIC)]
    rows = []
    for record in frame.to_dict("records"):
        metrics = {name.removeprefix(METRIC): float(record[name]) for name in names if not pd.isna(record[name])}
        fixed: dict[str, Any] = {name: kind(record[name]) for name, kind in COLUMNS.items()}
        rows.append(CurveRow(**fixed, metrics=metrics))
    return rows


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with the column order and types of the file format.

    Raises:
        ValueError: a column is missing or unknown: a mistake of the caller, not of the user.
    """
    types = _types(map(str, frame.columns))
    return frame[list(types)].astype(types).reset_index(drop=True)


def _types(names: Iterable[str]) -> dict[str, str]:
    """The columns of the file format, in its order, with their types.

    Raises:
        ValueError: a column is missing or unknown.
    """
    there = set(names)
    metrics = sorted(name for name in there if name.startswith(METRIC))
    if missing := sorted(COLUMNS.keys() - there):
        raise ValueError(f"a curve lacks the columns {missing}")
    if unknown := sorted(there - COLUMNS.keys() - set(metrics)):
        raise ValueError(f"a curve has the unknown columns {unknown}; diagnostics are named {METRIC}<name>")
    fixed = {name: {int: "int64", float: "float64"}[kind] for name, kind in COLUMNS.items()}
    return fixed | dict.fromkeys(metrics, "float64")


def encode_curve(rows: Sequence[CurveRow] | pd.DataFrame, meta: Mapping[str, Any], file: BinaryIO) -> None:
    """Write a curve as Parquet, with page checksums and the run's facts in the schema metadata.

    Raises:
        ValueError: ``meta["status"]`` is no status, or a diverged run does not say ``diverged_at``.
    """
    if meta.get("status") not in get_args(FinalStatus):
        raise ValueError(f"the status of a run must be one of {get_args(FinalStatus)}, not {meta.get('status')!r}")
    if meta["status"] == "diverged" and "diverged_at" not in meta:
        raise ValueError("a diverged run must say diverged_at, in environment steps")
    frame = _in_order(rows) if isinstance(rows, pd.DataFrame) else curve_frame(rows)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({_META_KEY: json.dumps(dict(meta)).encode()})
    pq.write_table(table, file, write_page_checksum=True)


def decode_curve(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a curve and the run's facts, as `decode_columns` does."""
    columns, facts = decode_columns(path)
    return pd.DataFrame(columns), facts


def decode_columns(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the columns of a curve, ``(K+1,)`` each, and the run's facts, verifying the checksums.

    Raises:
        PgsuiteError: the file is missing, damaged, or not one of ours.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(use_threads=False)
        facts = json.loads(table.schema.metadata[_META_KEY])
        columns = {name: _column(table.column(name), kind) for name, kind in _types(table.column_names).items()}
        _check(columns["env_steps"], facts)
    except FileNotFoundError:
        raise PgsuiteError(f"{path} does not exist; run its suite again to make it") from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError, pa.ArrowException) as error:
        raise PgsuiteError(f"{path} is damaged and cannot be read; delete it and run the suite again") from error
    return columns, facts


def _column(column: pa.ChunkedArray, kind: str) -> NDArray[Any]:
    """A column of the file in the format's type, NaN for null."""
    if kind == "int64" and column.null_count:
        raise ValueError("a count is null")
    return np.array(column.cast(kind).to_numpy())


def _check(steps: NDArray[Any], meta: Any) -> None:
    """Hold a curve to what readers rely on: anybody may have written it."""
    if not isinstance(meta, dict) or meta["status"] not in get_args(FinalStatus):
        raise ValueError("the facts of the run, or its status, are missing")
    if not steps.size or (steps[1:] <= steps[:-1]).any():
        raise ValueError("no rows, or env_steps that do not increase")
    if meta["status"] == "diverged" and "diverged_at" not in meta:
        raise ValueError("a diverged run does not say diverged_at")
    if wrong := [name for name in FACTS if name in meta and not _is_number(meta[name], FACTS[name])]:
        raise ValueError(f"{wrong} are no numbers")


def _is_number(value: object, may_be_none: bool) -> bool:
    """Whether it is one.

    Raises:
        OverflowError: it is larger than a float can be.
    """
    if value is None:
        return may_be_none
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value) == float(value)
