"""The trainer of Stable-Baselines3's algorithms: its own loop, on our environments, grid and evaluation streams.

A run is trained alone, from its first step to its last in the same environments, as the library does. It cannot go on
from a snapshot, since a model keeps neither environments nor random streams: an interrupted run begins anew.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch._dynamo  # noqa: F401  (what optimisers load when first used: here, once for all workers)
from numpy.typing import NDArray
from stable_baselines3.common.logger import Logger

from ...algorithms.model import Spaces
from ...algorithms.registry import build
from ...algorithms.streams import Stream, seed_sequence
from ...errors import EnvironmentFault
from ..cells import Cell, Sink, open_environments
from ..evaluation import Evaluated, environment_seeds, evaluate
from ..process import single_thread
from .acting import PolicyActor, behaviour
from .adapter import SB3Algorithm
from .checkpoints import CheckpointCallback
from .vector import NotFiniteAction

MODEL = "model of Stable-Baselines3"
"""Name of the stream that seeds a model: its weights, actions and minibatches."""


class SB3Trainer:
    """Trains one run after another."""

    def train(self, cell: Cell, seeds: Sequence[int], sink: Sink) -> None:
        """Train the runs ``seeds`` of a cell from their beginning to the end of the budget.

        Raises:
            UsageError: if algorithm or environment cannot be built as asked.
            EnvironmentFault: if the environment raises or gives a non-finite number.
        """
        algorithm: SB3Algorithm = build(cell.reference, dict(cell.options))
        with single_thread():
            for seed in seeds:
                sink.restart(seed)
                _train(algorithm, cell, seed, sink)


def _train(algorithm: SB3Algorithm, cell: Cell, seed: int, sink: Sink) -> None:
    words = environment_seeds(seed, Stream.ENVIRONMENT, 0, algorithm.n_envs)
    env = open_environments(cell.environment, words)
    (word,) = seed_sequence(seed, MODEL).generate_state(1)
    model = algorithm.model(algorithm.environment(env, seed), seed=int(word))
    model.set_logger(Logger(None, []))  # its own, which nobody reads, would leave a temporary folder behind
    actor = algorithm.actor_for(Spaces(env.observation_space, env.action_space))
    watching = _Watching(cell, seed, sink, actor)
    try:
        model.learn(cell.steps, callback=watching)
    except EnvironmentFault:
        raise
    except Exception as error:  # of whatever kind, where parameters are no numbers any more
        if watching.is_finite() and not _is_divergence(error):
            raise
        watching.diverge(int(model.num_timesteps))
    finally:
        env.close()


def _is_divergence(error: Exception) -> bool:
    """Whether a policy gave what is no action, or no distribution of actions: torch refuses its parameters."""
    return isinstance(error, NotFiniteAction) or (
        isinstance(error, ValueError) and str(error).startswith("Expected parameter")
    )


class _Watching(CheckpointCallback):
    """Evaluates one run and gives what comes of it to a sink."""

    def __init__(self, cell: Cell, seed: int, sink: Sink, actor: PolicyActor) -> None:
        super().__init__(cell.grid)
        self._cell, self._seed, self._sink, self._actor = cell, seed, sink, actor
        self._tensors: dict[str, NDArray[Any]] = {}

    def _begin(self, steps: int) -> None:
        """Nothing was before."""

    def _on_step(self) -> bool:
        self._sink.progress(self.model.n_envs, None)
        return not self.ended

    def _play(self, checkpoint: int) -> Evaluated:
        cell, self._tensors = self._cell, behaviour(self.model)
        actor = self._actor.act_by(self._tensors)
        played = evaluate(actor, cell.environment, cell.evaluation, [self._seed], checkpoint)
        self._sink.progress(0, float(played.returns.mean()))
        return played

    def _save(self, facts: dict[str, Any]) -> None:
        """Keep the policy of the last evaluation with the curve."""
        where = {
            "checkpoint": len(self.rows) - (facts["status"] != "diverged"),
            "steps": self._trained,
            "diverged_at": facts.get("diverged_at", -1),
        }
        numbers = {name: np.array([value], np.int64) for name, value in where.items()}
        tensors = {**self._tensors, **numbers}
        self._sink.save(self._seed, self.rows, {**facts, "trained_with": 1}, tensors)
