"""What a search for hyperparameters found: the trials, how they did, and the effort behind the one that was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

WORST = -1.0
"""The score of a run that failed or diverged, and the least that any run counts."""


class Measured(NamedTuple):
    """A trial on one environment, at one budget."""

    environment: str
    steps: int
    """Budget of a run."""
    scores: tuple[float, ...]
    """Final score of every run, at least `WORST`; that of a run that failed or diverged."""
    area: float
    """Mean score over the checkpoints, averaged over runs."""
    returned: float | None
    """Mean final return of the runs that came to their end; None where none did."""
    failure: str = ""
    """Why runs have no result, in one line; empty where all have."""


class Standing(NamedTuple):
    """What trials are ranked by: `reliable`, then `area`."""

    reliable: float
    """Mean over environments of the mean final score of the worse half of the runs, because a setting that sometimes
    fails is no good one."""
    score: float
    """Mean over environments of the mean final score."""
    area: float
    """Mean over environments of the mean score over the checkpoints: who learned sooner."""


def worse_half(scores: Sequence[float]) -> float:
    """Return the mean of the lower half, rounded up, of the scores."""
    return float(np.mean(sorted(scores)[: -(-len(scores) // 2)]))


def standing(measured: Sequence[Measured]) -> Standing:
    """Return how a trial stands: on every environment by the last, and so the largest, budget that it ran there.

    Args:
        measured: in the order in which they were run; at least one.
    """
    latest = list({one.environment: one for one in measured}.values())
    means = [
        [worse_half(one.scores) for one in latest],
        [float(np.mean(one.scores)) for one in latest],
        [one.area for one in latest],
    ]
    return Standing(*(float(np.mean(values)) for values in means))


class Trial(NamedTuple):
    """One setting of an algorithm for the whole suite."""

    algorithm: str
    number: int
    settings: Mapping[str, Any]
    """The hyperparameters that were drawn; one of an inner algorithm as ``base.learning_rate``."""
    measured: tuple[Measured, ...]
    """On the rungs that it ran, in order."""
    finals: tuple[Measured, ...] = ()
    """On the seeds of the finals; empty where it is no finalist."""
    chosen: bool = False
    """Whether it is the algorithm's best finalist."""

    @property
    def name(self) -> str:
        """What its cells are called."""
        return f"{self.algorithm}#{self.number}"

    @property
    def failures(self) -> tuple[str, ...]:
        """Why some of its runs have no result, each reason once."""
        return tuple(dict.fromkeys(one.failure for one in (*self.measured, *self.finals) if one.failure))


class RungEffort(NamedTuple):
    """What one rung of the search costs an algorithm."""

    name: str
    """``1`` … or ``finals``."""
    environment: str
    steps: int
    """Budget of a run."""
    trials: int
    runs: int
    """Of all trials together."""


class Tuned(NamedTuple):
    """A search that has come to its end."""

    suite: str
    sampler: str
    sentence: str
    """For a paper: what was searched for, with how much effort, and on which seeds."""
    effort: tuple[RungEffort, ...]
    """Of every algorithm, the same for each."""
    trials: tuple[Trial, ...]
    """Of all algorithms, in the order in which they were drawn."""
    importance: Mapping[str, Mapping[str, float]]
    """By algorithm the share of each hyperparameter in telling the better half of the trials, on the first rung, from
    all; empty where that cannot be told."""
    logarithmic: frozenset[tuple[str, str]]
    """Algorithm and hyperparameter of what was drawn from a logarithmic range."""
    at_random: int
    """Trials of every algorithm that were drawn independently, which are the first ones: all of random search."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Those that were searched for."""
        return tuple(dict.fromkeys(trial.algorithm for trial in self.trials))

    def chosen(self, algorithm: str) -> Trial | None:
        """Return an algorithm's best finalist; None where no run of the finalists came to its end."""
        best = [trial for trial in self.trials if trial.algorithm == algorithm and trial.chosen]
        ended = any(one.returned is not None for trial in best for one in trial.finals)
        return best[0] if ended else None

    @property
    def steps(self) -> int:
        """Environment steps that the search may take for each algorithm."""
        return sum(rung.runs * rung.steps for rung in self.effort)
