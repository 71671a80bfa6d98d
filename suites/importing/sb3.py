"""The files of Stable-Baselines3 and RL Zoo as runs: which belong together, and whose they are."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import UsageError
from .evaluations import read_evaluations
from .files import Files
from .identity import Key, key_of, origin, said_of_numbers
from .monitor import Monitor, merge, read_monitor
from .problems import Problems
from .runs import ImportedRun, TrainingEpisodes
from .series import Source

_EVALUATION = re.compile(r"(?<![a-z])(eval|evaluation|evaluations|test|valid|validation)(?![a-z])", re.IGNORECASE)


def read_sb3(
    files: Files, given: Mapping[str, str], source: Source | None, notes: list[str]
) -> tuple[list[ImportedRun], list[TrainingEpisodes]]:
    """Runs with evaluations, and runs of training episodes; one of the two lists is empty.

    The files ``0.monitor.csv``, ``1.monitor.csv`` ... of one folder that agree in algorithm, environment and seed are
    the parallel environments of one run; the monitor of an evaluation environment beside them is left out. Algorithm,
    environment and seed come from ``given``, else from the file (environment) and its path.

    Args:
        files: what was found.
        given: algorithm, env or seed that the user stated.
        source: which of the two is wanted; None takes evaluations where every run has them, else training episodes.
        notes: what the user might not expect is added to them.

    Raises:
        UsageError: naming the files and what is missing or twofold.
    """
    problems = Problems()
    monitors: dict[Path, Monitor] = {}
    for path in files.monitors:
        with problems.collected():
            monitors[path] = read_monitor(path)
    problems.check()
    known = {path.parent: monitor.env for path, monitor in monitors.items() if monitor.env}
    keys = _keys({path: known.get(path.parent) for path in files.evaluations}, given, problems)
    monitor_keys = _keys({path: monitor.env for path, monitor in monitors.items()}, given, problems)
    evaluated = _grouped(keys, problems, notes)
    trained = _grouped(monitor_keys, problems, notes)
    problems.check()
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
    runs: list[ImportedRun] = []
    episodes: list[TrainingEpisodes] = []
    for key, paths in chosen.items():
        with problems.collected():
            if source == "evaluation":
                runs.append(ImportedRun(*key, tuple(paths), read_evaluations(paths[0])))
            else:
                episodes.append(_merged(key, [monitors[path] for path in paths], notes))
    problems.check()
    if "seed" not in given:
        notes += said_of_numbers([origin(path) for paths in chosen.values() for path in paths])
    return runs, episodes


def _keys(envs: Mapping[Path, str | None], given: Mapping[str, str], problems: Problems) -> dict[Path, Key]:
    keys = {}
    for path, env in envs.items():
        with problems.collected():
            keys[path] = key_of(origin(path), given, str(path), env)
    return keys


def _grouped(keys: Mapping[Path, Key], problems: Problems, notes: list[str]) -> dict[Key, Sequence[Path]]:
    """The files of each run."""
    grouped: dict[Key, list[Path]] = {}
    for path, key in keys.items():
        grouped.setdefault(key, []).append(path)
    for key, paths in grouped.items():
        beside = [path for path in paths if _is_of_evaluation(path)]
        if 0 < len(beside) < len(paths):
            grouped[key] = paths = [path for path in paths if path not in beside]
            notes += [f"{path} is left out: by its name it watches an evaluation environment" for path in beside]
        with problems.collected():
            _check_one_run(key, paths)
    return dict(grouped)


def _check_one_run(key: Key, paths: Sequence[Path]) -> None:
    """Refuse files that are not the parallel environments of one run."""
    if len(paths) == 1:
        return
    if others := [path for path in paths[1:] if path.parent != paths[0].parent]:
        raise UsageError(
            f"{paths[0]} and {others[0]} are both {key.algorithm} on {key.env}, seed {key.seed}; "
            "import them apart with --seed, or put the seed into the path, as in seed-3"
        )
    if others := [path for path in paths if not path.name.partition(".")[0].isdigit()]:
        first = next(path for path in paths if path != others[0])
        raise UsageError(
            f"{others[0]} and {first.name} beside it are both {key.algorithm} on {key.env}, seed {key.seed}, and only "
            "0.monitor.csv, 1.monitor.csv ... are parallel environments of one run; name the files of its training"
        )


def _is_of_evaluation(path: Path) -> bool:
    """Whether the name of a monitor file, or of its folder, says that it watches evaluations."""
    stem = path.name.partition("monitor.csv")[0]
    return path.suffix != ".npz" and any(_EVALUATION.search(name) for name in (stem, path.parent.name))


def _merged(key: Key, monitors: Sequence[Monitor], notes: list[str]) -> TrainingEpisodes:
    notes += dict.fromkeys(note for monitor in monitors for note in monitor.notes)
    if not any(monitor.episodes for monitor in monitors):
        files = ", ".join(str(monitor.path) for monitor in monitors)
        raise UsageError(
            f"{files}: no episode of {key.algorithm} on {key.env}, seed {key.seed}, is finished; leave it out"
        )
    return merge(*key, monitors)
