"""A planned cell: all that schedulers and workers know of planning."""

from dataclasses import dataclass
from typing import Any

from ..results.store.curve import FINISHED
from ..results.store.store import CellStore
from .cells import Cell


@dataclass(frozen=True)
class PlannedCell:
    """A cell, its place in the store and what it should hold."""

    cell: Cell
    store: CellStore
    record: dict[str, Any]
    """What goes into ``cell.json``."""
    seeds: tuple[int, ...]
    """What is asked for."""
    notes: tuple[str, ...] = ()
    """What is to be said of its environment before it is run."""
    refusal: str = ""
    """Why the algorithm cannot act in the environment, so that there is nothing to run; empty where it can."""
    one_by_one: bool = False
    """Whether what trains it trains one run after another, so that each may as well be a job of its own."""
    left: frozenset[int] = frozenset()
    """Seeds that are asked for, and left to other commands."""
    tuned_on: tuple[int, ...] = ()
    """Seeds that the search for its hyperparameters saw."""

    @property
    def own_seeds(self) -> tuple[int, ...]:
        """The seeds that this command sees to."""
        return tuple(seed for seed in self.seeds if seed not in self.left)

    def missing(self) -> list[int]:
        """Return those of the own seeds that are not finished yet."""
        if self.refusal:
            return []
        there = self.store.seeds()
        return [seed for seed in self.own_seeds if there.get(seed) not in FINISHED]
