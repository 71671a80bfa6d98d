"""Fitting a critic against torch.optim.Adam on a plain perceptron, one seed at a time."""

import numpy as np
import pytest
import torch

from pgsuite.algorithms import ReinforceBaseline, State
from pgsuite.algorithms.blocks import BLOCK, Samples
from pgsuite.algorithms.critic import Fit, fit_critic
from pgsuite.algorithms.trees import take

from .oracles import outputs
from .rollouts import SPACES

SEEDS, ROWS = [3, 0, 8], 300
LEARNING_RATE, MINIBATCH = 0.01, 70
LARGE = BLOCK + 72


@pytest.fixture(params=["float64"])
def state(request: pytest.FixtureRequest) -> State:
    algorithm = ReinforceBaseline(hidden=(5, 6), dtype=request.param)
    return algorithm.init(SPACES["Discrete"], SEEDS)._replace(updates=torch.tensor([4, 0, 9]))


def samples_for(state: State) -> Samples:
    """Very different numbers of valid samples, scattered; what is masked is absurd."""
    random, dtype = np.random.default_rng(0), state.critic.dtype
    mask = torch.from_numpy(random.random((3, ROWS)) < np.array([[0.2], [0.9], [0.5]]))
    observation = torch.from_numpy(random.standard_normal((3, ROWS, 3))).to(dtype)
    target = (observation.sum(2).sin() + 0.5).where(mask, 1e6)
    unused = torch.zeros(3, ROWS, dtype=dtype)
    return Samples(observation, unused, unused, target, unused, unused, mask.to(dtype))


def fit(state: State, samples: Samples, epochs: int = 3, minibatch: int = MINIBATCH) -> Fit:
    return fit_critic(state, samples, learning_rate=LEARNING_RATE, epochs=epochs, minibatch=minibatch)


@pytest.mark.parametrize("minibatch", [MINIBATCH, LARGE])
@pytest.mark.parametrize("row", range(3))
def test_follows_torchs_adam(state: State, row: int, minibatch: int) -> None:
    """The shuffle is a permutation keyed by (seed, 3, update); a short minibatch divides by the nominal size."""
    samples, epochs = samples_for(state), 3
    network = state.model.critic
    leaf = state.critic[row].clone().requires_grad_()
    optimiser = torch.optim.Adam([leaf], lr=LEARNING_RATE)
    places = samples.mask[row].nonzero().squeeze(1).numpy()
    key = np.random.SeedSequence(SEEDS[row], spawn_key=(3, int(state.updates[row])))
    random = np.random.Generator(np.random.PCG64(key))
    for _ in range(epochs):
        squares = 0.0
        shuffled = random.permutation(places)
        for start in range(0, len(shuffled), minibatch):
            index = shuffled[start : start + minibatch]
            value = outputs(network, leaf, samples.observation[row, index]).squeeze(1)
            error = value - samples.value_target[row, index]
            optimiser.zero_grad()
            (0.5 * error.square().sum() / minibatch).backward()
            optimiser.step()
            squares += error.detach().square().sum()
    result = fit(state, samples, epochs, minibatch)
    torch.testing.assert_close(result.critic[row], leaf.detach())
    torch.testing.assert_close(result.loss[row], 0.5 * squares / len(places))
    assert result.optimiser.steps[row] == epochs * -(-len(places) // minibatch)


def test_the_loss_falls(state: State) -> None:
    samples = samples_for(state)
    assert (fit(state, samples, epochs=40).loss < 0.2 * fit(state, samples, epochs=1).loss).all()


@pytest.mark.parametrize("state", ["float32"], indirect=True)
@pytest.mark.parametrize("rows", [[0], [1], [2, 0], [1, 2, 0]])
def test_slice_invariance(state: State, rows: list[int]) -> None:
    """A seed with few samples waits, untouched, for one with many; alone or in company its bits are the same."""
    samples, index = samples_for(state), torch.tensor(rows)
    everyone = fit(state, samples)
    some = fit(take(state, index), take(samples, index))
    assert torch.equal(everyone.critic[rows], some.critic)
    assert torch.equal(everyone.loss[rows], some.loss)
    assert all(torch.equal(a[rows], b) for a, b in zip(everyone.optimiser, some.optimiser, strict=True))


@pytest.mark.parametrize("state", ["float32"], indirect=True)
def test_masked_samples_are_never_touched(state: State) -> None:
    samples = samples_for(state)
    blank = samples.mask == 0
    other = samples._replace(
        value_target=samples.value_target.masked_fill(blank, -1e9),
        observation=samples.observation.masked_fill(blank.unsqueeze(2), 3.0),
    )
    assert torch.equal(fit(state, samples).critic, fit(state, other).critic)


def test_the_policy_and_the_state_are_left_alone(state: State) -> None:
    before = take(state, torch.arange(3))
    result = fit(state, samples_for(state))
    assert torch.equal(state.policy, before.policy)
    assert torch.equal(state.critic, before.critic)
    assert result.critic.shape == (3, state.model.critic.size)
    assert not state.optimisers["critic"].first.any()
