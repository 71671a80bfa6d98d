"""Evaluation: a pure function of a policy's snapshot, the seed and the checkpoint's index."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..algorithms.interface import Episodes
from ..algorithms.model import Actor
from ..algorithms.streams import Stream, generators, words
from ..kernels import kernel
from .cells import Environment, Evaluation, open_environments
from .faults import fault, first_fault
from .noise import Noise, NoNoise, SeedNoise
from .playing import play


@kernel("float64[:, ::1], float64[:, :, :]")
def add_rewards(returns, reward):
    """Add rewards ``(S, E, T)`` to returns ``(S, E)``, one after another."""
    for s in range(reward.shape[0]):
        for e in range(reward.shape[1]):
            for t in range(reward.shape[2]):
                returns[s, e] += reward[s, e, t]


class Evaluated(NamedTuple):
    """Evaluation episodes, one per fresh environment."""

    returns: NDArray[np.float64]
    """``(S, E)`` undiscounted returns; NaN for a seed whose policy gave non-finite actions."""
    lengths: NDArray[np.int64]
    """``(S, E)`` steps."""


def environment_seeds(seed: int, stream: Stream | str, occasion: int, count: int) -> list[int]:
    """Return ``count`` environment seeds below 2³¹ (EnvPool takes no larger ones)."""
    found: list[int] = environment_seeds_each([seed], stream, occasion, count)[0].tolist()
    return found


def environment_seeds_each(
    seeds: Sequence[int], stream: Stream | str, occasion: int | Sequence[int], count: int
) -> NDArray[np.int64]:
    """Return `environment_seeds` of every seed ``(S, count)``, on one occasion or each on its own."""
    return (words(seeds, stream, occasion, count) >> 1).astype(np.int64)


def evaluation_noise(actor: Actor, protocol: Evaluation, seeds: Sequence[int], checkpoint: int) -> Noise:
    """Return the action noise of an evaluation: zero where the mode is played."""
    if protocol.deterministic:
        return NoNoise(actor.noise_size, protocol.episodes, actor.dtype)
    randoms = generators(seeds, Stream.EVALUATION_ACTION, [checkpoint] * len(seeds))
    return SeedNoise(actor.noise, actor.noise_size, protocol.episodes, randoms, actor.dtype)


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
    count, shape = protocol.episodes, (len(seeds), protocol.episodes)
    members = environment_seeds_each(seeds, Stream.EVALUATION_ENVIRONMENT, checkpoint, count).ravel().tolist()
    env = open_environments(environment, members)
    noise = evaluation_noise(actor, protocol, seeds, checkpoint)
    returns, lengths = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    acted = np.ones(len(seeds), dtype=np.bool_)
    places = np.arange(len(members)).reshape(shape)
    for played in play(Episodes(count), env, actor, noise, places, densities=False):
        if wrong := first_fault(played, acted):
            seed, member, step = wrong.seed, wrong.member, int(lengths[wrong.seed, wrong.member]) + wrong.steps
            raise fault(env.id, f"{wrong.what} in an evaluation", seeds[seed], member, step)
        acted &= played.acted.all(axis=1)
        add_rewards(returns, played.reward)
        lengths += played.valid.sum(axis=2)
    env.close()
    return Evaluated(np.where(acted[:, None], returns, np.nan), lengths)
