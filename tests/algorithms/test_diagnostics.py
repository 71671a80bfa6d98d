"""KL and entropy of an update beside torch.distributions."""

import pytest
import torch

from pgsuite.algorithms.blocks import Samples
from pgsuite.algorithms.diagnostics import INTERVAL, policy_change
from pgsuite.algorithms.interface import State

from . import oracles
from .rollouts import SPACES, episodes, small

SEEDS = [3, 1, 8]


def problem(space: str) -> tuple[State, torch.Tensor, Samples]:
    """A state, policy parameters some way off, and a ragged round's samples."""
    algorithm = small("reinforce", dtype="float64")
    state = algorithm.init(SPACES[space], SEEDS)
    random = torch.Generator().manual_seed(5)
    policy = state.policy + 0.3 * torch.randn(state.policy.shape, generator=random, dtype=torch.float64)
    return state, policy, algorithm.samples(state, episodes(SPACES[space], SEEDS, 4))


@pytest.mark.parametrize("space", SPACES)
def test_kl_and_entropy_are_means_over_valid_samples(space: str) -> None:
    state, policy, samples = problem(space)
    change = policy_change(state, policy, samples)
    network, distribution = state.model.policy, state.model.distribution
    for s in range(len(SEEDS)):
        seen = samples.observation[s][samples.mask[s].bool()]
        old, new = (oracles.outputs(network, parameters[s], seen) for parameters in (state.policy, policy))
        torch.testing.assert_close(change["kl"][s], oracles.kl(distribution, old, new).mean())
        torch.testing.assert_close(change["entropy"][s], oracles.entropy(distribution, old).mean())


def test_a_seed_is_measured_every_few_updates_of_its_own() -> None:
    state, policy, samples = problem("Discrete")
    whole = policy_change(state, policy, samples)
    late = policy_change(state._replace(updates=torch.tensor([0, INTERVAL - 1, 3 * INTERVAL])), policy, samples)
    for name, values in whole.items():
        assert late[name].isnan().tolist() == [False, True, False]
        assert torch.equal(late[name][[0, 2]], values[[0, 2]])
    assert policy_change(state._replace(updates=torch.ones(3)), policy, samples)["kl"].isnan().all()


def test_without_valid_samples_nothing_moved() -> None:
    state, policy, samples = problem("Discrete")
    change = policy_change(state, policy, samples._replace(mask=torch.zeros_like(samples.mask)))
    assert change["kl"].tolist() == change["entropy"].tolist() == [0.0] * len(SEEDS)
