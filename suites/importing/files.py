"""Which files there are to import, and what their paths say about them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError
from .problems import Problems

EVALUATIONS = "evaluations.npz"
MONITOR = "monitor.csv"
EVENTS = "tfevents"
SUPPORTED = (
    "tidy CSV, SB3's *monitor.csv and evaluations.npz, RL Zoo's log folders, TensorBoard's event files, CSV of W&B "
    "and Open RL Benchmark, rliable's scores as .json, .npy or .npz"
)

_ZOO = re.compile(r"(.+-v\d+)_(\d+)")
_SEED = re.compile(r"(?:^|[^A-Za-z])seed[-_=\s]?(\d{1,18})(?!\d)", re.IGNORECASE)


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


class Origin(NamedTuple):
    """What a path tells of a run; None where it tells nothing."""

    algorithm: str | None
    env: str | None
    seed: int | None
    counted: bool = False
    """Whether the seed is RL Zoo's number, which counts runs."""


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
    if file.name == EVALUATIONS:
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


def origin(file: Path) -> Origin:
    """Read a path: RL Zoo's ``<algorithm>/<env>_<n>``, whose n is taken for the seed, or any ``seed-3`` in it.

    ``<env>_<n>`` may be the file's folder, or the beginning of its name, as ``Monitor(env, "a2c/CartPole-v1_1")`` has
    it.
    """
    parts = file.absolute().parts
    stem = re.sub(r"\.?(monitor\.csv|csv|npz)(\.gz)?$", "", parts[-1])
    for name, parent in ((stem, parts[-2:-1]), (parts[-2] if len(parts) > 2 else "", parts[-3:-2])):
        if parent and (zoo := _ZOO.fullmatch(name)):
            return Origin(parent[0], zoo[1], int(zoo[2][:18]), counted=True)
    for part in reversed(parts):
        if (seed := seed_in(part)) is not None:
            return Origin(None, None, seed)
    return Origin(None, None, None)


def seed_in(text: str) -> int | None:
    """The number of a ``seed-3`` in a name."""
    found = _SEED.search(text)
    return int(found[1]) if found else None
