"""What EvalCallback of Stable-Baselines3 writes."""

import pickle
import zipfile

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.importing.evaluations import read_evaluations

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
    with pytest.raises(UsageError, match=r"evaluations\.npz.*pickled objects"):
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
    monkeypatch.setattr("pgsuite.suites.importing.npz.LARGEST_FILE", 100)
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
