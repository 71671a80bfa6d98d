import numpy as np
import pandas as pd
import pytest

from pgsuite.errors import UsageError
from pgsuite.results.statistics.scores import Curves, Scores, read_curves

from .frames import runs


def one_cell(frame):
    return read_curves(frame)["trpo", "A-v0"]


def test_curves_by_hand():
    found = one_cell(runs("trpo", "A-v0", [[20, 270, 520], [20, 20, 120]], seeds=[7, 3]))
    assert found.seeds == (3, 7)
    assert list(found.env_steps) == [0, 100, 200]
    assert found.returns.tolist() == [[20, 20, 120], [20, 270, 520]]
    np.testing.assert_allclose(found.scores, [[0, 0, 0.2], [0, 0.5, 1]])
    assert found.seconds.tolist() == [[0, 0.1, 0.2]] * 2


def test_one_number_per_run_in_ascending_order():
    curves = {"A-v0": one_cell(runs("trpo", "A-v0", [[20, 270, 520], [20, 20, 120]]))}
    np.testing.assert_allclose(Scores.of(curves, "final").runs["A-v0"], [0.2, 1.0])
    # Trapezoids: (0 + .5) / 2 and (.5 + 1) / 2 over two steps; (0 + 0) / 2 and (0 + .2) / 2.
    np.testing.assert_allclose(Scores.of(curves, "auc").runs["A-v0"], [0.05, 0.5])
    np.testing.assert_allclose(Scores.returns(curves, "final").runs["A-v0"], [120, 520])


def test_the_final_score_is_the_last_and_not_the_best():
    curves = {"A-v0": one_cell(runs("trpo", "A-v0", [[20, 520, 270]]))}
    assert list(Scores.of(curves, "final").runs["A-v0"]) == [0.5]


def test_only_completed_runs_enter():
    status = ["complete", "diverged", "partial", "complete"]
    assert one_cell(runs("trpo", "A-v0", [[0, 1]] * 4, status=status)).seeds == (0, 3)
    assert read_curves(runs("trpo", "A-v0", [[0, 1]] * 2, status="diverged")) == {}


def test_a_diverged_run_may_be_shorter():
    frame = pd.concat([runs("trpo", "A-v0", [[0, 1, 2]]), runs("trpo", "A-v0", [[0]], seeds=[1], status="diverged")])
    assert one_cell(frame).seeds == (0,)


def test_an_environment_without_anchors_has_returns_and_no_scores():
    frame = pd.concat([runs("trpo", "A-v0", [[0, 1]], anchors=None), runs("trpo", "B-v0", [[20, 270]])])
    curves = {env: found for (_, env), found in read_curves(frame).items()}
    assert set(Scores.of(curves, "final").runs) == {"B-v0"}
    assert set(Scores.returns(curves, "final").runs) == {"A-v0", "B-v0"}


def test_episodes_cannot_pass_as_runs():
    """Ten episodes of one run, row by row or as an array."""
    episodes = pd.concat([runs("trpo", "A-v0", [[x, x]]) for x in range(10)])
    with pytest.raises(UsageError, match=r"trpo on A-v0, seed 0, 0 steps: .*episodes are no runs"):
        read_curves(episodes)
    with pytest.raises(ValueError, match="one finite number per run"):
        Scores({"A-v0": np.zeros((5, 10))})
    grid, curve = np.arange(3.0), np.zeros((2, 3))
    with pytest.raises(ValueError, match="a run is one seed"):
        Curves((4, 4), grid, curve, curve, curve)
    with pytest.raises(ValueError, match="one value per run and checkpoint"):
        Curves((4,), grid, np.zeros((10, 3)), np.zeros((10, 3)), np.zeros((10, 3)))


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, 1.0]])
def test_nothing_is_imputed_for_what_is_not_a_number(values):
    with pytest.raises(ValueError, match="one finite number per run"):
        Scores({"A-v0": np.array(values)})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_return_that_is_not_finite_is_named(value):
    frame = pd.concat([runs("trpo", "A-v0", [[0, 1]]), runs("trpo", "A-v0", [[0, value]], seeds=[4])])
    with pytest.raises(UsageError, match=r"trpo on A-v0, seed 4, 100 steps: .*not finite"):
        read_curves(frame)
