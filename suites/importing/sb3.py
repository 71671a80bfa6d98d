"""The files of Stable-Baselines3 and RL Zoo as runs: what is in them, which belong together, and whose they are.

A monitor file is a line ``#{"t_start": ..., "env_id": ...}``, then a row r, l, t per finished episode.
``evaluations.npz`` of ``EvalCallback`` holds timesteps ``(K,)``, results and ep_lengths ``(K, E)``.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.store.curve import CurveRow
from .csv_file import read_lines, read_text
from .files import Files, origin
from .runs import ImportedRun, TrainingEpisodes, checked_name

Source = Literal["evaluation", "training"]
"""Whether a curve is made of evaluations or of training episodes."""
LARGEST_FILE = 2**30
"""Bytes unpacked; evaluations of a run take some kilobytes."""


class Monitor(NamedTuple):
    """One file: the episodes of one environment."""

    path: Path
    env: str | None
    """None where the environment did not know its id."""
    start: float
    """When it began, in seconds since the epoch."""
    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    seconds: NDArray[np.float64]
    """Since ``start``."""


class _Key(NamedTuple):
    algorithm: str
    env: str
    seed: int


def read_sb3(
    files: Files, given: Mapping[str, str], source: Source | None
) -> tuple[list[ImportedRun], list[TrainingEpisodes]]:
    """Runs with evaluations, and runs of training episodes; one of the two lists is empty.

    The monitor files of one folder that agree in algorithm, environment and seed are the parallel environments of one
    run. Algorithm, environment and seed come from ``given``, else from the file (environment) and its path.

    Args:
        files: what was found.
        given: algorithm, env or seed that the user stated.
        source: which of the two is wanted; None takes evaluations where every run has them, else training episodes.

    Raises:
        UsageError: naming the file and what is missing or twofold.
    """
    monitors = [read_monitor(path) for path in files.monitors]
    known = {monitor.path.parent: monitor.env for monitor in monitors if monitor.env}
    evaluated = _one_folder_each({path: _key(path, known.get(path.parent), given) for path in files.evaluations})
    keys = {monitor.path: _key(monitor.path, monitor.env, given) for monitor in monitors}
    trained = _one_folder_each(keys)
    if source is None:
        source = "training" if not evaluated else "evaluation"
        if evaluated and (lacking := trained.keys() - evaluated.keys()):
            some = trained[min(lacking)][0]
            raise UsageError(
                f"{some.parent} has monitor files and no evaluations.npz, unlike others; "
                "choose what to import with --source evaluation or --source training"
            )
    chosen = evaluated if source == "evaluation" else trained
    if (evaluated or trained) and not chosen:
        raise UsageError(f"there are no files to import for --source {source}; name them, or leave the option out")
    if source == "evaluation":
        return [ImportedRun(*key, tuple(paths), read_evaluations(paths[0])) for key, paths in evaluated.items()], []
    by_path: dict[Path, Monitor] = {monitor.path: monitor for monitor in monitors}
    return [], [merge(*key, [by_path[path] for path in paths]) for key, paths in trained.items()]


def _key(path: Path, env: str | None, given: Mapping[str, str]) -> _Key:
    told = origin(path)
    algorithm, env = given.get("algorithm") or told.algorithm, given.get("env") or env or told.env
    seed = given.get("seed", told.seed)
    for name, value, example in (("algorithm", algorithm, "ppo"), ("env", env, "CartPole-v1"), ("seed", seed, "3")):
        if value is None:
            raise UsageError(
                f"{path} does not tell its {name}, and neither does its path; give it, as in --{name} {example}"
            )
    return _Key(
        checked_name(str(algorithm), "algorithm", str(path)), checked_name(str(env), "env", str(path)), int(seed or 0)
    )


def _one_folder_each(keys: Mapping[Path, _Key]) -> dict[_Key, Sequence[Path]]:
    grouped: dict[_Key, list[Path]] = {}
    for path, key in keys.items():
        grouped.setdefault(key, []).append(path)
    for key, paths in grouped.items():
        others = [path for path in paths[1:] if path.parent != paths[0].parent or path.suffix == ".npz"]
        if others:
            raise UsageError(
                f"{paths[0]} and {others[0]} are both {key.algorithm} on {key.env}, seed {key.seed}; "
                "import them apart with --seed, or put the seed into the path, as in seed-3"
            )
    return dict(grouped)


def read_monitor(path: Path) -> Monitor:
    """The episodes of a monitor file.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    text = read_text(path)
    first = text.splitlines()[0]
    try:
        facts = json.loads(first.removeprefix("#")) if first.startswith("#") else {}
        start, env = float(facts["t_start"]), str(facts.get("env_id"))
        if not np.isfinite(start):
            raise ValueError("not finite")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UsageError(
            f'{path}, line 1 is not the header of a monitor file, #{{"t_start": ..., "env_id": ...}}; '
            "restore it, or rename a tidy CSV so that it does not end in monitor.csv"
        ) from None
    lines = read_lines(path, text, ("r", "l", "t"), skip=1)
    lengths = [line.whole_in("l") for line in lines]
    seconds = [line.number_in("t") for line in lines]
    for n, line in enumerate(lines):
        if lengths[n] == 0:
            raise line.complaint("l", "an episode has at least one step; delete the line")
        if n and seconds[n] < seconds[n - 1]:
            raise line.complaint("t", f"{seconds[n]:g} comes after {seconds[n - 1]:g}: two runs in one file; split it")
    returns = np.array([line.number_in("r") for line in lines])
    known = None if env in ("None", "") else env
    return Monitor(path, known, start, returns, np.array(lengths, np.int64), np.array(seconds))


def merge(algorithm: str, env: str, seed: int, monitors: Sequence[Monitor]) -> TrainingEpisodes:
    """The episodes of a run's parallel environments in the order in which they finished.

    As Stable-Baselines3's ``load_results`` and ``ts2xy`` do: steps are those of all episodes finished so far, so the
    steps of episodes still being played are not counted yet.
    """
    began = min(monitor.start for monitor in monitors)
    seconds = np.concatenate([monitor.seconds + (monitor.start - began) for monitor in monitors])
    order = np.argsort(seconds, kind="stable")
    lengths = np.concatenate([monitor.lengths for monitor in monitors])[order]
    returns = np.concatenate([monitor.returns for monitor in monitors])[order]
    files = tuple(monitor.path for monitor in monitors)
    return TrainingEpisodes(algorithm, env, seed, files, np.cumsum(lengths), returns, lengths, seconds[order])


def read_evaluations(path: Path) -> tuple[CurveRow, ...]:
    """One row per evaluation.

    Raises:
        UsageError: the file cannot be read, holds pickled objects, or its numbers are no curve.
    """
    steps, returns, lengths = _arrays(path)
    if steps.ndim != 1 or returns.ndim != 2 or len(returns) != len(steps) or lengths.shape != returns.shape:
        raise UsageError(
            f"{path}: timesteps {steps.shape}, results {returns.shape} and ep_lengths {lengths.shape} do not fit; "
            "they should be (K,), (K, E) and (K, E): write it with EvalCallback again"
        )
    if not returns.size or not np.isfinite(returns).all() or not np.isfinite(lengths).all():
        raise UsageError(f"{path}: results are missing or not finite; evaluate the run again")
    if steps.min() < 0 or (np.diff(steps) <= 0).any():
        raise UsageError(f"{path}: timesteps do not increase; import the file of one uninterrupted run")
    first = 0 if steps[0] == 0 else 1
    return tuple(
        CurveRow(
            checkpoint=k + first,
            env_steps=int(here),
            trained_steps=int(here),
            return_mean=float(returns[k].mean()),
            return_std=float(returns[k].std()),
            episodes=returns.shape[1],
            length_mean=float(lengths[k].mean()),
            eval_steps=int(lengths[k].sum()),
            updates=0,
            wall_time=float("nan"),
        )
        for k, here in enumerate(steps)
    )


def _arrays(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE:
                raise UsageError(f"{path} unpacks to more than 1 GB, which no evaluations do; name another file")
        with np.load(path, allow_pickle=False) as file:
            steps = np.asarray(file["timesteps"])
            if steps.dtype.kind not in "iu":
                raise ValueError("timesteps are not whole numbers")
            kinds = {name: np.asarray(file[name]) for name in ("results", "ep_lengths")}
            if any(array.dtype.kind not in "iuf" for array in kinds.values()):
                raise ValueError("results are not numbers")
            return steps.astype(np.int64), *(array.astype(np.float64) for array in kinds.values())  # type: ignore[return-value]
    except KeyError as error:
        raise UsageError(f"{path}: {str(error)[:80]}; write it with EvalCallback") from None
    except ValueError as error:
        pickled = "pickle" in str(error).lower()
        reason = "it holds pickled objects, which are never loaded" if pickled else str(error)[:80]
        raise UsageError(f"{path}: {reason}; write it with EvalCallback again") from None
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:80]}; copy it again") from None
