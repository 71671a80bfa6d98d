"""Actor-critic against a loop over a window with ends and resets in the middle, differentiated by autograd."""

import pytest
import torch

from pgsuite.algorithms import ActorCritic, Rollout, State, Steps, Target

from . import oracles
from .rollouts import SPACES, window

SEEDS, ENVS, STEPS, DISCOUNT = [2, 1], 3, 30, 0.9


def configured(**options) -> ActorCritic:
    defaults = {"num_envs": ENVS, "num_steps": STEPS, "discount": DISCOUNT, "hidden": (5,), "dtype": "float64"}
    return ActorCritic(**defaults | options)


def plain_loss(algorithm: ActorCritic, state: State, rollout: Rollout, seed: int, parameters: torch.Tensor):
    """Policy, critic and entropy, divided by N·T however many steps are resets.

    Advantages and targets are constants, from the parameters that the state has.
    """
    model, valid = state.model, rollout.valid[seed]
    value = oracles.values(model, state.critic[seed], rollout, seed)
    advantage = oracles.advantages(rollout, seed, value, DISCOUNT, algorithm.trace)
    target = advantage + value[:, :-1]
    weight = oracles.standardised(advantage, valid) if algorithm.normalise_advantages else advantage

    policy, critic = parameters[: model.policy.size], parameters[model.policy.size :]
    error = (oracles.values(model, critic, rollout, seed)[:, :-1] - target)[valid]
    outputs = oracles.outputs(model.policy, policy, rollout.observation[seed, :, :-1][valid].double())
    entropy = oracles.entropy(model.distribution, outputs).sum()
    loss = oracles.likelihood_loss(model, policy, rollout, seed, weight)
    loss = loss + algorithm.value_weight * 0.5 * error.square().sum() - algorithm.entropy_weight * entropy
    return loss / (ENVS * STEPS)


OPTIONS = [
    {},
    {"trace": 0.0},
    {"trace": 1.0, "value_weight": 2.0},
    {"normalise_advantages": True},
    {"entropy_weight": 0.3, "value_weight": 0.0},
    {"hidden": ()},
]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradient_is_the_plain_ones(name: str, options: dict) -> None:
    algorithm = configured(**options)
    state, rollout = algorithm.init(SPACES[name], SEEDS), window(SPACES[name], SEEDS, ENVS, STEPS)
    gradient, metrics = algorithm.gradient(state, rollout)
    for s, parameters in enumerate(oracles.joined(state)):
        expected = oracles.gradient(lambda p, s=s: plain_loss(algorithm, state, rollout, s, p), parameters)
        torch.testing.assert_close(oracles.joined(gradient)[s], expected)
        torch.testing.assert_close(metrics["loss"][s], plain_loss(algorithm, state, rollout, s, parameters))


def test_reset_steps_have_no_say() -> None:
    """Whatever their rewards and actions, and whatever is observed before them when the episode was terminated."""
    algorithm = configured()
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), window(SPACES["Discrete"], SEEDS, ENVS, STEPS)
    resets = ~rollout.valid
    final = torch.nn.functional.pad(rollout.terminated, (1, 0)).unsqueeze(3)
    other = rollout._replace(
        reward=rollout.reward.masked_fill(resets, 1e6),
        action=(rollout.action + resets) % 3,
        observation=rollout.observation.masked_fill(final, 7.0),
    )
    (learned, _), (same, _) = algorithm.update(state, rollout), algorithm.update(state, other)
    assert torch.equal(oracles.joined(learned), oracles.joined(same))


@pytest.mark.parametrize(
    ("options", "rate"),
    [({}, 0.1), ({"learning_rate_decay": "linear"}, 0.075), ({"max_gradient_norm": None}, 0.1)],
    ids=str,
)
def test_updates_are_torchs_clipping_and_adam(options: dict, rate: float) -> None:
    algorithm = configured(learning_rate=0.1, **options)
    state = algorithm.init(SPACES["Discrete"], SEEDS)
    leaves = [p.clone().requires_grad_() for p in oracles.joined(state)]
    optimisers = [torch.optim.Adam([leaf], lr=rate) for leaf in leaves]
    for occasion in range(3):
        rollout = window(SPACES["Discrete"], SEEDS, ENVS, STEPS, occasion)
        for s, (leaf, optimiser) in enumerate(zip(leaves, optimisers, strict=True)):
            optimiser.zero_grad()
            plain_loss(algorithm, state, rollout, s, leaf).backward()
        state, metrics = algorithm.update(state, rollout)
        for leaf, optimiser, length in zip(leaves, optimisers, metrics["gradient_norm"], strict=True):
            torch.testing.assert_close(length, leaf.grad.norm())
            assert length > 0.5, "this test is about clipping"
            if algorithm.max_gradient_norm:
                torch.nn.utils.clip_grad_norm_([leaf], algorithm.max_gradient_norm)
            optimiser.step()
    # Clipping adds 1e-6 to the norm, as torch does.
    torch.testing.assert_close(oracles.joined(state), torch.stack([leaf.detach() for leaf in leaves]))


def test_the_entropy_bonus_raises_the_entropy() -> None:
    """All else being nothing: no reward, a critic that knows it."""
    algorithm = configured(entropy_weight=0.1, discount=0.0, learning_rate=0.01)
    for name in SPACES:
        state, rollout = algorithm.init(SPACES[name], SEEDS), window(SPACES[name], SEEDS, ENVS, STEPS)
        skewed = state.policy + torch.linspace(-1, 1, state.policy.shape[1], dtype=torch.float64)
        state = state._replace(policy=skewed, critic=torch.zeros_like(state.critic))
        learned, _ = algorithm.update(state, rollout._replace(reward=torch.zeros_like(rollout.reward)))
        before, after = (
            oracles.entropy(
                state.model.distribution,
                oracles.all_outputs(state.model.policy, x.policy, rollout.observation[:, 0].double()),
            ).mean(1)
            for x in (state, learned)
        )
        assert (after > before).all()


def test_it_asks_for_a_window_and_says_what_it_estimates() -> None:
    algorithm = configured(trace=0.5, entropy_weight=0.1, normalise_advantages=True)
    assert algorithm.plan(algorithm.init(SPACES["Discrete"], SEEDS)) == Steps(ENVS, STEPS)
    assert algorithm.target == Target(
        state_weighting="undiscounted", bootstrap=0.5, normalised=True, entropy_weight=0.1
    )
