"""Adam against torch.optim.Adam, one optimiser per seed, and clipping against torch.nn.utils."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsuite.algorithms.adam import Adam, adam_step, clip_gradient, norm

STEPS = 50


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


class Peer:
    """torch.optim.Adam on one seed's parameters."""

    def __init__(self, parameters: torch.Tensor, **options: float) -> None:
        self.parameters = parameters.clone().requires_grad_()
        self._optimiser = torch.optim.Adam([self.parameters], **options)

    def step(self, gradient: torch.Tensor) -> None:
        self.parameters.grad = gradient.clone()
        self._optimiser.step()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("options", [{}, {"betas": (0.8, 0.99), "epsilon": 1e-3}])
def test_follows_torch(options: dict, dtype: torch.dtype, tolerance: float) -> None:
    """Fifty steps, a learning rate per seed, gradients from tiny to large and a parameter that never has one."""
    parameters, rates = draw(3, 7, dtype=dtype), torch.tensor([1e-3, 1e-2, 0.5], dtype=torch.float64)
    named = {"eps" if k == "epsilon" else k: v for k, v in options.items()}
    peers = [Peer(p, lr=lr.item(), **named) for p, lr in zip(parameters, rates, strict=True)]
    memory = Adam.like(parameters)
    for n in range(STEPS):
        gradient = draw(3, 7, seed=n + 1, dtype=dtype) * torch.tensor([1e-4, 1.0, 1e3], dtype=dtype).unsqueeze(1)
        gradient[:, 0] = 0
        parameters, memory = adam_step(parameters, gradient, memory, rates, **options)
        for peer, row in zip(peers, gradient, strict=True):
            peer.step(row)
    expected = torch.stack([peer.parameters.detach() for peer in peers])
    torch.testing.assert_close(parameters, expected, rtol=tolerance, atol=tolerance)
    assert memory.steps.tolist() == [STEPS] * 3


def test_one_rate_for_all() -> None:
    parameters, gradient = draw(2, 5), draw(2, 5, seed=1)
    number, _ = adam_step(parameters, gradient, Adam.like(parameters), 0.1)
    tensor, _ = adam_step(parameters, gradient, Adam.like(parameters), torch.tensor([0.1, 0.1], dtype=torch.float64))
    assert torch.equal(number, tensor)


def test_a_waiting_seed_keeps_parameters_and_memory() -> None:
    """It later goes on as if the steps it sat out, whatever their gradients, had not been."""
    parameters, memory = draw(2, 5), Adam.like(draw(2, 5))
    peers = [Peer(p, lr=0.1) for p in parameters]
    for n in range(20):
        gradient, mask = draw(2, 5, seed=n + 1), torch.tensor([True, n % 3 == 1])
        if not mask[1]:
            gradient[1] = torch.nan
        before = (parameters, *memory)
        parameters, memory = adam_step(parameters, gradient, memory, 0.1, mask)
        for peer, row, steps in zip(peers, gradient, mask, strict=True):
            if steps:
                peer.step(row)
        if not mask[1]:
            assert all(torch.equal(old[1], new[1]) for old, new in zip(before, (parameters, *memory), strict=True))
    torch.testing.assert_close(
        parameters, torch.stack([peer.parameters.detach() for peer in peers]), rtol=1e-12, atol=0
    )
    assert memory.steps.tolist() == [20, 7]


def test_inputs_are_left_alone() -> None:
    parameters, gradient = draw(2, 5), draw(2, 5, seed=1)
    memory = Adam(draw(2, 5, seed=2), draw(2, 5, seed=3).square(), torch.ones(2, dtype=torch.float64))
    inputs = (parameters, gradient, *memory)
    copies = [x.clone() for x in inputs]
    adam_step(parameters, gradient, memory, 0.1, torch.tensor([True, False]))
    assert all(torch.equal(x, copy) for x, copy in zip(inputs, copies, strict=True))


def test_clipping_is_torchs_for_every_seed() -> None:
    gradient = draw(4, 6) * torch.tensor([0.01, 1.0, 100.0, 0.0], dtype=torch.float64).unsqueeze(1)
    clipped, length = clip_gradient(gradient, 0.5)
    for row, ours, before in zip(gradient, clipped, length, strict=True):
        leaf = torch.zeros(6, dtype=torch.float64, requires_grad=True)
        leaf.grad = row.clone()
        torch.testing.assert_close(torch.nn.utils.clip_grad_norm_([leaf], 0.5), before)
        torch.testing.assert_close(leaf.grad, ours)
    assert torch.equal(clipped[0], gradient[0]), "a short gradient keeps its bits"


def test_no_clipping() -> None:
    gradient = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    clipped, length = clip_gradient(gradient, None)
    assert torch.equal(clipped, gradient)
    assert length.tolist() == norm(gradient).tolist() == [5, 0]


@settings(max_examples=60)
@given(st.integers(1, 12), st.integers(1, 40), st.data())
def test_slice_invariance(seeds: int, size: int, data: st.DataObject) -> None:
    chosen = data.draw(st.permutations(range(seeds)))[: data.draw(st.integers(1, seeds))]
    parameters, rates = draw(seeds, size, dtype=torch.float32), draw(seeds).exp()
    mask = draw(seeds, seed=9) > -0.5

    def train(who: list[int]) -> list[torch.Tensor]:
        mine, memory = parameters[who], Adam.like(parameters[who])
        for n in range(3):
            gradient, _ = clip_gradient(draw(seeds, size, seed=n, dtype=torch.float32)[who], 0.5)
            mine, memory = adam_step(mine, gradient, memory, rates[who], mask[who] if n else None)
        return [mine, *memory]

    for everyone, some in zip(train(list(range(seeds))), train(chosen), strict=True):
        assert torch.equal(everyone[chosen], some)
