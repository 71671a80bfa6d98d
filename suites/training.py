"""The training loop: all runs of a cell at once, segment by segment between the checkpoints of the grid.

A segment begins with fresh environments seeded from (seed, segment) and ends with a snapshot, so an interrupted run
goes on from its last snapshot and ends with the same bits. Runs that are done, wait or have diverged are left out of
the batch; no run's numbers depend on who is in it.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Algorithm, Metrics, State, Steps
from ..algorithms.model import Actor, Behaviour, Spaces
from ..algorithms.registry import build
from ..algorithms.streams import Stream, generator
from ..algorithms.trees import concatenate, named_tensors, put, select, take, with_tensors
from ..results.store.curve import CurveRow
from .cells import Cell, Sink, open_environments
from .collection import Collector
from .evaluation import Episodes, environment_seeds, evaluate
from .noise import ROUND_CHUNK, noise_steps
from .process import keep_freed_memory, single_thread


class Runs(NamedTuple):
    """Runs in training: what a snapshot holds. Every tensor leads with the seed axis."""

    state: State
    steps: Tensor
    """``(S,)`` environment steps done."""
    behaviour: Behaviour
    """The last policy trained on no more steps than the checkpoint reached: what is evaluated."""
    behaviour_steps: Tensor
    """``(S,)`` steps that policy was trained on."""
    checkpoint: Tensor
    """``(S,)`` last checkpoint reached; -1 before the first."""
    diverged_at: Tensor
    """``(S,)`` steps at which numbers became non-finite; -1 where they are finite."""
    seconds: Tensor
    """``(S,)`` wall time of training, shared by the runs that trained together."""


class MetricMeans:
    """Means of an algorithm's diagnostics since the last checkpoint, per seed; non-finite values are left out."""

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._names: list[str] = []
        self._sums = self._counts = np.zeros((0, seeds))

    def add(self, metrics: Metrics, rows: NDArray[np.intp]) -> None:
        """Take one update's metrics, ``(R,)`` each, of the seeds ``rows``."""
        if not self._names:
            self._names = list(metrics)
            self._sums, self._counts = np.zeros((2, len(metrics), self._seeds))
        values = torch.stack([metrics[name] for name in self._names]).double().numpy()
        finite = np.isfinite(values)
        self._sums[:, rows] += np.where(finite, values, 0.0)
        self._counts[:, rows] += finite

    def of(self, row: int) -> dict[str, float]:
        """Return the means of one seed."""
        pairs = zip(self._names, self._sums[:, row], self._counts[:, row], strict=True)
        return {name: float(total / count) for name, total, count in pairs if count}


class TrainingLoop:
    """The learner that trains this project's algorithms."""

    def train(self, cell: Cell, seeds: Sequence[int], sink: Sink) -> None:
        """Train the runs ``seeds`` of a cell from their last snapshots to the end of the budget.

        Raises:
            UsageError: if algorithm or environment cannot be built as asked.
            EnvironmentFault: if the environment raises or gives a non-finite number.
        """
        algorithm: Algorithm = build(cell.reference, dict(cell.options))
        keep_freed_memory()
        with single_thread():
            training = _Training(algorithm, cell, seeds, sink)
            for checkpoint in range(len(cell.grid)):
                training.reach(checkpoint)


class _Training:
    """One call of `TrainingLoop.train`."""

    def __init__(self, algorithm: Algorithm, cell: Cell, seeds: Sequence[int], sink: Sink) -> None:
        self.algorithm, self.cell, self.seeds, self.sink = algorithm, cell, list(seeds), sink
        probe = open_environments(cell.environment, [0])
        self.spaces = Spaces(probe.observation_space, probe.action_space)
        probe.close()
        self.rows: dict[int, list[CurveRow]] = {}
        self.runs = concatenate([self._load(seed) for seed in self.seeds])
        # A crash between a run's last snapshot and the word that it is complete left only the word to be said.
        ended = (self.runs.checkpoint == len(cell.grid) - 1) | (self.runs.diverged_at >= 0)
        for row in ended.nonzero().flatten():
            self._save(take(self.runs, row.view(1)), self.seeds[row])

    def _load(self, seed: int) -> Runs:
        state = self.algorithm.init(self.spaces, [seed])
        zero, none = torch.zeros(1, dtype=torch.int64), torch.full((1,), -1)
        runs = Runs(state, zero, self.algorithm.behaviour(state), zero, none, none, torch.zeros(1, dtype=torch.float64))
        stored = self.sink.load(seed)
        self.rows[seed] = list(stored.rows) if stored else []
        if stored is None:
            return runs
        return with_tensors(runs, {name: torch.from_numpy(array) for name, array in stored.tensors.items()})

    def reach(self, checkpoint: int) -> None:
        """Bring the runs that are one checkpoint behind to this one, evaluate and save them."""
        due = (self.runs.checkpoint == checkpoint - 1) & (self.runs.diverged_at < 0)
        rows = due.nonzero().squeeze(1)
        if not len(rows):
            return
        seeds = [self.seeds[row] for row in rows]
        runs, metrics = take(self.runs, rows), MetricMeans(len(rows))
        if checkpoint:
            runs = self._segment(runs, seeds, checkpoint, metrics)
        runs = runs._replace(checkpoint=torch.full_like(runs.checkpoint, checkpoint))
        episodes = self._evaluate(runs, seeds, checkpoint)
        sick = torch.from_numpy(np.isnan(episodes.returns).any(1)) & (runs.diverged_at < 0)
        runs = runs._replace(diverged_at=torch.where(sick, runs.steps, runs.diverged_at))
        self.runs = put(self.runs, rows, runs)
        for n, seed in enumerate(seeds):
            if runs.diverged_at[n] < 0:
                self.rows[seed].append(self._row(runs, n, episodes, metrics.of(n)))
            self._save(take(runs, torch.tensor([n])), seed)
        returns = episodes.returns[np.isfinite(episodes.returns)]
        self.sink.progress(0, float(returns.mean()) if returns.size else None)

    def _segment(self, runs: Runs, seeds: list[int], segment: int, metrics: MetricMeans) -> Runs:
        """Train from one checkpoint to the next in fresh environments."""
        boundary, start = self.cell.grid[segment], time.perf_counter()
        before = runs.seconds
        collector: Collector | None = None
        while True:
            rows = ((runs.steps < boundary) & (runs.diverged_at < 0)).nonzero().squeeze(1)
            if not len(rows):
                break
            everyone = len(rows) == len(seeds)
            active = runs if everyone else take(runs, rows)
            if collector is None:
                collector = self._collector(active, seeds, segment)
            trained = self._update(active, collector, rows.numpy(), metrics)
            self.sink.progress(int((trained.steps - active.steps).sum()), None)
            runs = trained if everyone else put(runs, rows, trained)
        if collector is not None:
            collector.env.close()
        within = (runs.steps <= boundary) & (runs.diverged_at < 0)
        runs = runs._replace(
            behaviour=select(within, self.algorithm.behaviour(runs.state), runs.behaviour),
            behaviour_steps=torch.where(within, runs.steps, runs.behaviour_steps),
        )
        return runs._replace(seconds=before + (time.perf_counter() - start))

    def _collector(self, runs: Runs, seeds: list[int], segment: int) -> Collector:
        num_envs = self.algorithm.plan(runs.state).num_envs
        members = [s for seed in seeds for s in environment_seeds(seed, Stream.ENVIRONMENT, segment, num_envs)]
        return Collector(open_environments(self.cell.environment, members), seeds, num_envs)

    def _update(self, runs: Runs, collector: Collector, rows: NDArray[np.intp], metrics: MetricMeans) -> Runs:
        """One rollout and one update of the runs given, which are the collector's ``rows``."""
        algorithm, state = self.algorithm, runs.state
        plan, distribution = algorithm.plan(state), state.model.distribution
        randoms = [
            generator(int(seed), Stream.ACTION, int(update))
            for seed, update in zip(state.seeds, state.updates, strict=True)
        ]
        noise = noise_steps(
            distribution.noise,
            distribution.noise_size,
            plan.num_envs,
            randoms,
            algorithm.torch_dtype,
            plan.length if isinstance(plan, Steps) else ROUND_CHUNK,
        )
        rollout, acted = collector.collect(
            plan, algorithm.actor(state), noise, rows, runs.steps.numpy(), runs.steps / self.cell.steps
        )
        with np.errstate(over="ignore", invalid="ignore"):  # a seed that diverges is told by its result
            learned, measured = algorithm.update(state, rollout)
        metrics.add(measured, rows)
        steps = runs.steps + rollout.valid.flatten(1).sum(1)
        healthy = acted & learned.parameters.sum(1).isfinite() & measured["loss"].isfinite()
        if not bool(healthy.all()):
            learned = select(healthy, learned, state)
        return runs._replace(
            state=learned,
            steps=steps,
            behaviour=algorithm.behaviour(state),
            behaviour_steps=runs.steps,
            diverged_at=torch.where(healthy, runs.diverged_at, steps),
        )

    def _evaluate(self, runs: Runs, seeds: list[int], checkpoint: int) -> Episodes:
        """Evaluate the runs that are well; a diverged one has NaN for its episodes."""
        well = (runs.diverged_at < 0).nonzero().squeeze(1)
        shape = (len(seeds), self.cell.evaluation.episodes)
        returns, lengths = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        if len(well):
            actor = Actor(runs.state.model, take(runs.behaviour, well))
            chosen = [seeds[row] for row in well]
            episodes = evaluate(actor, self.cell.environment, self.cell.evaluation, chosen, checkpoint)
            returns[well.numpy()], lengths[well.numpy()] = episodes
        return Episodes(returns, lengths)

    def _row(self, runs: Runs, n: int, episodes: Episodes, metrics: dict[str, float]) -> CurveRow:
        returns, lengths = episodes.returns[n], episodes.lengths[n]
        checkpoint = int(runs.checkpoint[n])
        return CurveRow(
            checkpoint=checkpoint,
            env_steps=self.cell.grid[checkpoint],
            trained_steps=int(runs.behaviour_steps[n]),
            return_mean=float(returns.mean()),
            return_std=float(returns.std()),
            episodes=len(returns),
            length_mean=float(lengths.mean()),
            eval_steps=int(lengths.sum()),
            updates=int(runs.state.updates[n]),
            wall_time=float(runs.seconds[n]),
            metrics=metrics,
        )

    def _save(self, run: Runs, seed: int) -> None:
        diverged, last = int(run.diverged_at[0]), int(run.checkpoint[0]) == len(self.cell.grid) - 1
        status = "diverged" if diverged >= 0 else "complete" if last else "partial"
        facts: dict[str, Any] = {"status": status, "trained_with": len(self.seeds)}
        if diverged >= 0:
            facts["diverged_at"] = diverged
        if run.seconds[0] > 0:
            facts["steps_per_second"] = float(run.steps[0] / run.seconds[0]) * len(self.seeds)
        tensors = {name: tensor.contiguous().numpy() for name, tensor in named_tensors(run)}
        self.sink.save(seed, self.rows[seed], facts, tensors)
