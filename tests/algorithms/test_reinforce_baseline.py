"""REINFORCE with a value baseline against a loop over episodes, differentiated by autograd."""

import pytest
import torch

from pgsuite.algorithms import Episodes, ReinforceBaseline, Rollout, State, Target
from pgsuite.algorithms.critic import fit_critic

from . import oracles
from .rollouts import SPACES, episodes

SEEDS, EPISODES, DISCOUNT = [2, 1], 3, 0.9


def configured(**options) -> ReinforceBaseline:
    defaults = {"num_envs": EPISODES, "discount": DISCOUNT, "hidden": (5,), "dtype": "float64"}
    return ReinforceBaseline(**defaults | options)


def plain_loss(algorithm: ReinforceBaseline, state: State, rollout: Rollout, seed: int, policy: torch.Tensor):
    """``-1/E Σ γ^t (G_t - V(s_t)) log π``, with the critic as it was before the update."""
    value = oracles.values(state.model, state.critic[seed], rollout, seed)[:, :-1]
    weight = oracles.returns(rollout, seed, DISCOUNT) - value
    if algorithm.state_weighting == "discounted":
        weight = weight * DISCOUNT ** torch.arange(weight.shape[1], dtype=torch.float64)
    if algorithm.normalise_advantages:
        weight = oracles.standardised(weight, rollout.valid[seed])
    return oracles.likelihood_loss(state.model, policy, rollout, seed, weight) / EPISODES


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    "options", [{}, {"state_weighting": "discounted"}, {"normalise_advantages": True}, {"hidden": ()}], ids=str
)
def test_gradient_is_the_plain_ones(name: str, options: dict) -> None:
    """No gradient flows into the critic: its part is exactly zero."""
    algorithm = configured(**options)
    state, rollout = algorithm.init(SPACES[name], SEEDS), episodes(SPACES[name], SEEDS, EPISODES)
    gradient, metrics = algorithm.gradient(state, rollout)
    assert gradient.critic.shape == state.critic.shape
    assert not gradient.critic.any()
    for s, policy in enumerate(state.policy):
        expected = oracles.gradient(lambda p, s=s: plain_loss(algorithm, state, rollout, s, p), policy)
        torch.testing.assert_close(gradient.policy[s], expected)
        torch.testing.assert_close(metrics["loss"][s], plain_loss(algorithm, state, rollout, s, policy))


@pytest.mark.parametrize(("decay", "rate"), [("none", 0.1), ("linear", 0.075)])
def test_an_update_steps_the_policy_and_then_fits_the_critic(decay: str, rate: float) -> None:
    algorithm = configured(learning_rate=0.1, learning_rate_decay=decay, critic_epochs=2, critic_learning_rate=0.03)
    state = algorithm.init(SPACES["Discrete"], SEEDS)
    leaves = [p.clone().requires_grad_() for p in state.policy]
    optimisers = [torch.optim.Adam([leaf], lr=rate) for leaf in leaves]
    for occasion in range(3):
        rollout = episodes(SPACES["Discrete"], SEEDS, EPISODES, occasion)
        for s, (leaf, optimiser) in enumerate(zip(leaves, optimisers, strict=True)):
            optimiser.zero_grad()
            plain_loss(algorithm, state, rollout, s, leaf).backward()
            optimiser.step()
        samples = algorithm.samples(state, rollout)
        fit = fit_critic(state, samples, learning_rate=0.03, epochs=2, minibatch=256)
        state, metrics = algorithm.update(state, rollout)
        torch.testing.assert_close(state.policy, torch.stack([leaf.detach() for leaf in leaves]))
        assert torch.equal(state.critic, fit.critic)
        assert torch.equal(metrics["value_loss"], fit.loss)


def test_the_critic_is_fitted_to_returns() -> None:
    """Also where the weights are discounted or standardised; and it is judged by the variance that it explains."""
    algorithm = configured(state_weighting="discounted", normalise_advantages=True)
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), episodes(SPACES["Discrete"], SEEDS, EPISODES)
    samples = algorithm.samples(state, rollout)
    explained = algorithm.update(state, rollout)[1]["explained_variance"]
    for s, critic in enumerate(state.critic):
        valid = rollout.valid[s]
        target = oracles.returns(rollout, s, DISCOUNT)[valid]
        torch.testing.assert_close(samples.value_target[s][samples.mask[s].bool()], target)
        error = target - oracles.values(state.model, critic, rollout, s)[:, :-1][valid]
        torch.testing.assert_close(explained[s], 1 - error.var(correction=0) / target.var(correction=0))


def test_it_asks_for_complete_episodes_and_says_what_it_estimates() -> None:
    algorithm = configured(state_weighting="discounted", normalise_advantages=True)
    assert algorithm.plan(algorithm.init(SPACES["Discrete"], SEEDS)) == Episodes(EPISODES)
    assert algorithm.target == Target(state_weighting="discounted", bootstrap=None, normalised=True)
    assert configured().target == Target(state_weighting="undiscounted", bootstrap=None, normalised=False)
