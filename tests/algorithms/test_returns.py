"""Returns and advantages: numbers worked by hand, and nothing that leaks from one episode into another.

The window of the worked example, with γ = λ = 1/2:

    step          0    1          2      3    4          5      6
    reward        1    2 (end)    reset  3    4 (end)    reset  5
    value         1    1          50     3    1          8      4     6 (after the window)

The value at a reset step is that of the final observation of the episode before.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

from pgsuite.algorithms.returns import discount_powers, discounted_returns, generalised_advantage

REWARD = torch.tensor([1.0, 2, 77, 3, 4, 77, 5], dtype=torch.float64)
VALUE = torch.tensor([1.0, 1, 50, 3, 1, 8, 4, 6], dtype=torch.float64)
FIRST_END, RESET, SECOND_END, SECOND_RESET, LAST = 1, 2, 4, 5, 6
VALID = [0, 1, 3, 4, 6]


def flags(*steps: int) -> Tensor:
    return torch.tensor([t in steps for t in range(7)])


def advantage(terminated: Tensor, truncated: Tensor, discount: float = 0.5, trace: float = 0.5) -> Tensor:
    return generalised_advantage(REWARD, VALUE, terminated, truncated, discount, trace)


def test_advantage_with_a_termination_a_truncation_and_resets() -> None:
    # δ₀ = 1 + ½·1 − 1 = ½, δ₁ = 2 + 0 − 1 = 1, δ₃ = 3 + ½·1 − 3 = ½, δ₄ = 4 + ½·8 − 1 = 7, δ₆ = 5 + ½·6 − 4 = 4
    worked = [0.5 + 0.25 * 1, 1, 0.5 + 0.25 * 7, 7, 4]
    assert advantage(flags(FIRST_END), flags(SECOND_END))[VALID].tolist() == worked


def test_both_flags_mean_terminated() -> None:
    # δ₄ = 4 + 0 − 1 = 3
    both = advantage(flags(FIRST_END, SECOND_END), flags(SECOND_END))
    assert both[VALID].tolist() == [0.75, 1, 0.5 + 0.25 * 3, 3, 4]
    assert torch.equal(both, advantage(flags(FIRST_END, SECOND_END), flags()))


def test_returns_with_ends_and_a_reset() -> None:
    returns = discounted_returns(REWARD, flags(FIRST_END, SECOND_END), 0.5)
    assert returns[VALID].tolist() == [1 + 0.5 * 2, 2, 3 + 0.5 * 4, 4, 5]
    assert discounted_returns(torch.ones(4), torch.zeros(4, dtype=torch.bool), 0.5).tolist() == [1.875, 1.75, 1.5, 1.0]


def test_no_trace_is_the_temporal_difference() -> None:
    worked = [0.5, 1, 0.5, 7, 4]
    assert advantage(flags(FIRST_END), flags(SECOND_END), trace=0.0)[VALID].tolist() == worked


def test_full_trace_is_return_minus_value() -> None:
    # The returns bootstrap: G₄ = 4 + ½·8 = 8, G₃ = 3 + ½·8 = 7, G₆ = 5 + ½·6 = 8.
    worked = [2 - 1, 2 - 1, 7 - 3, 8 - 1, 8 - 4]
    assert advantage(flags(FIRST_END), flags(SECOND_END), trace=1.0)[VALID].tolist() == worked


@pytest.mark.parametrize("end", [FIRST_END, SECOND_END])
@pytest.mark.parametrize("kind", ["terminated", "truncated"])
def test_nothing_leaks_over_an_end(end: int, kind: str) -> None:
    """Whatever the rewards and values behind an episode's end, up to the end all bits stay."""
    ends = {"terminated": flags(), "truncated": flags()} | {kind: flags(FIRST_END, SECOND_END)}
    reward, value = REWARD.clone(), VALUE.clone()
    reward[end + 1 :] = 1e6
    value[end + 2 :] = -1e6
    done = ends["terminated"] | ends["truncated"]
    before = slice(end + 1)

    moved = generalised_advantage(reward, value, **ends, discount=0.9, trace=0.9)
    assert torch.equal(moved[before], advantage(**ends, discount=0.9, trace=0.9)[before])
    moved_returns = discounted_returns(reward, done, 0.9)
    assert torch.equal(moved_returns[before], discounted_returns(REWARD, done, 0.9)[before])


def test_only_a_truncation_uses_the_final_value() -> None:
    value = VALUE.clone()
    value[FIRST_END + 1] += 10

    def changes(terminated: Tensor, truncated: Tensor) -> float:
        moved = generalised_advantage(REWARD, value, terminated, truncated, 0.5, 0.5)
        return float((moved - advantage(terminated, truncated))[FIRST_END])

    assert changes(flags(FIRST_END), flags()) == 0
    assert changes(flags(), flags(FIRST_END)) == 5


def test_leading_axes_are_independent_and_discounts_may_differ_by_seed() -> None:
    random = torch.Generator().manual_seed(0)
    shape = (3, 2, 7)
    reward = torch.randn(shape, generator=random, dtype=torch.float64)
    value = torch.randn(3, 2, 8, generator=random, dtype=torch.float64)
    terminated, truncated = torch.rand(2, *shape, generator=random) < 0.2
    discount, trace = torch.tensor([0.5, 0.9, 1.0]).double(), torch.tensor([0.0, 0.5, 1.0]).double()

    together = generalised_advantage(reward, value, terminated, truncated, discount[:, None], trace[:, None])
    returns = discounted_returns(reward, terminated | truncated, discount[:, None])
    for s in range(3):
        for n in range(2):
            place, parameters = (s, n), (discount[s].item(), trace[s].item())
            alone = generalised_advantage(reward[place], value[place], terminated[place], truncated[place], *parameters)
            assert torch.equal(together[place], alone)
            done = (terminated | truncated)[place]
            assert torch.equal(returns[place], discounted_returns(reward[place], done, parameters[0]))


@pytest.mark.parametrize("discount", [0.0, 0.3, 0.99, 1.0])
def test_discount_powers(discount: float) -> None:
    time = torch.tensor([[0, 1, 2], [7, 0, 3]])
    powers = discount_powers(time, discount, torch.float64)
    np.testing.assert_allclose(powers.numpy(), [[discount**t for t in row] for row in time.tolist()], rtol=1e-14)
