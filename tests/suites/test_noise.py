"""Action noise: the right distributions, and every seed's own."""

import numpy as np
import pytest
import torch
from scipy import stats

from pgsuite.suites.noise import NoNoise, SeedNoise

REFERENCES = {"gumbel": stats.gumbel_r, "logistic": stats.logistic, "normal": stats.norm}


def draw(kind, seeds, steps, *, size=2, num_envs=3, chunk=64, dtype=torch.float32):
    """``(steps, S, N, K)``."""
    noise = SeedNoise(kind, size, num_envs, [np.random.default_rng(seed) for seed in seeds], dtype)
    drawn = [noise.draw(chunk, np.ones(len(seeds), bool)) for _ in range(-(-steps // chunk))]
    return torch.cat(drawn, 1)[:, :steps].transpose(0, 1).numpy()


@pytest.mark.parametrize("kind", REFERENCES)
def test_is_distributed_as_scipy_has_it(kind):
    sample = draw(kind, [1], 5000).ravel()
    assert stats.kstest(sample, REFERENCES[kind].cdf).pvalue > 0.01
    assert sample.mean() == pytest.approx(REFERENCES[kind].mean(), abs=0.05)
    assert sample.std() == pytest.approx(REFERENCES[kind].std(), rel=0.03)


@pytest.mark.parametrize("kind", REFERENCES)
def test_numbers_of_a_step_are_independent(kind):
    steps = draw(kind, [1, 2], 4000).reshape(4000, -1)
    correlation = np.corrcoef(steps.T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.08


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_a_seed_draws_the_same_in_any_company(kind, chunk):
    alone = draw(kind, [5], 20, chunk=chunk)
    among = draw(kind, [2, 5, 9], 20, chunk=chunk)
    assert among[:, 1].tobytes() == alone[:, 0].tobytes()
    assert not np.array_equal(among[:, 0], among[:, 1])


def test_gumbel_is_finite_where_the_generator_gives_zero():
    class Zeros:
        def standard_exponential(self, dtype, out):
            out[:] = 0

    noise = SeedNoise("gumbel", 1, 1, [Zeros()], torch.float32).draw(1, np.array([True]))  # type: ignore[list-item]
    assert torch.isfinite(noise).all()


def test_dtype_changes_no_number():
    assert np.array_equal(draw("normal", [1], 3), draw("normal", [1], 3, dtype=torch.float64))


def test_a_seed_that_is_not_wanted_draws_nothing():
    randoms = [np.random.default_rng(seed) for seed in (1, 2)]
    noise = SeedNoise("normal", 2, 3, randoms, torch.float32)
    first = noise.draw(5, np.array([True, False]))
    assert not first[1].any()
    assert torch.equal(noise.draw(5, np.array([False, True]))[1], torch.from_numpy(draw("normal", [2], 5)[:, 0]))


def test_no_noise_is_zero():
    noise = NoNoise(4, 2, torch.float64).draw(7, np.ones(3, bool))
    assert noise.shape == (3, 7, 2, 4)
    assert noise.dtype == torch.float64
    assert not noise.any()
