import numpy as np
import pytest

from pgsuite.results.statistics.aggregates import iqm, mean
from pgsuite.results.statistics.bootstrap import CHUNK, Bootstrap, draw, generator, interval, replicate


def test_every_replicate_draws_as_many_runs_as_there_are():
    counts = draw(generator(0, "a"), 10, 3 * CHUNK + 7)
    assert counts.shape == (3 * CHUNK + 7, 10)
    assert (counts.sum(axis=1) == 10).all()


def test_counts_have_the_moments_of_the_multinomial():
    """Mean 1, variance 1 - 1/n, covariance -1/n; the tolerance is five standard errors at 40 000 replicates."""
    counts = draw(generator(1, "a"), 8, 40_000).astype(float)
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=5 * np.sqrt(7 / 8 / 40_000))
    np.testing.assert_allclose(np.cov(counts.T), np.eye(8) - 1 / 8, atol=0.05)


def test_tasks_are_resampled_independently():
    a, b = Bootstrap(replicates=20_000).drawn("trpo", {"A-v0": 5, "B-v0": 5})
    correlation = np.corrcoef(a[:, 0].astype(float), b[:, 0].astype(float))[0, 1]
    assert abs(correlation) < 5 / np.sqrt(20_000)


def test_more_than_255_runs_do_not_overflow():
    counts = draw(generator(0, "a"), 300, 20)
    assert (counts.sum(axis=1) == 300).all()
    assert (counts[:, 256:] > 0).any()


def test_the_stream_is_known_by_its_names_and_repeats():
    same = draw(generator(3, "trpo", "A-v0"), 6, 50)
    np.testing.assert_array_equal(same, draw(generator(3, "trpo", "A-v0"), 6, 50))
    for other in (generator(4, "trpo", "A-v0"), generator(3, "trpo", "B-v0"), generator(3, "trp", "oA-v0")):
        assert (same != draw(other, 6, 50)).any()


def test_algorithms_are_resampled_independently():
    sizes = {"A-v0": 5}
    (a,), (b,) = (Bootstrap(replicates=50).drawn(label, sizes) for label in ("trpo", "reinforce"))
    assert (a != b).any()


def test_another_environment_changes_nothing():
    few, more = Bootstrap(seed=5), Bootstrap(seed=5)
    (alone,) = few.drawn("trpo", {"B-v0": 7})
    np.testing.assert_array_equal(alone, more.drawn("trpo", {"A-v0": 3, "B-v0": 7})[1])


def test_chunks_are_put_together_in_order():
    values = [np.arange(6.0)]
    counts = [draw(generator(0, "a"), 6, 2 * CHUNK + 5)]
    np.testing.assert_array_equal(replicate(lambda given: iqm(values, given), counts), iqm(values, counts))


def test_the_interval_is_the_percentiles():
    low, high = interval(np.arange(101.0), 0.9, fewest=5)
    assert (low, high) == (pytest.approx(5), pytest.approx(95))


def test_below_five_runs_there_is_no_interval():
    low, high = interval(np.zeros((100, 3)), 0.95, fewest=4)
    assert np.isnan(low).all()
    assert low.shape == high.shape == (3,)


def test_the_interval_of_a_mean_has_the_width_that_theory_gives():
    """At n = 40 the bootstrap's standard error of the mean is s / sqrt(n), s with n in the divisor."""
    x = np.random.default_rng(0).normal(size=40)
    counts = draw(generator(0, "x"), 40, 20_000)
    low, high = interval(counts @ x / 40, 0.95, fewest=40)
    assert (high - low) / (2 * 1.96) == pytest.approx(x.std() / np.sqrt(40), rel=0.03)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """200 samples of 20 runs on two tasks with mean 1: 95 %, give or take what a bootstrap lacks at 20 runs."""
    random, covered = np.random.default_rng(0), 0
    for n in range(200):
        tasks = list(random.normal(1, 0.3, (2, 20)))
        counts = Bootstrap(replicates=400, seed=n).drawn("x", {"A-v0": 20, "B-v0": 20})
        low, high = interval(mean(tasks, counts), 0.95, fewest=20)
        covered += low <= 1 <= high
    assert 0.89 <= covered / 200 <= 0.99
