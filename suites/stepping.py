"""Playing time step by time step, all seeds together: in environments that are not compiled, or by any actor.

Shapes: as in `stretches`, and **M** = S·N members of the vector environment, **K** numbers of an action's noise.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.model import Action, Actor, NetworkActor
from ..envs.vector import VectorEnv
from .stretches import Record, Stretch, is_network

Chooser = tuple[Callable[[int], NDArray[np.generic]], Callable[[], Stretch]]
"""Gives the actions ``(S, N, ...)`` of a time step in the environment's units, and what was played in the end."""


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
        network = cast("NetworkActor", actor)
        record = record.by(network, once=once, densities=densities)
        choose, stretch = _by_network(network, noise, running, record)
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
        if still.all():
            found = env.step(actions, whole)
            for kept, answer in zip(answers, found, strict=True):
                kept[:, :, t] = answer.reshape(*members.shape, *answer.shape[1:])
        else:
            rows = np.flatnonzero(still)
            found = env.step(actions[rows], flat[rows])
            for kept, answer in zip(answers, found, strict=True):
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
    return actor.acting(record.observation, noise.numpy(), running, *chosen), lambda: record.stretch(actor)


def _by_call(actor: Actor, noise: Tensor, running: NDArray[np.bool_], record: Record, *, densities: bool) -> Chooser:
    """Let any actor choose; what it chooses where nothing runs is 0."""
    made: list[Action] = []

    def choose(t: int) -> NDArray[np.generic]:
        chosen = actor(torch.from_numpy(record.observation[:, :, t]), noise[:, t])
        record.acted[:, t] = chosen.finite
        ran = torch.from_numpy(running)
        sample, log_prob = chosen.sample.clone(), chosen.log_prob.clone()
        sample[~ran], log_prob[~ran] = 0, 0
        made.append(chosen._replace(sample=sample, log_prob=log_prob))
        return chosen.environment

    def stretch() -> Stretch:
        return record.answers(
            action=torch.stack([chosen.sample for chosen in made], 2),
            log_prob=torch.stack([chosen.log_prob for chosen in made], 2)[:, :, : None if densities else 0],
            environment=lambda: np.stack([chosen.environment for chosen in made], axis=2),
        )

    return choose, stretch
