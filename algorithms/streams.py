"""Random streams: every seed owns one generator per purpose and occasion and never consumes another's numbers.

Our purposes are numbered; an algorithm of a user's names its own.
"""

import hashlib
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .. import seeding


class Stream(IntEnum):
    """What random numbers are for. A number here is part of every result: append, never renumber."""

    INITIALISATION = 0
    ACTION = 1
    ENVIRONMENT = 2
    SHUFFLE = 3
    EVALUATION_ACTION = 4
    EVALUATION_ENVIRONMENT = 5
    MINIBATCH = 6


def seed_sequence(seed: int, stream: Stream | str, *occasion: int) -> np.random.SeedSequence:
    """Return the seed sequence of ``seed`` for one purpose and occasion (an update, a segment, a checkpoint).

    Args:
        seed: of the run.
        stream: one of ours, or any name.
        occasion: numbers that tell this use of the stream from its others.
    """
    return np.random.SeedSequence(seed, spawn_key=(*_key(stream), *occasion))


def _key(stream: Stream | str) -> tuple[int, ...]:
    """Return a stream's place among all: our numbers are below 2³², a name's four words begin with all ones."""
    if isinstance(stream, Stream):
        return (int(stream),)
    words = np.frombuffer(hashlib.sha256(stream.encode()).digest()[:12], dtype="<u4")
    return (2**32 - 1, *map(int, words))


def generator(seed: int, stream: Stream | str, *occasion: int) -> np.random.Generator:
    """Return a fresh generator over `seed_sequence`."""
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, stream, *occasion)))


def generators(seeds: Sequence[int], stream: Stream | str, occasions: Sequence[int]) -> list[np.random.Generator]:
    """Return `generator` of every seed, each on an occasion of its own."""
    return seeding.generators(seeding.entropy(seeds, *_key(stream), occasions))


def words(seeds: Sequence[int], stream: Stream | str, occasion: int | Sequence[int], count: int) -> NDArray[np.uint32]:
    """Return the first words ``(S, count)`` of `seed_sequence` of every seed, on one occasion or each on its own."""
    return seeding.words(seeding.entropy(seeds, *_key(stream), occasion), count)
