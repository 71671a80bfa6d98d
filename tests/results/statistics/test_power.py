"""Numbers of runs, against published tables and a simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pgsuite.results.statistics.power import (
    ALL,
    ANY,
    Design,
    detectable_effect,
    runs_by_formula,
    runs_needed,
    seeds_needed,
    t_power,
    upper_spread,
)

from .frames import runs
from .test_leaderboard import by_label


@pytest.mark.parametrize(("drop", "expected"), [(0.2, 9), (0.1, 34)])
def test_the_formula_by_hand(drop, expected):
    # 2 (1.6449 + 1.2816)^2 (.14 / drop)^2 = 8.39 and 33.57
    assert runs_by_formula(drop / 0.14, 0.05, 0.9) == expected


@pytest.mark.parametrize(
    ("effect", "alpha", "power", "expected"),
    [
        (0.2, 0.025, 0.8, 394),
        (0.5, 0.025, 0.8, 64),
        (0.8, 0.025, 0.8, 26),
        (0.5, 0.025, 0.9, 86),
        (0.5, 0.05, 0.8, 51),
    ],
)
def test_cohens_tables(effect, alpha, power, expected):
    """Cohen (1988), tables 2.4.1; two-sided .05 is one-sided .025, whose other tail has no part in the power."""
    assert runs_needed(effect, alpha, power) == expected


def test_the_t_test_needs_a_run_more_than_the_formula():
    assert (runs_needed(0.2 / 0.14, 0.05, 0.9), runs_needed(0.1 / 0.14, 0.05, 0.9)) == (10, 35)


def test_power_against_a_simulation():
    random = np.random.default_rng(0)
    x, y = random.normal(1.2, 1, (20_000, 8)), random.normal(0, 1, (20_000, 8))
    found = np.mean(stats.ttest_ind(x, y, axis=1, alternative="greater").pvalue < 0.05)
    assert t_power(1.2, 8, 0.05) == pytest.approx(found, abs=5 * np.sqrt(0.2 / 20_000))


def test_power_of_a_pooled_spread_against_a_simulation():
    """Three environments of three runs per arm: the variance of the mean over them has 3 * 4 degrees of freedom."""
    random = np.random.default_rng(1)
    x, y = random.normal(0.9, 1, (20_000, 3, 3)), random.normal(0, 1, (20_000, 3, 3))  # trial, environment, run
    gap = (x.mean(2) - y.mean(2)).mean(1)
    pooled = (x.var(2, ddof=1) + y.var(2, ddof=1)).mean(1) / 2
    found = np.mean(gap / np.sqrt(pooled / 3 * 2 / 3) > stats.t.ppf(0.95, 12))
    effect = 0.9 * np.sqrt(3)  # in standard deviations of a run of the mean score
    assert t_power(effect, 3, 0.05, environments=3) == pytest.approx(found, abs=5 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize("runs_each", [2, 3, 10, 200])
def test_what_is_detectable_is_found_with_the_power_asked_for(runs_each):
    effect = detectable_effect(runs_each, 0.05, 0.9)
    assert t_power(effect, runs_each, 0.05) == pytest.approx(0.9, abs=1e-9)
    assert runs_needed(effect * (1 + 1e-9), 0.05, 0.9) == runs_each


def test_the_upper_limit_of_a_spread_by_the_printed_chi_square_table():
    # chi-square(.20, 9) = 5.380
    assert upper_spread(2.0, 9) == pytest.approx(2 * np.sqrt(9 / 5.380), rel=1e-4)


def scored(label, env, scores, **options):
    return runs(label, env, [[20, 20 + 500 * value] for value in scores], **options)


def planned(*frames, **design):
    return seeds_needed(by_label(pd.concat(frames)), Design(**design)).set_index(["label", "env"])


def with_variation(variation, mean=0.8, number=10):
    """Scores with exactly this mean and this standard deviation over mean."""
    x = np.random.default_rng(3).normal(size=number)
    return mean * (1 + variation * (x - x.mean()) / x.std(ddof=1))


def test_a_drop_is_a_share_of_the_height_above_the_random_policy():
    row = planned(scored("a", "A-v0", with_variation(0.14))).loc[("a", "A-v0")]
    assert row["variation"] == pytest.approx(0.14)
    assert (row["runs"], row["needed"], row["note"]) == (10, 10, "")
    assert row["mean"] == pytest.approx(20 + 500 * 0.8)
    assert row["detectable"] == pytest.approx(0.14 * detectable_effect(10, 0.05, 0.9))
    assert row["cautious"] == runs_needed(0.2 / upper_spread(0.14, 9), 0.05, 0.9) > row["needed"]
    assert planned(scored("a", "A-v0", with_variation(0.14)), drop=0.1)["needed"].item() == 35


def test_without_anchors_it_is_a_share_of_the_size_of_the_mean():
    returns = -300 * with_variation(0.14, mean=1)
    frame = runs("a", "A-v0", [[0, value] for value in returns], anchors=None)
    assert planned(frame)["needed"].item() == 10


def test_never_fewer_than_a_verdict_takes():
    assert planned(scored("a", "A-v0", with_variation(0.001)))["needed"].item() == 5


def test_any_environment_is_the_most_demanding_one_at_its_share_of_alpha():
    table = planned(scored("a", "A-v0", with_variation(0.14)), scored("a", "B-v0", with_variation(0.3))).loc["a"]
    assert table.loc[ANY, "alpha"] == 0.025
    assert table.loc[ANY, "needed"] == runs_needed(0.2 / 0.3, 0.025, 0.9)
    assert table.loc[ANY, "detectable"] == pytest.approx(0.3 * detectable_effect(10, 0.025, 0.9))


def test_the_mean_score_adds_variances():
    """Equal environments: the spread of the mean falls with the root of their number, degrees of freedom add up."""
    table = planned(*(scored("a", env, with_variation(0.3)) for env in ("A-v0", "B-v0", "C-v0"))).loc["a"]
    assert table.loc[ALL, "variation"] == pytest.approx(0.3 / np.sqrt(3))
    assert table.loc[ALL, "needed"] == runs_needed(0.2 / (0.3 / np.sqrt(3)), 0.05, 0.9, environments=3)
    assert table.loc[ALL, "mean"] == pytest.approx(0.8)


def test_the_pooled_degrees_of_freedom_are_satterthwaites():
    table = planned(scored("a", "A-v0", with_variation(0.3)), scored("a", "B-v0", with_variation(0.1))).loc["a"]
    effective = (0.09 + 0.01) ** 2 / (0.09**2 + 0.01**2)
    expected = table.loc[ALL, "variation"] * detectable_effect(10, 0.05, 0.9, effective)
    assert table.loc[ALL, "detectable"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        ([0.5], "one run has no spread"),
        ([-0.1, -0.2], "not above the random policy"),
        ([1, 1], "no spread between runs"),
        ([0.1] * 6, "no spread between runs"),
    ],
)
def test_what_cannot_be_planned_says_why(scores, note):
    row = planned(scored("a", "A-v0", scores), scored("a", "B-v0", with_variation(0.14))).loc["a"]
    assert row.loc["A-v0", "note"] == note
    assert row.loc["A-v0", ["needed", "cautious", "detectable"]].isna().all()
    assert row.loc[ANY, "note"] == "without A-v0"
    assert row.loc[ANY, "needed"] == runs_needed(0.2 / 0.14, 0.025, 0.9)


def test_one_environment_has_no_suite_rows():
    assert planned(scored("a", "A-v0", with_variation(0.14))).index.to_list() == [("a", "A-v0")]
