"""Evaluation: a pure function of a policy's snapshot, the seed and the checkpoint's index."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..algorithms.interface import Episodes
from ..algorithms.model import Actor
from ..algorithms.streams import Stream, generator, seed_sequence
from .cells import Environment, Evaluation, open_environments
from .collection import fault, play
from .noise import no_noise, noise_steps


class Evaluated(NamedTuple):
    """Evaluation episodes, one per fresh environment."""

    returns: NDArray[np.float64]
    """``(S, E)`` undiscounted returns; NaN for a seed whose policy gave non-finite actions."""
    lengths: NDArray[np.int64]
    """``(S, E)`` steps."""


def environment_seeds(seed: int, stream: Stream | str, occasion: int, count: int) -> list[int]:
    """Return ``count`` environment seeds below 2³¹ (EnvPool takes no larger ones)."""
    return [int(word >> 1) for word in seed_sequence(seed, stream, occasion).generate_state(count)]


def evaluation_noise(actor: Actor, protocol: Evaluation, seeds: Sequence[int], checkpoint: int) -> Iterator[Tensor]:
    """Iterate over the action noise of an evaluation, a time step at a time: zero where the mode is played."""
    if protocol.deterministic:
        return no_noise(actor.noise_size, protocol.episodes, len(seeds), actor.dtype)
    randoms = [generator(seed, Stream.EVALUATION_ACTION, checkpoint) for seed in seeds]
    return noise_steps(actor.noise, actor.noise_size, protocol.episodes, randoms, actor.dtype)


def evaluate(
    actor: Actor, environment: Environment, protocol: Evaluation, seeds: Sequence[int], checkpoint: int
) -> Evaluated:
    """Play the protocol's episodes with frozen policies.

    Args:
        actor: the policies of ``seeds``, in their order.
        environment: where to play.
        protocol: how many episodes, and whether the mode is played.
        seeds: ``(S,)`` whose evaluation streams are used.
        checkpoint: index on the grid, which keys the streams: the same arguments give the same episodes.

    Raises:
        EnvironmentFault: if a reward or observation is not finite although the actions were.
    """
    count = protocol.episodes
    members = [s for seed in seeds for s in environment_seeds(seed, Stream.EVALUATION_ENVIRONMENT, checkpoint, count)]
    env = open_environments(environment, members)
    noise = evaluation_noise(actor, protocol, seeds, checkpoint)
    returns = np.zeros(len(members))
    lengths = np.zeros(len(members), dtype=np.int64)
    acted = np.ones(len(seeds), dtype=np.bool_)
    for moment in play(Episodes(count), env, actor, noise, np.arange(len(members)).reshape(len(seeds), count)):
        acted &= moment.action.finite
        running = np.arange(len(members)) if moment.running is None else moment.running
        reward, observation = moment.transition.reward, moment.transition.observation
        before = moment.observation.reshape(len(members), -1)[running]
        sound = np.isfinite(reward) & np.isfinite(observation).all(1) & np.isfinite(before).all(1)
        for n in np.flatnonzero(~sound & acted[running // count]):
            what, place = "observation" if np.isfinite(reward[n]) else "reward", int(running[n])
            raise fault(
                env.id, f"{what} in an evaluation", seeds[place // count], place % count, int(lengths[place]) + 1
            )
        returns[running] += reward
        lengths[running] += 1
    env.close()
    grid = returns.reshape(len(seeds), count)
    return Evaluated(np.where(acted[:, None], grid, np.nan), lengths.reshape(len(seeds), count))
