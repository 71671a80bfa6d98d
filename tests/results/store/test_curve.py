import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgsuite.errors import PgsuiteError
from pgsuite.results.store.curve import CurveRow, curve_frame, curve_rows, decode_curve, encode_curve

FIRST = CurveRow(0, 0, 0, 20.0, 3.0, 10, 20.0, 200, 0, 0.0)
SECOND = CurveRow(1, 500, 480, 1 / 3, 4.0, 10, 35.0, 350, 2, 0.25, {"kl": 0.01, "entropy": 0.6})


def test_rows_become_typed_columns_and_a_missing_metric_is_nan():
    frame = curve_frame([FIRST, SECOND])
    assert list(frame.columns[-2:]) == ["metric/entropy", "metric/kl"]
    assert frame.dtypes[["checkpoint", "env_steps", "updates"]].eq("int64").all()
    assert frame.dtypes[["return_mean", "wall_time", "metric/kl"]].eq("float64").all()
    assert np.isnan(frame["metric/kl"][0])


def test_rows_survive_the_frame():
    assert curve_rows(curve_frame([FIRST, SECOND])) == [FIRST, SECOND]


def test_metrics_stand_in_one_order_whichever_came_first():
    names = list("dbfaec")
    frame = curve_frame([FIRST._replace(metrics=dict.fromkeys(names, 0.5))])
    assert list(frame.columns[-6:]) == [f"metric/{name}" for name in "abcdef"]


def test_the_empty_curve_has_the_columns():
    assert list(curve_frame([]).columns) == list(curve_frame([FIRST]).columns)


@pytest.mark.parametrize("as_frame", [False, True])
def test_a_file_gives_back_every_bit(tmp_path, as_frame):
    rows = [FIRST, SECOND._replace(return_mean=float("nan"), return_std=-0.0)]
    path = tmp_path / "curve.parquet"
    with path.open("wb") as file:
        encode_curve(curve_frame(rows) if as_frame else rows, {"status": "complete", "seconds": 1.5}, file)
    frame, meta = decode_curve(path)
    pd.testing.assert_frame_equal(frame, curve_frame(rows), check_exact=True)
    assert np.signbit(frame["return_std"][1])
    assert meta == {"status": "complete", "seconds": 1.5}


@pytest.mark.parametrize(
    ("meta", "message"),
    [({}, "status"), ({"status": "done"}, "'done'"), ({"status": "diverged"}, "diverged_at")],
)
def test_facts_that_say_nothing_are_refused(meta, message):
    with pytest.raises(ValueError, match=message):
        encode_curve([FIRST], meta, io.BytesIO())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (curve_frame([FIRST]).drop(columns="updates"), "lacks the columns .'updates'"),
        (curve_frame([FIRST]).assign(kl=0.0), "unknown columns .'kl'"),
    ],
)
def test_frames_of_another_shape_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        encode_curve(frame, {"status": "partial"}, io.BytesIO())


def damage(content: bytes, kind: str) -> bytes:
    match kind:
        case "empty":
            return b""
        case "truncated":
            return content[: len(content) // 2]
        case "not parquet":
            return b"hello"
        case _:  # one bit, inside the first data page
            position = content.index(np.float64(1 / 3).tobytes())
            return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize("kind", ["empty", "truncated", "not parquet", "one bit"])
def test_damage_is_found_and_the_file_named(tmp_path, kind):
    file = io.BytesIO()
    encode_curve([FIRST, SECOND], {"status": "complete"}, file)
    path = tmp_path / "seed-3.parquet"
    path.write_bytes(damage(file.getvalue(), kind))
    with pytest.raises(PgsuiteError, match=r"seed-3\.parquet is damaged .* delete it and run the suite again"):
        decode_curve(path)


@pytest.mark.parametrize(
    "facts",
    [
        [],
        "complete",
        {"status": ["complete"]},
        {"status": "diverged"},
        {"status": "diverged", "diverged_at": None},
        {"status": "complete", "steps_per_second": "x"},
        {"status": "complete", "peak_memory": {}},
        {"status": "complete", "peak_memory": True},
        {"status": "complete", "peak_memory": 10**400},
        {"status": "complete", "steps_per_second": float("nan")},
    ],
)
def test_facts_that_nobody_of_ours_wrote_are_damage(tmp_path, facts):
    path = tmp_path / "seed-3.parquet"
    table = pa.Table.from_pandas(curve_frame([FIRST, SECOND]), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pgsuite": json.dumps(facts)}), path)
    with pytest.raises(PgsuiteError, match=r"seed-3\.parquet is damaged"):
        decode_curve(path)


def test_a_peak_of_memory_that_nobody_measured_is_fine(tmp_path):
    path = tmp_path / "curve.parquet"
    with path.open("wb") as file:
        encode_curve([FIRST], {"status": "complete", "peak_memory": None}, file)
    assert decode_curve(path)[1]["peak_memory"] is None


@pytest.mark.parametrize("rows", [[], [FIRST, FIRST], [SECOND, FIRST]], ids=["none", "one twice", "backwards"])
def test_a_curve_without_rows_or_order_is_damage(tmp_path, rows):
    path = tmp_path / "seed-3.parquet"
    with path.open("wb") as file:
        encode_curve(rows, {"status": "complete"}, file)
    with pytest.raises(PgsuiteError, match=r"seed-3\.parquet is damaged"):
        decode_curve(path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("checkpoint", [0, None]),
        ("checkpoint", [0.0, 0.5]),
        ("env_steps", [0.0, 2.0**70]),
        ("return_mean", ["a", "b"]),
        ("return_mean", [[1.0], [2.0]]),
    ],
)
def test_columns_that_nobody_of_ours_wrote_are_damage(tmp_path, name, values):
    with pytest.raises(PgsuiteError, match=r"seed-3\.parquet is damaged"):
        decode_curve(with_column(tmp_path / "seed-3.parquet", name, values))


def with_column(path, name, values):
    """A finished run of two checkpoints, one column of which holds something else."""
    table = pa.Table.from_pandas(curve_frame([FIRST, SECOND]), preserve_index=False)
    table = table.set_column(table.column_names.index(name), name, pa.array(values))
    pq.write_table(table.replace_schema_metadata({"pgsuite": '{"status": "complete"}'}), path)
    return path


def test_a_null_is_not_a_number(tmp_path):
    frame, _ = decode_curve(with_column(tmp_path / "seed-3.parquet", "return_std", [3.0, None]))
    np.testing.assert_array_equal(frame["return_std"], [3.0, np.nan])


def test_a_foreign_parquet_file_is_refused(tmp_path):
    path = tmp_path / "seed-3.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(PgsuiteError, match="is damaged"):
        decode_curve(path)
