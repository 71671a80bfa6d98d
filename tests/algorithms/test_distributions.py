"""Action distributions against torch.distributions, and their samples against their probabilities."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from pgsuite.algorithms.distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution, distribution_for
from pgsuite.errors import UsageError

from . import oracles

DISTRIBUTIONS = [
    Categorical((3,), scalar=True),
    Categorical((1,), scalar=True),
    Categorical((4,)),
    Categorical((2, 5, 3)),
    Bernoulli(1),
    Bernoulli(3),
    DiagonalGaussian(1),
    DiagonalGaussian(2),
]
every = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)


def parameters_of(distribution: Distribution, *shape: int, seed: int = 0) -> Tensor:
    """Random ones; the first of all are exactly zero."""
    random = torch.Generator().manual_seed(seed)
    size = distribution.outputs + distribution.constants
    drawn = 2 * torch.randn(*shape, size, generator=random, dtype=torch.float64)
    drawn.view(-1, size)[0] = 0
    return drawn


def noise_of(distribution: Distribution, *shape: int, seed: int = 0) -> Tensor:
    """Noise of the kind that the distribution names, which is numpy's name for it."""
    draw = getattr(np.random.default_rng(seed), distribution.noise)
    return torch.from_numpy(draw(size=(*shape, distribution.noise_size)))


@every
def test_log_prob_and_entropy_are_torchs(distribution: Distribution) -> None:
    parameters = parameters_of(distribution, 4, 7)
    action = distribution.sample(parameters, noise_of(distribution, 4, 7))
    expected = oracles.log_prob(distribution, parameters, action)
    torch.testing.assert_close(distribution.log_prob(parameters, action), expected)
    torch.testing.assert_close(distribution.entropy(parameters), oracles.entropy(distribution, parameters))


@every
def test_kl_is_torchs(distribution: Distribution) -> None:
    old, new = parameters_of(distribution, 4, 7, seed=1), parameters_of(distribution, 4, 7, seed=2)
    torch.testing.assert_close(distribution.kl(old, new), oracles.kl(distribution, old, new))
    assert not distribution.kl(old, old).any()


@every
def test_gradients_are_torchs(distribution: Distribution) -> None:
    """At zero logits as well, where a clamp or a guard would show."""
    parameters, old = parameters_of(distribution, 9), parameters_of(distribution, 9, seed=3)
    action = distribution.sample(parameters, noise_of(distribution, 9))
    for ours, theirs in [
        (lambda p: distribution.log_prob(p, action), lambda p: oracles.log_prob(distribution, p, action)),
        (distribution.entropy, lambda p: oracles.entropy(distribution, p)),
        (lambda p: distribution.kl(old, p), lambda p: oracles.kl(distribution, old, p)),
    ]:
        expected = oracles.gradient(lambda p, f=theirs: f(p).sum(), parameters)
        torch.testing.assert_close(oracles.gradient(lambda p, f=ours: f(p).sum(), parameters), expected)


@every
def test_fisher_is_the_hessian_of_the_kl(distribution: Distribution) -> None:
    parameters = parameters_of(distribution, 5)
    tangent = parameters_of(distribution, 5, seed=4)[[1, 2, 3, 4, 1]]
    product = distribution.fisher(parameters)(tangent)
    for p, v, row in zip(parameters, tangent, product, strict=True):
        hessian = torch.autograd.functional.hessian(lambda q, p=p: oracles.kl(distribution, p, q), p)
        torch.testing.assert_close(row, hessian @ v)


def test_zero_logits_by_hand() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    scores = [
        oracles.gradient(lambda z, a=a: Categorical((3,), scalar=True).log_prob(z, torch.tensor(a)), zero)
        for a in range(3)
    ]
    torch.testing.assert_close(torch.stack(scores), torch.eye(3, dtype=torch.float64) - 1 / 3)
    coins = oracles.gradient(lambda z: Bernoulli(3).log_prob(z, torch.tensor([1, 0, 1])), zero)
    assert coins.tolist() == [0.5, -0.5, 0.5]


@pytest.mark.parametrize("distribution", [Categorical((2,), scalar=True), Bernoulli(2)], ids=str)
def test_certainty_stays_finite(distribution: Distribution) -> None:
    """float32 logits far beyond where a probability rounds to 0 or 1."""
    parameters = torch.tensor([[1e4, -1e4]])
    unlikely = torch.tensor([1]) if isinstance(distribution, Categorical) else torch.tensor([[0, 1]])
    assert distribution.entropy(parameters).item() == 0
    assert distribution.log_prob(parameters, unlikely).item() == -2e4
    assert distribution.kl(parameters, -parameters).item() > 1e4
    assert distribution.fisher(parameters)(torch.ones_like(parameters)).tolist() == [[0, 0]]
    assert oracles.gradient(lambda p: distribution.entropy(p).sum(), parameters).isfinite().all()


def test_discrete_samples_have_their_probabilities() -> None:
    for distribution in (Categorical((4,), scalar=True), Categorical((2, 3)), Bernoulli(2)):
        parameters = parameters_of(distribution, 2)[1]
        count = 20_000
        sample = distribution.sample(parameters.expand(count, -1), noise_of(distribution, count))
        outcomes, observed = sample.view(count, -1).unique(dim=0, return_counts=True)
        actions = outcomes.squeeze(1) if sample.ndim == 1 else outcomes
        expected = oracles.log_prob(distribution, parameters.expand(len(actions), -1), actions).exp() * count
        assert expected.sum().item() == pytest.approx(count), "an outcome never came"
        assert stats.chisquare(observed.numpy(), expected.numpy()).pvalue > 1e-3


def test_gaussian_samples_have_their_distribution() -> None:
    parameters = torch.tensor([1.0, -2.0, 0.5, -1.0], dtype=torch.float64)
    sample = DiagonalGaussian(2).sample(parameters.expand(20_000, -1), noise_of(DiagonalGaussian(2), 20_000))
    for column, (mean, log_std) in enumerate([(1.0, 0.5), (-2.0, -1.0)]):
        assert stats.kstest(sample[:, column].numpy(), stats.norm(mean, np.exp(log_std)).cdf).pvalue > 1e-3
    assert abs(stats.pearsonr(*sample.T.numpy()).statistic) < 0.03


@pytest.mark.parametrize(
    ("distribution", "parameters", "mode"),
    [
        (Categorical((3,), scalar=True), [0.1, 0.3, 0.2], 1),
        (Categorical((2, 3)), [1.0, 0.0, -3.0, -2.0, -1.0], [0, 2]),
        (Bernoulli(3), [0.1, -0.1, 5.0], [1, 0, 1]),
        (DiagonalGaussian(2), [0.5, -0.5, 1.0, 2.0], [0.5, -0.5]),
    ],
)
def test_zero_noise_gives_the_mode(distribution: Distribution, parameters: list[float], mode: object) -> None:
    sample = distribution.sample(torch.tensor([parameters]), torch.zeros(1, distribution.noise_size))
    assert sample.tolist() == [mode]


@pytest.mark.parametrize(
    ("space", "distribution"),
    [
        (gym.spaces.Discrete(3), Categorical((3,), scalar=True)),
        (gym.spaces.Discrete(3, start=-1), Categorical((3,), scalar=True)),
        (gym.spaces.MultiDiscrete([2, 5]), Categorical((2, 5))),
        (gym.spaces.MultiBinary(4), Bernoulli(4)),
        (gym.spaces.Box(-1, 1, (2, 3)), DiagonalGaussian(6)),
        (gym.spaces.Box(-1, 1, (), np.float64), DiagonalGaussian(1)),
    ],
    ids=str,
)
def test_every_supported_space_has_its_distribution(space: gym.Space, distribution: Distribution) -> None:
    assert distribution_for(space) == distribution


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Box(0, 255, (2,), np.uint8),
        gym.spaces.MultiDiscrete([[2, 2], [3, 3]]),
        gym.spaces.MultiBinary([2, 3]),
        gym.spaces.Text(3),
        gym.spaces.Tuple([gym.spaces.Discrete(2)]),
    ],
    ids=lambda space: type(space).__name__,
)
def test_other_spaces_are_refused_by_name(space: gym.Space) -> None:
    with pytest.raises(UsageError) as refusal:
        distribution_for(space)
    message = str(refusal.value)
    assert type(space).__name__ in message
    assert all(name in message for name in ("Discrete", "floating-point Box", "MultiDiscrete", "MultiBinary"))
    assert "wrap the environment" in message


def test_the_refusal_is_one_line() -> None:
    with pytest.raises(UsageError) as refusal:
        distribution_for(gym.spaces.Box(np.arange(60), np.arange(60) + 1, dtype=np.int64))
    assert "\n" not in str(refusal.value)


@settings(max_examples=100)
@given(st.sampled_from(DISTRIBUTIONS), st.integers(1, 9), st.integers(1, 70), st.data())
def test_slice_invariance(distribution: Distribution, seeds: int, samples: int, data: st.DataObject) -> None:
    chosen = data.draw(st.permutations(range(seeds)))[: data.draw(st.integers(1, seeds))]
    old, new = (parameters_of(distribution, seeds, samples, seed=n).float() for n in range(2))
    noise = noise_of(distribution, seeds, samples).float()

    def everything(old: Tensor, new: Tensor, noise: Tensor) -> list[Tensor]:
        action = distribution.sample(old, noise)
        return [
            action,
            distribution.log_prob(new, action),
            distribution.entropy(new),
            distribution.kl(old, new),
            distribution.fisher(old)(new),
            oracles.gradient(lambda p: (distribution.log_prob(p, action) + distribution.entropy(p)).sum(), new),
        ]

    for everyone, some in zip(
        everything(old, new, noise), everything(old[chosen], new[chosen], noise[chosen]), strict=True
    ):
        assert torch.equal(everyone[chosen], some)


def test_no_rows_have_no_densities_and_rows_must_match():
    choice = Categorical((3,), scalar=True)
    assert choice.log_prob(torch.zeros(2, 0, 3), torch.zeros(2, 0, dtype=torch.int64)).shape == (2, 0)
    with pytest.raises(ValueError, match=r"actions of shape \(5, 3\) are not one for each of 5 outputs"):
        DiagonalGaussian(2).log_prob(torch.zeros(5, 4), torch.zeros(5, 3))
