"""Minibatches: every valid sample once an epoch, and each seed's its own."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from pgsuite.algorithms import Samples, minibatches
from pgsuite.algorithms.streams import Stream

COUNTS = (23, 40, 8)
"""Valid samples of the seeds, spread among 50."""


class Clock(NamedTuple):
    """What of a state keys the shuffles."""

    seeds: Tensor
    updates: Tensor


def clock(seeds, updates=0):
    return Clock(torch.tensor(seeds), torch.full((len(seeds),), updates))


def samples(counts=COUNTS):
    mask = torch.zeros(len(counts), 50)
    for row, count in zip(mask, counts, strict=True):
        row[torch.from_numpy(np.random.default_rng(count).permutation(50)[:count])] = 1
    return Samples(*[mask] * 7)


def order(row, batches):
    """The samples that a seed steps on, with their epochs, in turn."""
    return [(b.epoch, int(i)) for b in batches for i, m in zip(b.index[row], b.mask[row], strict=True) if m]


@pytest.mark.parametrize("size", [1, 7, 8, 50, 64])
def test_every_valid_sample_comes_once_an_epoch(size):
    given = samples()
    batches = list(minibatches(clock([4, 5, 6]), given, size=size, epochs=3))
    for row, count in enumerate(COUNTS):
        valid = given.mask[row].nonzero().squeeze(1).tolist()
        for epoch in range(3):
            assert sorted(i for e, i in order(row, batches) if e == epoch) == valid
        stepping = [bool(b.stepping[row]) for b in batches]
        assert stepping == [bool(b.mask[row].any()) for b in batches]
        assert sum(stepping) == 3 * -(-count // size), "no more steps than its samples fill"


def test_a_seeds_batches_do_not_depend_on_its_neighbours():
    together = list(minibatches(clock([4, 5, 6]), samples(), size=7, epochs=2))
    for row, count in enumerate(COUNTS):
        alone = list(minibatches(clock([4 + row]), samples([count]), size=7, epochs=2))
        assert order(0, alone) == order(row, together)


def test_seeds_updates_epochs_and_streams_shuffle_differently():
    def shuffle(seed=4, updates=0, stream=Stream.MINIBATCH):
        return order(0, minibatches(clock([seed], updates), samples([40]), size=8, epochs=2, stream=stream))

    assert shuffle() == shuffle()
    first, second = ([i for e, i in shuffle() if e == epoch] for epoch in (0, 1))
    assert first != second
    others = [shuffle(seed=5), shuffle(updates=1), shuffle(stream=Stream.SHUFFLE), shuffle(stream="mine")]
    assert len({tuple(found) for found in (shuffle(), *others)}) == 5
