"""Seeding many streams at once gives numpy's own numbers."""

import numpy as np
import pytest

from pgsuite import seeding

SEEDS = [0, 1, 2**31 - 1, 2**32 - 1]
LARGER = [2**32, 2**70 + 5, 2**128 - 1]


@pytest.mark.parametrize("key", [(), (3,), (2, 7), (2**32 - 1, 5, 6, 7, 9)])
def test_words_and_generators_are_those_of_numpy(key):
    seeds = SEEDS + (LARGER if key else [])
    theirs = [np.random.SeedSequence(seed, spawn_key=key) for seed in seeds]
    made = seeding.entropy(seeds, *key)
    assert seeding.words(made, 13).tolist() == [each.generate_state(13).tolist() for each in theirs]
    drawn = [random.standard_normal(3).tolist() for random in seeding.generators(made)]
    assert drawn == [np.random.Generator(np.random.PCG64(each)).standard_normal(3).tolist() for each in theirs]


def test_each_seed_may_have_a_key_of_its_own():
    words = seeding.words(seeding.entropy([3, 4], 5, [6, 7]), 4)
    assert words[1].tolist() == np.random.SeedSequence(4, spawn_key=(5, 7)).generate_state(4).tolist()


def test_a_seed_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="more than 4 words"):
        seeding.entropy([2**128], 1)
    with pytest.raises(ValueError, match="more than 1 words"):
        seeding.entropy([2**32])
