"""The expected best of k trials, against all ways to draw them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pgsuite.results.statistics.effort import effort, expected_best, shown_ahead

NUMBERS = st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 5)), min_size=1, max_size=7)


@given(NUMBERS)
def test_it_is_the_mean_over_all_draws(trials):
    """Ties in what chooses are broken evenly."""
    chosen_by, scored_by = (np.array(column, dtype=np.float64) for column in zip(*trials, strict=True))
    found = expected_best(chosen_by, scored_by)
    for k in range(1, len(trials) + 1):
        bests = []
        for drawn in map(list, combinations(range(len(trials)), k)):
            ties = [n for n in drawn if chosen_by[n] == chosen_by[drawn].max()]
            bests.append(scored_by[ties].mean())
        # Averaged draw by draw, ties count by who is drawn with whom; over all draws alike trials are interchangeable.
        assert found[k - 1] == pytest.approx(np.mean(bests), abs=1e-9)


def test_of_whole_arrays_it_is_that_of_each_row():
    random = np.random.default_rng(0)
    chosen_by, scored_by = random.normal(size=(2, 3, 4, 6))
    together = expected_best(chosen_by, scored_by)
    for place in np.ndindex(3, 4):
        np.testing.assert_allclose(together[place], expected_best(chosen_by[place], scored_by[place]), rtol=1e-12)


def test_it_is_dodges_formula_where_trials_are_many():
    """With replacement: the sum of max_i (F(i)^k - F(i-1)^k). Of many trials it is the same but for 1 / n."""
    scores = np.random.default_rng(1).normal(size=2000)
    ordered, steps = np.sort(scores), np.arange(2001) / 2000
    found = expected_best(scores, scores)
    for k in (1, 2, 8):
        assert found[k - 1] == pytest.approx(ordered @ np.diff(steps**k), abs=0.01)
    assert found[-1] == pytest.approx(scores.max())


def test_what_did_not_choose_tells_that_there_is_nothing_to_choose():
    """Trials that are all alike: the score that chose rises with their number, that of other runs does not."""
    random = np.random.default_rng(2)
    found = [effort([[random.normal(size=4)] for _ in range(40)]) for _ in range(12)]
    assert all((one.choosing, one.held_out) == (2, True) for one in found)
    expected = np.sqrt(0.5) * 2.0428  # of 30 normal numbers, each the mean of two
    assert np.mean([one.search[29] for one in found]) == pytest.approx(expected, abs=0.15)
    assert np.mean([one.score[29] for one in found]) == pytest.approx(0, abs=0.3)


def test_seeds_that_are_lucky_for_all_trials_choose_none():
    """The trials differ by 0.1 each, seeds by far more: whoever draws k of five gets the best of these."""
    random = np.random.default_rng(3)
    for _ in range(5):
        lucky = 10 * random.normal(size=5)
        found = effort([[lucky + 0.1 * n, lucky[:4] + 0.1 * n] for n in range(5)])
        np.testing.assert_allclose(found.search - found.search[0], [0, 0.1, 0.15, 0.18, 0.2])
        np.testing.assert_allclose(found.score - found.score[0], [0, 0.1, 0.15, 0.18, 0.2])


def test_one_run_of_each_cannot_be_halved():
    found = effort([[np.array([float(n)])] for n in range(5)])
    assert (found.choosing, found.held_out) == (1, False)
    np.testing.assert_allclose(found.score, found.search)
    assert found.score[-1] == pytest.approx(4.0)
    assert found.score[0] == pytest.approx(2.0)


def test_intervals_hold_what_many_more_trials_say():
    """The expected best of 4 standard normal numbers is 1.0294, of 8 it is 1.4236 (David & Nagaraja, 2003)."""
    held = np.zeros(2)
    for seed in range(150):
        scores = np.random.default_rng(seed).normal(size=32)
        found = effort([[np.full(2, one)] for one in scores])
        held += (found.low[[3, 7]] <= [1.0294, 1.4236]) & (found.high[[3, 7]] >= [1.0294, 1.4236])
        assert np.isfinite(found.low[:8]).all()
        assert np.isnan([found.low[8:], found.high[8:]]).all()
    assert (held >= 134).all()  # of 142.5 expected, fewer come once in 300


def test_one_trial_is_ahead_where_welchs_test_says_so():
    """The expected score of one trial is the mean of all, and its error that of a mean."""
    random = np.random.default_rng(6)
    few, many = random.normal(0, 3, size=12), random.normal(0, 0.5, size=20)
    found = [effort([[np.full(2, one)] for one in sample]) for sample in (few, many)]
    score, error = (np.array([getattr(one, name)[0] for one in found]) for name in ("score", "error"))
    assert score == pytest.approx([few.mean(), many.mean()])
    assert error == pytest.approx([stats.sem(few), stats.sem(many)])
    shifts = np.linspace(-4, 4, 300)
    verdicts = [
        shown_ahead((score + np.array([0, by]))[None], error[None], np.array([[11.0, 19.0]]))[0] for by in shifts
    ]
    assert verdicts == [stats.ttest_ind(few, many + by, equal_var=False).pvalue <= 0.05 for by in shifts]
    assert 50 < sum(verdicts) < 250


def test_ahead_is_who_is_shown_above_every_other():
    """By hand, with errors of 1 and much freedom: 3 apart have p = 0.034, 6 and more below 0.0001, 0.1 apart 0.94."""
    many = np.full((2, 3), 1e9)
    score = np.array([[0.0, 0.1, 9.0], [9.0, 6.0, 0.0]])
    assert shown_ahead(score[1:], np.ones((1, 3)), many[:1]).tolist() == [True]
    assert shown_ahead(score, np.ones((2, 3)), many).tolist() == [True, False]  # Holm: 2 · 0.034
    unknown = np.where(score == 0.1, np.nan, 1.0)
    assert shown_ahead(score, unknown, many).tolist() == [False, True]  # two tests less


def test_few_trials_have_no_interval():
    found = effort([[np.array([float(n), n + 1.0])] for n in range(3)])
    assert np.isfinite(found.score).all()
    assert np.isnan(found.low).all()
    assert effort([[np.array([1.0, 1.0])]]).score.tolist() == [1.0]


def test_trials_on_several_environments_count_by_their_mean():
    trials = [[np.array([1.0, 1.0]), np.array([0.0, 0.0])], [np.array([0.4, 0.4]), np.array([0.8, 0.8])]]
    np.testing.assert_allclose(effort(trials).score, [0.55, 0.6])
