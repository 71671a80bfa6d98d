"""Means over the values of a hyperparameter: what counts how, and what is together."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pgsuite.results.statistics.sensitivity import ALL, SUITE, points

from ...sweeps import runs_of, sweep_of


def hill(env, value, seed):
    """Best at 0.01, by far; every run a little different."""
    return 1 - abs(np.log10(value) + 2) / 2 + 0.01 * seed - 0.1 * (env == "Pendulum-v1")


@pytest.fixture(scope="module")
def table():
    rows = runs_of("trpo", "max_kl", [0.1, 0.001, 0.01], hill, own=0.02)
    return points(sweep_of(rows, log=True))


def test_values_are_in_order_and_the_suites_own_is_among_them(table):
    for env in ("CartPole-v1", "Pendulum-v1", ALL):
        here = table[table.environment == env]
        assert list(here.value) == ["0.001", "0.01", "0.02", "0.1"]
        assert list(here.suite_setting) == [False, False, True, False]
        assert list(here.asked) == [True, True, False, True]
    assert set(table[table.environment != ALL].runs) == {8}
    assert set(table[table.environment == ALL].runs) == {16}


def test_means_and_intervals_on_an_environment(table):
    row = table.query("environment == 'CartPole-v1' and value == '0.1'").iloc[0]
    scores = np.array([hill("CartPole-v1", 0.1, seed) for seed in range(8)])
    assert row.score == pytest.approx(scores.mean())
    half = stats.t(7).ppf(0.975) * stats.sem(scores)
    assert (row.score_low, row.score_high) == pytest.approx((scores.mean() - half, scores.mean() + half))
    assert row.auc == pytest.approx(scores.mean() / 2)
    assert row["return"] == pytest.approx(100 * scores.mean())


def test_all_environments_weigh_the_same(table):
    rows = table[table.value == "0.1"].set_index("environment")
    assert rows.score[ALL] == pytest.approx((rows.score["CartPole-v1"] + rows.score["Pendulum-v1"]) / 2)
    assert rows.score_low[ALL] < rows.score[ALL] < rows.score_high[ALL]
    assert np.isnan(rows["return"][ALL])


def test_what_is_shown_worse(table):
    for env in ("CartPole-v1", "Pendulum-v1", ALL):
        assert list(table[table.environment == env].score_possibly_best) == [False, True, False, False]
        assert list(table[table.environment == env].auc_possibly_best) == [False, True, False, False]
    assert table.told.all()


def test_a_run_that_diverged_counts_and_one_that_is_missing_does_not():
    def score(_, value, seed):
        return {1: None, 2: np.nan}.get(seed, 0.5) if value == 2.0 else 0.5

    table = points(sweep_of(runs_of("a", "x", [1.0, 2.0], score, seeds=range(4))))
    row = table.query("value == '2' and environment == 'CartPole-v1'").iloc[0]
    assert (row.runs, row.diverged, row.failed, row.missing) == (3, 1, 0, 1)
    assert row.score == pytest.approx((0.5 - 1 + 0.5) / 3)
    assert row["return"] == pytest.approx(50)


def test_a_value_of_which_every_run_diverged_is_a_point():
    table = points(sweep_of(runs_of("a", "x", [1.0, 2.0], lambda _, value, seed: 0.1 * seed if value == 1 else None)))
    here = table[table.environment == "CartPole-v1"].set_index("value")
    assert here.score["2"] == -1
    assert here.diverged["2"] == 8
    assert list(here.score_possibly_best) == [True, False]


def test_without_anchors_it_is_returns():
    table = points(
        sweep_of(
            runs_of("a", "x", [1.0, 2.0, 3.0], lambda _, v, s: v + 0.01 * s if v < 3 or s else None, anchors=False)
        )
    )
    assert set(table.environment) == {"CartPole-v1", "Pendulum-v1"}  # there is nothing to average
    assert table.score.isna().all()
    here = table[table.environment == "CartPole-v1"].set_index("value")
    assert here["return"]["2"] == pytest.approx(203.5)
    assert list(here.score_possibly_best) == [
        False,
        False,
        True,
    ]  # the lost run counts as the lowest return, and 3 still leads


def test_a_suite_that_has_not_one_value_everywhere_is_a_row_of_its_own():
    rows = [
        runs_of("a", "x", [1.0, 2.0], lambda _, v, s: v + 0.1 * s, own=own, environments=(env,))
        for env, own in (("CartPole-v1", 2.0), ("Pendulum-v1", 1.0))
    ]
    swept = sweep_of(rows[0])._replace(runs=pd.concat(rows, ignore_index=True))
    swept = swept._replace(environments={"CartPole-v1": 1000, "Pendulum-v1": 3000})
    here = points(swept).query("environment == @ALL").set_index("value")
    assert list(here.index) == ["1", "2", SUITE]
    assert list(here.suite_setting) == [False, False, True]
    assert here.score[SUITE] == pytest.approx((here.score["1"] + here.score["2"]) / 2)
    assert here.score_possibly_best.isna()[SUITE]


def test_words_are_in_the_order_in_which_they_were_asked_for():
    rows = runs_of("a", "x", ["b", "a"], lambda _, v, s: 0.1 * s, own="c")
    table = points(sweep_of(rows))
    assert list(table[table.environment == ALL].value) == ["b", "a", "c"]


def test_below_five_runs_nothing_is_called_shown():
    few, enough = (
        points(sweep_of(runs_of("a", "x", [1.0, 9.0], lambda _, v, s: v + 0.1 * s, seeds=range(n)))) for n in (4, 5)
    )
    assert few[["score_low", "auc_high"]].isna().all(axis=None)
    assert not few.told.any()
    assert few.score_possibly_best.all()
    assert enough.told.all()
    assert enough[["score_low", "auc_high"]].notna().all(axis=None)
    assert list(enough.score_possibly_best) == [False, True] * 3
