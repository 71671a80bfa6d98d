"""REINFORCE against a loop over episodes, differentiated by autograd."""

import pytest
import torch

from pgsuite.algorithms import Episodes, Reinforce, Rollout, State, Target

from . import oracles
from .rollouts import SPACES, episodes

SEEDS, EPISODES, DISCOUNT = [2, 1], 3, 0.9


def configured(**options) -> Reinforce:
    return Reinforce(**{"num_envs": EPISODES, "discount": DISCOUNT, "hidden": (5,), "dtype": "float64"} | options)


def plain_loss(algorithm: Reinforce, state: State, rollout: Rollout, seed: int, parameters: torch.Tensor):
    """``-1/E Σ γ^t G_t log π``; divided by the number of episodes, whatever their lengths."""
    weight = oracles.returns(rollout, seed, DISCOUNT)
    if algorithm.state_weighting == "discounted":
        weight = weight * DISCOUNT ** torch.arange(weight.shape[1], dtype=torch.float64)
    if algorithm.normalise_advantages:
        weight = oracles.standardised(weight, rollout.valid[seed])
    return oracles.likelihood_loss(state.model, parameters, rollout, seed, weight) / EPISODES


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    "options",
    [{}, {"state_weighting": "discounted"}, {"normalise_advantages": True}, {"hidden": ()}, {"activation": "relu"}],
    ids=str,
)
def test_gradient_is_the_plain_ones(name: str, options: dict) -> None:
    algorithm = configured(**options)
    state, rollout = algorithm.init(SPACES[name], SEEDS), episodes(SPACES[name], SEEDS, EPISODES)
    gradient, metrics = algorithm.gradient(state, rollout)
    for s, parameters in enumerate(state.policy):
        expected = oracles.gradient(lambda p, s=s: plain_loss(algorithm, state, rollout, s, p), parameters)
        torch.testing.assert_close(gradient.policy[s], expected)
        torch.testing.assert_close(metrics["loss"][s], plain_loss(algorithm, state, rollout, s, parameters))


@pytest.mark.parametrize(("decay", "rate"), [("none", 0.1), ("linear", 0.075)])
def test_updates_are_torchs_adam(decay: str, rate: float) -> None:
    """The rollouts say that a quarter of the budget is used: a linear decay has taken a quarter of the step size."""
    algorithm = configured(learning_rate=0.1, learning_rate_decay=decay)
    state = algorithm.init(SPACES["Discrete"], SEEDS)
    leaves = [p.clone().requires_grad_() for p in state.policy]
    optimisers = [torch.optim.Adam([leaf], lr=rate) for leaf in leaves]
    for occasion in range(3):
        rollout = episodes(SPACES["Discrete"], SEEDS, EPISODES, occasion)
        state, metrics = algorithm.update(state, rollout)
        for s, (leaf, optimiser) in enumerate(zip(leaves, optimisers, strict=True)):
            optimiser.zero_grad()
            plain_loss(algorithm, state, rollout, s, leaf).backward()
            torch.testing.assert_close(metrics["gradient_norm"][s], leaf.grad.norm())
            optimiser.step()
    torch.testing.assert_close(state.policy, torch.stack([leaf.detach() for leaf in leaves]))
    assert state.updates.tolist() == [3, 3]


def test_it_asks_for_complete_episodes_and_says_what_it_estimates() -> None:
    algorithm = configured(state_weighting="discounted", normalise_advantages=True)
    assert algorithm.plan(algorithm.init(SPACES["Discrete"], SEEDS)) == Episodes(EPISODES)
    assert algorithm.target == Target(state_weighting="discounted", bootstrap=None, normalised=True)
    assert configured().target == Target(state_weighting="undiscounted", bootstrap=None, normalised=False)


def test_a_good_action_becomes_likelier() -> None:
    """One-step episodes of two seeds; action 2 is paid, in the other seed it costs."""
    algorithm = configured(learning_rate=0.05)
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), episodes(SPACES["Discrete"], SEEDS, EPISODES)
    rollout = Rollout(*(x[:, :, :1] if isinstance(x, torch.Tensor) and x.ndim == 3 else x for x in rollout))._replace(
        observation=torch.ones(2, EPISODES, 2, 3),
        action=torch.full((2, EPISODES, 1), 2),
        reward=torch.tensor([[[1.0]], [[-1.0]]], dtype=torch.float64).expand(2, EPISODES, 1),
        terminated=torch.ones(2, EPISODES, 1, dtype=torch.bool),
        truncated=torch.zeros(2, EPISODES, 1, dtype=torch.bool),
    )

    def probability(state: State) -> torch.Tensor:
        outputs = oracles.all_outputs(state.model.policy, state.policy, torch.ones(2, 1, 3, dtype=torch.float64))
        return outputs.softmax(2)[:, 0, 2]

    learned, _ = algorithm.update(state, rollout)
    assert ((probability(learned) > probability(state)) == torch.tensor([True, False])).all()
