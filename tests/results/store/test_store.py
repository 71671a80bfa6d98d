import json

import numpy as np
import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results import CellStore, CurveRow
from pgsuite.results.store.places import write_after
from pgsuite.results.store.store import cell_folder

ROWS = [CurveRow(k, 100 * k, 100 * k, float(k), 1.0, 10, 20.0, 200, k, 0.5 * k) for k in range(3)]
FINGERPRINT = "0123456789abcdef" * 4


def at(checkpoint, weights=(0.0, 1.0), diverged_at=-1):
    """A snapshot."""
    return {"w": np.array(weights), "checkpoint": np.array([checkpoint]), "diverged_at": np.array([diverged_at])}


@pytest.fixture
def store(tmp_path):
    store = CellStore(tmp_path, "trpo", "pgsuite/ProbeValue-v0", FINGERPRINT)
    store.create({"suite": "quick"})
    return store


@pytest.mark.parametrize(
    ("algorithm", "env", "folder"),
    [
        ("trpo", "pgsuite/ProbeX-v0", "trpo--pgsuite-ProbeX-v0-d5201f--0123456789ab"),
        ("../../etc/passwd", "a b:c", "etc-passwd-3754d6--a-b-c-7bede3--0123456789ab"),
        ("a--b", "..", "a-b-90827a--unnamed-5ec1f7--0123456789ab"),
    ],
)
def test_folder_names_are_safe(algorithm, env, folder):
    assert cell_folder(algorithm, env, FINGERPRINT) == folder


def test_the_record_is_written_once_and_names_the_cell(store):
    store.create({"suite": "another"})
    record = json.loads((store.path / "cell.json").read_text())
    digest = record.pop("digest")
    assert digest.startswith("pgsuite-blake2b:")
    assert record == {
        "format": 3,
        "suite": "quick",
        "algorithm": "trpo",
        "env": "pgsuite/ProbeValue-v0",
        "fingerprint": FINGERPRINT,
    }
    assert store.record() == record


def test_a_damaged_record_is_named_and_then_restored(store):
    (store.path / "cell.json").write_text("{")
    with pytest.raises(PgsuiteError, match=r"cell\.json is damaged"):
        store.record()
    store.create({"suite": "quick"})
    assert store.record()["suite"] == "quick"


def test_a_folder_is_opened_whatever_its_name(store, tmp_path):
    store.write_curve(3, ROWS, {"status": "complete"})
    moved = store.path.rename(tmp_path / "blessed")
    opened = CellStore.open(moved)
    assert (opened.algorithm, opened.env, opened.fingerprint) == ("trpo", "pgsuite/ProbeValue-v0", FINGERPRINT)
    assert opened.seeds() == {3: "complete"}


def test_an_output_folder_that_cannot_be_written_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store = CellStore(tmp_path / "file", "trpo", "CartPole-v1", FINGERPRINT)
    with pytest.raises(UsageError, match=r"cannot write results to .*file.*--out"):
        store.create({})


def test_seeds_tell_what_became_of_each_run(store):
    store.write_curve(10, ROWS, {"status": "complete"})
    store.write_curve(2, ROWS[:2], {"status": "partial"})
    store.write_curve(0, ROWS[:1], {"status": "diverged", "diverged_at": 64})
    store.write_curve(1, ROWS, {"status": "complete"})
    (store.path / "seed-1.parquet").write_bytes(b"PAR1")
    (store.path / ".seed-5.parquet.abc.tmp").write_bytes(b"half")
    (store.path / "notes.txt").write_text("mine")
    assert list(store.seeds().items()) == [(0, "diverged"), (1, "corrupt"), (2, "partial"), (10, "complete")]
    assert (store.path / "seed-1.parquet").exists()


@pytest.mark.parametrize("seed", ["1" + 30 * "0", str(2**63), "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_number_that_is_no_seed_is_another_file(store, seed):
    store.write_curve(0, ROWS, {"status": "complete"})
    (store.path / "seed-0.parquet").rename(store.path / f"seed-{seed}.parquet")
    assert store.stored() == []


def test_the_largest_seed_is_one(store):
    store.write_curve(2**63 - 1, ROWS, {"status": "complete"})
    assert store.seeds() == {2**63 - 1: "complete"}


def test_a_cell_without_a_folder_has_no_seeds(tmp_path):
    assert CellStore(tmp_path, "trpo", "CartPole-v1", FINGERPRINT).seeds() == {}


def test_a_snapshot_gives_back_every_bit(store):
    tensors = {
        "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "strided": np.arange(10, dtype=np.int64)[::3],
        "scalar": np.array(-0.0),
        "nan": np.array([np.nan, np.inf]),
        "flags": np.array([True, False]),
        "state": np.array([2**64 - 1], dtype=np.uint64),
        "empty": np.zeros((0, 4), np.float32),
    }
    store.write_snapshot(3, tensors, {"checkpoint": "7"})
    read, meta = store.read_snapshot(3)
    assert meta == {"checkpoint": "7"}
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes(), name


def test_no_snapshot_is_none(store):
    assert store.read_snapshot(3) is None


@pytest.mark.parametrize("content", [b"", b"\x80\x04nonsense", None])
def test_a_damaged_snapshot_is_named_and_its_run_is_corrupt(store, content):
    store.write_checkpoint(3, ROWS, {"status": "complete"}, at(2, np.ones(100)), {})
    path = store.path / "seed-3.safetensors"
    path.write_bytes(path.read_bytes()[:-8] if content is None else content)
    with pytest.raises(PgsuiteError, match=r"seed-3\.safetensors is damaged .* delete it"):
        store.read_snapshot(3)
    assert store.seeds() == {3: "corrupt"}


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_a_crash_inside_a_checkpoint_never_leaves_a_complete_run_with_an_old_snapshot(store, monkeypatch, survived):
    store.write_checkpoint(3, ROWS[:2], {"status": "partial"}, at(1), {})
    writes = []

    def counted(*args):
        if len(writes) == survived:
            raise KeyboardInterrupt
        writes.append(args)
        return write_after(*args)

    monkeypatch.setattr("pgsuite.results.store.store.write_after", counted)
    with pytest.raises(KeyboardInterrupt):
        store.write_checkpoint(3, ROWS, {"status": "complete"}, at(2), {})
    assert store.seeds() == {3: "partial"}
    checkpoint = int(store.read_snapshot(3)[0]["checkpoint"][0])
    assert checkpoint in store.read_curve(3)[0]["checkpoint"].to_list()  # nothing is lost: resume from there


def test_a_finished_checkpoint_is_complete(store):
    store.write_checkpoint(3, ROWS, {"status": "complete"}, at(2), {})
    assert store.seeds() == {3: "complete"}
    assert store.read_curve(3)[1] == {"status": "complete"}


RULES = {"suite": "quick", "steps": 200, "protocol": {"checkpoints": 2}}


@pytest.mark.parametrize(
    ("rows", "status", "found"),
    [
        (ROWS, "complete", "complete"),
        (ROWS[:2], "complete", "corrupt"),
        (ROWS[:2], "partial", "partial"),
        (ROWS[1:], "complete", "corrupt"),
        ([ROWS[0], ROWS[1]._replace(env_steps=150)], "partial", "corrupt"),
        ([*ROWS, CurveRow(3, 300, 300, 3.0, 1.0, 10, 20.0, 200, 3, 1.5)], "complete", "corrupt"),
        (ROWS[:1], "diverged", "diverged"),
    ],
)
def test_a_run_is_complete_only_with_every_checkpoint_of_its_record(tmp_path, rows, status, found):
    """Of which there are 0, 100 and 200 steps."""
    store = CellStore(tmp_path, "trpo", "CartPole-v1", FINGERPRINT)
    store.create(RULES)
    store.write_curve(3, rows, {"status": status, "diverged_at": 64})
    assert store.seeds() == {3: found}


@pytest.mark.parametrize(
    ("rows", "status", "snapshot", "found"),
    [
        (2, "partial", at(1), "partial"),
        (3, "partial", at(1), "partial"),  # a crash came between the two
        (1, "partial", at(1), "corrupt"),
        (3, "complete", at(1), "corrupt"),
        (1, "diverged", at(1, diverged_at=64), "diverged"),
        (1, "diverged", at(1), "corrupt"),
        (2, "partial", {"w": np.ones(1)}, "corrupt"),
    ],
)
def test_the_rows_reach_the_snapshot(store, rows, status, snapshot, found):
    store.write_curve(3, ROWS[:rows], {"status": status, "diverged_at": 64})
    store.write_snapshot(3, snapshot, {})
    assert store.seeds() == {3: found}


def test_what_is_whole_is_gone_on_from(store):
    assert store.resumable(3) is None
    store.write_curve(3, ROWS, {"status": "complete"})
    assert store.resumable(3) is None
    store.write_snapshot(3, at(1), {})
    resumed = store.resumable(3)
    assert resumed.curve["checkpoint"].tolist() == [0, 1]
    store.write_curve(3, ROWS[:1], {"status": "complete"})
    with pytest.raises(PgsuiteError, match="ends at checkpoint 0, its snapshot is of checkpoint 1"):
        store.resumable(3)


@pytest.mark.parametrize("suffix", ["parquet", "safetensors"])
def test_the_files_of_another_run_are_damage(store, suffix):
    for seed in (3, 4):
        store.write_checkpoint(seed, ROWS, {"status": "complete"}, at(2, [seed]), {})
    (store.path / f"seed-4.{suffix}").write_bytes((store.path / f"seed-3.{suffix}").read_bytes())
    assert store.seeds() == {3: "complete", 4: "corrupt"}


@pytest.mark.parametrize("position", range(0, 100, 9))
def test_a_bit_anywhere_in_a_snapshot_is_found(store, position):
    store.write_checkpoint(3, ROWS, {"status": "complete"}, at(2, np.linspace(0, 1, 50)), {})
    path = store.path / "seed-3.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) * position // 100] ^= 1 << position % 8
    path.write_bytes(content)
    with pytest.raises(PgsuiteError, match=r"seed-3\.safetensors is damaged"):
        store.read_snapshot(3)


def test_a_record_of_another_cell_is_replaced(store):
    other = CellStore.at(store.path, "reinforce", "CartPole-v1", FINGERPRINT)
    other.create({})
    assert store.record()["algorithm"] == "reinforce"


LONG = "x" * 100


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "a:b"), (LONG + "1", LONG + "2"), ("a b", "a-b"), ("ä", "ö"), ("", ".")]
)
def test_names_that_differ_only_in_unsafe_or_late_letters_have_their_own_folders(one, other):
    folders = {cell_folder(name, "CartPole-v1", FINGERPRINT) for name in (one, other)}
    assert len(folders) == 2
    assert all(len(folder.encode()) < 255 for folder in (cell_folder(LONG, LONG, FINGERPRINT), *folders))
