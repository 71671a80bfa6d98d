"""Which files there are to import."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError
from .npz import holds
from .problems import Problems

EVALUATIONS = "evaluations.npz"
MONITOR = "monitor.csv"
EVENTS = "tfevents"
SUPPORTED = (
    "tidy CSV, SB3's *monitor.csv and evaluations.npz, RL Zoo's log folders, TensorBoard's event files, CSV of W&B "
    "and Open RL Benchmark, rliable's scores as .json, .npy or .npz"
)


class Files(NamedTuple):
    """Files by their form."""

    tables: list[Path]
    """CSV of one kind or another, told apart by its header."""
    monitors: list[Path]
    evaluations: list[Path]
    events: list[Path]
    """Of TensorBoard."""
    scores: list[Path]
    """Of rliable: a number per run."""
    notes: list[str]
    """What was left out, a line each."""


def find_files(paths: Sequence[Path]) -> Files:
    """The files named, and those of Stable-Baselines3 and TensorBoard in the folders named, sorted and each once.

    Raises:
        UsageError: a path does not exist, or a folder holds nothing to import.
    """
    found, problems = Files([], [], [], [], [], []), Problems()
    for path in paths:
        with problems.collected():
            for file in _inside(path, found.notes) if path.is_dir() else [path]:
                _add(found, file)
    problems.check()
    return found


def _inside(folder: Path, notes: list[str]) -> list[Path]:
    episodes = {*folder.rglob(f"*{MONITOR}"), *folder.rglob(f"*{MONITOR}.gz"), *folder.rglob(EVALUATIONS)}
    events = {file for file in folder.rglob(f"*{EVENTS}*") if file.is_file()}
    if not episodes and not events:
        raise UsageError(
            f"{folder} holds neither *{MONITOR} nor {EVALUATIONS} nor event files; name the files to import: "
            f"{SUPPORTED}"
        )
    if episodes and events:
        notes.append(f"{folder}: TensorBoard's event files beside SB3's own are left out; name them to import them")
    return sorted(episodes or events)


def _add(found: Files, file: Path) -> None:
    if not file.exists():
        raise UsageError(f"{file} does not exist; name a file or a folder with results")
    if not file.is_file():
        raise UsageError(f"{file} is no file; name a file or a folder with results")
    name = file.name.lower().removesuffix(".gz")
    if file.name == EVALUATIONS or (name.endswith(".npz") and holds(file, "timesteps")):
        where = found.evaluations
    elif name.endswith((".npz", ".npy", ".json")):
        where = found.scores
    elif EVENTS in name:
        where = found.events
    elif name.endswith(MONITOR) or _begins_like_a_monitor(file):
        where = found.monitors
    elif name.endswith((".csv", ".tsv", ".txt")) or "." not in name:
        where = found.tables
    else:
        raise UsageError(f"{file}: files of this kind are not read; what is read: {SUPPORTED}")
    if file not in where:
        where.append(file)


def _begins_like_a_monitor(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(2) == b"#{"
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}; check its permissions") from None
