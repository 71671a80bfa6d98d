"""Monitor files and evaluations of Stable-Baselines3."""

import pickle
import zipfile

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.sb3 import merge, read_evaluations, read_monitor

HEADER = '#{"t_start": 100.0, "env_id": "CartPole-v1"}\n'
ROWS = "r,l,t\n5.0,5,1.0\n7.0,7,3.0\n"


def write(tmp_path, text, name="0.monitor.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_episodes_are_merged_by_the_time_they_finished(tmp_path):
    """Worked by hand: the second file began two seconds later, and its only episode ended between the other's."""
    one = read_monitor(write(tmp_path, HEADER + ROWS))
    other = read_monitor(write(tmp_path, HEADER.replace("100.0", "101.5") + "r,l,t\n9.0,9,0.5\n", "1.monitor.csv"))
    run = merge("ppo", "CartPole-v1", 0, [one, other])
    assert run.returns.tolist() == [5.0, 9.0, 7.0]
    assert run.env_steps.tolist() == [5, 14, 21]
    assert run.seconds.tolist() == [1.0, 2.0, 3.0]


def test_the_same_as_stable_baselines3_reads(tmp_path):
    load_results = pytest.importorskip("stable_baselines3.common.monitor").load_results
    random, monitors = np.random.default_rng(0), []
    for n in range(3):
        seconds = np.cumsum(random.uniform(0.1, 1, 40)).round(6)
        rows = "".join(f"{random.normal():.6f},{random.integers(1, 50)},{t}\n" for t in seconds)
        path = write(tmp_path, HEADER.replace("100.0", f"{100 + n / 3}") + "r,l,t\n" + rows, f"{n}.monitor.csv")
        monitors.append(read_monitor(path))
    theirs, ours = load_results(str(tmp_path)), merge("a", "e", 0, monitors)
    np.testing.assert_array_equal(theirs["r"], ours.returns)
    np.testing.assert_array_equal(theirs["l"].cumsum(), ours.env_steps)
    np.testing.assert_allclose(theirs["t"], ours.seconds, atol=1e-6)


def test_an_environment_that_does_not_know_its_id(tmp_path):
    assert read_monitor(write(tmp_path, HEADER.replace("CartPole-v1", "None") + ROWS)).env is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (ROWS, ["line 1", "header of a monitor file"]),
        ("#{broken\n" + ROWS, ["line 1", "header of a monitor file"]),
        ("#[]\n" + ROWS, ["line 1"]),
        ('#{"t_start": NaN}\n' + ROWS, ["line 1"]),
        ("#" + "[" * 100_000 + "\n" + ROWS, ["line 1"]),
        (HEADER + ROWS.replace("r,l,t", "r,l,time"), ["line 2", "'t' is missing"]),
        (HEADER + ROWS.replace("7.0,7,3.0", "7.0,7"), ["line 4", "2 values"]),
        (HEADER + ROWS.replace("7,3.0", "0,3.0"), ["line 4, column l", "at least one step"]),
        (HEADER + ROWS.replace("3.0", "0.5"), ["line 4, column t", "0.5 comes after 1", "split"]),
        (HEADER + ROWS.replace("7.0", "inf"), ["line 4, column r", "not finite"]),
        (HEADER, ["no header", "r,l,t"]),
    ],
)
def test_bad_input_names_file_line_column_and_remedy(text, parts, tmp_path):
    with pytest.raises(UsageError) as error:
        read_monitor(write(tmp_path, text))
    for part in ["0.monitor.csv", *parts]:
        assert part in str(error.value)


GOOD = {
    "timesteps": np.array([100, 200]),
    "results": np.array([[1.0, 3.0], [5.0, 5.0]]),
    "ep_lengths": np.array([[10, 20], [30, 30]]),
}


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "evaluations.npz", **{**GOOD, **arrays})
    return tmp_path / "evaluations.npz"


def test_one_row_per_evaluation(tmp_path):
    first, second = read_evaluations(saved(tmp_path))
    assert first[:8] == (1, 100, 100, 2.0, 1.0, 2, 15.0, 30)
    assert second[:5] == (2, 200, 200, 5.0, 0.0)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(tmp_path):
    path = saved(tmp_path, results=np.array([Bomb(), Bomb()], dtype=object))
    with pytest.raises(UsageError, match=r"evaluations\.npz.*pickled objects.*never"):
        read_evaluations(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UsageError, match=r"evaluations\.npz cannot be read"):
        read_evaluations(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"timesteps": np.array([200, 100])}, "do not increase"),
        ({"timesteps": np.array([100, 100])}, "do not increase"),
        ({"timesteps": np.array([1.5, 2.5])}, "whole numbers"),
        ({"timesteps": np.array([1, 2, 3])}, "do not fit"),
        ({"results": np.array([[1.0, np.nan], [1.0, 1.0]])}, "not finite"),
        ({"results": np.array([["a", "b"], ["c", "d"]])}, "not numbers"),
        ({"results": np.zeros((2, 0)), "ep_lengths": np.zeros((2, 0))}, "missing"),
    ],
)
def test_bad_input_is_named(arrays, message, tmp_path):
    with pytest.raises(UsageError, match=rf"evaluations\.npz.*{message}"):
        read_evaluations(saved(tmp_path, **arrays))


def test_a_missing_array_is_named(tmp_path):
    np.savez(tmp_path / "evaluations.npz", timesteps=np.arange(2))
    with pytest.raises(UsageError, match="results is not a file"):
        read_evaluations(tmp_path / "evaluations.npz")


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("pgsuite.suites.importing.sb3.LARGEST_FILE", 100)
    with pytest.raises(UsageError, match="unpacks to more"):
        read_evaluations(saved(tmp_path))


def test_a_cut_file_is_named(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UsageError, match="cannot be read"):
        read_evaluations(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("timesteps.npy", b"junk")
    with pytest.raises(UsageError, match="evaluations"):
        read_evaluations(path)
