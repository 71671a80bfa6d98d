"""Which files of Stable-Baselines3 are one run."""

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.files import find_files
from pgsuite.suites.importing.problems import ImportProblems
from pgsuite.suites.importing.sb3 import read_sb3

HEADER = '#{"t_start": 100.0, "env_id": "CartPole-v1"}\nr,l,t\n'


def monitor(path, *returns):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(f"{value},10,{n}\n" for n, value in enumerate(returns)))


def read(folder, **given):
    notes = []
    return read_sb3(find_files([folder]), {"algorithm": "ppo", **given}, None, notes)[1], notes


@pytest.mark.parametrize("other", ["eval.monitor.csv", "eval_env.monitor.csv", "test.monitor.csv", "eval/monitor.csv"])
def test_the_monitor_of_an_evaluation_environment_is_left_out_by_name(other, tmp_path):
    folder = tmp_path / "seed-3"
    monitor(folder / "monitor.csv", 1, 2)
    monitor(folder / other, 500)
    (run,), notes = read(tmp_path)
    assert (run.seed, run.returns.tolist()) == (3, [1, 2])
    assert notes == [f"{folder / other} is left out: by its name it watches an evaluation environment"]


def test_the_monitor_of_an_evaluation_beside_those_of_parallel_environments(tmp_path):
    monitor(tmp_path / "seed-3" / "0.monitor.csv", 1)
    monitor(tmp_path / "seed-3" / "1.monitor.csv", 2)
    monitor(tmp_path / "seed-3" / "eval.monitor.csv", 500)
    (run,), _ = read(tmp_path)
    assert sorted(run.returns) == [1, 2]


def test_a_monitor_that_is_called_eval_alone_is_what_was_asked_for(tmp_path):
    monitor(tmp_path / "seed-3" / "eval.monitor.csv", 5)
    (run,), notes = read(tmp_path)
    assert (run.returns.tolist(), notes) == ([5], [])


@pytest.mark.parametrize("other", ["monitor.csv", "second.monitor.csv"])
def test_only_numbered_siblings_are_parallel(other, tmp_path):
    monitor(tmp_path / "seed-3" / "0.monitor.csv", 1)
    monitor(tmp_path / "seed-3" / other, 2)
    with pytest.raises(UsageError, match=r"only 0\.monitor\.csv, 1\.monitor\.csv \.\.\. are parallel"):
        read(tmp_path)


def test_a_parallel_environment_that_finished_no_episode(tmp_path):
    monitor(tmp_path / "seed-3" / "0.monitor.csv", 1, 2)
    monitor(tmp_path / "seed-3" / "1.monitor.csv")
    (run,), notes = read(tmp_path)
    assert run.returns.tolist() == [1, 2]
    assert len(run.files) == 2
    assert notes == [f"{tmp_path / 'seed-3' / '1.monitor.csv'} holds no finished episode"]


def test_a_run_that_finished_no_episode(tmp_path):
    monitor(tmp_path / "seed-3" / "0.monitor.csv")
    with pytest.raises(UsageError, match="no episode of ppo on CartPole-v1, seed 3, is finished; leave it out"):
        read(tmp_path)


def test_monitors_named_as_monitor_names_them(tmp_path):
    """``Monitor(env, "a2c/CartPole-v1_1")`` writes a2c/CartPole-v1_1.monitor.csv; the number is said to be no seed."""
    for n in (1, 2):
        monitor(tmp_path / "a2c" / f"CartPole-v1_{n}.monitor.csv", n)
    notes = []
    runs = read_sb3(find_files([tmp_path]), {}, None, notes)[1]
    assert [(run.algorithm, run.env, run.seed) for run in runs] == [
        ("a2c", "CartPole-v1", 1),
        ("a2c", "CartPole-v1", 2),
    ]
    (note,) = notes
    assert "CartPole-v1_1" in note
    assert "taken for the seed" in note


def test_every_problem_of_every_file_is_told(tmp_path):
    monitor(tmp_path / "a" / "monitor.csv", 1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "monitor.csv").write_text(HEADER + "1,0,1\nx,5,2\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "monitor.csv").write_text("junk\n")
    with pytest.raises(ImportProblems) as error:
        read(tmp_path)
    assert len(error.value.found) == 3
    np.savez(tmp_path / "a" / "evaluations.npz", timesteps=np.arange(2))
    for name in ("b", "c"):
        (tmp_path / name / "monitor.csv").unlink()
    with pytest.raises(ImportProblems) as error:
        read_sb3(find_files([tmp_path]), {}, None, [])
    assert all("does not tell its algorithm" in problem for problem in error.value.found)
