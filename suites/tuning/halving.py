"""Successive halving: all trials run cheaply, the better half goes on to the next environment or the next budget.

The stages are all environments at the smallest budget, one after another, then all of them at the next one, up to the
whole budget. Trials pass through them in brackets: random search has one bracket of all its trials; a sampler that
learns from the trials before is asked for one bracket after the other, and has seen the former ones' results.

Source: Jamieson & Talwalkar (2016), with environments and budgets for rounds; brackets as in Li et al. (2018).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from ...results.tuned import RungEffort

T = TypeVar("T")


class Stage(NamedTuple):
    """An environment with a budget."""

    environment: str
    steps: int
    """Of a run."""


class Bracket(NamedTuple):
    """Trials that are halved together."""

    first: int
    """Number of its first trial."""
    sizes: tuple[int, ...]
    """Trials that run each stage."""

    @property
    def trials(self) -> range:
        """Their numbers."""
        return range(self.first, self.first + self.sizes[0])


class Schedule(NamedTuple):
    """The whole search for one algorithm; that of every algorithm is the same."""

    stages: tuple[Stage, ...]
    brackets: tuple[Bracket, ...]
    seeds: tuple[int, ...]
    """Of every trial."""
    finals: tuple[Stage, ...]
    finalists: int
    """Trials that run them."""
    final_seeds: tuple[int, ...]

    @property
    def trials(self) -> int:
        """Settings of each algorithm."""
        return sum(len(bracket.trials) for bracket in self.brackets)

    @property
    def effort(self) -> tuple[RungEffort, ...]:
        """What each stage costs, all brackets together, and the finals."""
        rungs = []
        for number, stage in enumerate(self.stages):
            trials = sum(bracket.sizes[number] for bracket in self.brackets)
            rungs.append(RungEffort(str(number + 1), *stage, trials, trials * len(self.seeds)))
        runs = self.finalists * len(self.final_seeds)
        return (*rungs, *(RungEffort("finals", *stage, self.finalists, runs) for stage in self.finals))


def schedule(
    budgets: Mapping[str, int],
    *,
    trials: int,
    bracket: int,
    shares: Sequence[float],
    finalists: int,
    seeds: Sequence[int],
    final_seeds: Sequence[int],
) -> Schedule:
    """Return the search over environments.

    Args:
        budgets: environment steps of a run, by environment, in the order of the stages.
        trials: settings of each algorithm.
        bracket: trials that are halved together, at most.
        shares: of the budgets, rising; the last is 1.
        finalists: settings that run the finals, at most as many as are left.
        seeds: of every trial.
        final_seeds: of every finalist.
    """
    stages = tuple(Stage(env, max(1, round(share * steps))) for share in shares for env, steps in budgets.items())
    firsts = range(0, trials, bracket)
    kept = -(-finalists // len(firsts))
    brackets = tuple(Bracket(first, halved(min(bracket, trials - first), kept, len(stages))) for first in firsts)
    left = sum(one.sizes[-1] for one in brackets)
    finals = tuple(Stage(env, steps) for env, steps in budgets.items())
    return Schedule(stages, brackets, tuple(seeds), finals, min(finalists, left), tuple(final_seeds))


def halved(trials: int, kept: int, stages: int) -> tuple[int, ...]:
    """Return how many trials run each stage: half of those before, rounded up, and no fewer than ``kept``."""
    sizes = [trials]
    while len(sizes) < stages:
        sizes.append(max(min(kept, sizes[-1]), -(-sizes[-1] // 2)))
    return tuple(sizes)


def best(ranked: Mapping[T, tuple[float, ...]], count: int) -> list[T]:
    """Return the ``count`` keys of the highest values, best first; of equal ones the first."""
    return sorted(ranked, key=lambda key: tuple(-value for value in ranked[key]))[:count]
