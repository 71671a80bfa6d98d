"""Collecting experience: windows of steps and rounds of complete episodes, for all seeds of a cell at once.

Shapes: **S** seeds that collect, **N** environments per seed, **M** = S·N members of the vector environment,
**T** time steps, **O** observation size.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Passed, Plan, Rollout, Steps
from ..algorithms.model import Actor
from ..envs.joined import JoinedEnv
from ..envs.vector import VectorEnv
from ..kernels import linked
from .faults import fault, first_fault
from .noise import Noise
from .playing import play
from .stretches import Stretch


class Standing(NamedTuple):
    """Where windows of some seeds go on."""

    members: NDArray[np.intp]
    """``(S, N)`` which of the environments are theirs."""
    observation: NDArray[np.float32]
    """``(S, N, O)`` what is seen there."""
    time: NDArray[np.int64]
    """``(S, N)`` steps since the episode's start."""


class Collector:
    """The environments of a group of seeds, kept between the rollouts of a segment."""

    def __init__(self, seeds: list[int], open_members: Callable[[int, int], VectorEnv]) -> None:
        """Begin without environments.

        Args:
            seeds: ``(S,)``
            open_members: opens environments ``first`` to ``first + count - 1`` of every seed, a seed's together.
        """
        self.seeds = seeds
        self._open_members = open_members
        self._env: VectorEnv | None = None
        self._members = np.zeros((len(seeds), 0), dtype=np.intp)
        self._observation = np.zeros((len(seeds), 0, 0), dtype=np.float32)
        self._time = np.zeros((len(seeds), 0), dtype=np.int64)
        self._begun = np.zeros((len(seeds), 0), dtype=np.bool_)

    def collect(
        self,
        plan: Plan,
        actor: Actor,
        noise: Noise,
        rows: NDArray[np.intp],
        steps: NDArray[np.int64],
        progress: Tensor,
        begin_with: NDArray[np.int64] | None = None,
    ) -> tuple[Rollout, Tensor]:
        """Collect what an algorithm planned.

        Args:
            plan: a window or a round.
            actor: of the seeds that collect.
            noise: of their actions.
            rows: ``(S,)`` which of the collector's seeds collect, in order; the environments of the others stand still.
            steps: ``(S,)`` environment steps they have done before, for messages.
            progress: ``(S,)`` share of their budget.
            begin_with: ``(S, N)`` seeds of the random streams that a round's environments begin anew with; None where
                each goes on with its own.

        Returns:
            The rollout, without its behaviour, and ``(S,)`` which seeds acted with finite numbers throughout; the
            others have diverged.

        Raises:
            EnvironmentFault: if an observation or reward is not finite although the actions were.
        """
        env, count = self.environments(plan.num_envs), plan.num_envs
        place: Any = slice(None) if len(rows) == len(self.seeds) else rows
        members = np.ascontiguousarray(self._members[place, :count])
        if begin_with is not None:
            env.reseed([int(seed) for seed in begin_with.flat], members.ravel())
        window = isinstance(plan, Steps)
        start = self._going_on(env, place, count) if window else None
        stretches: list[Stretch] = []
        acted = np.full(len(rows), True)
        for played in play(plan, env, actor, noise, members, start):
            if wrong := first_fault(played, acted):
                before = sum(int(each.valid[wrong.seed].sum()) for each in stretches)
                done = before + int(played.valid[wrong.seed, :, : wrong.time].sum())
                seed = self.seeds[rows[wrong.seed]]
                raise fault(env.id, wrong.what, seed, wrong.member, int(steps[wrong.seed]) + done)
            if not played.acted.all():
                acted &= played.acted.all(axis=1)
            stretches.append(played)
        whole = _joined(stretches)
        elapsed, time = np.ascontiguousarray(self._time[place, :count]), np.empty(whole.valid.shape, np.int64)
        if not window:
            elapsed[:] = 0
        count_time(elapsed, whole.valid, time)
        if window:
            self._observation[place, :count] = whole.observation[:, :, -1]
            self._time[place, :count] = elapsed
        self._begun[place, :count] = window
        return rollout_of(whole, time, progress, complete=not window), torch.from_numpy(acted)

    def standing(self, plan: Steps, rows: NDArray[np.intp]) -> Standing:
        """Return where windows of the seeds ``rows`` go on; they are reset where none went before."""
        env, count = self.environments(plan.num_envs), plan.num_envs
        observation = self._going_on(env, rows, count)
        return Standing(self._members[rows, :count], observation, self._time[rows, :count])

    def went_on(self, rows: NDArray[np.intp], stood: Standing) -> None:
        """Hear where they stand now."""
        count = stood.members.shape[1]
        self._observation[rows, :count], self._time[rows, :count] = stood.observation, stood.time
        self._begun[rows, :count] = True

    def close(self) -> None:
        """Close the environments."""
        if self._env is not None:
            self._env.close()

    def environments(self, count: int) -> VectorEnv:
        """Return the environments, with those opened that ``count`` a seed still need; nothing is reset."""
        seeds, there = self._members.shape
        if count > there:
            opened, before = self._open_members(there, count - there), self._env.num_envs if self._env else 0
            added = before + np.arange(seeds * (count - there)).reshape(seeds, -1)
            self._env = JoinedEnv(self._env, opened) if self._env else opened
            self._members = np.concatenate([self._members, added], axis=1)
            size = opened.observation_space.shape[0]
            observation = np.zeros((seeds, count, size), dtype=np.float32)
            observation[:, :there] = self._observation if there else 0.0
            self._observation = observation
            more = ((0, 0), (0, count - there))
            self._time, self._begun = np.pad(self._time, more), np.pad(self._begun, more)
        assert self._env is not None
        return self._env

    def _going_on(self, env: VectorEnv, place: Any, count: int) -> NDArray[np.float32]:
        """Return where a window of the seeds at ``place`` goes on ``(S, N, O)``; those without an episode are reset."""
        if not self._begun[place, :count].all():
            seed, member = np.nonzero(~self._begun[place, :count])
            row = np.arange(len(self.seeds))[place][seed]
            self._observation[row, member] = env.reset(self._members[row, member])
            self._time[row, member] = 0
        return self._observation[place, :count]


def rollout_of(played: Stretch, time: NDArray[np.int64], progress: Tensor, *, complete: bool) -> Rollout:
    """Return what was played as an algorithm learns from it, in the same memory, without its behaviour.

    Args:
        played: a whole window or round.
        time: ``(S, N, T)`` steps since the episode's start.
        progress: ``(S,)`` share of the budget.
        complete: whether it is a round.
    """
    observation, passed = torch.from_numpy(played.observation), None
    if played.passed is not None:
        behaviour, *made = played.passed
        passed = Passed(behaviour, observation, observation._version, *made)
    return Rollout(
        observation=observation,
        action=played.action,
        log_prob=played.log_prob,
        reward=torch.from_numpy(played.reward),
        terminated=torch.from_numpy(played.terminated),
        truncated=torch.from_numpy(played.truncated),
        valid=torch.from_numpy(played.valid),
        time=torch.from_numpy(time),
        progress=progress,
        complete=complete,
        passed=passed,
    )


def _joined(stretches: list[Stretch]) -> Stretch:
    """Return stretches one after another as one, contiguous."""
    first = stretches[0]
    if len(stretches) == 1 and first.observation.flags.c_contiguous:
        return first
    numbers: list[NDArray[Any]] = [
        np.concatenate([getattr(each, name) for each in stretches], axis=2)
        for name in ("reward", "terminated", "truncated", "valid")
    ]
    reward, terminated, truncated, valid = numbers
    following = [each.observation[:, :, 1:] for each in stretches]
    return first._replace(
        observation=np.concatenate([first.observation[:, :, :1], *following], axis=2),
        action=torch.cat([each.action for each in stretches], 2),
        log_prob=torch.cat([each.log_prob for each in stretches], 2),
        reward=reward,
        terminated=terminated,
        truncated=truncated,
        valid=valid,
    )


@linked("int64[:, ::1], boolean[:, :, ::1], int64[:, :, ::1]", entry=True)
def count_time(elapsed, valid, time):
    """Write steps since the episode's start ``(S, N, T)``, and go on from, and with, those before ``(S, N)``."""
    for s in range(valid.shape[0]):
        for n in range(valid.shape[1]):
            for t in range(valid.shape[2]):
                time[s, n, t] = elapsed[s, n]
                elapsed[s, n] = elapsed[s, n] + 1 if valid[s, n, t] else 0
