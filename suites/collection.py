"""Collecting experience: windows of steps and rounds of complete episodes, for all seeds of a cell at once.

Shapes: **S** seeds that collect, **N** environments per seed, **M** = S·N members of the vector environment,
**T** time steps, **O** observation size.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Episodes, Rollout, Steps
from ..algorithms.model import Action, Actor
from ..envs.vector import Transition, VectorEnv
from ..errors import EnvironmentFault

_ROUND_CAPACITY = 64


class Moment(NamedTuple):
    """One step of a round."""

    observation: NDArray[np.float32]
    """``(S, N, O)`` before the step."""
    action: Action
    running: NDArray[np.intp] | None
    """Positions in ``S·N`` that stepped; None for all."""
    transition: Transition
    """Of the members that stepped."""


def play_round(env: VectorEnv, actor: Actor, noise: Iterator[Tensor], members: NDArray[np.intp]) -> Iterator[Moment]:
    """Play one episode from reset in each of ``members`` ``(S, N)``; a finished member is not stepped again."""
    everyone, flat = members.size == env.num_envs, members.ravel()
    observation = env.reset(None if everyone else flat).reshape(*members.shape, -1)
    running: NDArray[np.intp] | None = None
    left = np.arange(flat.size)
    while left.size:
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
        done = transition.terminated | transition.truncated
        if done.any():
            left = left[~done]
            running = left
        observation = following


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
        if not self._arrays:
            self._allocate({"action": action.sample.numpy().reshape(-1, *action.sample.shape[2:]), **values})
        elif self.length == self._capacity:
            self._grow()
        self._arrays["action"][:, :, self.length] = action.sample.numpy()
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

    def _allocate(self, values: dict[str, NDArray[Any]]) -> None:
        for name, value in values.items():
            self._arrays[name] = np.zeros((*self._shape, self._capacity, *value.shape[1:]), dtype=value.dtype)

    def _grow(self) -> None:
        self._arrays = {name: np.concatenate([a, np.zeros_like(a)], axis=2) for name, a in self._arrays.items()}
        self._capacity *= 2


class Collector:
    """The environments of a group of seeds, kept between the windows of a segment."""

    def __init__(self, env: VectorEnv, seeds: list[int], num_envs: int) -> None:
        self.env = env
        self.seeds = seeds
        self.num_envs = num_envs
        self._members = np.arange(len(seeds) * num_envs).reshape(len(seeds), num_envs)
        self._observation: NDArray[np.float32] | None = None
        self._time = np.zeros(self._members.shape, dtype=np.int64)

    def collect(
        self,
        plan: Steps | Episodes,
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
            The rollout, and ``(S,)`` which seeds acted with finite numbers throughout; the others have diverged.

        Raises:
            EnvironmentFault: if an observation or reward is not finite although the actions were.
        """
        members = self._members[rows]
        if isinstance(plan, Steps):
            first, time, record, acted = self._window(plan.length, actor, noise, rows, members)
        else:
            first, time, record, acted = self._round(actor, noise, members)
        following = record.array("following")
        self._check(rows, steps, np.minimum.accumulate(acted, axis=1), first, record)
        rollout = Rollout(
            observation=torch.from_numpy(np.concatenate([first[:, :, None], following], axis=2)),
            action=torch.from_numpy(np.ascontiguousarray(record.array("action"))),
            reward=torch.from_numpy(np.ascontiguousarray(record.array("reward"))),
            terminated=torch.from_numpy(np.ascontiguousarray(record.array("terminated"))),
            truncated=torch.from_numpy(np.ascontiguousarray(record.array("truncated"))),
            valid=torch.from_numpy(np.ascontiguousarray(record.array("valid"))),
            time=torch.from_numpy(time),
            progress=progress,
            complete=isinstance(plan, Episodes),
        )
        return rollout, torch.from_numpy(acted.all(axis=1))

    def _window(
        self,
        length: int,
        actor: Actor,
        noise: Iterator[Tensor],
        rows: NDArray[np.intp],
        members: NDArray[np.intp],
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], Recorder, NDArray[np.bool_]]:
        if self._observation is None:
            self._observation = self.env.reset().reshape(*self._members.shape, -1)
        everyone = len(rows) == len(self.seeds)
        indices = None if everyone else members.ravel()
        first = observation = self._observation[rows]
        record = Recorder(members.shape, length)
        time = np.empty((*members.shape, length), dtype=np.int64)
        elapsed = self._time[rows]
        acted = np.empty((len(rows), length), dtype=np.bool_)
        for t in range(length):
            action = actor(torch.from_numpy(observation), next(noise))
            acted[:, t] = action.finite
            chosen = action.environment.reshape(members.size, *action.environment.shape[2:])
            transition = self.env.step(chosen, indices)
            record.write(action, transition, None)
            time[:, :, t] = elapsed
            elapsed = np.where(transition.valid.reshape(elapsed.shape), elapsed + 1, 0)
            observation = transition.observation.reshape(observation.shape)
        self._observation[rows] = observation
        self._time[rows] = elapsed
        return first, time, record, acted

    def _round(
        self, actor: Actor, noise: Iterator[Tensor], members: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], Recorder, NDArray[np.bool_]]:
        record = Recorder(members.shape, _ROUND_CAPACITY)
        acted: list[NDArray[np.bool_]] = []
        first: NDArray[np.float32] | None = None
        for moment in play_round(self.env, actor, noise, members):
            first = moment.observation if first is None else first
            acted.append(moment.action.finite)
            record.write(moment.action, moment.transition, moment.running)
        assert first is not None
        time = np.broadcast_to(np.arange(record.length), (*members.shape, record.length)).copy()
        return first, time, record, np.stack(acted, axis=1)

    def _check(
        self,
        rows: NDArray[np.intp],
        steps: NDArray[np.int64],
        acted: NDArray[np.bool_],
        first: NDArray[np.float32],
        record: Recorder,
    ) -> None:
        """Raise if a non-finite number came from an environment that had been given finite actions until then.

        Args:
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
            raise fault(self.env.id, "observation", self.seeds[rows[seed]], member, int(steps[seed]))
        for what, bad in (("reward", ~np.isfinite(reward)), ("observation", ~np.isfinite(following).all(-1))):
            places = np.argwhere(bad & acted[:, None, :])
            if len(places):
                seed, member, t = places[places[:, 2].argmin()]
                done = int(steps[seed] + valid[seed, :, : t + 1].sum())
                raise fault(self.env.id, what, self.seeds[rows[seed]], member, done)


def fault(env_id: str, what: str, seed: int, member: int, step: int) -> EnvironmentFault:
    """Return the error of an environment that gave a non-finite number after finite actions."""
    return EnvironmentFault(
        f"environment {env_id} gave a non-finite {what} to seed {seed}, environment {member}, by step {step}, "
        "although all actions were finite: mend the environment or leave it out with -e"
    )
