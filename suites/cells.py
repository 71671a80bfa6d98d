"""A cell: one algorithm configuration on one environment, with everything that its results depend on."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from ..envs.make import make
from ..envs.vector import VectorEnv
from ..errors import UsageError, in_one_line
from ..results.store.curve import CurveRow

TRAINER = "pgsuite.suites.training:TrainingLoop"
"""What trains an algorithm that names no trainer of its own."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment as a suite asks for it."""

    id: str
    backend: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment."""
    modules: tuple[str, ...] = ()
    """Modules that register environments, imported first."""
    name: str = ""
    """What the suite calls it, and so whatever is made of its results; its id where it says nothing."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.id)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How policies are judged, the same for every run of a suite."""

    checkpoints: int = 20
    """K: points of the curve after the start."""
    episodes: int = 10
    """Episodes per checkpoint, each in a fresh environment."""
    deterministic: bool = False
    """Whether the mode of the policy is played instead of the policy."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One algorithm configuration × one environment of a suite."""

    suite: str
    algorithm: str
    """Name in the suite."""
    reference: str
    """Name or address of the class."""
    options: Mapping[str, Any]
    """Its hyperparameters where they are not the defaults."""
    environment: Environment
    steps: int
    """Budget of a run in environment steps."""
    evaluation: Evaluation
    trainer: str = TRAINER
    """Address of the `Trainer` that trains it."""
    fingerprint: str = ""
    """Hash of everything that the results depend on."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.algorithm} on {self.environment.name}"

    @property
    def grid(self) -> list[int]:
        """Environment steps of the checkpoints, 0 first and the budget last."""
        points = self.evaluation.checkpoints
        return [round(self.steps * k / points) for k in range(points + 1)]


class Stored(NamedTuple):
    """What is kept of an unfinished run."""

    rows: Sequence[CurveRow]
    tensors: Mapping[str, NDArray[Any]]


class Sink(Protocol):
    """Where a trainer's results go, and where an interrupted run is found again."""

    def load(self, seed: int) -> Stored | None:
        """Return what is stored of a run, up to and including its last snapshot; None if it starts anew."""

    def save(
        self, seed: int, rows: Sequence[CurveRow], facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        """Take a run's curve so far, facts about it and its snapshot.

        ``facts["status"]`` is partial, complete or diverged; the latter comes with ``diverged_at``.
        """

    def restart(self, seed: int) -> None:
        """Hear that a run begins anew, whatever is stored of it, because its trainer cannot go on from there."""

    def progress(self, steps: int, score: float | None) -> None:
        """Hear of environment steps done since the last call and of the latest mean return."""


class Trainer(Protocol):
    """What the scheduler runs. Our training loop is one; an adapter to another library's loop is another."""

    def train(self, cell: Cell, seeds: Sequence[int], sink: Sink) -> None:
        """Train the runs ``seeds`` of a cell to the end of the budget, evaluating on the cell's grid."""


def trainer_of(cell: Cell) -> Trainer:
    """Return what trains a cell."""
    trainer: Trainer = found(cell.trainer)()
    return trainer


def found(address: str) -> Any:
    """Return what is at an address, ``module:name``."""
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)


def import_modules(modules: Sequence[str]) -> None:
    """Import the modules that register a suite's environments.

    Raises:
        UsageError: naming the module and what went wrong.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            reason = in_one_line(error)
            raise UsageError(f"module {module!r}, named by the suite, cannot be imported: {reason}") from error


def open_environments(environment: Environment, seeds: Sequence[int]) -> VectorEnv:
    """Return one environment per seed of a cell's environment."""
    import_modules(environment.modules)
    return make(environment.id, len(seeds), seeds, backend=environment.backend, **environment.options)
