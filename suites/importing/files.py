"""Which files there are to import, and what their paths say about them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError

EVALUATIONS = "evaluations.npz"
MONITOR = "monitor.csv"

_ZOO = re.compile(r"(.+-v\d+)_(\d+)")
_SEED = re.compile(r"(?:^|[^A-Za-z])seed[-_=]?(\d{1,18})(?!\d)", re.IGNORECASE)


class Files(NamedTuple):
    """Files by their form."""

    tidy: list[Path]
    monitors: list[Path]
    evaluations: list[Path]


class Origin(NamedTuple):
    """What a path tells of a run; None where it tells nothing."""

    algorithm: str | None
    env: str | None
    seed: int | None


def find_files(paths: Sequence[Path]) -> Files:
    """The files named, and those of Stable-Baselines3 in the folders named, sorted and each once.

    Raises:
        UsageError: a path does not exist, or a folder holds nothing to import.
    """
    found = Files([], [], [])
    for path in paths:
        if path.is_dir():
            inside = sorted({*path.rglob(f"*{MONITOR}"), *path.rglob(EVALUATIONS)})
            if not inside:
                raise UsageError(f"{path} holds neither *{MONITOR} nor {EVALUATIONS}; name the files to import")
        elif path.is_file():
            inside = [path]
        else:
            raise UsageError(f"{path} does not exist; name a file or a folder with results")
        for file in inside:
            _add(found, file)
    return found


def _add(found: Files, file: Path) -> None:
    if file.suffix == ".npz":
        where = found.evaluations
    elif file.name.endswith(MONITOR) or _begins_like_a_monitor(file):
        where = found.monitors
    else:
        where = found.tidy
    if file not in where:
        where.append(file)


def _begins_like_a_monitor(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(2) == b"#{"
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}; check its permissions") from None


def origin(file: Path) -> Origin:
    """Read a path: RL Zoo's ``<algorithm>/<env>_<n>/``, whose n is taken for the seed, or any ``seed-3`` in it."""
    parts = file.absolute().parts
    if (zoo := _ZOO.fullmatch(parts[-2])) and len(parts) > 2:
        return Origin(parts[-3], zoo[1], int(zoo[2][:18]))
    for part in reversed(parts):
        if seed := _SEED.search(part):
            return Origin(None, None, int(seed[1]))
    return Origin(None, None, None)
