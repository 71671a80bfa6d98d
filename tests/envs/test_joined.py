"""Two batches of environments as one: each member does what it does alone."""

import numpy as np
import pytest

from pgsuite.envs import make
from pgsuite.envs.joined import JoinedEnv

ENV = "CartPole-v1"
SEEDS = [11, 12, 13, 14, 15]


@pytest.fixture
def joined():
    return JoinedEnv(make(ENV, 2, SEEDS[:2]), make(ENV, 3, SEEDS[2:]))


def test_it_is_the_batch_of_all_members(joined):
    whole = make(ENV, 5, SEEDS)
    assert (joined.num_envs, joined.id, joined.action_space) == (5, whole.id, whole.action_space)
    assert np.array_equal(joined.reset(), whole.reset())
    random = np.random.default_rng(0)
    for _ in range(60):
        action = random.integers(2, size=5)
        for ours, theirs in zip(joined.step(action), whole.step(action), strict=True):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("indices", [[4, 0, 3], [1], [3, 2], [1, 2]])
def test_members_are_named_in_any_order_across_the_parts(joined, indices):
    whole, members = make(ENV, 5, SEEDS), np.array(indices)
    assert np.array_equal(joined.reset(), whole.reset())
    for action in (0, 1, 0):
        asked = (np.arange(len(members)) + action) % 2
        for ours, theirs in zip(joined.step(asked, members), whole.step(asked, members), strict=True):
            assert np.array_equal(ours, theirs)
    assert np.array_equal(joined.reset(members), whole.reset(members))
    everyone = np.zeros(5, dtype=np.int64)
    assert np.array_equal(joined.step(everyone).observation, whole.step(everyone).observation)


def test_closing_closes_both_parts():
    closed = []
    parts = [make(ENV, 1, [seed]) for seed in (1, 2)]
    for number, part in enumerate(parts):
        part.close = lambda number=number: closed.append(number)
    JoinedEnv(*parts).close()
    assert closed == [0, 1]
