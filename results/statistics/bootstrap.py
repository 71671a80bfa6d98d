"""Stratified bootstrap: runs are drawn with replacement inside each environment, independently of every other.

Percentile intervals are for display. At few runs they are too narrow (a nominal 2.5 % in one tail is some 8 % at five
runs), so verdicts come from `pairwise`, and below `MEANINGFUL` runs there is no interval at all.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Drawn = list[NDArray[np.unsignedinteger]]
"""Per task ``(B, n_e)``: how often each replicate drew each run."""
MEANINGFUL = 5
"""Fewest runs on an environment for which an interval is printed."""
REPLICATES = 2000
"""Of a comparison that asks for no other number."""
CHUNK = 512
"""Replicates worked on at once: bounds memory, and is part of the random stream, so it is a constant."""


def generator(seed: int, *names: str) -> np.random.Generator:
    """The stream that belongs to these names, whatever else is compared: by what it is for, never by position."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16])])


def draw(random: np.random.Generator, runs: int, replicates: int) -> NDArray[np.unsignedinteger]:
    """``(replicates, runs)``: how often each run was drawn, in ``runs`` draws with replacement."""
    kind = np.uint8 if runs <= 255 else np.uint32
    counts = np.empty((replicates, runs), dtype=kind)
    for start in range(0, replicates, CHUNK):
        rows = min(CHUNK, replicates - start)
        chosen = random.integers(runs, size=(rows, runs), dtype=kind)
        places = chosen + np.arange(0, rows * runs, runs)[:, None]
        counts[start : start + rows] = np.bincount(places.ravel(), minlength=rows * runs).reshape(rows, runs)
    return counts


def replicate(statistic: Callable[..., Array], *drawn: Drawn) -> Array:
    """The statistic of every replicate ``(B, ...)``, a chunk at a time.

    Args:
        statistic: takes, for each of ``drawn``, the counts of a chunk: per task ``(b, n_e)``.
        drawn: the replicates of one or more algorithms, equally many.
    """
    return np.concatenate([statistic(*chunk) for chunk in _chunks(drawn)])


def _chunks(drawn: Sequence[Drawn]) -> Iterator[list[Drawn]]:
    for start in range(0, len(drawn[0][0]), CHUNK):
        yield [[task[start : start + CHUNK] for task in one] for one in drawn]


def interval(replicates: ArrayLike, level: float, fewest: int) -> tuple[Array, Array]:
    """Percentile interval over the first axis; NaN when some environment has fewer than `MEANINGFUL` runs.

    Args:
        replicates: ``(B, ...)``.
        level: such as 0.95.
        fewest: the smallest number of runs that enter, on any environment.
    """
    values = np.asarray(replicates, dtype=np.float64)
    if fewest < MEANINGFUL:
        nothing = np.full(values.shape[1:], np.nan)
        return nothing, nothing
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


class Bootstrap(NamedTuple):
    """How the intervals of a comparison are made."""

    level: float = 0.95
    replicates: int = REPLICATES
    seed: int = 0

    def drawn(self, label: str, runs: Mapping[str, int]) -> Drawn:
        """The replicates of one algorithm: per environment, in the order given, how often each run was drawn.

        They depend on the label, the environment and its number of runs, so nothing else that is compared, and no
        other environment, changes them.
        """
        return [draw(generator(self.seed, label, env), size, self.replicates) for env, size in runs.items()]
