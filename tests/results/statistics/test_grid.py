"""Runs with other checkpoints, read on one grid."""

from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgsuite.errors import UsageError
from pgsuite.results.statistics.grid import common_points, first_difference, lag, last_up_to, on_common_grid
from pgsuite.results.statistics.scores import read_curves

from .frames import runs


@pytest.mark.parametrize(
    ("grids", "points", "behind"),
    [
        pytest.param([(1000, 2000, 3000), (1008, 2016, 3024)], [1008, 2016, 3024], 24, id="numbers of environments"),
        pytest.param([(0, 5, 10, 15, 20), (10, 20)], [10, 20], 0, id="coarser, and without a start"),
        pytest.param([(0, 100, 200), (0, 50, 200)], [0, 200], 0, id="shared are half of the coarser"),
        pytest.param([(0, 10, 20), (0, 10, 20, 30, 40)], [0, 10, 20], 0, id="other budget"),
        pytest.param([(0, 50, 100, 150), (49, 98, 147)], [50, 100, 150], 3, id="never ahead of a checkpoint"),
        pytest.param([(0, 4, 8, 12), (0, 5, 9, 13)], [0, 5, 9, 13], 1, id="only the start is shared"),
        pytest.param(
            [(1000, 2000, 3000), (1001, 2002, 3003, 3900)], [1001, 2002, 3003], 3, id="no end is stretched far"
        ),
    ],
)
def test_points_by_hand(grids, points, behind):
    for order in (grids, grids[::-1]):
        found = common_points(order)
        assert list(found) == points
        assert lag(order, found) == behind


@pytest.mark.parametrize(
    "grids", [[(0, 1000), (0, 50)], [(0, 10, 20), (30, 40)], [(10,), (10, 20)], [(0, 10), (10, 20)]]
)
def test_no_common_stretch(grids):
    assert common_points(grids) is None


@given(st.lists(st.sets(st.integers(0, 60), min_size=1, max_size=12).map(sorted), min_size=1, max_size=4))
def test_nobody_is_read_ahead_or_before_the_first_checkpoint(grids):
    points = common_points(grids)
    if points is None:
        return
    assert all(a < b for a, b in pairwise(points))
    for grid in grids:
        places = last_up_to(grid, points)
        assert places.min() >= 0
        assert len(set(places)) >= 2
        assert all(grid[k] <= point for k, point in zip(places, points, strict=True))
        assert all(k == len(grid) - 1 or grid[k + 1] > point for k, point in zip(places, points, strict=True))


def test_the_first_difference_in_words():
    assert first_difference({"a": (0, 1000), "b": (0, 1000)}) == ""
    assert first_difference({"a": (0, 1000), "b": (0, 1000), "c": (0, 1008)}) == (
        "a has a checkpoint at 1,000 where c has one at 1,008"
    )
    assert first_difference({"a": (0, 10, 20), "b": (0, 10)}) == "b ends at 10 where a goes on to 20"


def test_the_area_begins_at_the_first_common_point():
    """At 1008, 2016 and 3024 a has its 1000, 2000 and 3000."""
    a = runs("a", "A-v0", [[10, 20, 30]] * 5, steps=[1000, 2000, 3000])
    b = runs("b", "A-v0", [[0, 40, 60, 80]] * 5, steps=[0, 1008, 2016, 3024])
    frame, common = on_common_grid(pd.concat([a, b]))
    curves = read_curves(frame)
    assert curves["a", "A-v0"].returns[0].tolist() == [10, 20, 30]
    assert curves["b", "A-v0"].returns[0].tolist() == [40, 60, 80]
    assert curves["a", "A-v0"].env_steps.tolist() == [1008, 2016, 3024]
    assert common["A-v0"].start_missing
    assert common["A-v0"].difference == "a seed 0 has a checkpoint at 1,000 where b seed 0 has one at 0"


def unequal():
    long = runs("trpo", "A-v0", [[20, 70, 120, 520]] * 2)
    return pd.concat([long, runs("reinforce", "A-v0", [[20, 20, 270]], seeds=[5]), runs("reinforce", "B-v0", [[0, 1]])])


def test_other_checkpoints_are_an_error_that_names_runs_steps_and_the_way_out():
    with pytest.raises(UsageError) as error:
        read_curves(unequal())
    for part in (
        "A-v0",
        "reinforce seed 5 ends at 200 where trpo seed 0 goes on to 300",
        "trpo seeds 0 1: 4 checkpoints up to 300 steps",
        "reinforce seeds 5: 3 checkpoints up to 200",
        "--grid common",
    ):
        assert part in str(error.value)
    assert "B-v0" not in str(error.value)


def test_or_they_are_read_on_a_common_grid():
    found = read_curves(on_common_grid(unequal())[0])
    assert found["trpo", "A-v0"].returns.tolist() == [[20, 70, 120]] * 2
    assert found["reinforce", "A-v0"].returns.tolist() == [[20, 20, 270]]
    assert found["reinforce", "B-v0"].returns.tolist() == [[0, 1]]


def test_different_grids_of_equal_length_are_unequal_too():
    frame = pd.concat([runs("a", "A-v0", [[0, 1, 2]]), runs("b", "A-v0", [[0, 1, 2]], steps=[0, 50, 200])])
    with pytest.raises(UsageError, match="a seed 0 has a checkpoint at 100 where b seed 0 has one at 50"):
        read_curves(frame)
    assert list(read_curves(on_common_grid(frame)[0])["b", "A-v0"].env_steps) == [0, 200]


def test_runs_that_share_no_stretch_cannot_be_put_side_by_side():
    frame = pd.concat([runs("a", "A-v0", [[0, 1]]), runs("b", "A-v0", [[0, 1]], steps=[0, 50])])
    with pytest.raises(UsageError, match="fewer than two checkpoints"):
        on_common_grid(frame)
