"""Random streams: every seed owns one generator per purpose and occasion and never consumes another's numbers."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What random numbers are for. A number here is part of every result: append, never renumber."""

    INITIALISATION = 0
    ACTION = 1
    ENVIRONMENT = 2
    SHUFFLE = 3
    EVALUATION_ACTION = 4
    EVALUATION_ENVIRONMENT = 5


def seed_sequence(seed: int, stream: Stream, *occasion: int) -> np.random.SeedSequence:
    """Return the seed sequence of ``seed`` for one purpose and occasion (an update, a segment, a checkpoint)."""
    return np.random.SeedSequence(seed, spawn_key=(int(stream), *occasion))


def generator(seed: int, stream: Stream, *occasion: int) -> np.random.Generator:
    """Return a fresh generator over `seed_sequence`."""
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, stream, *occasion)))
