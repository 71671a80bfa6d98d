"""A learning curve: its rows, and the Parquet file that holds them together with the run's facts and its fate."""

import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import PgsuiteError
from .digest import BLANK, DIGEST, check_seal, sealed
from .reading import MEBIBYTE, DamagedFile, MissingFile, parse_json, read_file
from .remote import Remote, RemoteTrouble

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[Any]]
"""A curve by column, ``(K+1,)`` each, in the order and types of the file format."""
FinalStatus = Literal["complete", "partial", "diverged"]
"""What a run's curve says about itself: it reached its budget, was cut short, or its numbers became non-finite."""
FINISHED = ("complete", "diverged")
"""Statuses of a run to which nothing is to be added."""
RunStatus = Literal[FinalStatus, "corrupt"]
"""The same, seen from outside: ``corrupt`` is a file that cannot be read, whose run has to be done again."""
Fate = Literal[RunStatus, "missing"]
"""What became of a run that was asked for: ``missing`` is one that has no curve."""

METRIC = "metric/"
TRAINING_STEPS = "training_steps"
"""A metric that training adds where some rollouts are not learned from: of ``trained_steps`` those of the others."""
_META_KEY, _SEALED_KEY = b"pgsuite", b"pgsuite.run"
"""Of the facts in files before digests, and since. A damaged key of the one is never the other."""
LARGEST = 64 * MEBIBYTE
MOST_ROWS, MOST_COLUMNS, MOST_NUMBERS = 10**6, 10**4, 10**7
LONGEST_COLUMN = 500
"""What a curve may have at most, to be written and to be read."""
_REMEDY = "delete it and run the suite again"
_MAY_BE_NEGATIVE = ("return_mean",)


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


AnyColumns: TypeAlias = "Mapping[str, NDArray[Any]] | pd.DataFrame"
AnyCurve: TypeAlias = "Sequence[CurveRow] | AnyColumns"
"""A curve in any of its forms."""
FACTS = {"diverged_at": False, "steps_per_second": False, "peak_memory": True}
"""Facts of a run that are numbers; whether null stands for not measured."""
COLUMNS = {name: kind for name, kind in CurveRow.__annotations__.items() if name != "metrics"}


def check_run(found: object, expected: str | None) -> None:
    """Refuse a file of another run than is expected.

    Raises:
        ValueError: it is another one's.
    """
    if expected is not None and found != expected:
        raise ValueError("it is of another run, whose file was put in its place")


def curve_columns(rows: AnyCurve) -> Columns:
    """Return a curve by column: the fixed ones, then ``metric/<name>`` by name, NaN where a row lacks a metric.

    Args:
        rows: one per checkpoint, or columns, as a mapping or a frame.

    Raises:
        ValueError: a column is missing or unknown, or a count is not whole: a mistake of the caller, not of the user.
    """
    if isinstance(rows, Sequence):
        fixed = zip(COLUMNS, zip(*(row[: len(COLUMNS)] for row in rows), strict=True), strict=True) if rows else ()
        names = {name for row in rows for name in row.metrics}
        metrics = {METRIC + name: [row.metrics.get(name, float("nan")) for row in rows] for name in names}
        columns: Mapping[str, Any] = dict.fromkeys(COLUMNS, ()) | dict(fixed) | metrics
    else:
        columns = {str(name): rows[str(name)] for name in rows}
    return {name: _in_type(name, np.asarray(columns[name]), kind) for name, kind in _types(columns).items()}


def _in_type(name: str, values: NDArray[Any], kind: str) -> NDArray[Any]:
    with np.errstate(invalid="ignore"):
        column = values.astype(kind)
    if kind == "int64" and not np.array_equal(column, values):
        raise ValueError(f"the column {name} of a curve holds what is no whole number")
    return column


def curve_rows(curve: AnyColumns) -> list[CurveRow]:
    """The inverse of `curve_columns`: what a resumed run goes on from. Metrics that are NaN are dropped."""
    columns = {str(name): np.asarray(curve[str(name)]).tolist() for name in curve}
    metrics = {name.removeprefix(METRIC): columns[name] for name in columns if name.startswith(METRIC)}
    rows = []
    for n, fixed in enumerate(zip(*(columns[name] for name in COLUMNS), strict=True)):
        known = {name: float(values[n]) for name, values in metrics.items() if not math.isnan(values[n])}
        rows.append(CurveRow._make([*(kind(x) for kind, x in zip(COLUMNS.values(), fixed, strict=True)), known]))
    return rows


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


def encode_curve(rows: AnyCurve, meta: Mapping[str, Any], run: str) -> bytes:
    """A curve as the content of a Parquet file, sealed, with the run's facts in the schema metadata.

    Args:
        rows: as in `curve_columns`.
        meta: facts of the run.
        run: whose curve it is; the file is damaged where another one's is expected.

    Raises:
        ValueError: ``meta["status"]`` is no status, or a diverged run does not say ``diverged_at``.
        PgsuiteError: there are more rows or columns than are read again.
    """
    if meta.get("status") not in get_args(FinalStatus):
        raise ValueError(f"the status of a run must be one of {get_args(FinalStatus)}, not {meta.get('status')!r}")
    if meta["status"] == "diverged" and "diverged_at" not in meta:
        raise ValueError("a diverged run must say diverged_at, in environment steps")
    columns = curve_columns(rows)
    try:
        _check_size(len(columns["checkpoint"]), len(columns), columns)
    except ValueError as error:
        raise PgsuiteError(f"a curve cannot be kept: {error}; use fewer checkpoints, or metrics") from None
    table = pa.table({name: _arrow(column) for name, column in columns.items()})
    content = json.dumps({DIGEST: BLANK, "run": run, "facts": dict(meta)})
    file = io.BytesIO()
    with pq.ParquetWriter(file, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_SEALED_KEY: content.encode()})
    return sealed(file.getvalue())


def _arrow(column: NDArray[Any]) -> pa.Array:
    """A column as pyarrow has it, null for NaN; `pyarrow.array` would load pandas to ask what it is given."""
    known = ~np.isnan(column)
    bits = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    kind = {"int64": pa.int64(), "float64": pa.float64()}[str(column.dtype)]
    return pa.Array.from_buffers(kind, len(column), [bits, pa.py_buffer(np.ascontiguousarray(column))])


def decode_curve(
    path: Path | Remote, run: str | None = None, *, old: bool = True
) -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Read a curve and the run's facts, as `decode_columns` does."""
    import pandas as pd  # a fifth of a second, which workers do without

    columns, facts = decode_columns(path, run, old=old)
    return pd.DataFrame(columns), facts


def decode_columns(path: Path | Remote, run: str | None = None, *, old: bool = True) -> tuple[Columns, dict[str, Any]]:
    """Read the columns of a curve, and the run's facts, and hold them to their digest.

    Args:
        path: the file.
        run: whose curve it has to be; None for anybody's.
        old: whether a file of an earlier format, which has no digest, will do.

    Raises:
        DamagedFile: the file is damaged, or not one of ours.
        PgsuiteError: it does not exist.
    """
    try:
        content = read_file(path, LARGEST)
        is_sealed = check_seal([content])
        if not (is_sealed or old):
            raise ValueError("its digest is missing")
        columns, metadata = _columns(content)
        if is_sealed:
            stored = parse_json(metadata[_SEALED_KEY])
            facts = stored["facts"]
            check_run(stored["run"], run)
        else:
            facts = parse_json(metadata[_META_KEY])
        _check_facts(facts)
        _check_rows(columns)
    except FileNotFoundError as error:
        if not path.is_symlink():
            raise MissingFile(f"{path} does not exist; run its suite again to make it") from None
        raise DamagedFile(path, error, _REMEDY) from error
    except RemoteTrouble:
        raise
    except Exception as error:  # what a reader raises over damaged bytes has no list
        raise DamagedFile(path, error, _REMEDY) from error
    return columns, facts


def _columns(content: bytes) -> tuple[Columns, Mapping[bytes, bytes]]:
    """Columns and metadata of a Parquet file whose footer says beforehand that they are of a size that we write."""
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        footer = file.metadata
        _check_size(footer.num_rows, footer.num_columns, footer.schema.names)
        if footer.num_row_groups > 1:
            raise ValueError("it has several groups of rows")
        # Its columns are not asked for more: of a damaged footer pyarrow answers by ending the process.
        table = file.read(use_threads=False)
    if table.num_rows != footer.num_rows:
        raise ValueError("it has another number of rows than its footer says")
    columns = {name: _column(table.column(name), kind) for name, kind in _types(table.column_names).items()}
    return columns, footer.metadata or {}


def _check_size(rows: int, columns: int, names: Iterable[str]) -> None:
    if not 0 <= rows <= MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_NUMBERS:
        raise ValueError(f"{rows} rows of {columns} columns are more than {MOST_ROWS}, or {MOST_NUMBERS} numbers")
    if any(len(name) > LONGEST_COLUMN for name in names):
        raise ValueError(f"the name of a column has more than {LONGEST_COLUMN} characters")


def _column(column: pa.ChunkedArray, kind: str) -> NDArray[Any]:
    """A column of the file in the format's type, NaN for null."""
    if kind == "int64" and column.null_count:
        raise ValueError("a count is null")
    return np.array(column.cast(kind).to_numpy())


def _check_rows(columns: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what cannot have happened: anybody may have written it.

    NaN stands for what is not known, which a return always is.
    """
    checkpoints, steps = columns["checkpoint"], columns["env_steps"]
    if not steps.size or (steps[1:] <= steps[:-1]).any():
        raise ValueError("no rows, or env_steps that do not increase")
    if checkpoints[0] not in (0, 1) or (np.diff(checkpoints) != 1).any():
        raise ValueError("its checkpoints are not counted one by one")
    if negative := [name for name in COLUMNS if name not in _MAY_BE_NEGATIVE and (columns[name] < 0).any()]:
        raise ValueError(f"{', '.join(negative)} below 0")
    if (columns["trained_steps"] > steps).any():
        raise ValueError("a policy was evaluated before it was trained")
    if not np.isfinite(columns["return_mean"]).all():
        raise ValueError("a return is not finite")


def _check_facts(facts: Any) -> None:
    if not isinstance(facts, dict) or facts["status"] not in get_args(FinalStatus):
        raise ValueError("the facts of the run, or its status, are missing")
    if facts["status"] == "diverged" and "diverged_at" not in facts:
        raise ValueError("a diverged run does not say diverged_at")
    if wrong := [name for name in FACTS if name in facts and not _is_measure(facts[name], FACTS[name])]:
        raise ValueError(f"{', '.join(wrong)} cannot be so")


def _is_measure(value: object, may_be_none: bool) -> bool:
    """Whether it is a number of at least 0.

    Raises:
        OverflowError: it is larger than a float can be.
    """
    if value is None:
        return may_be_none
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= float(value) < float("inf")
