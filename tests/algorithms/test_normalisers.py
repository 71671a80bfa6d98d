"""Running statistics against numpy's over everything at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsuite.algorithms.blocks import BLOCK
from pgsuite.algorithms.normalisers import Moments, Standardiser, discounted_trace


def batch(rows: int, *, seeds: int = 3, size: int = 2, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples ``(S, B, K)`` far from zero, and which of them count."""
    random = np.random.default_rng(seed)
    x = torch.from_numpy(random.normal(1000.0, 3.0, (seeds, rows, size)))
    return x, torch.from_numpy(random.random((seeds, rows)) < 0.7)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 3 * BLOCK), min_size=1, max_size=5))
def test_moments_are_numpys(sizes: list[int]) -> None:
    """Over rollouts of any size, float32 masks, and a seed that never sees anything."""
    moments, seen = Moments.zeros(3, 2), []
    for n, size in enumerate(sizes):
        x, mask = batch(size, seed=n)
        mask[2] = False
        moments = moments.updated(x, mask.float())
        seen.append((x, mask))
    x, mask = (torch.cat(part, 1) for part in zip(*seen, strict=True))
    for s in range(2):
        rows = x[s, mask[s]].numpy()
        assert moments.seen[s] == len(rows)
        if len(rows):
            np.testing.assert_allclose(moments.mean[s], rows.mean(0), rtol=1e-12)
            np.testing.assert_allclose(moments.variance[s], rows.var(0), rtol=1e-9, atol=1e-9)
    assert moments.variance[2].tolist() == [1, 1]
    assert not moments.seen[2]


@pytest.mark.parametrize("padding", [BLOCK, 3 * BLOCK])
def test_padding_blocks_change_no_bit(padding: int) -> None:
    x, mask = batch(BLOCK)
    more, _ = batch(padding, seed=1)
    before = Moments.zeros(3, 2).updated(*batch(BLOCK, seed=2))
    padded = before.updated(torch.cat([x, more], 1), torch.cat([mask, torch.zeros(3, padding, dtype=torch.bool)], 1))
    assert all(torch.equal(a, b) for a, b in zip(padded, before.updated(x, mask), strict=True))


@settings(max_examples=40)
@given(st.integers(1, 9), st.integers(1, 300), st.integers(1, 5), st.data())
def test_slice_invariance(seeds: int, rows: int, size: int, data: st.DataObject) -> None:
    chosen = data.draw(st.permutations(range(seeds)))[: data.draw(st.integers(1, seeds))]
    x, mask = batch(rows, seeds=seeds, size=size)

    def statistics(who: list[int]) -> list[torch.Tensor]:
        moments = Moments.zeros(len(who), size).updated(x[who], mask[who])
        return [*moments, moments.variance, Standardiser.of(moments, torch.float32)(x[who].float())]

    for everyone, some in zip(statistics(list(range(seeds))), statistics(chosen), strict=True):
        assert torch.equal(everyone[chosen], some)


def test_standardised_observations() -> None:
    x, _ = batch(500)
    moments = Moments.zeros(3, 2).updated(x, torch.ones(3, 500))
    standardised = Standardiser.of(moments, torch.float64)(x)
    np.testing.assert_allclose(standardised, (x - x.mean(1, True)) / x.var(1, False).sqrt().unsqueeze(1), rtol=1e-6)
    assert torch.equal(x, batch(500)[0]), "the observations themselves are left alone"


def test_standardised_observations_are_limited() -> None:
    """Outliers stop at ten deviations; a constant feature is zero until it moves."""
    x = torch.tensor([[[-1.0, 5.0], [1.0, 5.0]]], dtype=torch.float64)
    standardise = Standardiser.of(Moments.zeros(1, 2).updated(x, torch.ones(1, 2)), torch.float64)
    assert standardise(torch.tensor([[[1e6, 5.0], [-1e6, 5.1]]])).tolist() == [[[10, 0], [-10, 10]]]


def test_nothing_seen_leaves_observations_as_they_are() -> None:
    x, _ = batch(4)
    standardise = Standardiser.of(Moments.zeros(3, 2), torch.float64)
    torch.testing.assert_close(standardise(x / 1000), x / 1000, rtol=1e-7, atol=0)


def test_trace_by_hand() -> None:
    reward = torch.tensor([[[1.0, 2, 4, 8], [1, 1, 1, 1]]], dtype=torch.float64)
    done = torch.tensor([[[False, True, False, False], [False, False, False, True]]])
    traces, carry = discounted_trace(reward, done, torch.tensor([[10.0, 0.0]]), 0.5)
    assert traces.tolist() == [[[0.5 * 10 + 1, 0.5 * 6 + 2, 4, 0.5 * 4 + 8], [1, 1.5, 1.75, 1.875]]]
    assert carry.tolist() == [[10, 0]], "an episode that ended on the last step carries nothing on"
