"""A sink in memory and a small cell: training without a store."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pgsuite.algorithms.options import options as options_of
from pgsuite.algorithms.registry import ALGORITHMS, PEERS
from pgsuite.envs import tasks
from pgsuite.results.store.curve import CurveRow
from pgsuite.suites.cells import Cell, Environment, Evaluation, Stored, trainer_of

from ..algorithms.rollouts import fitting
from .drifting import ACTIONS, register

SMALL: dict[str, dict[str, Any]] = {
    "reinforce": {"num_envs": 3, "scale_rewards": True, "learning_rate_decay": "linear"},
    "reinforce-baseline": {"num_envs": 3, "critic_minibatch": 64, "normalise_advantages": True},
    "actor-critic": {"num_envs": 3, "num_steps": 7, "scale_rewards": True},
    "trpo": {"num_envs": 3, "num_steps": 45, "critic_epochs": 2, "cg_iterations": 5},
    "npg": {"num_envs": 3, "num_steps": 45, "critic_epochs": 2, "cg_iterations": 5},
    "ppo": {"num_envs": 3, "num_steps": 21, "minibatch": 20, "epochs": 2},
    "rloo": {"num_envs": 3, "group_size": 3},
    "grpo": {"num_envs": 3, "group_size": 3, "epochs": 2},
    "profiled": {"num_envs": 3, "variant": "three-points", "every": 30, "episodes": 1},
}
"""Settings that make every algorithm update often, in batches of no round size."""


def fitted(reference: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options as they are written: where an algorithm has another one within it, in the table of whose they are."""
    inner = reference in ALGORITHMS and any(one.algorithm for one in options_of(reference))
    return fitting(reference, options) if inner else options


class Memory:
    """A sink that keeps runs in memory and can interrupt training."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.rows: dict[int, list[CurveRow]] = {}
        self.facts: dict[int, dict[str, Any]] = {}
        self.tensors: dict[int, dict[str, NDArray[Any]]] = {}
        self.stop_after = stop_after
        self.steps = 0

    def load(self, seed: int) -> Stored | None:
        return Stored(self.rows[seed], self.tensors[seed]) if seed in self.rows else None

    def restart(self, seed: int) -> None:
        """Whatever is there is written over."""

    def save(
        self, seed: int, rows: Sequence[CurveRow], facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        self.rows[seed] = list(rows)
        self.facts[seed] = dict(facts)
        self.tensors[seed] = {name: np.array(tensor) for name, tensor in tensors.items()}
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after < 0:
                raise KeyboardInterrupt

    def progress(self, steps: int, score: float | None) -> None:
        self.steps += steps

    def bits(self, seed: int) -> dict[str, bytes]:
        """Everything of a run that must not depend on its company, as bytes."""
        curve = [row._replace(wall_time=0.0, metrics=sorted(row.metrics.items())) for row in self.rows[seed]]  # type: ignore[arg-type]
        tensors = {name: t.tobytes() for name, t in self.tensors[seed].items() if name != "seconds"}
        return {"curve": repr(curve).encode(), **tensors}


@pytest.fixture
def small_cell() -> Callable[..., Cell]:
    def make(
        algorithm: str, env: str = "CartPole-v1", *, steps: int = 600, checkpoints: int = 3, **options: Any
    ) -> Cell:
        trainer = {"trainer": "pgsuite.suites.sb3.training:SB3Trainer"} if algorithm in PEERS else {}
        return Cell(
            **trainer,
            suite="test",
            algorithm=algorithm,
            reference=algorithm,
            options=fitted(algorithm, {**SMALL.get(algorithm, {}), **options}),
            environment=Environment(id=env),
            steps=steps,
            evaluation=Evaluation(checkpoints=checkpoints, episodes=2),
        )

    return make


@pytest.fixture
def train() -> Callable[..., Memory]:
    def run(cell: Cell, seeds: Sequence[int], memory: Memory | None = None) -> Memory:
        memory = memory or Memory()
        trainer_of(cell).train(cell, seeds, memory)
        return memory

    return run


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled environments of every kind of action space, by `drifting.ACTIONS`."""
    monkeypatch.setattr(tasks, "ADDED", {})
    for env_id, space in ACTIONS.items():
        register(env_id, space)


@pytest.fixture
def memory() -> type[Memory]:
    return Memory
