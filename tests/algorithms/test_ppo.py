"""PPO against the paper's equations, sample by sample."""

from typing import Any

import numpy as np
import pytest
import torch

from pgsuite.algorithms import PPO, Samples
from pgsuite.algorithms.ppo import estimated_kl

from .rollouts import SPACES, window


def torch_surrogate(distribution: Any, outputs: torch.Tensor, samples: Samples, epsilon: float) -> torch.Tensor:
    """Equation 7 of the paper, sample by sample, for Discrete actions."""
    total = torch.zeros(len(outputs), dtype=outputs.dtype)
    for s, b in np.ndindex(*samples.weight.shape):
        if samples.mask[s, b]:
            log_prob = torch.distributions.Categorical(logits=outputs[s, b]).log_prob(samples.action[s, b])
            ratio, advantage = torch.exp(log_prob - samples.log_prob[s, b]), samples.weight[s, b]
            total[s] = total[s] + min(ratio * advantage, ratio.clip(1 - epsilon, 1 + epsilon) * advantage)
    return total


def test_ppo_ascends_the_clipped_surrogate():
    algorithm = PPO(num_envs=2, num_steps=9, dtype="float64")
    state = algorithm.init(SPACES["Discrete"], [1, 2])
    rollout = window(SPACES["Discrete"], [1, 2], 2, 9)
    rollout = rollout._replace(log_prob=-1.2 + 0.3 * rollout.reward.sin())
    samples = algorithm.samples(state, rollout)
    outputs = torch.randn(2, 18, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    ours = algorithm.policy_loss(state.model.distribution, outputs, samples)
    theirs = -torch_surrogate(state.model.distribution, outputs, samples, 0.2) / 18
    torch.testing.assert_close(ours, theirs)
    slopes = [torch.autograd.grad(loss.sum(), outputs, retain_graph=True)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*slopes)
    assert (slopes[0] == 0).all(-1).any(), "some samples are clipped"


def test_the_entropy_bonus_is_the_mean_entropy():
    plain, bonus = (PPO(num_envs=2, num_steps=9, dtype="float64", entropy_weight=weight) for weight in (0.0, 0.3))
    state, rollout = plain.init(SPACES["Discrete"], [1]), window(SPACES["Discrete"], [1], 2, 9)
    samples = plain.samples(state, rollout)
    outputs = torch.randn(1, 18, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = [algorithm.policy_loss(state.model.distribution, outputs, samples) for algorithm in (plain, bonus)]
    entropy = torch.distributions.Categorical(logits=outputs).entropy()
    torch.testing.assert_close(found[0] - found[1], 0.3 * (entropy * samples.mask).sum(1) / 18)


def test_a_value_moves_no_further_than_its_range():
    """Of the two errors, that of the clipped value and that of the value, the larger counts."""
    algorithm = PPO(num_envs=1, num_steps=4, dtype="float64", value_clip_range=0.5, value_weight=1.0)
    column = torch.zeros(1, 4, dtype=torch.float64)
    samples = Samples(
        observation=torch.zeros(1, 4, 3),
        action=column,
        weight=column,
        value_target=torch.tensor([[2.0, 2.0, 2.0, 2.0]], dtype=torch.float64),
        value=torch.tensor([[1.0, 1.0, 1.0, 1.0]], dtype=torch.float64),
        log_prob=column,
        mask=torch.tensor([[1.0, 1.0, 1.0, 0.0]], dtype=torch.float64),
    )
    value = torch.tensor([[1.2, 2.0, 0.0, 9.0]], dtype=torch.float64)
    #            within: .8²;  as far as 1.5: .5², not 0;  as far as .5: the error of 0 itself, 2², is larger
    expected = 0.5 * (0.8**2 + 0.5**2 + 2.0**2) / 4
    torch.testing.assert_close(algorithm.critic_loss(value, samples), torch.tensor([expected], dtype=torch.float64))


@pytest.mark.parametrize("over", ["minibatch", "window"])
def test_advantages_are_standardised_over_what_is_said(over):
    """With one minibatch of everything, both are the same; with two, they are not."""
    rollout = window(SPACES["Discrete"], [1], 2, 16)

    def learned(minibatch, how):
        algorithm = PPO(num_envs=2, num_steps=16, minibatch=minibatch, epochs=1, normalised_over=how, dtype="float64")
        return algorithm.update(algorithm.init(SPACES["Discrete"], [1]), rollout)[0].policy

    torch.testing.assert_close(learned(32, over), learned(32, "window"), rtol=0, atol=1e-12)
    assert (learned(8, "minibatch") != learned(8, "window")).any()


def test_a_seed_that_has_gone_too_far_stops_alone():
    seeds, rollout = [1, 2, 3], window(SPACES["Box"], [1, 2, 3], 2, 32)
    options: dict[str, Any] = {"num_envs": 2, "num_steps": 32, "minibatch": 16, "epochs": 10, "learning_rate": 0.003}
    free, held = PPO(**options), PPO(**options, target_kl=0.004)
    state = free.init(SPACES["Box"], seeds)
    rollout = chosen_by(state, rollout)
    everything = free.update(state, rollout)[1]["minibatches"]
    _, metrics = held.update(state, rollout)
    assert (metrics["minibatches"] < everything).any()
    assert (metrics["minibatches"] >= 1).all()
    for n, seed in enumerate(seeds):
        one = free.init(SPACES["Box"], [seed])
        alone = held.update(one, chosen_by(one, window(SPACES["Box"], [seed], 2, 32)))[1]
        assert alone["minibatches"][0] == metrics["minibatches"][n]


def chosen_by(state, rollout):
    """The rollout as if the state's policy had chosen its actions."""
    shape = rollout.reward.shape
    observation = rollout.observation[:, :, :-1].flatten(1, 2)
    outputs = state.model.policy.evaluate(state.policy, observation)
    log_prob = state.model.distribution.log_prob(outputs, rollout.action.flatten(1, 2))
    return rollout._replace(log_prob=log_prob.view(shape))


def test_the_estimated_divergence_is_near_the_exact_one():
    algorithm = PPO(num_envs=8, num_steps=512, dtype="float64")
    state = algorithm.init(SPACES["Discrete"], [4])
    rollout = window(SPACES["Discrete"], [4], 8, 512)
    samples = algorithm.samples(state, rollout)
    distribution = state.model.distribution
    old = state.model.policy.evaluate(state.policy, samples.observation)
    action = torch.distributions.Categorical(logits=old).sample()
    samples = samples._replace(action=action, log_prob=distribution.log_prob(old, action))
    moved = state._replace(policy=state.policy + 0.1 * torch.sin(torch.arange(state.policy.numel()).double()))
    new = state.model.policy.evaluate(moved.policy, samples.observation)
    exact = ((distribution.kl(old, new) * samples.mask).sum(1) / samples.size).item()
    assert estimated_kl(moved, samples).item() == pytest.approx(exact, rel=0.1)
    assert estimated_kl(state, samples).item() == pytest.approx(0.0, abs=1e-12)
