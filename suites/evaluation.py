"""Evaluation: a pure function of a policy's snapshot, the seed and the checkpoint's index."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..algorithms.model import Actor
from ..algorithms.streams import Stream, generator, seed_sequence
from .cells import Environment, Evaluation, open_environments
from .collection import fault, play_round
from .noise import no_noise, noise_steps


class Episodes(NamedTuple):
    """Evaluation episodes, one per fresh environment."""

    returns: NDArray[np.float64]
    """``(S, E)`` undiscounted returns; NaN for a seed whose policy gave non-finite actions."""
    lengths: NDArray[np.int64]
    """``(S, E)`` steps."""


def environment_seeds(seed: int, stream: Stream, occasion: int, count: int) -> list[int]:
    """Return ``count`` environment seeds below 2³¹ (EnvPool takes no larger ones)."""
    return [int(word >> 1) for word in seed_sequence(seed, stream, occasion).generate_state(count)]


def evaluate(
    actor: Actor, environment: Environment, protocol: Evaluation, seeds: Sequence[int], checkpoint: int
) -> Episodes:
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
    distribution = actor.model.distribution
    if protocol.deterministic:
        noise = no_noise(distribution.noise_size, count, len(seeds), actor.dtype)
    else:
        randoms = [generator(seed, Stream.EVALUATION_ACTION, checkpoint) for seed in seeds]
        noise = noise_steps(distribution.noise, distribution.noise_size, count, randoms, actor.dtype)
    returns = np.zeros(len(members))
    lengths = np.zeros(len(members), dtype=np.int64)
    acted = np.ones(len(seeds), dtype=np.bool_)
    for moment in play_round(env, actor, noise, np.arange(len(members)).reshape(len(seeds), count)):
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
    return Episodes(np.where(acted[:, None], grid, np.nan), lengths.reshape(len(seeds), count))
