"""The training loop: all runs of a cell at once, segment by segment between the checkpoints of the grid.

A segment begins with fresh environments seeded from (seed, segment) and ends with a snapshot, so an interrupted run
goes on from its last snapshot and ends with the same bits. Runs that are done, wait or have diverged are left out of
the batch; no run's numbers depend on who is in it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.axis import stack
from ..algorithms.described import described
from ..algorithms.interface import TRAINING, Episodes, Learner, Plan, check_heavy, check_plans
from ..algorithms.model import Spaces
from ..algorithms.registry import build
from ..algorithms.streams import Stream
from ..algorithms.trees import (
    check_alike,
    check_seeds,
    concatenate,
    named_tensors,
    put,
    select,
    take,
    with_tensors,
)
from ..algorithms.validation import check_metrics
from ..envs.vector import VectorEnv
from ..errors import PgsuiteError
from ..kernels import kernel
from ..results.store.curve import TRAINING_STEPS, CurveRow
from .cells import Cell, Sink, found, open_environments
from .collection import Collector
from .evaluation import Evaluated, environment_seeds_each, evaluate
from .finite import all_finite, gone_through
from .means import MetricMeans
from .noise import noise_of
from .process import keep_freed_memory, single_thread
from .runs import Runs


class Part(NamedTuple):
    """Runs of one cell among those that train together."""

    cell: Cell
    seeds: Sequence[int]
    sink: Sink


class TrainingLoop:
    """The trainer of this project's algorithms."""

    def train(self, cell: Cell, seeds: Sequence[int], sink: Sink) -> None:
        """Train the runs ``seeds`` of a cell from their last snapshots to the end of the budget.

        Raises:
            UsageError: if algorithm or environment cannot be built as asked.
            EnvironmentFault: if the environment raises or gives a non-finite number.
            PgsuiteError: if the algorithm's answers are not of the form that `Learner` asks for.
        """
        self.train_together([Part(cell, seeds, sink)])

    def train_together(self, parts: Sequence[Part]) -> None:
        """Train runs of several cells as one program, along the hyperparameter axis; each has the bits it has alone.

        Args:
            parts: whose cells differ in nothing but their algorithms, and those have one `axis.form`.

        Raises:
            As `train` does, on the first of the cells.
        """
        keep_freed_memory()
        with single_thread():
            training = _Training([member for part in parts for member in _members(part)], parts[0].cell)
            for checkpoint in range(len(training.cell.grid)):
                training.reach(checkpoint)


@dataclass
class _Member:
    """One run."""

    algorithm: Learner
    seed: int
    sink: Sink
    rows: list[CurveRow] = field(default_factory=list)
    """Its curve so far."""


def _members(part: Part) -> list[_Member]:
    algorithm: Learner = build(part.cell.reference, dict(part.cell.options))
    return [_Member(algorithm, seed, part.sink) for seed in part.seeds]


def _algorithm(members: Sequence[_Member]) -> Learner:
    """Return the algorithm of some runs, with their own numbers where these differ."""
    return stack([member.algorithm for member in members])


class _Algorithms:
    """The algorithm of some of the members, made anew only where they are others than before."""

    def __init__(self, members: Sequence[_Member]) -> None:
        self._members = members
        self._made: tuple[bytes, Learner] | None = None

    def __call__(self, rows: NDArray[np.intp]) -> Learner:
        """Return that of the members' ``rows``."""
        asked = rows.tobytes()
        if self._made is None or self._made[0] != asked:
            self._made = asked, _algorithm([self._members[row] for row in rows])
        return self._made[1]


class _Training:
    """One call of `TrainingLoop.train_together`."""

    def __init__(self, members: Sequence[_Member], cell: Cell) -> None:
        self.members, self.cell, self.sink = list(members), cell, members[0].sink
        self.heavy_memory = getattr(members[0].algorithm, "heavy_memory", ())
        self.heavy = tuple(f"state.memory.{name}" for name in self.heavy_memory)
        going_on = described(members[0].algorithm).unbroken
        self.unbroken = found(going_on)(cell.steps) if going_on else None
        probe = open_environments(cell.environment, [0])
        self.spaces = Spaces(probe.observation_space, probe.action_space)
        probe.close()
        self.runs = concatenate([self._load(member) for member in self.members])
        # A crash between a run's last snapshot and the word that it is complete left only the word to be said.
        ended = (self.runs.checkpoint == len(cell.grid) - 1) | (self.runs.diverged_at >= 0)
        for row in ended.nonzero().flatten():
            self._save(take(self.runs, row.view(1)), self.members[row])

    def _load(self, member: _Member) -> Runs:
        state = member.algorithm.init(self.spaces, [member.seed])
        _hold(member.algorithm, "state of its init", check_seeds, state, 1)
        _hold(member.algorithm, "state of its init", check_heavy, self.heavy_memory, getattr(state, "memory", {}))
        zero, none = torch.zeros(1, dtype=torch.int64), torch.full((1,), -1)
        evaluated, no_time = member.algorithm.evaluated(state), torch.zeros(1, dtype=torch.float64)
        runs = Runs(state, zero, zero, zero, evaluated, zero, zero, none, none, no_time)
        stored = member.sink.load(member.seed)
        member.rows = list(stored.rows) if stored else []
        if stored is None:
            return runs
        snapshot = {name: torch.from_numpy(array) for name, array in stored.tensors.items()}
        ended = int(snapshot["checkpoint"]) == len(self.cell.grid) - 1 or int(snapshot["diverged_at"]) >= 0
        return with_tensors(runs, snapshot, optional=self.heavy if ended else ())

    def reach(self, checkpoint: int) -> None:
        """Bring the runs that are one checkpoint behind to this one, evaluate and save them."""
        due = (self.runs.checkpoint == checkpoint - 1) & (self.runs.diverged_at < 0)
        rows = due.nonzero().squeeze(1)
        if not len(rows):
            return
        members = [self.members[row] for row in rows]
        runs, metrics = take(self.runs, rows), MetricMeans(len(rows))
        if checkpoint:
            runs = self._segment(runs, members, checkpoint, metrics)
        runs = runs._replace(checkpoint=torch.full_like(runs.checkpoint, checkpoint))
        episodes = self._evaluate(runs, members, checkpoint)
        sick = torch.from_numpy(np.isnan(episodes.returns).any(1)) & (runs.diverged_at < 0)
        runs = runs._replace(diverged_at=torch.where(sick, runs.steps, runs.diverged_at))
        self.runs = put(self.runs, rows, runs)
        for n, member in enumerate(members):
            if runs.diverged_at[n] < 0:
                member.rows.append(self._row(runs, n, episodes, metrics.of(n)))
            self._save(take(runs, torch.tensor([n])), member)
        returns = episodes.returns[np.isfinite(episodes.returns)]
        self.sink.progress(0, float(returns.mean()) if returns.size else None)

    def _segment(self, runs: Runs, members: list[_Member], segment: int, metrics: MetricMeans) -> Runs:
        """Train from one checkpoint to the next in fresh environments."""
        boundary, start = self.cell.grid[segment], time.perf_counter()
        before, seeds = runs.seconds, [member.seed for member in members]
        collectors: dict[tuple[str, bool], Collector] = {}
        algorithm_of = _Algorithms(members)
        while True:
            rows = np.flatnonzero((runs.steps.numpy() < boundary) & (runs.diverged_at.numpy() < 0))
            if not len(rows):
                break
            active = runs if len(rows) == len(seeds) else take(runs, torch.from_numpy(rows))
            for plan, group in self._plans(active, algorithm_of(rows)):
                together = rows if group is None else rows[group.numpy()]
                some = active if group is None else take(active, group)
                place = plan.stream, _begins_anew(plan)
                if place not in collectors:
                    collectors[place] = self._collector(plan.stream, seeds, segment)
                algorithm, collector = algorithm_of(together), collectors[place]
                trained = None
                if self.unbroken is not None:
                    each = [members[row].algorithm for row in together]
                    trained = self.unbroken.go_on(algorithm, each, some, plan, collector, together, metrics, boundary)
                if trained is None:
                    trained = self._update(algorithm, some, plan, collector, together, metrics)
                self.sink.progress(int((trained.steps.numpy() - some.steps.numpy()).sum()), None)
                runs = trained if len(together) == len(seeds) else put(runs, torch.from_numpy(together), trained)
        for collector in collectors.values():
            collector.close()
        within = (runs.steps <= boundary) & (runs.diverged_at < 0)
        runs = runs._replace(
            behaviour=select(within, _algorithm(members).evaluated(runs.state), runs.behaviour),
            behaviour_steps=torch.where(within, runs.steps, runs.behaviour_steps),
            behaviour_training_steps=torch.where(within, runs.training_steps, runs.behaviour_training_steps),
        )
        return runs._replace(seconds=before + (time.perf_counter() - start))

    def _plans(self, runs: Runs, algorithm: Learner) -> list[tuple[Plan, Tensor | None]]:
        """Return what to collect for which of the runs; None for all of them."""
        planned = algorithm.plan(runs.state)
        _hold(algorithm, "plan", check_plans, planned, len(runs.steps))
        if isinstance(planned, Plan):
            return [(planned, None)]
        groups: dict[Plan, list[int]] = {}
        for row, plan in enumerate(planned):
            groups.setdefault(plan, []).append(row)
        return [(plan, None if len(groups) == 1 else torch.tensor(rows)) for plan, rows in groups.items()]

    def _collector(self, stream: str, seeds: list[int], segment: int) -> Collector:
        purpose = Stream.ENVIRONMENT if stream == TRAINING else f"environments of {stream}"

        def open_members(first: int, count: int) -> VectorEnv:
            members = environment_seeds_each(seeds, purpose, segment, first + count)[:, first:]
            return open_environments(self.cell.environment, members.ravel().tolist())

        return Collector(seeds, open_members)

    def _update(
        self,
        algorithm: Learner,
        runs: Runs,
        plan: Plan,
        collector: Collector,
        rows: NDArray[np.intp],
        metrics: MetricMeans,
    ) -> Runs:
        """One rollout and one update of the runs given, which are the collector's ``rows``."""
        state = runs.state
        behaviour = algorithm.behaviour(state)
        actor = algorithm.actor(behaviour)
        seeds = [collector.seeds[row] for row in rows]
        noise = noise_of(plan, actor, seeds, runs.rollouts.tolist())
        begin_with = _beginnings(plan, seeds, runs.rollouts)
        done = runs.steps.numpy()
        progress = torch.from_numpy(done.astype(np.float32) / np.float32(self.cell.steps))
        rollout, acted = collector.collect(plan, actor, noise, rows, done, progress, begin_with)
        rollout = rollout._replace(behaviour=behaviour)
        with np.errstate(over="ignore", invalid="ignore"):  # a seed that diverges is told by its result
            learned, measured = algorithm.update(state, rollout)
        check_metrics(algorithm, measured, len(rows))
        _hold(algorithm, "state of its update", check_alike, state, learned)
        metrics.add(measured, rows)
        collected = torch.empty_like(runs.steps)
        count_each(rollout.valid.numpy(), collected.numpy())
        steps = runs.steps + collected
        healthy = acted & all_finite(gone_through(algorithm, learned, measured), len(rows))
        diverged_at = runs.diverged_at
        if not healthy.numpy().all():
            learned = select(healthy, learned, state)
            diverged_at = torch.where(healthy, diverged_at, steps)
        return runs._replace(
            state=learned,
            steps=steps,
            rollouts=runs.rollouts + 1,
            training_steps=runs.training_steps + (collected if plan.stream == TRAINING else 0),
            behaviour=algorithm.evaluated(state),
            behaviour_steps=runs.steps,
            behaviour_training_steps=runs.training_steps,
            diverged_at=diverged_at,
        )

    def _evaluate(self, runs: Runs, members: list[_Member], checkpoint: int) -> Evaluated:
        """Evaluate the runs that are well; a diverged one has NaN for its episodes."""
        well = (runs.diverged_at < 0).nonzero().squeeze(1)
        shape = (len(members), self.cell.evaluation.episodes)
        returns, lengths = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        if len(well):
            chosen = [members[row] for row in well]
            actor, seeds = _algorithm(chosen).actor(take(runs.behaviour, well)), [member.seed for member in chosen]
            episodes = evaluate(actor, self.cell.environment, self.cell.evaluation, seeds, checkpoint)
            returns[well.numpy()], lengths[well.numpy()] = episodes
        return Evaluated(returns, lengths)

    def _row(self, runs: Runs, n: int, episodes: Evaluated, metrics: dict[str, float]) -> CurveRow:
        returns, lengths = episodes.returns[n], episodes.lengths[n]
        checkpoint = int(runs.checkpoint[n])
        if (training := int(runs.behaviour_training_steps[n])) < int(runs.behaviour_steps[n]):
            metrics = {**metrics, TRAINING_STEPS: training}
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

    def _save(self, run: Runs, member: _Member) -> None:
        diverged, last = int(run.diverged_at[0]), int(run.checkpoint[0]) == len(self.cell.grid) - 1
        status = "diverged" if diverged >= 0 else "complete" if last else "partial"
        facts: dict[str, Any] = {"status": status, "trained_with": len(self.members)}
        if diverged >= 0:
            facts["diverged_at"] = diverged
        if run.seconds[0] > 0:
            facts["steps_per_second"] = float(run.steps[0] / run.seconds[0]) * len(self.members)
        snapshot = {
            name: tensor.contiguous().numpy()
            for name, tensor in named_tensors(run)
            if status == "partial" or not f"{name}.".startswith(tuple(f"{path}." for path in self.heavy))
        }
        member.sink.save(member.seed, member.rows, facts, snapshot)


def _begins_anew(plan: Plan) -> bool:
    """Whether a plan gives its environments random streams of their own, instead of going on with those they have."""
    return isinstance(plan, Episodes) and (plan.group > 1 or plan.occasion is not None)


def _beginnings(plan: Plan, seeds: Sequence[int], rollouts: Tensor) -> NDArray[np.int64] | None:
    """Return the seeds ``(S, N)`` of the streams that a round's environments begin anew with; None for their own."""
    if not isinstance(plan, Episodes) or not _begins_anew(plan):
        return None
    purpose, keys = f"groups of {plan.stream}", rollouts.tolist()
    if plan.occasion is not None:
        purpose, keys = f"environments of {plan.stream} by occasion", [plan.occasion] * len(seeds)
    starts = environment_seeds_each(seeds, purpose, keys, plan.num_envs // plan.group)
    return np.repeat(starts, plan.group, axis=1)


def _hold(algorithm: Learner, part: str, check: Callable[..., None], *answers: Any) -> None:
    """Hold a part of an algorithm's answers to the interface.

    Raises:
        PgsuiteError: instead of the check's ValueError, naming the algorithm and what of its answers is wrong.
    """
    try:
        check(*answers)
    except ValueError as error:
        raise PgsuiteError(f"algorithm {type(algorithm).__name__}: in the {part}, {error}") from None


@kernel("boolean[:, :, :], int64[::1]")
def count_each(valid, counted):
    """Write how many of every seed's steps ``(S, N, T)`` are valid."""
    for s in range(valid.shape[0]):
        counted[s] = valid[s].sum()
