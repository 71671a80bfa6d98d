"""Playing time step by time step, all seeds together: in environments that are not compiled, or by any actor.

Shapes: as in `stretches`, and **M** = S·N members of the vector environment, **K** numbers of an action's noise.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.model import Actor, NetworkActor
from ..envs.vector import VectorEnv
from .stretches import Record, Stretch, is_network


class Chooser(NamedTuple):
    """Who chooses."""

    choose: Callable[[int], NDArray[np.generic]]
    """Gives the actions of a time step in the environment's units, ``(S, N, ...)``."""
    stretch: Callable[[], Stretch]
    """Gives what was played, in the end."""


def step_by_step(
    env: VectorEnv,
    actor: Actor,
    noise: Tensor,
    members: NDArray[np.intp],
    observation: NDArray[np.float32],
    running: NDArray[np.bool_],
    once: bool,
    densities: bool,
) -> Stretch:
    """Play as many time steps as there is noise, or until nobody plays any more.

    Args:
        env: the environments.
        actor: of the seeds.
        noise: ``(S, T, N, K)``
        members: ``(S, N)`` which of the environments play.
        observation: ``(S, N, O)`` before the first step.
        running: ``(S, N)`` who plays; it loses those whose episode ends, where an episode is played ``once``.
        once: see there.
        densities: whether log-probabilities are asked for.
    """
    (seeds, count), steps = members.shape, noise.shape[1]
    record = Record.of(seeds, count, steps, observation.shape[2])
    record.observation[:, :, 0] = observation
    if is_network(actor):
        record = record.by(actor, once=once, densities=densities)
        choose, stretch = _by_network(actor, noise, running, record)
    else:
        choose, stretch = _by_call(actor, noise, running, record, densities=densities)
    flat, still = members.ravel(), running.reshape(-1)
    whole = None if np.array_equal(flat, np.arange(env.num_envs)) else flat
    answers: list[NDArray[Any]] = [
        record.observation[:, :, 1:],
        record.reward,
        record.terminated,
        record.truncated,
        record.valid,
    ]
    t = 0
    while t < steps and still.any():
        actions = choose(t)
        actions = actions.reshape(flat.size, *actions.shape[2:])
        everyone = bool(still.all())
        found = env.step(actions, whole) if everyone else env.step(actions[still], flat[still])
        given: Sequence[NDArray[Any]] = found
        for kept, answer in zip(answers, given, strict=True):
            if everyone:
                kept[:, :, t] = answer.reshape(*members.shape, *answer.shape[1:])
            else:
                kept[:, :, t][running] = answer
        if once:
            running[running] = ~(found.terminated | found.truncated)
        t += 1
    record.length[:] = t
    record.sound[:] = np.isfinite(record.observation).all() and np.isfinite(record.reward).all()
    return stretch()


def _by_network(actor: NetworkActor, noise: Tensor, running: NDArray[np.bool_], record: Record) -> Chooser:
    """Let a network choose in compiled code, which writes to the record."""
    chosen = record.sample, record.log_prob, record.acted, record.outputs, record.hidden
    choose = actor.acting(record.observation, noise.numpy(), running, *chosen)
    return Chooser(choose, lambda: record.stretch(actor))


def _by_call(actor: Actor, noise: Tensor, running: NDArray[np.bool_], record: Record, *, densities: bool) -> Chooser:
    """Let any actor choose; samples and log-probabilities are 0 where nothing runs."""
    samples: list[Tensor] = []
    log_probs: list[Tensor] = []
    actions: list[NDArray[np.generic]] = []

    def choose(t: int) -> NDArray[np.generic]:
        chosen = actor(torch.from_numpy(record.observation[:, :, t]), noise[:, t])
        record.acted[:, t] = chosen.finite
        samples.append(_where(running, chosen.sample))
        if densities:
            log_probs.append(_where(running, chosen.log_prob))
        actions.append(chosen.environment.copy())
        return chosen.environment

    def stretch() -> Stretch:
        action = torch.stack(samples, 2)
        log_prob = torch.stack(log_probs, 2) if densities else torch.empty(*running.shape, 0)
        return record.answers(action=action, log_prob=log_prob, environment=lambda: np.stack(actions, axis=2))

    return Chooser(choose, stretch)


def _where(running: NDArray[np.bool_], chosen: Tensor) -> Tensor:
    """Return a copy: an actor may choose into the same memory again."""
    copy = chosen.clone()
    if not running.all():
        copy[~torch.from_numpy(running)] = 0
    return copy
