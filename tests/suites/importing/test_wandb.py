"""CSV of Weights & Biases and Open RL Benchmark; the shapes are those of its chart exports and run histories."""

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.series import Wanted
from pgsuite.suites.importing.tables import read_csv

STATED = {"algorithm": "ppo", "env": "CartPole-v1"}


def read(tmp_path, text, given=None, **wanted):
    path = tmp_path / "wandb_export.csv"
    path.write_text(text)
    return read_csv(path, Wanted(given or {}, **wanted))


def wide(*names, metric="eval/mean_reward", spread=0.0):
    titles = [f"{name} - {metric}{end}" for name in names for end in ("", "__MIN", "__MAX")]
    header = ",".join(f'"{title}"' for title in ["global_step", *titles])
    rows = []
    for step in (1000, 2000):
        values = [step / 100 + n + d for n in range(len(names)) for d in (0, -spread, spread)]
        rows.append(",".join(f'"{value}"' for value in [step, *values]))
    return "\n".join([header, *rows]) + "\n"


def test_a_chart_of_runs_whose_names_tell_whose_they_are(tmp_path):
    text = wide("CartPole-v1__ppo__1__1667432123", "CartPole-v1__ppo__2__1667432999")
    runs, notes, trained = read(tmp_path, text)
    assert [run[:3] for run in runs] == [("ppo", "CartPole-v1", 1), ("ppo", "CartPole-v1", 2)]
    assert [(row.env_steps, row.return_mean) for row in runs[1].rows] == [(1000, 11.0), (2000, 21.0)]
    assert (notes, trained) == ([], [])


def test_runs_whose_names_tell_no_seed_are_numbered_and_that_is_said(tmp_path):
    runs, (note,), _ = read(tmp_path, wide("dandy-sun-12", "misty - sea-13"), STATED)
    assert [run.seed for run in runs] == [0, 1]
    assert "no name of a run tells its seed, so 0, 1 are taken" in note
    with pytest.raises(UsageError, match="does not tell its algorithm and its env"):
        read(tmp_path, wide("ppo seed-4"))


def test_means_over_a_group_are_no_runs(tmp_path):
    with pytest.raises(UsageError, match="'exp_name: ppo' is a group of runs"):
        read(tmp_path, wide("exp_name: ppo"), STATED)


def test_extremes_that_lie_apart_are_said(tmp_path):
    _, notes, _ = read(tmp_path, wide("ppo-seed-3", spread=0.5), STATED)
    assert any("mean of several values at 2 of 2 steps" in note for note in notes)


def test_steps_that_count_calls_are_said(tmp_path):
    _, notes, _ = read(tmp_path, wide("ppo-seed-3").replace("global_step", "Step"), STATED)
    assert any("Step is taken for environment steps" in note for note in notes)


def test_training_returns_are_training_episodes(tmp_path):
    runs, _, (episodes,) = read(tmp_path, wide("ppo-seed-3", metric="charts/episodic_return"), STATED)
    assert runs == []
    assert (episodes.env_steps.tolist(), episodes.returns.tolist()) == ([1000, 2000], [10.0, 20.0])


LONG = (
    "_step,_runtime,global_step,charts/episodic_return,losses/value_loss,exp_name,env_id,seed\n"
    "0,1.5,12,12.0,,ppo,CartPole-v1,1\n1,1.6,128,,0.5,ppo,CartPole-v1,1\n2,1.7,140,NaN,,ppo,CartPole-v1,1\n"
    "3,1.8,152,14.0,,ppo,CartPole-v1,1\n3,1.8,152,9.0,,ppo,CartPole-v1,1\n0,1.5,20,20.0,,dqn,CartPole-v1,2\n"
)


def test_histories_of_several_runs(tmp_path):
    """As Open RL Benchmark downloads them: rows where other metrics were logged have no return."""
    _, notes, trained = read(tmp_path, LONG)
    assert [run[:3] for run in trained] == [("ppo", "CartPole-v1", 1), ("dqn", "CartPole-v1", 2)]
    assert (trained[0].env_steps.tolist(), trained[0].returns.tolist()) == ([12, 152, 152], [12.0, 14.0, 9.0])
    assert notes == []


def test_a_history_of_one_run(tmp_path):
    text = "_step,eval/mean_reward\n100,1\n200,2\n"
    (run,), notes, _ = read(tmp_path, text, {**STATED, "seed": "7"})
    assert (run.seed, [row.return_mean for row in run.rows]) == (7, [1.0, 2.0])
    assert "_step is taken for environment steps" in notes[0]


def test_a_metric_of_another_name(tmp_path):
    text = "global_step,seed,test_score,return_of_training\n100,1,5,6\n200,1,7,8\n"
    with pytest.raises(UsageError, match="is missing"):
        read(tmp_path, text, STATED)
    (run,), _, _ = read(tmp_path, text, STATED, metric="test_score")
    assert [row.return_mean for row in run.rows] == [5, 7]
    _, _, (trained,) = read(tmp_path, text, STATED, metric="return_of_training")
    assert trained.returns.tolist() == [6, 8]
    assert read(tmp_path, text, STATED, metric="test_score", source="training").trained


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LONG.replace("152,14.0", "1_52,14.0"), r"line 5, column global_step: '1_52'"),
        (LONG.replace("14.0", "many"), "line 5, column charts/episodic_return: 'many'"),
        (LONG.replace("14.0", "inf"), "not finite"),
        (LONG.replace("140,NaN", "7,1"), "steps fall"),
        (LONG.replace("CartPole-v1,2", "CartPole-v1,x"), "column seed: 'x'"),
        ("global_step,eval/mean_reward\n100,1\n100,2\n", "step 100 is there twice"),
        (
            ",ppo ({}),dqn ({})\nAlien-v5,1705.80 ± 439.74,1755.00 ± 342.54\n",
            "means and deviations, which holds no runs",
        ),
    ],
)
def test_what_is_wrong_is_named(text, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        read(tmp_path, text, {} if "exp_name" in text else {**STATED, "seed": "0"})
