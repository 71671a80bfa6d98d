"""Stable-Baselines3's monitor files: ``#{"t_start": ..., "env_id": ...}``, then a row r, l, t per finished episode."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from .csv_file import read_lines, read_text
from .runs import Episodes


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


def merge(algorithm: str, env: str, seed: int, monitors: Sequence[Monitor]) -> Episodes:
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
    return Episodes(algorithm, env, seed, files, np.cumsum(lengths), returns, lengths, seconds[order])
