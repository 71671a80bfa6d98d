"""Laying steps out as samples, and sums over samples whose order no neighbour can change."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsuite.algorithms.blocks import (
    BLOCK,
    Layout,
    Samples,
    block_sum,
    explained_variance,
    loss_gradient,
    standardised,
)
from pgsuite.algorithms.networks import Network

from .oracles import all_outputs

CONSTANTS = torch.tensor([0.0, 7.0, -100.0, 0.1, 3.3, 1e4 / 3])


def samples_of(weight: torch.Tensor, mask: torch.Tensor | None = None, **others: torch.Tensor) -> Samples:
    """Samples whose other columns are zero unless given."""
    zero = torch.zeros_like(weight)
    mask = torch.ones_like(weight) if mask is None else mask
    columns = {"observation": zero.unsqueeze(2), "action": zero, "value_target": zero, "value": zero, "log_prob": zero}
    return Samples(weight=weight, mask=mask, **(columns | others))


def test_ragged_steps_move_to_the_front() -> None:
    valid = torch.tensor([[[1, 1, 0], [1, 0, 0]], [[1, 0, 0], [1, 1, 1]]]).bool()
    steps = torch.arange(12).view(2, 2, 3)
    layout = Layout(valid, ragged=True, dtype=torch.float32)
    samples = layout(steps)
    assert samples.shape == layout.mask.shape == (2, BLOCK)
    assert [row[mask.bool()].tolist() for row, mask in zip(samples, layout.mask, strict=True)] == [
        [0, 1, 3],
        [6, 9, 10, 11],
    ]
    assert layout.mask.sum(1).tolist() == [3, 4]
    assert layout.mask.dtype == torch.float32


def test_a_windows_steps_stay_where_they_are() -> None:
    valid = torch.tensor([[[1, 0, 1], [1, 1, 1], [0, 1, 1]]]).bool()
    layout = Layout(valid, ragged=False, dtype=torch.float64)
    observation = torch.arange(18).view(1, 3, 3, 2)
    samples = layout(observation)
    assert torch.equal(samples, observation.view(1, 9, 2))
    assert layout.mask.tolist() == [[1, 0, 1, 1, 1, 1, 0, 1, 1]]


def test_samples_are_taken_seed_by_seed_also_where_a_gradient_is_asked_for() -> None:
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 40, generator=random, requires_grad=True)
    many = samples_of(
        weight, observation=torch.randn(3, 50, 5, generator=random)[:, 5:45], action=torch.arange(120).view(3, 40)
    )
    index = torch.randint(40, (3, 7), generator=random)
    mask = torch.tensor([1.0, 1, 1, 1, 1, 0, 0]).expand(3, -1)
    taken = many.take(index, mask)
    for s, places in enumerate(index.tolist()):
        for own, made in zip(many[:-1], taken[:-1], strict=True):
            assert torch.equal(made[s], torch.stack([own[s][place] for place in places]))
    assert torch.equal(taken.mask, mask)
    taken.weight.sum().backward()
    assert torch.equal(weight.grad, torch.zeros(3, 40).scatter_add_(1, index, torch.ones(3, 7)))
    assert many.take(index[:, :0]).mask.shape == (3, 0)
    for wrong in (-1, 40):  # which would be a sample of another seed
        index[1, 3] = wrong
        with pytest.raises(IndexError, match=f"{wrong}.* of 40"):
            many.take(index)


@settings(max_examples=50)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 200), st.booleans(), st.integers(0, 2**32))
def test_restore_is_the_inverse(seeds: int, envs: int, steps: int, ragged: bool, entropy: int) -> None:
    random = np.random.default_rng(entropy)
    valid = torch.from_numpy(random.random((seeds, envs, steps)) < 0.5)
    valid[:, 0, 0] = True
    x = torch.from_numpy(random.standard_normal((seeds, envs, steps)))
    layout = Layout(valid, ragged=ragged, dtype=torch.float64)
    assert not ragged or layout.mask.shape[1] % BLOCK == 0
    assert torch.equal(layout.restore(layout(x), valid.shape), x * valid)


def test_padding_does_not_depend_on_the_neighbour() -> None:
    """Beside a neighbour with ten times the steps, a seed's samples, sums and statistics keep all their bits."""
    random = np.random.default_rng(0)
    x = torch.from_numpy(random.standard_normal((2, 2, 1000)).astype(np.float32))
    length = torch.tensor([[37, 90], [1000, 3]])
    valid = torch.arange(1000) < length.unsqueeze(2)

    def summary(rows: list[int], steps: int) -> list[torch.Tensor]:
        layout = Layout(valid[rows, :, :steps], ragged=True, dtype=torch.float32)
        samples, mask = layout(x[rows, :, :steps]), layout.mask
        spread = explained_variance(samples_of(samples, mask, value_target=samples, value=0.3 * samples.abs()))
        return [block_sum(samples * mask), standardised(samples, mask)[:, :BLOCK], spread]

    for alone, beside in zip(summary([0], 90), summary([0, 1], 1000), strict=True):
        assert torch.equal(alone[0], beside[0])


def test_block_sum_sums() -> None:
    x = torch.from_numpy(np.random.default_rng(0).integers(-99, 99, (3, 700, 2)))
    assert torch.equal(block_sum(x), x.sum(1))


def test_standardised_over_the_valid_samples() -> None:
    random = np.random.default_rng(0)
    x, mask = torch.from_numpy(random.normal(5, 3, (2, 600))), torch.from_numpy(random.random((2, 600)) < 0.6).double()
    result = standardised(x, mask)
    for row, valid, raw in zip(result, mask.bool(), x, strict=True):
        np.testing.assert_allclose(row[valid], (raw[valid] - raw[valid].mean()) / raw[valid].std(correction=0))
        assert not row[~valid].any()


def test_values_without_spread_become_zero() -> None:
    x = torch.tensor([[3.0, 3.0, 3.0, 99.0], [5.0, 99.0, 99.0, 99.0], [0.0, 0.0, 0.0, 99.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    assert not standardised(x, mask).any()


def test_a_mean_that_is_rounded_is_no_spread() -> None:
    """The float32 mean of a hundred times 3.3 is not 3.3; the last bit must not be blown up to a deviation."""
    x = CONSTANTS.unsqueeze(1).expand(-1, 100)
    assert standardised(x, torch.ones_like(x)).abs().max() < 1e-3


def test_explained_variance_by_hand() -> None:
    # Var(0, 2, 4) = 8/3; residuals (0, 1, −1) have variance 2/3. A constant bias explains everything.
    target = torch.tensor([[0.0, 2, 4, 99]]).expand(4, -1)
    value = torch.tensor([[0.0, 1, 5, 0], [5, 7, 9, 0], [1, 1, 1, 0], [4, 2, 0, 0]])
    mask = torch.tensor([[1.0, 1, 1, 0]]).expand(4, -1)
    explained = explained_variance(samples_of(target, mask, value_target=target, value=value))
    torch.testing.assert_close(explained, torch.tensor([0.75, 1.0, 0.0, -3.0]))


@pytest.mark.parametrize("count", [3, 12, 300])
def test_there_is_no_variance_of_a_constant_to_explain(count: int) -> None:
    """NaN, which is left out of means; not minus a trillion, where the mean is rounded."""
    target = CONSTANTS.unsqueeze(1).expand(-1, count)
    value = torch.linspace(-1, 1, count).expand_as(target)
    assert explained_variance(samples_of(target, value_target=target, value=value)).isnan().all()


@pytest.mark.parametrize("size", [1, BLOCK, 3 * BLOCK - 4])
def test_the_gradient_by_blocks_is_that_of_the_whole(size: int) -> None:
    """A plain network over all samples at once, differentiated by autograd."""
    network = Network(inputs=3, hidden=(5,), outputs=2, constants=1)
    random = torch.Generator().manual_seed(0)
    parameters = torch.randn(2, network.size, generator=random, dtype=torch.float64)
    observation = torch.randn(2, size, 3, generator=random, dtype=torch.float64)
    samples = samples_of(torch.randn(2, size, generator=random, dtype=torch.float64), observation=observation)

    def loss(outputs: torch.Tensor, block: Samples) -> torch.Tensor:
        return (block.weight.unsqueeze(2) * outputs.square()).sum((1, 2))

    gradient, value = loss_gradient(network, parameters, samples, loss)
    leaf = parameters.clone().requires_grad_()
    whole = loss(all_outputs(network, leaf, observation), samples)
    torch.testing.assert_close(value, whole.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(whole.sum(), leaf)[0])
    assert not parameters.requires_grad
    assert not gradient.requires_grad


def test_blocks_cover_every_sample_once() -> None:
    samples = samples_of(torch.arange(1.0, 601.0).expand(2, -1))
    blocks = list(samples.blocks())
    assert [block.mask.shape[1] for block in blocks] == [128, 128, 128, 128, 88]
    assert torch.equal(torch.cat([block.weight for block in blocks], 1), samples.weight)
    assert samples.size.tolist() == [600, 600]


@pytest.mark.parametrize("wild", [math.nan, math.inf])
def test_what_is_not_finite_spoils_its_own_seed_and_no_masked_entry(wild: float) -> None:
    x = torch.tensor([[1.0, wild, 3.0, 99.0], [1.0, 2.0, 3.0, 99.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0, 0.0]] * 2)
    made = standardised(x, mask)
    assert not made[0, :3].isfinite().all()
    assert made[:, 3].tolist() == [0.0, 0.0]
    assert torch.equal(made[1], standardised(x[1:], mask[1:])[0])


def test_layouts_carry_gradients() -> None:
    for ragged in (False, True):
        x = torch.arange(24.0).view(2, 3, 4).requires_grad_()
        Layout(torch.ones(2, 3, 4, dtype=torch.bool), ragged=ragged, dtype=torch.float32)(x)[:, :12].sum().backward()
        assert x.grad is not None
        assert (x.grad == 1).all()
