"""Group weights against numbers worked by hand, and the mean gradients that are known in closed form."""

from itertools import product

import numpy as np
import pytest
import torch

from pgsuite.algorithms import GroupWeights, group_advantages
from pgsuite.algorithms.registry import build
from pgsuite.errors import UsageError

LEAVE_ONE_OUT = GroupWeights(4, leave_one_out=True)
PLAIN = GroupWeights(4, leave_one_out=False)


def weights(returns, lengths, how):
    given = (torch.tensor([x], dtype=torch.float64) for x in (returns, lengths))
    return group_advantages(*given, how)[0]


def test_an_episode_is_compared_with_the_others_of_its_group():
    returns, lengths = [1.0, 2.0, 6.0, 3.0, 10.0, 10.0, 10.0, 10.0], [1, 2, 4, 5, 1, 1, 1, 1]
    torch.testing.assert_close(
        weights(returns, lengths, LEAVE_ONE_OUT),
        torch.tensor([1 - 11 / 3, 2 - 10 / 3, 6 - 2, 0.0, 0, 0, 0, 0], dtype=torch.float64),
    )
    torch.testing.assert_close(
        weights(returns, lengths, PLAIN), torch.tensor([-2.0, -1, 3, 0, 0, 0, 0, 0], dtype=torch.float64)
    )
    deviation = np.sqrt((4 + 1 + 9 + 0) / 4)
    expected = [-2 / deviation, -1 / deviation, 3 / deviation, 0, 0, 0, 0, 0]
    found = weights(returns, lengths, PLAIN._replace(deviation=True))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-5, atol=0)
    expected = [-2.0, -0.5, 0.75, 0, 0, 0, 0, 0]
    torch.testing.assert_close(
        weights(returns, lengths, PLAIN._replace(length=True)), torch.tensor(expected, dtype=torch.float64)
    )


def mean_gradient(chances, rewards, lengths, how):
    """Exact mean over all groups of the gradient in the logits of one choice among answers."""
    chances, total = np.array(chances), np.zeros(len(chances))
    groups = np.array(list(product(range(len(chances)), repeat=how.size)))
    returns, steps = torch.tensor(np.array(rewards)[groups]), torch.tensor(np.array(lengths)[groups])
    advantage = group_advantages(returns, steps, how).numpy()
    slopes = np.eye(len(chances))[groups] - chances
    total = (advantage[:, :, None] * slopes).mean(1)
    return (np.prod(chances[groups], axis=1)[:, None] * total).sum(0)


@pytest.mark.parametrize("chance", [0.05, 0.25, 0.5, 0.9])
def test_leaving_one_out_has_no_bias_and_the_group_mean_a_known_one(chance):
    """Right with probability p: the gradient in its logit is p (1 - p)."""
    answers = ([chance, 1 - chance], [1.0, 0.0], [1.0, 1.0])
    gradient = chance * (1 - chance)
    assert mean_gradient(*answers, LEAVE_ONE_OUT)[0] == pytest.approx(gradient)
    assert mean_gradient(*answers, PLAIN)[0] == pytest.approx(0.75 * gradient)


@pytest.mark.parametrize(("chance", "factor"), [(0.5, 1.93), (0.05, 3.27)])
def test_dividing_by_the_deviation_makes_much_of_what_is_nearly_always_lost(chance, factor):
    """G = 16: by the binomial distribution of how many are right."""
    from scipy.stats import binom

    found = 0.0
    for right in range(17):
        returns = torch.tensor([[1.0] * right + [0.0] * (16 - right)], dtype=torch.float64)
        advantage = group_advantages(returns, torch.ones_like(returns), GroupWeights(16, False, True))
        found += binom.pmf(right, 16, chance) * float((advantage * (returns - chance)).mean())
    assert found / (chance * (1 - chance)) == pytest.approx(factor, abs=0.005)


def test_dividing_by_the_length_spares_the_long_wrong_answer():
    """One answer right and two wrong, one of these ten times as long."""
    answers = ([0.2, 0.4, 0.4], [1.0, 0.0, 0.0], [2.0, 2.0, 20.0])
    np.testing.assert_allclose(mean_gradient(*answers, LEAVE_ONE_OUT), [0.16, -0.08, -0.08])
    both = GroupWeights(4, leave_one_out=False, deviation=True, length=True)
    np.testing.assert_allclose(mean_gradient(*answers, both), [0.121, -0.090, -0.031], atol=5e-4)


@pytest.mark.parametrize("name", ["rloo", "grpo"])
@pytest.mark.parametrize(
    ("options", "words"),
    [({"group_size": 1}, "at least 2"), ({"num_envs": 6}, "no multiple of group_size, 4")],
)
def test_groups_that_cannot_be_filled_are_refused(name, options, words):
    with pytest.raises(UsageError, match=words):
        build(name, options)
