import math

import pytest

from pgsuite.reports.summary import summarise
from pgsuite.results import load, read_manifest


def summary_of(*folders):
    return summarise(load(*(folder.path for folder in folders)), [read_manifest(folder.path) for folder in folders])


def test_numbers_by_hand(folder):
    folder.cell("trpo", curves=[[0, 20, 40], [0, 60, 80]])
    cell = summary_of(folder).iloc[0]
    assert (cell["final_return_mean"], cell["final_score_mean"]) == (60.0, pytest.approx(0.6))
    assert cell["final_return_std"] == pytest.approx(math.sqrt(800))  # deviations of 20, n - 1 = 1
    assert cell["final_score_std"] == pytest.approx(math.sqrt(800) / 100)
    # Areas: (10 + 30) / 2 = 20 and (30 + 70) / 2 = 50.
    assert (cell["auc_return_mean"], cell["auc_score_mean"]) == (35.0, pytest.approx(0.35))
    assert cell["auc_return_std"] == pytest.approx(math.sqrt(450))
    assert (cell["env_steps"], cell["steps_per_second"]) == (200.0, 2000.0)
    assert (cell["completed"], cell["missing"]) == ((0, 1), ())


def test_only_completed_runs_enter_the_mean_and_the_others_are_counted(folder):
    curves = [[0, 0, 50], [0, 0, 70], [0, 999], [0, 999]]
    folder.cell("trpo", curves=curves, status={2: "diverged", 3: "partial"}, seeds=range(6))
    cell = summary_of(folder).iloc[0]
    assert cell["final_return_mean"] == 60.0
    assert cell["auc_return_mean"] == 15.0
    assert [cell[kind] for kind in ("completed", "diverged", "partial", "missing", "expected")] == [
        (0, 1),
        (2,),
        (3,),
        (4, 5),
        (0, 1, 2, 3, 4, 5),
    ]


def test_a_cell_without_runs_has_no_number_and_its_reason(folder):
    folder.cell("trpo", seeds=[0, 1], reason="ValueError: no")
    cell = summary_of(folder).iloc[0]
    assert math.isnan(cell["final_return_mean"])
    assert (cell["missing"], cell["completed"], cell["reason"]) == ((0, 1), (), "ValueError: no")


def test_one_run_has_a_mean_and_no_spread(folder):
    folder.cell("trpo", curves=[[0, 40]])
    cell = summary_of(folder).iloc[0]
    assert cell["final_return_mean"] == 40.0
    assert math.isnan(cell["final_return_std"])


def test_environments_stand_together_in_the_order_asked_for(folder):
    for algorithm, env in [("trpo", "B"), ("trpo", "A"), ("reinforce", "B"), ("reinforce", "A")]:
        folder.cell(algorithm, env, curves=[[0, 1]])
    folder.cell("actor-critic", "B", seeds=[0], reason="it died")
    summary = summary_of(folder)
    assert list(zip(summary["env"], summary["algorithm"], strict=True)) == [
        ("B", "trpo"),
        ("B", "reinforce"),
        ("B", "actor-critic"),
        ("A", "trpo"),
        ("A", "reinforce"),
    ]


def test_the_best_is_the_highest_mean_of_each_environment(folder):
    folder.cell("trpo", "A", curves=[[0, -90]])
    folder.cell("reinforce", "A", curves=[[0, -100]])
    folder.cell("trpo", "B", curves=[[0, 1]])
    folder.cell("reinforce", "B", curves=[[0, 2]])
    assert list(summary_of(folder)["best"]) == [True, False, False, True]


def test_survivors_cannot_be_best(folder):
    folder.cell("trpo", curves=[[0, 90], [0]], status={1: "diverged"})
    folder.cell("reinforce", curves=[[0, 50], [0, 50]])
    assert list(summary_of(folder)["best"]) == [False, True]


def test_nothing_is_best_across_budgets_or_alone(folder):
    folder.cell("trpo", "A", curves=[[0, 90, 90]])
    folder.cell("reinforce", "A", curves=[[0, 50]])
    folder.cell("trpo", "B", curves=[[0, 90]])
    assert not summary_of(folder)["best"].any()


def test_without_a_manifest_what_is_there_is_what_is_expected(folder):
    folder.cell("trpo", curves=[[0, 1], [0]], status={1: "partial"})
    cell = summarise(load(folder.path)).iloc[0]
    assert (cell["expected"], cell["missing"]) == ((0, 1), ())


def test_several_versions_of_a_cell_are_told_apart(folder):
    folder.cell("trpo", curves=[[0, 1]])
    folder.cell("trpo", curves=[[0, 2]])
    folder.cell("reinforce", curves=[[0, 3]])
    assert list(summary_of(folder)["label"]) == ["trpo @000000", "trpo @111111", "reinforce"]


def test_a_cell_split_over_two_folders_is_one_row(folder, tmp_path):
    other = type(folder)(tmp_path / "elsewhere")
    folder.cell("trpo", curves=[[0, 1], [0, 3]], seeds=[0, 1])
    other.cell("trpo", curves=[[0, 1], [0, 3], [0, 5]], seeds=[2])
    summary = summary_of(folder, other)
    assert len(summary) == 1
    assert summary["completed"][0] == summary["expected"][0] == (0, 1, 2)
    assert summary["final_return_mean"][0] == 3.0
