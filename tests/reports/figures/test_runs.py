from pgsuite.reports.figures.runs import plotted_runs
from pgsuite.results import load


def test_unfinished_runs_are_shown_as_far_as_all_have_come(folder):
    folder.cell("trpo", curves=[[0, 1, 2], [0, 3]], status={0: "partial", 1: "partial"})
    shown = plotted_runs(load(folder.path))
    assert sorted(zip(shown["seed"], shown["env_steps"], strict=True)) == [(0, 0), (0, 100), (1, 0), (1, 100)]
    assert set(shown["runs"]) == {2}


def test_unfinished_runs_give_way_to_completed_ones(folder):
    folder.cell("trpo", curves=[[0, 1, 2], [0, 3]], status={1: "partial"})
    assert set(plotted_runs(load(folder.path))["seed"]) == {0}
