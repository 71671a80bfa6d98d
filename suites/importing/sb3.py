"""The files of Stable-Baselines3 and RL Zoo as runs: which belong together, and whose they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ...errors import UsageError
from .evaluations import read_evaluations
from .files import Files, origin
from .monitor import Monitor, merge, read_monitor
from .runs import Episodes, ImportedRun, checked_name

Source = Literal["evaluation", "training"]
"""Whether a curve is made of evaluations or of training episodes."""


class _Key(NamedTuple):
    algorithm: str
    env: str
    seed: int


def read_sb3(files: Files, given: Mapping[str, str], source: Source | None) -> tuple[list[ImportedRun], list[Episodes]]:
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
