"""numpy's seed sequences, for many streams at once: what a stream is seeded with takes longer than what it then draws.

Source: `numpy.random.SeedSequence`, whose numbers these are; O'Neill (2015), "Developing a seed_seq Alternative".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from .kernels import kernel

POOL = 4
"""Words that all others are mixed into, and that a seed is filled up to where something follows it."""
MASK = 0xFFFFFFFF
FIRST_A, TIMES_A = 0x43B0D7E5, 0x931E8875
FIRST_B, TIMES_B = 0x8B51F9DD, 0x58F38DED
LEFT, RIGHT = 0xCA01F9DD, 0x4973F715


def entropy(seeds: Sequence[int], *spawn_key: int | Sequence[int]) -> NDArray[np.int64]:
    """Return what the sequence of each seed and its key is made of, as words ``(S, W)``.

    Args:
        seeds: ``(S,)``, each below 2^128, or 2^32 without a key.
        spawn_key: numbers below 2^32, each the same for all seeds or one for each.

    Raises:
        ValueError: a seed is larger.
    """
    own = POOL if spawn_key else 1
    made, largest = np.zeros((len(seeds), own + len(spawn_key)), np.int64), max(seeds, default=0)
    if largest >> 32 * own:
        raise ValueError(f"seed {largest} has more than {own} words")
    for word in range(-(-largest.bit_length() // 32)):
        made[:, word] = [seed >> 32 * word & MASK for seed in seeds]
    for word, part in enumerate(spawn_key):
        made[:, POOL + word] = part
    return made


def words(entropy: NDArray[np.int64], count: int) -> NDArray[np.uint32]:
    """Return the first words ``(S, count)`` of each sequence: ``SeedSequence.generate_state(count)``."""
    made = np.empty((len(entropy), count), np.uint32)
    words_each(entropy, np.empty(POOL, np.int64), made)
    return made


def generators(entropy: NDArray[np.int64]) -> list[np.random.Generator]:
    """Return a fresh generator over each sequence."""
    seeded = words(entropy, 8).view(np.uint64)
    return [np.random.Generator(np.random.PCG64(_Words(row))) for row in seeded]  # type: ignore[arg-type]


class _Words(ISeedSequence):
    """A sequence whose words are known."""

    def __init__(self, known: NDArray[np.uint64]) -> None:
        self._known = known

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Return them: they are as many as the generator asks for."""
        assert (n_words, dtype) == (len(self._known), np.uint64)
        return self._known


@kernel
def scrambled(value, constant, following):
    """A word under a constant, and the constant after it."""
    value = (value ^ constant) * following & MASK
    return value ^ value >> 16


@kernel
def mixed(word, other):
    """Two words as one."""
    value = (LEFT * word - RIGHT * other) & MASK
    return value ^ value >> 16


@kernel("int64[:, ::1], int64[::1], uint32[:, ::1]")
def words_each(entropy, pool, made):
    """Write the words of every sequence."""
    for s in range(len(entropy)):
        constant = FIRST_A
        for n in range(POOL):
            following = constant * TIMES_A & MASK
            pool[n] = scrambled(int(entropy[s, n]) if n < entropy.shape[1] else 0, constant, following)
            constant = following
        for source in range(POOL):
            for n in range(POOL):
                if n != source:
                    following = constant * TIMES_A & MASK
                    pool[n] = mixed(int(pool[n]), scrambled(int(pool[source]), constant, following))
                    constant = following
        for source in range(POOL, entropy.shape[1]):
            for n in range(POOL):
                following = constant * TIMES_A & MASK
                pool[n] = mixed(int(pool[n]), scrambled(int(entropy[s, source]), constant, following))
                constant = following
        constant = FIRST_B
        for n in range(made.shape[1]):
            following = constant * TIMES_B & MASK
            made[s, n] = scrambled(int(pool[n % POOL]), constant, following)
            constant = following
