"""Updates without a break: from window to window in compiled code, by an algorithm whose update is one pass.

What `training` does in Python from one update to the next takes longer than an update of one seed. Here a kernel plays
a window, updates on it and goes on, until the next window might pass the checkpoint; one seed after another. It calls
the kernels that `training` calls, on memory that is laid out once, so the bits are the same.

Shapes: **S** seeds, **N** environments per seed, **T** time steps, **B** = N·T samples, **O** observation size,
**K** numbers of an action's noise, **P** parameters, **U** updates.
"""

import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..addresses import Prepared
from ..algorithms.adam import decayed_rate
from ..algorithms.diagnostics import INTERVAL
from ..algorithms.interface import TRAINING, Learner, Plan, Rollout, State, Steps
from ..algorithms.joint import METRICS, Joined, step_each
from ..algorithms.model import NetworkActor
from ..algorithms.networks import BLOCK, copy
from ..algorithms.normalisers import freeze_each, moments_each, trace_each, variance
from ..algorithms.trees import take, tensors, tree_map
from ..algorithms.windows import weigh_each
from ..envs.compiled import CompiledVectorEnv
from ..errors import EnvironmentFault
from ..kernels import kernel
from .collection import Collector, Standing, count_time, rollout_of
from .faults import Fault, fault, first_fault
from .finite import finite_each, gone_through, places
from .means import MetricMeans, add_finite
from .noise import noise_of
from .playing import play_each, playing, resets_within
from .runs import Runs

LEAST = 8
"""Windows of a seed that are worth laying out the memory."""
SECONDS = 0.25
"""How long training hears nothing, about, where `LEAST` windows of all seeds do not take longer."""
TOO_LONG = 5.0
"""Seconds of `LEAST` windows of all seeds from which on they are better told one by one: Python costs nothing there."""
ROOM = 2**22
"""Numbers that may be drawn ahead, for resets and actions."""


class WindowLearner(Learner, Protocol):
    """A learner that can go on without a break: its update of a window is one pass, and nothing lies between two."""

    @property
    def as_written(self) -> bool:
        """Whether nothing was changed of what that stands for."""

    num_envs: int
    learning_rate: float
    learning_rate_decay: Literal["none", "linear"]
    discount: float
    normalise_observations: bool
    scale_rewards: bool

    def prepared(self, state: State, rollout: Rollout, rate: float | Tensor) -> Joined:
        """Return its update of a window, ready to be made again and again."""


class Unbroken:
    """Goes on for runs that train together, as far as it can, by turns with training itself."""

    def __init__(self, budget: int) -> None:
        """Begin.

        Args:
            budget: environment steps of a whole run.
        """
        self._budget = budget
        self._pace = 0.0
        """Seconds that a window and update of one seed take; 0 before one was made."""
        self._places: dict[int, _Place] = {}
        self._laid_out_for: tuple[Any, ...] = (None, None, None)

    def go_on(
        self,
        algorithm: WindowLearner,
        each: Sequence[WindowLearner],
        runs: Runs,
        plan: Plan,
        collector: Collector,
        rows: NDArray[np.intp],
        means: MetricMeans,
        boundary: int,
    ) -> Runs | None:
        """Return runs after windows and updates without a break; None where they go one by one.

        Args:
            algorithm: of all runs.
            each: ``(S,)`` the algorithm of each of them.
            runs: the runs.
            plan: what the algorithm asks for now.
            collector: of their environments.
            rows: ``(S,)`` which of the collector's seeds they are, and of the metrics'.
            means: takes their metrics.
            boundary: environment steps of the next checkpoint, which no window passes here.

        Raises:
            EnvironmentFault: as `Collector.collect` does.
        """
        if not isinstance(plan, Steps) or not getattr(algorithm, "as_written", False):
            return None
        env = collector.environments(plan.num_envs)
        if not isinstance(env, CompiledVectorEnv) or runs.state.policy.dtype != torch.float32:
            return None
        noise_size = runs.state.model.distribution.noise_size
        windows = self._windows(plan, env, noise_size, boundary - runs.steps.numpy())
        if windows.max() < LEAST:
            return None
        actor, seeds = algorithm.actor(algorithm.behaviour(runs.state)), [collector.seeds[row] for row in rows]
        stood = collector.standing(plan, rows)
        env.ensure_draws(stood.members.ravel(), int(windows.max()) * resets_within(plan.length))
        made: Runs = tree_map(torch.clone, runs)
        before, arrays = runs.steps.clone(), _arrays(made.state)
        faults: list[_Met] = []
        update_each.prepared(np.float32)
        start = time.thread_time()
        for n in np.flatnonzero(windows).tolist():
            count, place = int(windows[n]), self._place(each[n], runs.state, n, env, plan, means)
            rollouts = range(int(runs.rollouts[n]), int(runs.rollouts[n]) + count)
            noises = noise_of(plan, actor, [seeds[n]] * count, rollouts).draw(plan.length, np.full(count, True))
            place.take(arrays, int(made.steps[n]), n, stood, int(rows[n]))
            well = place.run(noises.numpy())
            made.steps[n] = place.give(arrays, n, stood)
            made.rollouts[n] += min(well + 1, count)
            before[n] = made.steps[n] if well == count else place.before
            if well < count:
                made.diverged_at[n] = made.steps[n]
                faults += [_Met(well, wrong, seeds[n], place.before)] if (wrong := place.fault()) else []
        self._pace = (time.thread_time() - start) / int(windows.sum())
        if faults:
            raise _first(env.id, faults)
        collector.went_on(rows, stood)
        counted = int(plan.stream == TRAINING)
        # What acts in the last window of these is not kept: until the checkpoint is reached, another window follows.
        return made._replace(
            training_steps=runs.training_steps + counted * (made.steps - runs.steps),
            behaviour=algorithm.evaluated(made.state),
            behaviour_steps=before,
            behaviour_training_steps=runs.training_steps + counted * (before - runs.steps),
        )

    def _windows(
        self, plan: Steps, env: CompiledVectorEnv, noise_size: int, left: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """How many windows each seed ``(S,)`` goes on for, that has so many steps ``left`` until the boundary."""
        resets = resets_within(plan.length) * env.num_envs
        most = ROOM // (resets * len(env.task.reset_low) + plan.length * plan.num_envs * noise_size)
        if self._pace * len(left) * LEAST > TOO_LONG:
            most = 0
        elif self._pace:
            most = min(most, max(LEAST, int(SECONDS / (self._pace * len(left)))))
        else:
            most = min(most, LEAST)
        return np.minimum(left // (plan.num_envs * plan.length), most)

    def _place(
        self,
        learner: WindowLearner,
        state: State,
        n: int,
        env: CompiledVectorEnv,
        plan: Steps,
        means: MetricMeans,
    ) -> "_Place":
        """Where the n-th run is updated: one place for all of a learner, while what it was laid out for is there."""
        needed = env.members, means.places(METRICS), means.sums
        if not all(one is other for one, other in zip(needed, self._laid_out_for, strict=True)):
            self._places, self._laid_out_for = {}, needed
        if id(learner) not in self._places:
            own = take(state, torch.tensor([n]))
            self._places[id(learner)] = _Place(learner, own, env, plan, means, self._budget)
        return self._places[id(learner)]


class _Met(NamedTuple):
    """A fault of an environment, and when it was met."""

    window: int
    """Of those that its seed went on for."""
    fault: Fault
    """Whose steps are those of all the seed's environments in that window."""
    seed: int
    before: int
    """Environment steps before the window."""


def _first(env_id: str, faults: Sequence[_Met]) -> EnvironmentFault:
    """Return the error of that of the faults which is met first where all seeds go on window by window."""

    def order(met: _Met) -> tuple[Any, ...]:
        what, _, _, _, time = met.fault
        return met.window, time > 0, what == "observation", time

    first = min(faults, key=order)
    return fault(env_id, first.fault.what, first.seed, first.fault.member, first.before + first.fault.steps)


class _Place:
    """Where the updates of one seed are made: memory laid out once, into which a run is taken and given back."""

    def __init__(
        self, learner: WindowLearner, state: State, env: CompiledVectorEnv, plan: Steps, means: MetricMeans, budget: int
    ) -> None:
        """Lay it out.

        Args:
            learner: the algorithm.
            state: of one seed, which is written to.
            env: where it plays.
            plan: its windows.
            means: takes metrics.
            budget: environment steps of a whole run.
        """
        shape, rows, size = (1, plan.num_envs, plan.length), plan.num_envs * plan.length, state.model.policy.inputs
        actor = cast("NetworkActor", learner.actor(learner.behaviour(state)))
        noise = np.empty((1, plan.length, plan.num_envs, actor.noise_size), np.float32)
        self._members, self._elapsed = np.empty(shape[:2], np.intp), np.empty(shape[:2], np.int64)
        self._steps, self._row = np.zeros(2, np.int64), np.zeros(1, np.intp)
        running, spent = np.full(shape[:2], True), np.empty(shape, np.int64)
        self._playing = playing(env, actor, noise, self._members, running, once=False, densities=False)
        record = self._record = self._playing.record
        record.length[:] = plan.length  # the whole window, before it is played for the first time
        window = self._playing.stretch()._replace(log_prob=torch.zeros(shape))
        update = learner.prepared(state, rollout_of(window, spent, torch.zeros(1), complete=False), 0.0)
        weighing = update.weighing
        own = {name: tree_map(torch.clone, getattr(state, name)) for name in ("observation", "reward", "trace")}
        after = update.learned._replace(**own)
        self._kept, self._own, self._own_after = (learner, update), _arrays(state), _arrays(after)
        measured = dict(zip(METRICS, torch.from_numpy(update.numbers), strict=True))
        sums = np.empty(shape)

        actions = [x.reshape(-1) for x in (noise, record.sample, update.actions)]
        kernels = PLAY.of(self._playing.arguments), WEIGH.of(weighing.arguments), STEP.of(update.arguments)
        flags = record.terminated, record.truncated, record.valid, record.acted, record.sound
        recorded = record.observation, record.reward, *flags, self._elapsed, spent
        linear = learner.learning_rate_decay == "linear"
        stepping = update.due, update.rate, float(learner.learning_rate), linear, budget
        standardised = learner.normalise_observations, (*self._playing.standardiser, weighing.shift, weighing.scale)
        scaled = learner.scale_rewards, weighing.unit, np.full(1, learner.discount, np.float64)
        seen, earned = (tuple(x.numpy() for x in moments) for moments in (after.observation, after.reward))
        normalisers = seen, earned, after.trace.numpy()
        laid = np.empty((1, rows, size)), np.empty((1, rows)), np.empty(shape, np.bool_), sums
        work = sums.reshape(1, rows, 1), np.empty(2 * max(size, 1))
        told = np.empty((len(METRICS), 1)), means.places(METRICS), self._row, means.sums, means.counts
        health = places(gone_through(learner, after, measured), 1), np.full(1, True)
        self._arguments = (
            *(*actions, *kernels, *recorded, *stepping, *standardised, *scaled, *normalisers, *laid, *work),
            *(*_rows(state), *_rows(after), update.numbers, *told, *health, state.updates.numpy(), self._steps),
        )

    def take(self, arrays: Sequence[NDArray[Any]], steps: int, n: int, stood: Standing, row: int) -> None:
        """Take the n-th run in.

        Args:
            arrays: of the state of all runs.
            steps: environment steps that it has done.
            n: which one it is.
            stood: where its windows go on.
            row: its place among the metrics.
        """
        for source, own, after in zip(arrays, self._own, self._own_after, strict=True):
            own[0] = after[0] = source[n]
        self._steps[:], self._row[0] = steps, row
        self._members[0], self._elapsed[0] = stood.members[n], stood.time[n]
        self._record.observation[0, :, 0] = stood.observation[n]

    def run(self, noises: NDArray[np.float32]) -> int:
        """Play and update as often as there is noise ``(U, T, N, K)``; return after how many updates it was well."""
        with np.errstate(over="ignore", invalid="ignore"):  # as in training; told where nothing is compiled
            made: int = update_each(noises.reshape(len(noises), -1), *self._arguments)
        return made

    @property
    def before(self) -> int:
        """Environment steps before the last window."""
        return int(self._steps[0])

    def give(self, arrays: Sequence[NDArray[Any]], n: int, stood: Standing) -> int:
        """Give the n-th run back, and the environment steps that it has done."""
        for target, own in zip(arrays, self._own, strict=True):
            target[n] = own[0]
        stood.time[n], stood.observation[n] = self._elapsed[0], self._record.observation[0, :, -1]
        return int(self._steps[1])

    def fault(self) -> Fault | None:
        """Return what was wrong with the environment in the last window, with the steps of all of it until then."""
        if wrong := first_fault(self._playing.stretch(), np.array([True])):
            return wrong._replace(steps=int(self._record.valid[0, :, : wrong.time].sum()))
        return None


def _arrays(tree: Any) -> list[NDArray[Any]]:
    return [tensor.numpy() for tensor in tensors(tree)]


def _rows(state: State) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
    """What an update changes of one seed's state, as rows: numbers of the networks' precision, and float64 ones."""
    policy, critic = state.optimisers["policy"], state.optimisers["critic"]
    reals = (state.policy, policy.first, policy.second, state.critic, critic.first, critic.second)
    doubles = (policy.steps, critic.steps, *state.observation, *state.reward, state.trace)
    return tuple(x.numpy().reshape(-1) for x in reals), tuple(x.numpy().reshape(-1) for x in doubles)


PLAY, WEIGH, STEP = Prepared(play_each), Prepared(weigh_each), Prepared(step_each)
MOMENTS = "Tuple((float64[::1], float64[:, ::1], float64[:, ::1]))"


@kernel(
    "real[:, ::1], real[::1], real[::1], real[::1], "
    "int64[::1], int64[::1], int64[::1], "
    "float32[:, :, :, ::1], float64[:, :, ::1], boolean[:, :, ::1], boolean[:, :, ::1], boolean[:, :, ::1], "
    "boolean[:, ::1], boolean[::1], int64[:, ::1], int64[:, :, ::1], "
    "boolean[::1], float64[::1], float64, boolean, int64, "
    "boolean, UniTuple(real[:, ::1], 4), boolean, float64[::1], float64[::1], "
    f"{MOMENTS}, {MOMENTS}, float64[:, ::1], "
    "float64[:, :, ::1], float64[:, ::1], boolean[:, :, ::1], float64[:, :, ::1], float64[:, :, ::1], float64[::1], "
    "UniTuple(real[::1], 6), UniTuple(float64[::1], 9), UniTuple(real[::1], 6), UniTuple(float64[::1], 9), "
    "real[:, ::1], float64[:, ::1], int64[::1], int64[::1], float64[:, ::1], int64[:, ::1], "
    "int64[:, ::1], boolean[::1], int64[::1], int64[::1]"
)
def update_each(
    noises, noise, sample, actions,
    play, weigh, step,
    observation, reward, terminated, truncated, valid, acted, sound, elapsed, time,
    due, rate, learning_rate, linear, budget,
    normalises, standardisers, scales, unit, discount,
    seen, earned, trace, laid, mask, done, sums, column, work,
    reals, doubles, new_reals, new_doubles,
    numbers, told, places, row, totals, counts, where, finite,
    updates, steps,
):  # fmt: skip
    """Play windows of a seed and update on each, until its numbers are not finite; return how many it was well after.

    The arguments, a line at a time: noise of all windows and of one, actions of that one as played and as learned from;
    packed arguments of the kernels that play, weigh and step; the window's `Record`, and time in
    episodes; whether KL is due, Adam's step size, and what it follows from; whether observations are standardised,
    by what (for acting, and for learning), whether rewards are scaled, and by what, and with which discount; moments
    of both, and rewards' traces, after an update, and memory to work in; the state before and after an update; metrics
    and where their means are added up, and which numbers have to be finite; updates, and environment steps before and
    after the last window.
    """
    for u in range(len(noises)):
        if normalises:
            freeze_each(seen[0], seen[1], seen[2], standardisers[0], standardisers[1])
            freeze_each(seen[0], seen[1], seen[2], standardisers[2], standardisers[3])
        if scales:
            unit[0] = np.sqrt(variance(earned[0][0], earned[2][0, 0]))
        due[0] = updates[0] % INTERVAL == 0
        rate[0] = decayed_rate(learning_rate, linear, np.float32(steps[1]) / np.float32(budget))
        if u:
            for n in range(observation.shape[1]):
                copy(observation[0, n, observation.shape[2] - 1], observation[0, n, 0])
        copy(noises[u], noise)
        sound[0] = True
        PLAY(play, noise)
        copy(sample, actions)
        count_time(elapsed, valid, time)
        steps[0] = steps[1]
        steps[1] += valid.sum()
        WEIGH(weigh, noise)
        STEP(step, noise)
        lay_out(observation, valid, terminated, truncated, laid, mask, done)
        if normalises:
            moments_each(seen[0], seen[1], seen[2], laid, mask, BLOCK, work)
        if scales:
            for n in range(time.shape[1]):
                trace[0, n] = 0 if time[0, n, 0] == 0 else trace[0, n]
            trace_each(reward, done, trace, discount, sums)
            moments_each(earned[0], earned[1], earned[2], column, mask, BLOCK, work)
        for m in range(len(told)):
            told[m, 0] = numbers[m, 0]
        add_finite(told, places, row, totals, counts)
        finite[0] = sound[0]
        for t in range(acted.shape[1]):
            finite[0] = finite[0] and acted[0, t]
        finite_each(where, finite)
        if not finite[0]:
            return u
        for n in range(len(reals)):
            copy(new_reals[n], reals[n])
        for n in range(len(doubles)):
            copy(new_doubles[n], doubles[n])
        updates[0] += 1
    return len(noises)


@kernel
def lay_out(observation, valid, terminated, truncated, laid, mask, done):
    """Write a window's observations in the order of its samples, which of these count, and where episodes end."""
    steps = valid.shape[2]
    for n in range(valid.shape[1]):
        for t in range(steps):
            for o in range(observation.shape[3]):
                laid[0, n * steps + t, o] = observation[0, n, t, o]
            mask[0, n * steps + t] = valid[0, n, t]
            done[0, n, t] = terminated[0, n, t] or truncated[0, n, t]
