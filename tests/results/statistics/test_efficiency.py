import numpy as np
import pandas as pd
import pytest

from pgsuite.results.statistics.bootstrap import Bootstrap
from pgsuite.results.statistics.efficiency import efficiency
from pgsuite.results.statistics.leaderboard import leaderboard

from .frames import runs, suite
from .test_leaderboard import by_label

BOOTSTRAP = Bootstrap(replicates=200)


def test_curves_by_hand():
    # Scores 0, .5, 1 and 0, .1, .2 of four runs each: the middle half is two of each.
    frame = pd.concat([runs("x", "A-v0", [[20, 270, 520]] * 4), runs("x", "B-v0", [[20, 70, 120]] * 4)])
    table = efficiency(by_label(frame), BOOTSTRAP)
    assert table["progress"].to_list() == [0, 0.5, 1]
    assert table["env_steps"].to_list() == [0, 100, 200]
    assert table["iqm"].to_list() == pytest.approx([0, 0.3, 0.6])
    assert table[["low", "high"]].isna().all(axis=None)  # four runs


def test_budgets_that_differ_have_shares_and_no_steps():
    frame = pd.concat(
        [
            runs("x", "A-v0", [[20, 270, 520]], steps=[0, 1000, 2000]),
            runs("x", "B-v0", [[20, 70, 120, 170, 220]]),  # twice as many checkpoints
        ]
    )
    table = efficiency(by_label(frame), BOOTSTRAP)
    assert table["progress"].to_list() == [0, 0.5, 1]
    assert table["env_steps"].isna().all()
    assert table["iqm"].to_list() == pytest.approx([0, (0.5 + 0.2) / 2, (1 + 0.4) / 2])


def test_a_share_between_checkpoints_is_read_at_the_one_before():
    frame = pd.concat(
        [runs("x", "A-v0", [[20, 270, 520]]), runs("x", "B-v0", [[20, 70, 120, 170]], steps=[0, 100, 200, 300])]
    )
    assert efficiency(by_label(frame), BOOTSTRAP)["iqm"].to_list() == pytest.approx([0, (0.5 + 0.1) / 2, (1 + 0.3) / 2])


def test_the_end_of_the_curve_is_the_final_score():
    frame = suite(["a", "b"], runs_per_cell=7)
    curves = by_label(frame)
    board = leaderboard(curves, ("A-v0", "B-v0"), BOOTSTRAP)
    iqms = board[(board["metric"] == "iqm") & (board["statistic"] == "final")].set_index("label")
    ends = efficiency(curves, BOOTSTRAP).groupby("label").last()
    np.testing.assert_allclose(
        ends[["iqm", "low", "high"]], iqms.loc[ends.index, ["estimate", "low", "high"]], atol=1e-12
    )


def test_environments_without_anchors_do_not_enter():
    frame = pd.concat([runs("x", "A-v0", [[20, 520]]), runs("x", "B-v0", [[0, 1]], anchors=None)])
    assert efficiency(by_label(frame), BOOTSTRAP)["iqm"].to_list() == [0, 1]
    assert efficiency(by_label(frame[frame["env"] == "B-v0"]), BOOTSTRAP).empty


def test_curves_begin_where_every_environment_has_a_checkpoint():
    # A-v0 is known from a quarter of its budget on, B-v0 from two thirds: before that there is no score of the suite.
    frame = pd.concat(
        [
            runs("x", "A-v0", [[20, 120, 270, 520]], steps=[25, 50, 75, 100]),
            runs("x", "B-v0", [[20, 70, 120, 170, 220]], steps=[200, 225, 250, 275, 300]),
        ]
    )
    table = efficiency(by_label(frame), BOOTSTRAP)
    assert table["progress"].to_list() == [0.75, 1]
    assert table["iqm"].to_list() == pytest.approx([(0.5 + 0.1) / 2, (1 + 0.4) / 2])
