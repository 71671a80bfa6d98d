"""A step of both networks in one pass is the clipped steps of each."""

import pytest
import torch

from pgsuite.algorithms import ActorCritic, adam_step, clip_gradient
from pgsuite.algorithms.descent import descend
from pgsuite.algorithms.interface import Gradient

from .rollouts import SPACES


def begun(seeds=(1, 2, 3)):
    algorithm = ActorCritic(hidden=(4,))
    state = algorithm.init(SPACES["Discrete"], seeds)
    random = torch.Generator().manual_seed(0)
    gradient = Gradient(*(torch.randn(x.shape, generator=random) for x in (state.policy, state.critic)))
    return state, gradient


@pytest.mark.parametrize("max_norm", [None, 0.5, 100.0])
def test_it_is_adam_on_clipped_gradients(max_norm):
    state, gradient = begun()
    rate, mask = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64), torch.tensor([True, False, True])
    for _ in range(2):
        clipped, length = clip_gradient(gradient, max_norm)
        policy, memory = adam_step(state.policy, clipped.policy, state.optimisers["policy"], rate, mask)
        critic, value_memory = adam_step(state.critic, clipped.critic, state.optimisers["critic"], rate, mask)
        state, found = descend(state, gradient, rate, critic=True, max_norm=max_norm, mask=mask)
        ours = (state.policy, *state.optimisers["policy"], state.critic, *state.optimisers["critic"], found)
        theirs = (policy, *memory, critic, *value_memory, length)
        for mine, other in zip(ours, theirs, strict=True):
            assert torch.equal(mine, other)
    assert state.optimisers["policy"].steps.tolist() == [2, 0, 2]


def test_clipping_is_that_of_torch():
    _, gradient = begun()
    clipped, length = clip_gradient(gradient, 0.5)
    for s in range(3):
        parts = [torch.nn.Parameter(x[s].clone()) for x in gradient]
        for part, slope in zip(parts, gradient, strict=True):
            part.grad = slope[s].clone()
        assert torch.nn.utils.clip_grad_norm_(parts, 0.5) == pytest.approx(float(length[s]))
        for part, ours in zip(parts, clipped, strict=True):
            torch.testing.assert_close(part.grad, ours[s])


def test_the_policy_may_step_alone():
    state, gradient = begun()
    after, length = descend(state, gradient, 0.1)
    assert after.critic is state.critic
    assert after.optimisers["critic"] is state.optimisers["critic"]
    assert (after.policy != state.policy).all()
    torch.testing.assert_close(length, gradient.policy.norm(dim=1))
    assert state.optimisers["policy"].steps.tolist() == [0, 0, 0], "what went in stays as it was"
