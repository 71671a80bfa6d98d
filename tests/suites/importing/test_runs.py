from pathlib import Path

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results.store.curve import CurveRow
from pgsuite.suites.importing.problems import ImportProblems
from pgsuite.suites.importing.runs import ImportedRun, TrainingEpisodes, check_common_grid, on_grid


def episodes(lengths, files=1):
    lengths = np.array(lengths)
    seconds = np.arange(1.0, len(lengths) + 1)
    paths = tuple(Path(f"{n}.monitor.csv") for n in range(files))
    return TrainingEpisodes(
        "ppo", "e", 0, paths, np.cumsum(lengths), 10.0 * np.arange(1, len(lengths) + 1), lengths, seconds
    )


def test_a_point_is_the_mean_of_the_last_episodes_finished_up_to_it():
    """Worked by hand: episodes end at 10, 20, 45, 60 with returns 10, 20, 30, 40; points at 20, 40, 60."""
    run = on_grid(episodes([10, 10, 25, 15]), steps=60, checkpoints=3, window=2)
    assert [row.env_steps for row in run.rows] == [20, 40, 60]
    assert [row.checkpoint for row in run.rows] == [1, 2, 3]
    assert [row.return_mean for row in run.rows] == [15.0, 15.0, 35.0]
    assert [row.return_std for row in run.rows] == [5.0, 5.0, 5.0]
    assert [row.trained_steps for row in run.rows] == [20, 20, 60]
    assert [row.wall_time for row in run.rows] == [2.0, 2.0, 4.0]
    assert [row.episodes for row in on_grid(episodes([10, 10, 25, 15]), 60, 3, window=3).rows] == [2, 2, 3]


@pytest.mark.parametrize(
    ("steps", "files", "complete"), [(85, 1, True), (86, 1, False), (86, 2, True), (111, 2, False)]
)
def test_a_run_is_complete_when_what_was_being_played_could_reach_the_budget(steps, files, complete):
    """The last episode ends at 60, the longest took 25."""
    run = on_grid(episodes([10, 10, 25, 15], files), steps, checkpoints=5, window=2)
    assert run.complete == complete
    assert [row.env_steps for row in run.rows][-1] == (
        steps if complete else max(p for p in (round(steps * k / 5) for k in range(1, 6)) if p <= 60)
    )


def test_no_episode_by_the_first_point():
    with pytest.raises(UsageError, match=r"first episode after 10 steps.*--checkpoints"):
        on_grid(episodes([10, 10]), steps=20, checkpoints=4, window=2)


def evaluated(*points, seed=0):
    rows = tuple(CurveRow(k, p, p, 1.0, 0.0, 1, 1.0, 1, 0, 0.0) for k, p in enumerate(points))
    return ImportedRun("ppo", "e", seed, (Path("x.csv"),), rows)


def test_a_run_that_stops_early_is_partial():
    runs = check_common_grid([evaluated(0, 10), evaluated(0, 10, 20, seed=1)])
    assert [run.complete for run in runs] == [False, True]


def test_unequal_grids_are_named():
    with pytest.raises(UsageError, match=r"ppo on e, seed 1, of x\.csv has a point at 15 .* at 10"):
        check_common_grid([evaluated(0, 10, 20), evaluated(0, 15, seed=1)])


def test_every_run_on_another_grid_is_named():
    with pytest.raises(ImportProblems) as error:
        check_common_grid([evaluated(0, 10, 20), evaluated(0, 15, seed=1), evaluated(0, 12, seed=2)])
    assert ["seed 1" in error.value.found[0], "seed 2" in error.value.found[1]] == [True, True]


def test_a_point_is_no_curve():
    with pytest.raises(UsageError, match="one point"):
        check_common_grid([evaluated(0)])
