"""Actions in the environment's units, fresh parameters, and the actor."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from pgsuite.algorithms import Spaces
from pgsuite.algorithms.blocks import BLOCK
from pgsuite.algorithms.model import Action, ActionBound, Behaviour, Model, NetworkActor
from pgsuite.algorithms.normalisers import Moments

from . import oracles
from .rollouts import SPACES


def model_of(
    space: gym.Space,
    *,
    bound: ActionBound = "clip",
    critic: bool = True,
    hidden: tuple[int, ...] = (5, 6),
    inputs: int = 3,
) -> Model:
    spaces = Spaces(gym.spaces.Box(-np.inf, np.inf, (inputs,)), space)
    return Model.build(spaces, hidden=hidden, activation="tanh", critic=critic, action_bound=bound)


def box(low: float, high: float) -> gym.spaces.Box:
    return gym.spaces.Box(low, high, (1,), np.float64)


INFINITY = np.inf


@pytest.mark.parametrize(
    ("space", "bound", "sample", "action"),
    [
        (box(-2, 2), "clip", [-9, -0.5, 0, 1, 9], [-2, -1, 0, 2, 2]),
        (box(0, 10), "clip", [-9, -0.5, 0, 1, 9], [0, 2.5, 5, 10, 10]),
        (box(0, 10), "tanh", [-99, 0, 0.5, 99], [0, 5, 5 + 5 * np.tanh(0.5), 10]),
        (box(-INFINITY, INFINITY), "clip", [-9, 0.5, 9], [-9, 0.5, 9]),
        (box(-INFINITY, INFINITY), "tanh", [-9, 0.5, 9], [-9, 0.5, 9]),
        (box(0, INFINITY), "clip", [-9, 0.5, 9], [0, 0.5, 9]),
        (box(-INFINITY, 1), "tanh", [-9, 0.5, 9], [-9, 0.5, 1]),
    ],
)
def test_box_actions(space: gym.spaces.Box, bound: ActionBound, sample: list[float], action: list[float]) -> None:
    chosen = model_of(space, bound=bound).to_environment(torch.tensor(sample).view(1, -1, 1))
    np.testing.assert_allclose(chosen, np.reshape(action, (1, -1, 1)), rtol=1e-7)


def test_box_actions_have_the_spaces_shape_and_type() -> None:
    low, high = np.array([[0, -1, 0], [-INFINITY, 0, 5]]), np.array([[2, 1, INFINITY], [INFINITY, 1, 7]])
    space = gym.spaces.Box(low.astype(np.float32), high.astype(np.float32))
    chosen = model_of(space).to_environment(torch.zeros(4, 5, 6))
    assert chosen.shape == (4, 5, 2, 3)
    assert chosen[3, 4].tolist() == [[1, 0, 0], [0, 0.5, 6]]
    assert space.contains(chosen[0, 0])


@pytest.mark.parametrize("name", SPACES)
def test_fresh_parameters_belong_to_their_seed(name: str) -> None:
    model = model_of(SPACES[name].action)
    together, alone = (model.init(seeds, log_std=-0.5, dtype=torch.float32) for seeds in ([5, 2, 9], [2]))
    assert [part.shape for part in together] == [(3, model.policy.size), (3, model.value_network.size)]
    for part, own in zip(together, alone, strict=True):
        assert torch.equal(part[1], own[0])
        assert not torch.equal(part[0], part[1])


def test_a_fresh_policy_hardly_prefers_an_action() -> None:
    model = model_of(gym.spaces.Discrete(3))
    policy, critic = model.init([0], log_std=0.0, dtype=torch.float64)
    observation = torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    probabilities = oracles.all_outputs(model.policy, policy, observation).softmax(2)
    assert (probabilities - 1 / 3).abs().max() < 0.01
    assert model.values(critic, observation).std() > 0.1, "a critic's outputs have gain 1"


def test_a_hidden_gain_scales_the_hidden_weights_of_policy_and_critic() -> None:
    model = model_of(SPACES["Box"].action, hidden=(5, 6))
    usual, scaled = (model.init([0], log_std=0.0, dtype=torch.float64, hidden_gain=gain) for gain in (None, 2**0.5))
    for before, after in zip(usual, scaled, strict=True):
        hidden = slice(3 * 5 + 5 + 5 * 6 + 6)
        torch.testing.assert_close(after[:, hidden], before[:, hidden] * 2**0.5 / (5 / 3))
        assert torch.equal(after[:, hidden.stop :], before[:, hidden.stop :])


def test_initial_log_std() -> None:
    model = model_of(SPACES["Box"].action)
    policy, _ = model.init([0, 1], log_std=-0.5, dtype=torch.float64)
    outputs = oracles.all_outputs(model.policy, policy, torch.ones(2, 1, 3, dtype=torch.float64))
    assert outputs[..., 2:].tolist() == [[[-0.5, -0.5]]] * 2


@pytest.mark.parametrize("rows", [1, 256, 600])
def test_values_are_the_critics(rows: int) -> None:
    model = model_of(gym.spaces.Discrete(2))
    _, critic = model.init([0, 1], log_std=0.0, dtype=torch.float64)
    observation = torch.randn(2, rows, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = oracles.all_outputs(model.critic, critic, observation).squeeze(2)
    torch.testing.assert_close(model.values(critic, observation), expected)


@pytest.mark.parametrize("inputs", [3, 17, 376])
@pytest.mark.parametrize("hidden", [(), (5, 6), (64, 64)], ids=str)
def test_a_value_does_not_depend_on_the_blocks_that_follow(inputs: int, hidden: tuple[int, ...]) -> None:
    """A neighbour's longer episodes add blocks of padding; the bits before them stay."""
    model = model_of(gym.spaces.Discrete(2), hidden=hidden, inputs=inputs)
    _, critic = model.init([0, 1], log_std=0.0, dtype=torch.float32)
    observation = torch.randn(2, 8 * BLOCK, inputs, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.values(critic, observation)[:, :BLOCK], model.values(critic, observation[:, :BLOCK]))


def test_a_model_without_a_critic_is_policy_alone() -> None:
    model = model_of(gym.spaces.Discrete(2), critic=False)
    policy, critic = model.init([0], log_std=0.0, dtype=torch.float32)
    assert policy.shape == (1, model.policy.size)
    assert critic.shape == (1, 0)


@pytest.mark.parametrize("name", SPACES)
def test_the_actor_samples_from_the_policy(name: str) -> None:
    model = model_of(SPACES[name].action)
    policy, _ = model.init([0, 1], log_std=0.0, dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    policy = policy + torch.randn(policy.shape, generator=random, dtype=torch.float64)
    observation = torch.randn(2, 5, 3, generator=random, dtype=torch.float64)
    noise = torch.randn(2, 5, model.distribution.noise_size, generator=random, dtype=torch.float64)
    moments = Moments(torch.full((2,), 8.0), torch.full((2, 3), 0.5), torch.full((2, 3), 32.0))
    mean, deviation = 0.5, (32 / 8 + 1e-8) ** 0.5

    for statistics, seen in [(None, observation), (moments, (observation - mean) / deviation)]:
        outputs = oracles.all_outputs(model.policy, policy, seen)
        action = NetworkActor(Behaviour(model, policy, statistics))(observation, noise)
        assert isinstance(action, Action)
        torch.testing.assert_close(action.sample, model.distribution.sample(outputs, noise))
        np.testing.assert_array_equal(action.environment, model.to_environment(action.sample))
        assert all(
            SPACES[name].action.contains(a) for a in action.environment.reshape(10, *action.environment.shape[2:])
        )
