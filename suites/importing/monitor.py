"""Stable-Baselines3's monitor files: the episodes of training.

A file is a line ``#{"t_start": ..., "env_id": ...}``, the header ``r,l,t``, then a row per finished episode: return,
length, and seconds since ``t_start``. A run that was resumed goes on in the same file, with a further pair of headers
or without one; either way its clock begins again.
"""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from .csv_file import Line, read_table, read_text
from .problems import Problems
from .runs import TrainingEpisodes

Array = NDArray[np.float64]
_OPENING = re.compile(r"^#", re.MULTILINE)


JITTER = 1.0
"""Seconds that a clock may be set back by without the run having been resumed; a hundredth of it at most."""


class Part(NamedTuple):
    """The episodes of an uninterrupted stretch of training."""

    start: float
    """When it began, in seconds since the epoch, as far as the file says."""
    returns: Array
    lengths: NDArray[np.int64]
    seconds: Array
    """Since ``start``."""


class Monitor(NamedTuple):
    """One file: the episodes of one environment."""

    path: Path
    env: str | None
    """None where the environment did not know its id."""
    parts: tuple[Part, ...]
    """One, and one more for every time that the run was resumed."""
    notes: tuple[str, ...] = ()
    """What was left out or guessed, a line each."""

    @property
    def episodes(self) -> int:
        """How many were finished."""
        return sum(part.returns.size for part in self.parts)


def read_monitor(path: Path) -> Monitor:
    """The episodes of a monitor file.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    text = read_text(path)
    begins = [match.start() for match in _OPENING.finditer(text)]
    if not begins or text[: begins[0]].strip():
        begins = [0]  # which then tells what is wrong with its first line
    notes: list[str] = []
    parts: list[Part] = []
    resumed: list[int] = []
    env = None
    for begin, end in pairwise([*begins, len(text)]):
        first = text.count("\n", 0, begin) + 1
        opening, _, table = text[begin:end].partition("\n")
        start, here = _opening(path, first, opening)
        env = env or here
        if end < len(text):
            table, torn = _without_torn(table)
            if torn:
                notes.append(f"{path}: line {first + torn} was cut off while it was being written, and is left out")
        read = read_table(path, table, ("r", "l", "t"), first=first + 1, ends_lines=True)
        notes += read.notes
        stretches = _stretches(read.lines)
        resumed += [first] * bool(parts) + [lines[0].number for lines in stretches[1:]]
        parts += [_part(start, lines) for lines in stretches]
    if resumed:
        where = f"line {', '.join(map(str, resumed[:5]))}" + (" and so on" if len(resumed) > 5 else "")
        notes.append(f"{path}: the clock begins again in {where}; read as one run that was resumed there")
    monitor = Monitor(path, env, tuple(parts), tuple(notes))
    return monitor if monitor.episodes else monitor._replace(notes=(*notes, f"{path} holds no finished episode"))


def _without_torn(table: str) -> tuple[str, int]:
    """A stretch that another follows, without a last line that was cut off, and how many lines it then had; else 0."""
    *lines, last = table.rstrip("\n").split("\n")
    columns = lines[0].count(",") if lines else 0
    return ("\n".join(lines) + "\n", len(lines) + 1) if lines and last.count(",") < columns else (table, 0)


def _opening(path: Path, number: int, text: str) -> tuple[float, str | None]:
    """When a stretch began, and on which environment."""
    try:
        facts = json.loads(text.removeprefix("#")) if text.startswith("#") else {}
        start, env = float(facts["t_start"]), str(facts.get("env_id"))
        if not np.isfinite(start):
            raise ValueError("not finite")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise UsageError(
            f'{path}, line {number} is not the header of a monitor file, #{{"t_start": ..., "env_id": ...}}; '
            "restore it, or rename a tidy CSV so that it does not end in monitor.csv"
        ) from None
    return start, None if env in ("None", "") else env


def _stretches(lines: Sequence[Line]) -> list[list[Line]]:
    """The rows, cut where the clock falls back; a single empty stretch where there are none."""
    problems, stretches, last = Problems(), list[list[Line]](), float("inf")
    for line in lines:
        with problems.collected():
            seconds = line.number_in("t")
            if not stretches or seconds < last - min(JITTER, 0.01 * last):
                stretches.append([])
            last = seconds
            stretches[-1].append(line)
    problems.check()
    return stretches or [[]]


def _part(start: float, lines: Sequence[Line]) -> Part:
    problems = Problems()
    rows: list[tuple[float, int, float]] = []
    for line in lines:
        with problems.collected():
            if (length := line.whole_in("l")) == 0:
                raise line.complaint("l", "an episode has at least one step; delete the line")
            rows.append((line.number_in("r"), length, line.number_in("t")))
    problems.check()
    returns, lengths, seconds = zip(*rows, strict=True) if rows else ((), (), ())
    return Part(start, np.array(returns, np.float64), np.array(lengths, np.int64), np.array(seconds, np.float64))


def merge(algorithm: str, env: str, seed: int, monitors: Sequence[Monitor]) -> TrainingEpisodes:
    """The episodes of a run's parallel environments in the order in which they finished.

    As Stable-Baselines3's ``load_results`` and ``ts2xy`` do: steps are those of all episodes finished so far, so the
    steps of episodes still being played are not counted yet. A resumed run's clock goes on where it stopped.
    """
    stretches = [len(monitor.parts) for monitor in monitors if monitor.episodes]
    if len(set(stretches)) > 1:
        uneven = ", ".join(f"{monitor.path.name} {len(monitor.parts)}" for monitor in monitors if monitor.episodes)
        raise UsageError(
            f"{monitors[0].path.parent}: its parallel environments were resumed unequally often (stretches: {uneven}), "
            "so the order of their episodes is not known; import the stretches apart, or one of the files"
        )
    merged: list[tuple[Array, NDArray[np.int64], Array]] = []
    clock = 0.0
    for n in range(max(len(monitor.parts) for monitor in monitors)):
        parts = [monitor.parts[n] for monitor in monitors if n < len(monitor.parts)]
        began = min(part.start for part in parts)
        seconds = np.concatenate([part.seconds + (part.start - began) for part in parts]) + clock
        order = np.argsort(seconds, kind="stable")
        returns, lengths = (np.concatenate([part[k] for part in parts])[order] for k in (1, 2))
        merged.append((returns.astype(np.float64), lengths.astype(np.int64), seconds[order]))
        clock = float(seconds.max(initial=clock))
    returns, lengths, seconds = (np.concatenate(arrays) for arrays in zip(*merged, strict=True))
    files = tuple(monitor.path for monitor in monitors)
    return TrainingEpisodes(
        algorithm, env, seed, files, np.cumsum(lengths), returns, lengths.astype(np.float64), seconds
    )
