"""Score dictionaries as rliable takes them: a number per run and task, of every algorithm, and no curve.

``{algorithm: (runs, tasks)}``, or ``{algorithm: {task: (runs,)}}``, as JSON, or as arrays of an ``.npz`` called
``<algorithm>`` or ``<algorithm>/<task>``; an ``.npy`` holds the array of one algorithm. In arrays with a third axis,
of points in training, the last one counts: nobody says how many steps the others are. Nothing is ever unpickled.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.store.curve import CurveRow
from .csv_file import read_text
from .npz import read_arrays
from .problems import Problems
from .runs import ImportedRun, Read, checked_name

SHAPE = "{algorithm: runs x tasks} or {algorithm: {task: runs}}, as rliable takes them"
Scores = dict[str, dict[str, NDArray[np.float64]]]
"""Algorithm -> task -> ``(runs,)``."""


def read_scores(path: Path, given: Mapping[str, str]) -> Read:
    """The runs of a file of scores, numbered from 0: their order is no seed.

    Args:
        path: ``.json``, ``.npz`` or ``.npy``, the first packed by gzip or not.
        given: the algorithm of a single array, or the environment of a single task.

    Raises:
        UsageError: naming the file, what in it is wrong and the remedy.
    """
    notes: list[str] = []
    content = _json(path) if path.name.lower().removesuffix(".gz").endswith(".json") else _arrays(path, given)
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{path} holds no scores; they are {SHAPE}")
    problems, runs = Problems(), list[ImportedRun]()
    for name, entry in content.items():
        with problems.collected():
            algorithm = checked_name(str(name), "algorithm", str(path))
            for env, scores in _tasks(path, algorithm, entry, given, notes).items():
                runs += [_run(path, algorithm, env, seed, float(score)) for seed, score in enumerate(scores)]
    problems.check()
    return Read(runs, list(dict.fromkeys(notes)))


def _run(path: Path, algorithm: str, env: str, seed: int, score: float) -> ImportedRun:
    nothing = float("nan")
    row = CurveRow(1, 0, 0, score, nothing, 0, nothing, 0, 0, nothing)
    return ImportedRun(algorithm, checked_name(env, "task", str(path)), seed, (path,), (row,))


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON: {str(error)[:80]}; save the scores again") from None


def _arrays(path: Path, given: Mapping[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, array in read_arrays(path, "np.savez(path, **scores), or as JSON").items():
        algorithm, slash, task = name.rpartition("/")
        if slash:
            content.setdefault(algorithm, {})[task] = array
        elif name:
            content[name] = array
        elif "algorithm" in given:
            content[given["algorithm"]] = array
        else:
            raise UsageError(f"{path} holds one array, without the algorithm's name; give it, as in --algorithm ppo")
    return content


def _tasks(
    path: Path, algorithm: str, entry: Any, given: Mapping[str, str], notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """The scores of an algorithm by task."""
    if isinstance(entry, Mapping):
        return {str(task): _column(path, f"{algorithm}, {task}", runs, notes) for task, runs in entry.items()}
    array = _last(path, algorithm, _numbers(path, algorithm, entry), 2, notes)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise UsageError(f"{path}, {algorithm}: its shape is {array.shape}, and should be (runs, tasks): {SHAPE}")
    if "env" in given and array.shape[1] == 1:
        return {given["env"]: array[:, 0]}
    notes.append(f"{path}: its tasks have no names, and are called task-1 to task-{array.shape[1]}, in their order")
    return {f"task-{n}": array[:, n - 1] for n in range(1, array.shape[1] + 1)}


def _column(path: Path, where: str, runs: Any, notes: list[str]) -> NDArray[np.float64]:
    array = _last(path, where, _numbers(path, where, runs), 1, notes)
    if array.ndim != 1 or not array.size:
        raise UsageError(f"{path}, {where}: its shape is {array.shape}, and should be (runs,): {SHAPE}")
    return array


def _last(path: Path, where: str, array: NDArray[np.float64], axes: int, notes: list[str]) -> NDArray[np.float64]:
    """The last point in training, of an array that holds several."""
    if array.ndim != axes + 1 or not array.size:
        return array
    notes.append(f"{path}, {where}: of the {array.shape[-1]} points in training, without steps, the last one is taken")
    return array[..., -1]


def _numbers(path: Path, where: str, values: Any) -> NDArray[np.float64]:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "iuf":
            raise ValueError("not numbers")
        array = array.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{path}, {where}: not numbers, or rows of unequal length; they are {SHAPE}") from None
    if not np.isfinite(array).all():
        raise UsageError(f"{path}, {where}: a score is not finite; leave that run out")
    return array
