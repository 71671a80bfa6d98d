import numpy as np
import pandas as pd
import pytest

from pgsuite.results.statistics.cost import cost, fates, other_steps, times_to_threshold

from .frames import runs
from .test_leaderboard import by_label


def costs(frame, asked=None):
    return cost(frame, times_to_threshold(frame, by_label(frame)), fates(frame, asked or {}, {}))


def test_time_to_threshold_by_hand():
    # Anchors 20 and 520: .5 is a return of 270. Two runs reach it at 100 and 300 steps, the third never.
    frame = runs("x", "A-v0", [[20, 280, 0, 500], [20, 20, 20, 270], [20, 100, 100, 100]])
    (row,) = times_to_threshold(frame, by_label(frame), 0.5).to_dict("records")
    assert row == {
        "label": "x",
        "env": "A-v0",
        "threshold": 0.5,
        "threshold_return": 270,
        "reached": 2,
        "runs": 3,
        "median_steps": 300,
        "median_seconds": pytest.approx(0.3),
    }


def test_censored_runs_are_not_left_out():
    frame = runs("x", "A-v0", [[20, 280], [20, 20], [20, 20], [20, 20]])
    (row,) = times_to_threshold(frame, by_label(frame), 0.5).to_dict("records")
    assert (row["reached"], row["runs"]) == (1, 4)
    assert np.isnan(row["median_steps"])


def test_diverged_runs_are_runs_that_never_reached_it():
    """Else an algorithm that fails half of the time would look quick: two of four reach it, so half never does."""
    status = ["complete", "complete", "diverged", "diverged", "partial"]
    frame = runs("x", "A-v0", [[20, 280]] * 5, status=status)
    (row,) = times_to_threshold(frame, by_label(frame), 0.5).to_dict("records")
    assert (row["reached"], row["runs"]) == (2, 4)
    assert np.isnan(row["median_steps"])


def test_environments_without_anchors_have_no_threshold():
    frame = runs("x", "A-v0", [[20, 280]], anchors=None)
    assert times_to_threshold(frame, by_label(frame)).empty
    assert np.isnan(costs(frame)["seconds_to_threshold"][0])


def test_every_run_that_was_asked_for_is_counted_once():
    status = ["complete", "diverged", "partial", "complete", "diverged"]
    frame = pd.concat([runs("x", "A-v0", [[20, 30]] * 5, status=status), runs("y", "A-v0", [[20, 30]])])
    found = fates(frame, {("x", "A-v0"): range(8), ("x", "B-v0"): (1, 2)}, {("x", "A-v0"): (7,)})
    assert found == {
        ("x", "A-v0"): {"completed": 2, "diverged": 2, "partial": 1, "damaged": 1, "missing": 2},
        ("x", "B-v0"): {"completed": 0, "diverged": 0, "partial": 0, "damaged": 0, "missing": 2},
        ("y", "A-v0"): {"completed": 1, "diverged": 0, "partial": 0, "damaged": 0, "missing": 0},
    }


def test_costs_by_hand():
    frame = pd.concat(
        [
            runs("x", "A-v0", [[20, 520]], wall_time=[0.0, 2.0]).assign(peak_memory=3e9, steps_per_second=10.0),
            runs("x", "A-v0", [[20, 520]], seeds=[1], wall_time=[0.0, 4.0]).assign(
                peak_memory=1e9, steps_per_second=30.0
            ),
            runs("x", "A-v0", [[20]], seeds=[2], status="diverged").assign(peak_memory=9e9, steps_per_second=90.0),
        ]
    )
    (row,) = costs(frame, {("x", "A-v0"): range(4)}).to_dict("records")
    assert row == {
        "label": "x",
        "env": "A-v0",
        "steps_per_second": 20,
        "wall_time": 3,
        "seconds_to_threshold": 4,  # one of three at 2 s, the second at 4 s, the diverged one never
        "peak_memory": 3e9,
        "not_training": 0,
        "completed": 2,
        "diverged": 1,
        "partial": 0,
        "damaged": 0,
        "missing": 1,
    }


def test_what_was_not_measured_and_what_is_not_there_is_nan():
    frame = runs("x", "A-v0", [[20, 520]]).drop(columns="wall_time")
    table = costs(frame, {("x", "A-v0"): (0,), ("y", "A-v0"): (0,)}).set_index("label")
    assert np.isnan(table.loc["x", "peak_memory"])
    assert np.isnan(table.loc["x", "wall_time"])
    assert np.isnan(table.loc["x", "seconds_to_threshold"])
    assert table.loc["x", "steps_per_second"] == 1000
    assert table.loc["y", ["steps_per_second", "wall_time", "seconds_to_threshold", "peak_memory"]].isna().all()
    assert table.loc["y", "missing"] == 1


def test_the_share_of_steps_that_trained_nothing():
    """Of 100 steps 60 trained; where nothing is told of any others, all did."""
    frame = runs("x", "A-v0", [[20, 520]] * 2).assign(trained_steps=[0, 100, 0, 100])
    frame["metric/training_steps"] = [np.nan, 60.0, np.nan, 40.0]
    assert other_steps(frame).tolist() == [0, 40, 0, 60]
    plain = runs("y", "A-v0", [[20, 520]]).assign(trained_steps=[0, 100])
    share = costs(pd.concat([frame, plain], ignore_index=True)).set_index("label")["not_training"]
    assert share.to_dict() == {"x": pytest.approx(0.5), "y": 0.0}
