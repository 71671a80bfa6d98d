"""One run under several seeds."""

import numpy as np
import pandas as pd
import pytest

from pgsuite.results.statistics.identical import IdenticalRuns, identical_curves, identical_runs, said

from .frames import runs

CURVE = [20.0, 300.5, 401.25]


def test_five_times_one_run_is_told_and_others_are_not():
    frame = runs("ppo", "A", [CURVE, CURVE, [20.0, 300.5, 401.26], CURVE], seeds=[4, 1, 2, 3])
    assert identical_runs(frame) == [IdenticalRuns("ppo", "A", (1, 3, 4))]


def test_each_algorithm_and_environment_by_itself():
    frame = pd.concat([runs("ppo", "A", [CURVE, CURVE]), runs("a2c", "A", [CURVE]), runs("ppo", "B", [CURVE])])
    assert identical_runs(frame) == [IdenticalRuns("ppo", "A", (0, 1))]


def test_two_groups():
    other = [1.0, 2.0, 3.0]
    assert [group.seeds for group in identical_runs(runs("a", "A", [CURVE, other, CURVE, other]))] == [(0, 2), (1, 3)]


def test_a_copy_that_was_cut_short_is_a_copy():
    curves = {seed: np.array([[0, 20.0], [10, 30.0], [20, 40.0]])[: 3 - seed] for seed in range(2)}
    assert identical_curves(curves) == [(0, 1)]


@pytest.mark.parametrize("column", ["return_std", "length_mean", "episodes"])
def test_the_same_means_of_other_episodes_are_other_runs(column):
    frame = runs("ppo", "A", [CURVE, CURVE])
    assert identical_runs(frame.assign(**{column: 5.0}))
    assert not identical_runs(frame.assign(**{column: np.arange(6.0)}))


def test_other_steps_are_another_run():
    assert not identical_curves({0: np.array([[0, 1.0], [10, 2.0]]), 1: np.array([[0, 1.0], [12, 2.0]])})


def test_runs_that_never_leave_the_floor_are_no_copies():
    """MountainCar's return is -200 until the goal is first reached, whatever the seed."""
    assert not identical_runs(runs("reinforce", "MountainCar-v0", [[-200.0] * 4] * 5))


def test_what_is_said():
    (line,) = said([IdenticalRuns("ppo", "A", (1, 3, 4))])
    assert "ppo on A with seeds 1, 3, 4 have identical curves" in line
    assert "one run under 3 seeds is one run" in line
