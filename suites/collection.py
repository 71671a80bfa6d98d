"""Collecting experience: windows of steps and rounds of complete episodes, for all seeds of a cell at once.

Shapes: **S** seeds that collect, **N** environments per seed, **M** = S·N members of the vector environment,
**T** time steps, **O** observation size.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Episodes, Plan, Rollout, Steps
from ..algorithms.model import Action, Actor
from ..envs.joined import JoinedEnv
from ..envs.vector import Transition, VectorEnv
from ..errors import EnvironmentFault

_ROUND_CAPACITY = 64


class Moment(NamedTuple):
    """One time step."""

    observation: NDArray[np.float32]
    """``(S, N, O)`` before the step."""
    action: Action
    running: NDArray[np.intp] | None
    """Positions in ``S·N`` that stepped; None for all."""
    transition: Transition
    """Of the members that stepped."""


def play(
    plan: Plan,
    env: VectorEnv,
    actor: Actor,
    noise: Iterator[Tensor],
    members: NDArray[np.intp],
    observation: NDArray[np.float32] | None = None,
) -> Iterator[Moment]:
    """Play a plan, in training, evaluation and replay alike.

    In a round every member plays one episode; a finished one is not stepped again.

    Args:
        plan: a window or a round.
        env: the environments.
        actor: of the seeds that play.
        noise: action noise, a time step at a time.
        members: ``(S, N)`` which of the environments play.
        observation: ``(S, N, O)`` where a window goes on; a round, or None, begins with a reset.
    """
    flat = members.ravel()
    everyone = np.array_equal(flat, np.arange(env.num_envs))
    if observation is None:
        observation = env.reset(None if everyone else flat).reshape(*members.shape, -1)
    running: NDArray[np.intp] | None = None
    left, t = np.arange(flat.size), 0
    while left.size if isinstance(plan, Episodes) else t < plan.length:
        action = actor(torch.from_numpy(observation), next(noise))
        chosen = action.environment.reshape(flat.size, *action.environment.shape[2:])
        if running is None:
            transition = env.step(chosen, None if everyone else flat)
            following = transition.observation.reshape(observation.shape)
        else:
            transition = env.step(chosen[running], flat[running])
            following = observation.copy()
            following.reshape(flat.size, -1)[running] = transition.observation
        yield Moment(observation, action, running, transition)
        if isinstance(plan, Episodes) and (done := transition.terminated | transition.truncated).any():
            left = left[~done]
            running = left
        observation, t = following, t + 1


class Recorder:
    """Experience as it comes, one time step after another, for members laid out as ``(S, N)``."""

    def __init__(self, shape: tuple[int, ...], capacity: int) -> None:
        self._shape = shape
        self._capacity = capacity
        self._arrays: dict[str, NDArray[Any]] = {}
        self.length = 0

    def write(self, action: Action, transition: Transition, running: NDArray[np.intp] | None) -> None:
        """Add a step: the action, and what came of it in the members that stepped (all when None)."""
        values: dict[str, NDArray[Any]] = {
            "reward": transition.reward,
            "terminated": transition.terminated,
            "truncated": transition.truncated,
            "valid": transition.valid,
            "following": transition.observation,
        }
        chosen = {"action": action.sample.numpy(), "log_prob": action.log_prob.numpy()}
        if not self._arrays:
            self._allocate({**{name: x.reshape(-1, *x.shape[2:]) for name, x in chosen.items()}, **values})
        elif self.length == self._capacity:
            self._grow()
        for name, value in chosen.items():
            self._arrays[name][:, :, self.length] = value
        for name, value in values.items():
            if running is None:
                self._arrays[name][:, :, self.length] = value.reshape(*self._shape, *value.shape[1:])
            else:
                seed, member = np.divmod(running, self._shape[1])
                self._arrays[name][seed, member, self.length] = value
        self.length += 1

    def array(self, name: str) -> NDArray[Any]:
        """Return what was written, ``(S, N, T, ...)``; zeros where a member did not step."""
        return self._arrays[name][:, :, : self.length]

    def tensor(self, name: str) -> Tensor:
        """Return the same as a contiguous tensor."""
        return torch.from_numpy(np.ascontiguousarray(self.array(name)))

    def _allocate(self, values: dict[str, NDArray[Any]]) -> None:
        for name, value in values.items():
            self._arrays[name] = np.zeros((*self._shape, self._capacity, *value.shape[1:]), dtype=value.dtype)

    def _grow(self) -> None:
        self._arrays = {name: np.concatenate([a, np.zeros_like(a)], axis=2) for name, a in self._arrays.items()}
        self._capacity *= 2


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
        noise: Iterator[Tensor],
        rows: NDArray[np.intp],
        steps: NDArray[np.int64],
        progress: Tensor,
    ) -> tuple[Rollout, Tensor]:
        """Collect what an algorithm planned.

        Args:
            plan: a window or a round.
            actor: of the seeds that collect.
            noise: action noise, a time step at a time.
            rows: ``(S,)`` which of the collector's seeds collect; the environments of the others stand still.
            steps: ``(S,)`` environment steps they have done before, for messages.
            progress: ``(S,)`` share of their budget.

        Returns:
            The rollout, without its behaviour, and ``(S,)`` which seeds acted with finite numbers throughout; the
            others have diverged.

        Raises:
            EnvironmentFault: if an observation or reward is not finite although the actions were.
        """
        env, count = self._with(plan.num_envs), plan.num_envs
        members = self._members[rows, :count]
        window = isinstance(plan, Steps)
        start = self._going_on(env, rows, count) if window else None
        record = Recorder(members.shape, plan.length if isinstance(plan, Steps) else _ROUND_CAPACITY)
        first: NDArray[np.float32] | None = None
        acted: list[NDArray[np.bool_]] = []
        for moment in play(plan, env, actor, noise, members, start):
            first = moment.observation if first is None else first
            acted.append(moment.action.finite)
            record.write(moment.action, moment.transition, moment.running)
        assert first is not None
        finite, following = np.stack(acted, axis=1), record.array("following")
        self._check(env.id, rows, steps, np.minimum.accumulate(finite, axis=1), first, record)
        if window:
            time = _times(self._time[rows, :count], record.array("valid"))
            self._observation[rows, :count] = following[:, :, -1]
            self._time[rows, :count] = np.where(record.array("valid")[:, :, -1], time[:, :, -1] + 1, 0)
        else:
            time = np.broadcast_to(np.arange(record.length), (*members.shape, record.length)).copy()
        self._begun[rows, :count] = window
        rollout = Rollout(
            observation=torch.from_numpy(np.concatenate([first[:, :, None], following], axis=2)),
            action=record.tensor("action"),
            log_prob=record.tensor("log_prob"),
            reward=record.tensor("reward"),
            terminated=record.tensor("terminated"),
            truncated=record.tensor("truncated"),
            valid=record.tensor("valid"),
            time=torch.from_numpy(time),
            progress=progress,
            complete=not window,
        )
        return rollout, torch.from_numpy(finite.all(axis=1))

    def close(self) -> None:
        """Close the environments."""
        if self._env is not None:
            self._env.close()

    def _with(self, count: int) -> VectorEnv:
        """Return the environments, with those opened that ``count`` a seed still need."""
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

    def _going_on(self, env: VectorEnv, rows: NDArray[np.intp], count: int) -> NDArray[np.float32]:
        """Return where a window goes on ``(S, N, O)``; environments without an episode are reset."""
        seed, member = np.nonzero(~self._begun[rows, :count])
        if seed.size:
            self._observation[rows[seed], member] = env.reset(self._members[rows[seed], member])
            self._time[rows[seed], member] = 0
        return self._observation[rows, :count]

    def _check(
        self,
        env_id: str,
        rows: NDArray[np.intp],
        steps: NDArray[np.int64],
        acted: NDArray[np.bool_],
        first: NDArray[np.float32],
        record: Recorder,
    ) -> None:
        """Raise if a non-finite number came from an environment that had been given finite actions until then.

        Args:
            env_id: of the environment.
            rows: ``(S,)`` of the collector's seeds.
            steps: ``(S,)`` steps done before the rollout.
            acted: ``(S, T)`` whether all actions up to a step were finite.
            first: ``(S, N, O)`` observations before the first step.
            record: of the rollout.
        """
        reward, following, valid = record.array("reward"), record.array("following"), record.array("valid")
        if np.isfinite(reward).all() and np.isfinite(following).all() and np.isfinite(first).all():
            return
        started = np.isfinite(first).all(-1)
        for seed, member in np.argwhere(~started):
            raise fault(env_id, "observation", self.seeds[rows[seed]], member, int(steps[seed]))
        for what, bad in (("reward", ~np.isfinite(reward)), ("observation", ~np.isfinite(following).all(-1))):
            places = np.argwhere(bad & acted[:, None, :])
            if len(places):
                seed, member, t = places[places[:, 2].argmin()]
                done = int(steps[seed] + valid[seed, :, : t + 1].sum())
                raise fault(env_id, what, self.seeds[rows[seed]], member, done)


def _times(elapsed: NDArray[np.int64], valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return steps since the episode's start ``(S, N, T)``, from those before ``(S, N)``; a reset step starts at 0."""
    time = np.empty(valid.shape, dtype=np.int64)
    for t in range(valid.shape[2]):
        time[:, :, t] = elapsed
        elapsed = np.where(valid[:, :, t], elapsed + 1, 0)
    return time


def fault(env_id: str, what: str, seed: int, member: int, step: int) -> EnvironmentFault:
    """Return the error of an environment that gave a non-finite number after finite actions."""
    return EnvironmentFault(
        f"environment {env_id} gave a non-finite {what} to seed {seed}, environment {member}, by step {step}, "
        "although all actions were finite: mend the environment or leave it out with -e"
    )
