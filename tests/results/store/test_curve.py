import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pgsuite.errors import PgsuiteError
from pgsuite.results.store.curve import CurveRow, curve_columns, curve_rows, decode_curve, encode_curve

FIRST = CurveRow(0, 0, 0, 20.0, 3.0, 10, 20.0, 200, 0, 0.0)
RUN = "0123 seed 3"
SECOND = CurveRow(1, 500, 480, 1 / 3, 4.0, 10, 35.0, 350, 2, 0.25, {"kl": 0.01, "entropy": 0.6})


def curve_frame(rows):
    return pd.DataFrame(curve_columns(rows))


def test_rows_become_typed_columns_and_a_missing_metric_is_nan():
    frame = curve_frame([FIRST, SECOND])
    assert list(frame.columns[-2:]) == ["metric/entropy", "metric/kl"]
    assert frame.dtypes[["checkpoint", "env_steps", "updates"]].eq("int64").all()
    assert frame.dtypes[["return_mean", "wall_time", "metric/kl"]].eq("float64").all()
    assert np.isnan(frame["metric/kl"][0])


@pytest.mark.parametrize("form", [curve_columns, curve_frame])
def test_rows_survive(form):
    rows = curve_rows(form([FIRST, SECOND]))
    assert rows == [FIRST, SECOND]
    assert [type(value) for value in rows[0]] == [type(value) for value in FIRST]


def test_a_count_that_is_not_whole_is_refused():
    for value in (1.5, float("nan"), 1e300):
        with pytest.raises(ValueError, match="the column updates of a curve holds what is no whole number"):
            curve_columns([FIRST._replace(updates=value)])
    assert curve_columns([FIRST._replace(updates=3.0)])["updates"].dtype == np.int64


def test_a_file_is_what_pandas_would_have_written(tmp_path):
    """As it was written before: earlier versions, and other readers, find the same types, and null for NaN."""
    path = tmp_path / "curve.parquet"
    path.write_bytes(encode_curve([FIRST, SECOND], {"status": "complete"}, RUN))
    written = pq.read_table(path)
    expected = pa.Table.from_pandas(curve_frame([FIRST, SECOND]), preserve_index=False).replace_schema_metadata()
    assert written.replace_schema_metadata().equals(expected)
    assert written.column("metric/kl").null_count == 1


def test_metrics_stand_in_one_order_whichever_came_first():
    names = list("dbfaec")
    frame = curve_frame([FIRST._replace(metrics=dict.fromkeys(names, 0.5))])
    assert list(frame.columns[-6:]) == [f"metric/{name}" for name in "abcdef"]


def test_the_empty_curve_has_the_columns():
    assert list(curve_frame([]).columns) == list(curve_frame([FIRST]).columns)


@pytest.mark.parametrize("as_frame", [False, True])
def test_a_file_gives_back_every_bit(tmp_path, as_frame):
    rows = [FIRST._replace(return_std=-0.0), SECOND._replace(wall_time=float("nan"))]
    path = tmp_path / "curve.parquet"
    path.write_bytes(encode_curve(curve_frame(rows) if as_frame else rows, {"status": "complete", "seconds": 1.5}, RUN))
    frame, meta = decode_curve(path)
    pd.testing.assert_frame_equal(frame, curve_frame(rows), check_exact=True)
    assert np.signbit(frame["return_std"][0])
    assert meta == {"status": "complete", "seconds": 1.5}


@pytest.mark.parametrize(
    ("meta", "message"),
    [({}, "status"), ({"status": "done"}, "'done'"), ({"status": "diverged"}, "diverged_at")],
)
def test_facts_that_say_nothing_are_refused(meta, message):
    with pytest.raises(ValueError, match=message):
        encode_curve([FIRST], meta, RUN)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (curve_frame([FIRST]).drop(columns="updates"), "lacks the columns .'updates'"),
        (curve_frame([FIRST]).assign(kl=0.0), "unknown columns .'kl'"),
    ],
)
def test_frames_of_another_shape_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        encode_curve(frame, {"status": "partial"}, RUN)


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
    path = tmp_path / "seed-3.parquet"
    path.write_bytes(damage(encode_curve([FIRST, SECOND], {"status": "complete"}, RUN), kind))
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
        {"status": "complete", "steps_per_second": -1.0},
        {"status": "complete", "peak_memory": -1},
        {"status": "diverged", "diverged_at": -64},
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
    path.write_bytes(encode_curve([FIRST], {"status": "complete", "peak_memory": None}, RUN))
    assert decode_curve(path)[1]["peak_memory"] is None


def impossible(**change):
    return [FIRST, SECOND._replace(**change)]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [FIRST, FIRST],
        [SECOND, FIRST],
        impossible(checkpoint=0),
        impossible(checkpoint=2),
        [FIRST._replace(checkpoint=-1), SECOND._replace(checkpoint=0)],
        [FIRST._replace(checkpoint=2), SECOND._replace(checkpoint=3)],
        [FIRST._replace(env_steps=-5), SECOND],
        impossible(trained_steps=-1),
        impossible(trained_steps=501),
        impossible(episodes=-10),
        impossible(eval_steps=-350),
        impossible(updates=-2),
        impossible(wall_time=-0.25),
        impossible(return_std=-4.0),
        impossible(length_mean=-35.0),
        impossible(return_mean=float("nan")),
        impossible(return_mean=float("-inf")),
    ],
)
def test_what_cannot_have_happened_is_damage(tmp_path, rows):
    path = tmp_path / "seed-3.parquet"
    path.write_bytes(encode_curve(rows, {"status": "complete"}, RUN))
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


@pytest.mark.parametrize("position", range(0, 100, 7))
def test_a_bit_anywhere_is_found_before_anything_reads_the_bytes(tmp_path, monkeypatch, position):
    content = bytearray(encode_curve([FIRST, SECOND], {"status": "complete"}, RUN))
    content[len(content) * position // 100] ^= 1 << position % 8
    path = tmp_path / "seed-3.parquet"
    path.write_bytes(content)
    monkeypatch.setattr(pq, "ParquetFile", None)
    with pytest.raises(PgsuiteError, match=r"its digest is (another one|missing)"):
        decode_curve(path, old=False)


def test_a_file_of_another_run_is_damage(tmp_path):
    path = tmp_path / "seed-4.parquet"
    path.write_bytes(encode_curve([FIRST, SECOND], {"status": "complete"}, RUN))
    with pytest.raises(PgsuiteError, match=r"seed-4\.parquet is damaged .*it is of another run"):
        decode_curve(path, "0123 seed 4")


def test_a_file_without_a_digest_is_read_only_where_there_were_none(tmp_path):
    path = tmp_path / "seed-3.parquet"
    table = pa.Table.from_pandas(curve_frame([FIRST, SECOND]), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pgsuite": '{"status": "complete"}'}), path)
    assert len(decode_curve(path, RUN)[0]) == 2
    with pytest.raises(PgsuiteError, match="its digest is missing"):
        decode_curve(path, RUN, old=False)


def test_sizes_that_a_footer_only_claims_are_refused_before_they_are_taken(tmp_path, monkeypatch):
    """A footer of a few bytes may declare 2^40 rows, a page of zeros unpack to gigabytes."""
    path = tmp_path / "seed-3.parquet"
    table = pa.Table.from_pandas(curve_frame([FIRST]), preserve_index=False)
    many = pa.table({name: pa.repeat(table[name][0], 10**6 + 1) for name in table.column_names})
    for written, options in (
        (many, {"compression": "zstd"}),
        (many.append_column("metric/x", many["episodes"]).slice(0, 999_999), {}),
        (table.rename_columns([*table.column_names[:-1], "m" * 501]), {}),
    ):
        pq.write_table(written.replace_schema_metadata({"pgsuite": '{"status": "complete"}'}), path, **options)
        with monkeypatch.context() as patched:
            patched.setattr(pq.ParquetFile, "read", None)
            with pytest.raises(PgsuiteError, match="more than"):
                decode_curve(path)


def test_a_curve_too_large_to_be_read_again_is_not_written():
    with pytest.raises(PgsuiteError, match="a curve cannot be kept"):
        encode_curve([FIRST._replace(metrics={"m" * 600: 1.0})], {"status": "complete"}, RUN)


def test_a_footer_that_names_no_compression_is_damage_and_not_the_end(tmp_path):
    """Asked for the compression, pyarrow ends the process."""
    path = tmp_path / "seed-3.parquet"
    table = pa.Table.from_pandas(curve_frame([FIRST, SECOND]), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pgsuite": '{"status": "complete"}'}), path, compression="zstd")
    content = path.read_bytes()
    field = b"\x15\x0c\x16"  # compact Thrift: the codec, 6, and the next field's head
    assert content.count(field) == len(table.column_names)
    path.write_bytes(content.replace(field, b"\x15\x42\x16"))
    code = (
        "import pathlib, sys; from pgsuite.results.store.curve import decode_curve as d; d(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert "seed-3.parquet is damaged" in done.stderr
    assert done.returncode == 1


def test_what_workers_write_loads_no_pandas(tmp_path):
    code = (
        "import sys, pathlib, pgsuite.suites.scheduling.worker, pgsuite.suites.training\n"
        "from pgsuite.results.store.curve import CurveRow, encode_curve\n"
        "file, row = pathlib.Path(sys.argv[1]), CurveRow(0, 0, 0, 20.0, 3.0, 10, 20.0, 200, 0, 0.0, {'kl': 0.5})\n"
        "file.write_bytes(encode_curve([row], {'status': 'partial'}, 'me'))\n"
        "print('pandas' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "curve.parquet")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("False\n", "")
