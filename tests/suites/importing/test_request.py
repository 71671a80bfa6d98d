"""Results from elsewhere through to the frame that reports read."""

import json

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results import CellStore, gather, load
from pgsuite.results.statistics.identical import identical_runs
from pgsuite.results.store.protocol import Measured, measured
from pgsuite.suites.anchors import AnchorsTable
from pgsuite.suites.importing.request import ImportRequest, import_results
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

SUITE = {
    "name": "small",
    "description": "of the test",
    "seeds": "0-1",
    "evaluation": {"checkpoints": 2, "episodes": 3},
    "environments": {"CartPole-v1": {"steps": 200}},
    "algorithms": {"reinforce": {"num_envs": 2}},
}


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """Real results, to be compared with."""
    out = tmp_path_factory.mktemp("native") / "small"
    run_cells(plan_cells(parse_suite(SUITE, "test"), out), out, workers=1)
    return out


def csv(tmp_path, *rows, header="algorithm,env,seed,env_steps,return", name="mine.csv"):
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def on_suite_grid(tmp_path, seeds=(0, 1), **kwargs):
    rows = [f"mine,CartPole-v1,{seed},{point},{20 + point}" for seed in seeds for point in (0, 100, 200)]
    return csv(tmp_path, *rows, **kwargs)


def bring(path, out, **options):
    return import_results(ImportRequest(paths=(path,), **options), out)


def record(folder):
    return json.loads(next(folder.glob("*/cell.json")).read_text())


def test_scores_by_the_known_anchors_worked_by_hand(tmp_path):
    bring(on_suite_grid(tmp_path), tmp_path / "out")
    frame = load(tmp_path / "out")
    assert frame["score"][2] == pytest.approx((220 - 22.25) / (500 - 22.25))
    assert set(frame["status"]) == {"complete"}


def test_an_environment_without_anchors_has_no_score_and_that_is_said(tmp_path):
    imported = bring(csv(tmp_path, "mine,Own-v0,0,0,1", "mine,Own-v0,0,5,2"), tmp_path / "out")
    assert imported.notes == ["Own-v0 has no anchors, so its returns have no score; give it some with --anchors FILE"]
    assert load(tmp_path / "out")["score"].isna().all()


OWN = {"Own-v0": AnchorsTable(random=-10.0, reference=90.0, source="by hand")}


def test_anchors_of_the_user_worked_by_hand(tmp_path):
    imported = bring(csv(tmp_path, "mine,Own-v0,0,0,-10", "mine,Own-v0,0,5,40"), tmp_path / "out", anchors=OWN)
    assert imported.notes == []
    assert load(tmp_path / "out")["score"].tolist() == [0.0, 0.5]
    assert record(tmp_path / "out")["anchors_source"] == "by hand"


def test_anchors_that_have_no_place(native, tmp_path):
    note = bring(on_suite_grid(tmp_path), tmp_path / "out", anchors=OWN).notes[0]
    assert "environments that are not there: Own-v0" in note
    with pytest.raises(UsageError, match="leave --anchors or --like out"):
        bring(on_suite_grid(tmp_path), tmp_path / "other", anchors=OWN, like=native)


def test_like_takes_the_rules_and_the_report_compares_them(native, tmp_path):
    bring(on_suite_grid(tmp_path), tmp_path / "out", like=native)
    assert {member.label for member in gather([native, tmp_path / "out"]).members} == {"reinforce", "mine"}
    assert record(tmp_path / "out")["protocol"] == record(native)["protocol"]
    assert record(tmp_path / "out")["declared_like"] == "small"


def test_without_like_the_report_refuses_the_comparison(native, tmp_path):
    bring(on_suite_grid(tmp_path), tmp_path / "out")
    with pytest.raises(UsageError, match=r"evaluation differs.*policy mode unknown.*--grid common"):
        gather([native, tmp_path / "out"])


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["0,1", "90,1", "200,1"], "env_steps,return", "90 where .* has 100"),
        (["0,1", "100,1", "200,1", "300,1"], "env_steps,return", "too many points"),
        (["100,1", "200,1"], "env_steps,return", "100 where .* has 0"),
        (["0,1,3", "100,1,4"], "env_steps,return,episodes", "averages 4 episodes where .* averages 3"),
    ],
)
def test_like_is_held_to_its_word(rows, header, message, native, tmp_path):
    path = csv(tmp_path, *rows, header=header)
    with pytest.raises(UsageError, match=message):
        bring(path, tmp_path / "out", like=native, algorithm="mine", env="CartPole-v1", seed=0)
    assert not (tmp_path / "out").exists()


def test_like_needs_the_environment(native, tmp_path):
    path = csv(tmp_path, "mine,Pendulum-v1,0,0,1", "mine,Pendulum-v1,0,100,2")
    with pytest.raises(UsageError, match="no complete run on Pendulum-v1"):
        bring(path, tmp_path / "out", like=native)


def test_a_run_cut_short_is_partial(native, tmp_path):
    for options in ({}, {"like": native}):
        out = tmp_path / f"out{len(options)}"
        rows = [f"mine,CartPole-v1,{s},{p},1" for s, p in ((0, 0), (0, 100), (0, 200), (1, 0), (1, 100))]
        bring(csv(tmp_path, *rows), out, **options)
        assert load(out).groupby("seed")["status"].first().to_dict() == {0: "complete", 1: "partial"}


SHORT = [f"mine,CartPole-v1,{s},{p},1" for s, p in ((0, 0), (0, 100), (0, 200), (1, 0), (1, 100))]


def test_a_run_cut_short_is_named_with_the_remedy_and_the_remedy_helps(tmp_path):
    path = csv(tmp_path, *SHORT)
    (note,) = bring(path, tmp_path / "one").notes
    assert "1 of 2 runs on CartPole-v1 end before its budget of 200 steps" in note
    assert "mine seed 1 (up to 100)" in note
    assert "--steps 100" in note
    assert bring(path, tmp_path / "two", steps=100).notes == []
    frame = load(tmp_path / "two")
    assert set(frame["status"]) == {"complete"}
    assert frame["env_steps"].max() == record(tmp_path / "two")["steps"] == 100


def test_a_training_run_cut_short_is_named_with_the_remedy_and_the_remedy_helps(tmp_path):
    for seed, episodes in ((0, 20), (1, 10)):
        folder = tmp_path / "logs" / f"seed-{seed}"
        folder.mkdir(parents=True)
        lines = [f"9,10,{k}" for k in range(1, episodes + 1)]
        header = '#{"t_start": 1, "env_id": "CartPole-v1"}'
        (folder / "monitor.csv").write_text("\n".join([header, "r,l,t", *lines]) + "\n")
    options = {"algorithm": "ppo", "checkpoints": 4}
    (note,) = bring(tmp_path / "logs", tmp_path / "one", **options).notes
    assert "ppo seed 1 (up to 100)" in note
    assert "--steps 100" in note
    assert bring(tmp_path / "logs", tmp_path / "two", steps=100, **options).notes == []


def test_a_run_shorter_than_the_rules_it_follows_is_named(native, tmp_path):
    (note,) = bring(csv(tmp_path, *SHORT), tmp_path / "out", like=native).notes
    assert "mine seed 1 (up to 100); train them up to 200 steps, as small did" in note
    with pytest.raises(UsageError, match="--steps 100: the budget is that of"):
        bring(csv(tmp_path, *SHORT), tmp_path / "out", like=native, steps=100)


def test_a_budget_below_every_point_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"--steps 5: .* has no point up to there"):
        bring(csv(tmp_path, "mine,CartPole-v1,0,10,1", "mine,CartPole-v1,0,20,1"), tmp_path / "out", steps=5)


SAME = [f"mine,CartPole-v1,{seed},{point},{20 + point}" for seed in (0, 2, 5) for point in (0, 100, 200)]


def test_one_run_under_several_seeds_is_said_once_and_seen_in_the_results(tmp_path):
    imported = bring(csv(tmp_path, *SAME, "mine,CartPole-v1,1,0,20", "mine,CartPole-v1,1,100,7"), tmp_path / "out")
    told = [note for note in imported.notes if "identical" in note]
    assert len(told) == 1
    assert "mine on CartPole-v1 with seeds 0, 2, 5" in told[0]
    assert [group.seeds for group in identical_runs(load(tmp_path / "out"))] == [(0, 2, 5)]


def test_a_copy_that_is_imported_later_is_found(tmp_path):
    assert bring(csv(tmp_path, *SAME[:3]), tmp_path / "out").notes == []
    (note,) = bring(csv(tmp_path, *SAME[3:6]), tmp_path / "out").notes
    assert "seeds 0, 2 have identical curves" in note


@pytest.mark.parametrize("kind", ["evaluations", "monitors"])
def test_one_run_in_several_folders(kind, tmp_path):
    for n in (1, 2, 3):
        folder = tmp_path / "logs" / "ppo" / f"CartPole-v1_{n}"
        folder.mkdir(parents=True)
        if kind == "evaluations":
            steps, returns = np.array([100, 200]), np.array([[1.0, 3.0], [5.0, 6.0]])
            np.savez(folder / "evaluations.npz", timesteps=steps, results=returns, ep_lengths=np.ones((2, 2)))
        else:
            rows = "".join(f"{k},10,{k}\n" for k in range(1, 30))
            (folder / "monitor.csv").write_text('#{"t_start": 1, "env_id": "CartPole-v1"}\nr,l,t\n' + rows)
    notes = bring(tmp_path / "logs", tmp_path / "out").notes
    assert sum("seeds 1, 2, 3 have identical curves" in note for note in notes) == 1
    assert sum("CartPole-v1_1" in note and "taken for the seed" in note for note in notes) == 1


def test_five_and_three_episodes(tmp_path):
    rows = [
        "mine,CartPole-v1,0,0,1,5",
        "mine,CartPole-v1,0,9,2,5",
        "mine,CartPole-v1,1,0,1,3",
        "mine,CartPole-v1,1,9,3,3",
    ]
    path = csv(tmp_path, *rows, header="algorithm,env,seed,env_steps,return,episodes")
    (note,) = bring(path, tmp_path / "out").notes
    assert "average different numbers of episodes: 3 in mine seed 1; 5 in mine seed 0" in note
    assert record(tmp_path / "out")["protocol"]["episodes"] is None


def test_what_the_user_says_of_evaluations_is_in_the_record(tmp_path):
    bring(on_suite_grid(tmp_path), tmp_path / "out", episodes=5, deterministic=True)
    assert measured(record(tmp_path / "out")) == Measured("evaluation", 5, True)


def test_a_resumed_monitor_is_one_run(tmp_path):
    """Worked by hand: 100 episodes of 10 steps, then 30 of 100 in a process that began anew."""
    rows = [f"10,10,{n / 100}" for n in range(1, 101)] + [f"100,100,{n / 10}" for n in range(1, 31)]
    header = '#{"t_start": 1, "env_id": "CartPole-v1"}'
    path = csv(tmp_path, "r,l,t", *rows, header=header, name="resumed.monitor.csv")
    (note,) = bring(path, tmp_path / "out", algorithm="ppo", seed=0).notes
    assert "clock begins again in line 103" in note
    curve = load(tmp_path / "out").set_index("env_steps")["return_mean"]
    assert set(curve.loc[:1000]) == {10.0}
    assert set(curve.loc[2000:]) == {100.0}
    assert curve.index[-1] == 4000


def test_two_files_with_the_same_run(tmp_path):
    paths = (on_suite_grid(tmp_path), on_suite_grid(tmp_path, name="again.csv"))
    with pytest.raises(UsageError, match=r"mine\.csv and .*again\.csv both hold mine on CartPole-v1, seed 0"):
        import_results(ImportRequest(paths=paths), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A tiny real run of Stable-Baselines3 in RL Zoo's layout."""
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.callbacks import EvalCallback
    from stable_baselines3.common.env_util import make_vec_env

    logs = tmp_path_factory.mktemp("zoo") / "logs"
    for n in (1, 2):
        folder = logs / "a2c" / f"CartPole-v1_{n}"
        folder.mkdir(parents=True)
        env = make_vec_env("CartPole-v1", n_envs=2, seed=n, monitor_dir=str(folder))
        judge = EvalCallback(
            make_vec_env("CartPole-v1", n_envs=1), n_eval_episodes=3, eval_freq=100, log_path=str(folder), verbose=0
        )
        sb3.A2C("MlpPolicy", env, device="cpu", seed=n).learn(600, callback=judge)
        env.close()
    return logs


def test_rl_zoo_evaluations(zoo, tmp_path):
    bring(zoo, tmp_path / "out")
    frame = load(tmp_path / "out")
    assert sorted(set(frame["seed"])) == [1, 2]
    assert set(frame["algorithm"]) == {"a2c"}
    with np.load(zoo / "a2c" / "CartPole-v1_1" / "evaluations.npz") as stored:
        first = frame[frame["seed"] == 1]
        assert list(first["env_steps"]) == list(stored["timesteps"]) == [200, 400, 600]
        np.testing.assert_array_equal(first["return_mean"], stored["results"].mean(1))


def test_rl_zoo_training_episodes(zoo, tmp_path):
    from stable_baselines3.common.monitor import load_results

    bring(zoo, tmp_path / "out", source="training", steps=600, checkpoints=5, window=4)
    frame = load(tmp_path / "out")
    assert set(frame["status"]) == {"complete"}
    theirs = load_results(str(zoo / "a2c" / "CartPole-v1_1"))
    finished = theirs["l"].cumsum() <= 360
    row = frame[(frame["seed"] == 1) & (frame["env_steps"] == 360)].iloc[0]
    assert row["return_mean"] == pytest.approx(theirs["r"][finished].tail(4).mean())
    assert record(tmp_path / "out")["protocol"]["source"] == "imported: training episodes"
    store = CellStore.open(next((tmp_path / "out").glob("a2c*")))
    assert [entry["file"] for entry in store.read_curve(1)[1]["imported"]] == [
        "a2c/CartPole-v1_1/0.monitor.csv",
        "a2c/CartPole-v1_1/1.monitor.csv",
    ]


def test_run_by_run_with_options(zoo, tmp_path):
    options = {"source": "training", "algorithm": "mine", "steps": 600, "checkpoints": 5}
    for n in (1, 2):
        bring(zoo / "a2c" / f"CartPole-v1_{n}", tmp_path / "out", seed=10 + n, **options)
    frame = load(tmp_path / "out")
    assert (set(frame["algorithm"]), sorted(set(frame["seed"]))) == ({"mine"}, [11, 12])


def test_two_folders_of_one_seed(zoo, tmp_path):
    with pytest.raises(UsageError, match=r"CartPole-v1_1.* and .*CartPole-v1_2.* are both a2c.*seed 7.*--seed"):
        bring(zoo, tmp_path / "out", seed=7)


def test_monitor_files_alone_need_to_be_told_whose_they_are(tmp_path):
    path = tmp_path / "monitor.csv"
    path.write_text('#{"t_start": 1, "env_id": "CartPole-v1"}\nr,l,t\n9,9,1\n9,9,2\n')
    with pytest.raises(UsageError, match=r"does not tell its algorithm.*--algorithm ppo"):
        bring(path, tmp_path / "out")
    with pytest.raises(UsageError, match=r"does not tell its seed.*--seed 3"):
        bring(path, tmp_path / "out", algorithm="ppo")
    bring(path, tmp_path / "out", algorithm="ppo", seed=3, checkpoints=2)
    assert list(load(tmp_path / "out")["env_steps"]) == [9, 18]


def test_training_episodes_are_like_no_evaluation(native, zoo, tmp_path):
    with pytest.raises(UsageError, match=r"training episodes.*--like"):
        bring(zoo, tmp_path / "out", source="training", like=native)
