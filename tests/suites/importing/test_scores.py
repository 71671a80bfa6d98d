"""Scores as rliable takes them: a number per run and task."""

import gzip
import json
import pickle

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results import gather, load
from pgsuite.results.statistics.comparison import compare
from pgsuite.results.store.protocol import measured
from pgsuite.suites.anchors import AnchorsTable
from pgsuite.suites.importing.request import ImportRequest, import_results
from pgsuite.suites.importing.scores import read_scores

PPO = [[0.1, 1.0], [0.2, 1.1], [0.3, 1.2], [0.4, 1.3]]
"""Four runs on two tasks."""
DQN = [[0.0, 0.5], [0.1, 0.6], [0.2, 0.7], [0.3, 0.8]]


def as_json(path, content):
    path.write_text(json.dumps(content))
    return path


def numbers(read):
    return {run[:3]: run.rows[0].return_mean for run in read.runs}


def by_task(scores):
    return {game: [run[n] for run in scores] for n, game in enumerate(("Alien", "Pong"))}


EXPECTED = {
    (algorithm, env, seed): scores[seed][n]
    for algorithm, scores in (("PPO", PPO), ("DQN", DQN))
    for seed in range(4)
    for n, env in enumerate(("Alien", "Pong"))
}


@pytest.mark.parametrize("form", ["json", "json.gz", "npz"])
def test_scores_by_algorithm_and_game(form, tmp_path):
    path = tmp_path / f"scores.{form}"
    content = {"PPO": by_task(PPO), "DQN": by_task(DQN)}
    if form == "npz":
        np.savez(
            path, **{f"{a}/{game}": np.array(runs) for a, games in content.items() for game, runs in games.items()}
        )
    else:
        text = json.dumps(content).encode()
        path.write_bytes(gzip.compress(text) if form == "json.gz" else text)
    read = read_scores(path, {})
    assert numbers(read) == EXPECTED
    assert read.notes == []


@pytest.mark.parametrize("form", ["json", "npz", "npy"])
def test_arrays_of_runs_and_tasks(form, tmp_path):
    path, given = tmp_path / f"scores.{form}", {}
    if form == "json":
        as_json(path, {"PPO": PPO})
    elif form == "npz":
        np.savez(path, PPO=np.array(PPO))
    else:
        np.save(path, np.array(PPO))
        with pytest.raises(UsageError, match="give it, as in --algorithm ppo"):
            read_scores(path, {})
        given = {"algorithm": "PPO"}
    read = read_scores(path, given)
    assert numbers(read) == {("PPO", f"task-{n + 1}", s): PPO[s][n] for s in range(4) for n in range(2)}
    assert "called task-1 to task-2" in read.notes[0]


def test_of_several_points_in_training_the_last_one_counts(tmp_path):
    np.savez(tmp_path / "scores.npz", PPO=np.arange(24.0).reshape(2, 3, 4))
    read = read_scores(tmp_path / "scores.npz", {})
    assert [run.rows[0].return_mean for run in read.runs] == [3, 15, 7, 19, 11, 23]
    assert any("of the 4 points in training" in note for note in read.notes)


def test_one_task_with_a_name(tmp_path):
    path = as_json(tmp_path / "s.json", {"PPO": [0.5, 0.75]})
    assert numbers(read_scores(path, {"env": "Alien"})) == {("PPO", "Alien", 0): 0.5, ("PPO", "Alien", 1): 0.75}


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds no scores"),
        ([1, 2], "holds no scores"),
        ({"PPO": [[1, 2], [3]]}, "rows of unequal length"),
        ({"PPO": [["a"]]}, "not numbers"),
        ({"PPO": "x"}, "not numbers"),
        ({"PPO": []}, r"shape is \(0, 1\)|shape"),
        ({"PPO": {"Alien": [1.0, float("nan")]}}, "PPO, Alien: a score is not finite"),
        ({"PPO": {"Alien": 3}}, r"shape is \(\), and should be \(runs,\)"),
        ({"": [[1.0]]}, "the algorithm is empty"),
    ],
)
def test_what_is_wrong_is_named(content, message, tmp_path):
    with pytest.raises(UsageError, match=rf"s\.json.*({message})"):
        read_scores(as_json(tmp_path / "s.json", content), {})


def test_nothing_is_unpickled(tmp_path):
    for name, save in (("s.npy", np.save), ("s.npz", lambda path, array: np.savez(path, PPO=array))):
        save(tmp_path / name, np.array([Bomb()], dtype=object))
        with pytest.raises(UsageError, match=r"pickled objects, which are never loaded; write it with np\.savez"):
            read_scores(tmp_path / name, {})
    (tmp_path / "p.npy").write_bytes(pickle.dumps({"PPO": PPO}))
    with pytest.raises(UsageError, match="pickled objects"):
        read_scores(tmp_path / "p.npy", {})
    (tmp_path / "d.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="is no JSON"):
        read_scores(tmp_path / "d.json", {})


@pytest.fixture
def imported(tmp_path):
    path = as_json(tmp_path / "scores.json", {"PPO": by_task(PPO), "DQN": by_task(DQN)})
    result = import_results(ImportRequest(paths=(path,)), tmp_path / "out")
    return tmp_path / "out", result


def test_the_record_says_that_there_is_a_score_per_run(imported):
    out, result = imported
    member = gather([out]).members[0]
    assert measured(member.record).kind == "scores"
    assert member.record["steps"] is None
    assert any("taken for scores" in note for note in result.notes)
    frame = load(out)
    assert frame["score"].tolist() == frame["return_mean"].tolist()


def test_aggregates_and_profiles_and_no_areas_worked_by_hand(imported):
    """The IQM is the mean of the middle half of all runs: for PPO of .3, .4, 1.0, 1.1, for DQN of .2, .3, .5, .6."""
    comparison = compare(load(imported[0]), replicates=200)
    board = comparison.leaderboard.set_index(["label", "statistic", "metric"])["estimate"]
    assert board["PPO", "final", "iqm"] == pytest.approx((0.3 + 0.4 + 1.0 + 1.1) / 4)
    assert board["DQN", "final", "iqm"] == pytest.approx((0.2 + 0.3 + 0.5 + 0.6) / 4)
    assert board[:, "auc"].isna().all()
    assert comparison.efficiency.empty
    assert comparison.thresholds.empty
    final = comparison.profiles[comparison.profiles["label"] == "PPO"].set_index("threshold")["share"]
    assert final[final.index[np.abs(final.index - 0.95).argmin()]] == 0.5
    assert comparison.environments_table["budget"].isna().all()


def test_returns_are_scored_by_the_anchors_that_are_given(tmp_path):
    path = as_json(tmp_path / "returns.json", {"PPO": {"Alien": [20.0, 120.0]}})
    anchors = {"Alien": AnchorsTable(random=20.0, reference=220.0, source="by hand")}
    result = import_results(ImportRequest(paths=(path,), anchors=anchors, steps=1000), tmp_path / "out")
    assert result.notes == []
    frame = load(tmp_path / "out")
    assert (frame["score"].tolist(), frame["env_steps"].tolist()) == ([0.0, 0.5], [1000, 1000])


def test_what_is_said_of_curves_is_refused(tmp_path):
    path = as_json(tmp_path / "scores.json", {"PPO": PPO})
    with pytest.raises(UsageError, match="a score per run and no curve; leave --like out"):
        import_results(ImportRequest(paths=(path,), like=tmp_path), tmp_path / "out")
