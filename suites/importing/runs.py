"""What an imported file is turned into: runs with a curve, or the training episodes a curve is made of."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.store.curve import CurveRow

LONGEST_NAME = 200


class ImportedRun(NamedTuple):
    """One seed of one algorithm on one environment."""

    algorithm: str
    env: str
    seed: int
    files: tuple[Path, ...]
    rows: tuple[CurveRow, ...]
    complete: bool = True
    """False for a run that ends before the others of its environment."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return named(self)


class Episodes(NamedTuple):
    """The training episodes of a run in the order in which they finished."""

    algorithm: str
    env: str
    seed: int
    files: tuple[Path, ...]
    """One per environment that was stepped in parallel."""
    env_steps: NDArray[np.int64]
    """``(n,)`` steps of all episodes finished so far."""
    returns: NDArray[np.float64]
    """``(n,)``"""
    lengths: NDArray[np.int64]
    """``(n,)`` steps."""
    seconds: NDArray[np.float64]
    """``(n,)`` since the run's start."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return named(self)


def named(run: ImportedRun | Episodes) -> str:
    """A run as messages call it."""
    return f"{run.algorithm} on {run.env}, seed {run.seed}, of {', '.join(map(str, run.files))}"


def checked_name(text: str, what: str, where: str) -> str:
    """A name as it will be shown and stored.

    Raises:
        UsageError: it is empty, longer than 200 characters or holds characters that cannot be printed.
    """
    name = text.strip()
    if not name:
        raise UsageError(f"{where}: the {what} is empty; give it a name")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"{where}: {name[:40]!r} is no {what}; use at most {LONGEST_NAME} characters, all of them printable"
        )
    return name
