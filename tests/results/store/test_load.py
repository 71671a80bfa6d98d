import subprocess
import sys

import pandas as pd
import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results import CellStore, CurveRow, gather, load, write_manifest

ANCHORS = {"random": 20.0, "reference": 500.0}
LEADING = "suite algorithm env seed env_steps return_mean return_std episodes score diverged status fingerprint"


def row(checkpoint, value, **metrics):
    steps = 1000 * checkpoint
    return CurveRow(checkpoint, steps, steps, value, 1.0, 10, value, 200, checkpoint, 0.1, metrics)


def cell(out, algorithm="trpo", digit="a", anchors=ANCHORS, seeds=(0,), env="CartPole-v1"):
    store = CellStore(out, algorithm, env, digit * 64)
    store.create({"suite": "quick", "anchors": anchors})
    for seed in seeds:
        store.write_curve(seed, [row(0, 20.0), row(1, 260.0, kl=0.01)], {"status": "complete"})
    return store


def test_one_row_per_run_and_checkpoint_with_scores_worked_by_hand(tmp_path):
    cell(tmp_path, seeds=(0, 3))
    frame = load(tmp_path)
    assert list(frame.columns[:12]) == LEADING.split()
    assert list(frame["seed"]) == [0, 0, 3, 3]
    assert list(frame["score"]) == [0.0, 0.5, 0.0, 0.5]  # (260 - 20) / (500 - 20)
    assert set(frame["suite"]) == {"quick"}
    assert list(frame["metric/kl"][[1, 3]]) == [0.01, 0.01]
    assert (frame["anchor/random"][0], frame["anchor/reference"][0]) == (20.0, 500.0)


def test_without_anchors_the_score_is_nan(tmp_path):
    cell(tmp_path, anchors=None)
    assert load(tmp_path)["score"].isna().all()


def test_a_diverged_run_keeps_its_rows_and_says_where(tmp_path):
    store = cell(tmp_path, seeds=())
    store.write_curve(5, [row(0, 20.0)], {"status": "diverged", "diverged_at": 640, "steps_per_second": 1e5})
    frame = load(tmp_path)
    assert frame["diverged"].to_list() == [True]
    assert frame["diverged_at"].to_list() == [640.0]
    assert frame["steps_per_second"].to_list() == [1e5]


def test_cells_with_different_metrics_share_a_frame(tmp_path):
    cell(tmp_path)
    other = cell(tmp_path, algorithm="reinforce", digit="b", seeds=())
    other.write_curve(0, [row(0, 1.0, entropy=0.5)], {"status": "partial"})
    frame = load(tmp_path)
    assert frame["metric/entropy"].notna().sum() == 1
    assert frame["metric/kl"].notna().sum() == 1


def test_one_cell_folder_can_be_loaded(tmp_path):
    store = cell(tmp_path)
    cell(tmp_path, algorithm="reinforce", digit="b")
    assert set(load(store.path)["algorithm"]) == {"trpo"}


def test_the_manifest_decides_what_is_meant_and_in_which_order(tmp_path):
    old, new = cell(tmp_path, digit="a", seeds=(0, 1)), cell(tmp_path, digit="b", seeds=(0, 1, 2))
    other = cell(tmp_path, algorithm="actor-critic", digit="c")
    asked = [
        {"algorithm": "trpo", "env": "CartPole-v1", "folder": new.path.name, "seeds": [0, 2, 9]},
        {"algorithm": "actor-critic", "env": "CartPole-v1", "folder": other.path.name, "seeds": [0]},
        {"algorithm": "reinforce", "env": "CartPole-v1", "folder": "never-made", "seeds": [0]},
    ]
    write_manifest(tmp_path, "mine", asked)
    runs = load(tmp_path).drop_duplicates(["fingerprint", "seed"])
    assert list(zip(runs["algorithm"], runs["fingerprint"].str[0], runs["seed"], strict=True)) == [
        ("trpo", "b", 0),
        ("trpo", "b", 2),
        ("actor-critic", "c", 0),
    ]
    assert set(runs["suite"]) == {"mine"}
    assert set(load(tmp_path, everything=True)["fingerprint"]) == {old.fingerprint, new.fingerprint, other.fingerprint}


def test_a_run_in_two_folders_counts_once(tmp_path):
    cell(tmp_path / "one", seeds=(0, 1))
    cell(tmp_path / "two", seeds=(1, 2))
    frame = load(tmp_path / "one", str(tmp_path / "two"))
    assert frame.groupby("seed").size().to_dict() == {0: 2, 1: 2, 2: 2}


def test_the_frame_is_that_of_a_comparison_with_its_labels(tmp_path):
    cell(tmp_path / "one", digit="a", seeds=(0, 3))
    other = cell(tmp_path / "two", digit="b", seeds=(0,))
    other.write_curve(1, [row(0, 20.0, entropy=0.5)], {"status": "diverged", "diverged_at": 7})
    cell(tmp_path / "two", algorithm="reinforce", digit="c", env="Acrobot-v1")
    folders = [tmp_path / "one", tmp_path / "two"]
    frame = load(*folders)
    pd.testing.assert_frame_equal(frame, gather(folders).frame)
    runs = frame.drop_duplicates(["label", "seed"])
    assert list(zip(runs["label"], runs["seed"], runs["env"], strict=True)) == [
        ("trpo (one)", 0, "CartPole-v1"),
        ("trpo (one)", 3, "CartPole-v1"),
        ("trpo (two)", 0, "CartPole-v1"),
        ("trpo (two)", 1, "CartPole-v1"),
        ("reinforce", 0, "Acrobot-v1"),
    ]


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_of_two_copies_the_finished_one_is_loaded(tmp_path, order):
    cell(tmp_path / "one", seeds=(0,))
    cell(tmp_path / "two", seeds=()).write_curve(0, [row(0, 20.0)], {"status": "partial"})
    assert load(*(tmp_path / name for name in order))["status"].to_list() == ["complete"] * 2


def test_a_manifest_whose_runs_have_not_begun_gives_an_empty_frame(tmp_path):
    write_manifest(tmp_path, "quick", [{"algorithm": "trpo", "env": "CartPole-v1", "folder": "a", "seeds": [0]}])
    assert load(tmp_path).empty
    assert list(load(tmp_path).columns) == [*LEADING.split(), "label"]


@pytest.mark.parametrize("made", [False, True])
def test_nothing_to_load_is_a_usage_error_that_says_what_to_do(tmp_path, made):
    folder = tmp_path / "runs"
    if made:
        folder.mkdir()
    with pytest.raises(UsageError, match=r"runs .*`pgsuite run`"):
        load(folder)


def test_a_manifest_that_asks_for_nothing_is_a_usage_error(tmp_path):
    write_manifest(tmp_path, "quick", [])
    with pytest.raises(UsageError, match="`pgsuite run`"):
        load(tmp_path)


def test_a_cell_without_runs_is_a_usage_error(tmp_path):
    store = cell(tmp_path, seeds=())
    with pytest.raises(UsageError, match="`pgsuite run`"):
        load(store.path)


def test_a_damaged_curve_is_never_skipped(tmp_path):
    store = cell(tmp_path, seeds=(0, 1))
    (store.path / "seed-1.parquet").write_bytes(b"PAR1")
    with pytest.raises(PgsuiteError, match=r"seed-1\.parquet is damaged"):
        load(tmp_path)


def test_results_import_neither_torch_nor_anything_that_draws():
    code = "import sys, pgsuite.results; print({'torch', 'seaborn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
