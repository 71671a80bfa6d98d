"""Losses as data against the same losses by autograd."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from pgsuite.algorithms import PPO, ActorCritic, Reinforce, Samples, loss_gradient
from pgsuite.algorithms.blocks import BLOCK
from pgsuite.algorithms.losses import OUTPUTS, Term, compiled_loss, is_compiled

from .rollouts import SPACES, episodes, window


def torch_likelihood(distribution, outputs, samples: Samples, entropy_weight: float) -> torch.Tensor:
    """The loss by its definition, in torch."""
    gain = samples.weight * distribution.log_prob(outputs, samples.action)
    return -(samples.mask * (gain + entropy_weight * distribution.entropy(outputs))).sum(1)


@pytest.mark.parametrize("space", SPACES)
def test_a_compiled_loss_is_the_loss_by_autograd(space):
    """The samples are more than a block, and some are masked."""
    algorithm = ActorCritic(num_envs=4, num_steps=90, entropy_weight=0.2, dtype="float64", hidden=(5,))
    state = algorithm.init(SPACES[space], [1, 2])
    samples = algorithm.samples(state, window(SPACES[space], [1, 2], 4, 90))
    assert samples.mask.shape[1] > BLOCK
    assert (samples.mask == 0).any()
    gradient, loss = algorithm.gradient_of(state, samples)
    distribution = state.model.distribution
    policy, policy_loss = loss_gradient(
        state.model.policy,
        state.policy,
        samples,
        lambda outputs, block: torch_likelihood(distribution, outputs, block, 0.2) / 360,
    )
    critic, critic_loss = loss_gradient(
        state.model.value_network,
        state.critic,
        samples,
        lambda value, block: 0.25 * (block.mask * (value[..., 0] - block.value_target) ** 2).sum(1) / 360,
    )
    torch.testing.assert_close(gradient.policy, policy)
    torch.testing.assert_close(gradient.critic, critic)
    torch.testing.assert_close(loss, policy_loss + critic_loss)


def torch_clipped(distribution, outputs, samples: Samples, clip_range: float, entropy_weight: float) -> torch.Tensor:
    """PPO's objective by its definition, in torch."""
    ratio = (distribution.log_prob(outputs, samples.action) - samples.log_prob).exp()
    gain = torch.minimum(ratio * samples.weight, ratio.clamp(1 - clip_range, 1 + clip_range) * samples.weight)
    return (samples.mask * (gain + entropy_weight * distribution.entropy(outputs))).sum(1)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("options", [{}, {"entropy_weight": 0.2, "value_clip_range": 0.05}], ids=str)
def test_a_clipped_loss_is_the_loss_by_autograd(space, options):
    """Ratios and values lie within and beyond what they are clipped to."""
    algorithm = PPO(num_envs=4, num_steps=90, dtype="float64", hidden=(5,), normalise_advantages=False, **options)
    state = algorithm.init(SPACES[space], [1, 2])
    samples = algorithm.samples(state, window(SPACES[space], [1, 2], 4, 90))
    random = torch.Generator().manual_seed(0)
    moved = [x + 0.3 * torch.randn(x.shape, generator=random, dtype=x.dtype) for x in (state.policy, state.critic)]
    state, distribution = state._replace(policy=moved[0], critic=moved[1]), state.model.distribution
    outputs = state.model.policy.evaluate(state.policy, samples.observation)
    apart = 0.3 * torch.randn(samples.mask.shape, generator=random, dtype=torch.float64)
    spread = samples._replace(log_prob=distribution.log_prob(outputs, samples.action) + apart)
    assert min(apart.min().abs(), apart.max()) > 0.5
    gradient, loss = algorithm.gradient_of(state, spread)
    entropy_weight, farthest = options.get("entropy_weight", 0.0), options.get("value_clip_range", np.inf)
    policy, objective = loss_gradient(
        state.model.policy,
        state.policy,
        spread,
        lambda outputs, block: -torch_clipped(distribution, outputs, block, 0.2, entropy_weight) / 360,
    )

    def error(value, block):
        near = block.value + (value[..., 0] - block.value).clamp(-farthest, farthest)
        plain, held = (value[..., 0] - block.value_target).square(), (near - block.value_target).square()
        return 0.25 * (block.mask * torch.maximum(plain, held)).sum(1) / 360

    critic, critic_loss = loss_gradient(state.model.value_network, state.critic, spread, error)
    torch.testing.assert_close(gradient.policy, policy)
    torch.testing.assert_close(gradient.critic, critic)
    torch.testing.assert_close(loss, objective + critic_loss)


@dataclass(frozen=True, kw_only=True)
class Twice(Reinforce):
    def policy_loss(self, distribution, outputs, samples):
        return 2 * super().policy_loss(distribution, outputs, samples)


@dataclass(frozen=True, kw_only=True)
class TwiceCompiled(Reinforce):
    @compiled_loss
    def policy_loss(self, distribution, outputs, samples):
        return 2 * super().policy_loss(distribution, outputs, samples)


@dataclass(frozen=True, kw_only=True)
class Wrong(Reinforce):
    @compiled_loss
    def policy_loss(self, distribution, outputs, samples):
        return distribution.log_prob(outputs, samples.action).sum(1)


def test_a_loss_of_ones_own_is_taken_whether_it_is_marked_or_not():
    rollout, gradients = episodes(SPACES["Discrete"], [1], 8), []
    for algorithm in (Reinforce(dtype="float64"), Twice(dtype="float64"), TwiceCompiled(dtype="float64")):
        state = algorithm.init(SPACES["Discrete"], [1])
        gradients.append(algorithm.gradient(state, rollout)[0].policy)
    assert not is_compiled(Twice().policy_loss)
    assert is_compiled(TwiceCompiled().policy_loss)
    torch.testing.assert_close(gradients[1], 2 * gradients[0])
    torch.testing.assert_close(gradients[2], 2 * gradients[0])


def test_a_mark_on_a_loss_that_is_no_term_is_explained():
    algorithm = Wrong()
    state = algorithm.init(SPACES["Discrete"], [1])
    with pytest.raises(TypeError, match=r"marked compiled_loss .* one term times a number; take the mark away"):
        algorithm.gradient(state, episodes(SPACES["Discrete"], [1], 8))


def test_constants_may_differ_between_seeds():
    term = 3 * Term(0, (0, torch.zeros(0).numpy()), torch.tensor([0.5, 0.25])) / torch.tensor([2.0, 4.0])
    assert (-term).constants(2).tolist() == [[-3, 2, 0.5, np.inf], [-3, 4, 0.25, np.inf]]
    assert OUTPUTS is not None


def test_a_term_is_multiplied_by_any_number_and_by_nothing_else():
    term = Term(0, (0, np.zeros(0, np.int64)), 0.0)
    for half in (0.5, np.float64(0.5), np.float32(0.5), torch.tensor(0.5)):
        assert (half * term).factor == (term * half).factor == 0.5
    with pytest.raises(TypeError):
        _ = term + term
