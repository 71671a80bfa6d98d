import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pgsuite.results.statistics.bootstrap import Bootstrap
from pgsuite.results.statistics.leaderboard import improvements, leaderboard, profiles
from pgsuite.results.statistics.scores import read_curves

from .frames import runs, suite

BOOTSTRAP = Bootstrap(replicates=200)


def by_label(frame, labels=None):
    curves = {label: {} for label in labels or dict.fromkeys(frame["label"])}
    for (label, env), found in read_curves(frame).items():
        curves[label][env] = found
    return curves


def board(frame, environments=("A-v0", "B-v0"), labels=None):
    return leaderboard(by_label(frame, labels), environments, BOOTSTRAP).set_index(["label", "statistic", "metric"])


def flat(*finals, envs=("A-v0", "B-v0"), label="x"):
    """Runs with these final scores, per environment; they begin at 0."""
    frames = [
        runs(label, env, [[20, 20 + 500 * value] for value in values]) for env, values in zip(envs, finals, strict=True)
    ]
    return pd.concat(frames)


def test_aggregates_by_hand():
    table = board(flat([0.0, 0.4, 0.8, 1.2, 2.0], [0.2, 0.6, 1.0, 1.4, 1.6]))
    final = table.xs("x").xs("final")
    assert final.loc["iqm", "estimate"] == pytest.approx((0.4 + 0.6 + 0.8 + 1.0 + 1.2 + 1.4) / 6)
    assert final.loc["mean", "estimate"] == pytest.approx(0.92)
    assert final.loc["median", "estimate"] == pytest.approx((0.88 + 0.96) / 2)
    assert final.loc["optimality_gap", "estimate"] == pytest.approx((1 + 0.6 + 0.2 + 0.8 + 0.4) / 10)
    assert table.loc[("x", "auc", "mean"), "estimate"] == pytest.approx(0.46)
    assert (final["runs"] == 5).all()
    assert (final["low"].drop("rank") < final["estimate"].drop("rank")).all()
    assert (final["high"].drop("rank") > final["estimate"].drop("rank")).all()


def test_what_is_missing_is_named_and_not_imputed():
    frame = pd.concat([suite(["a", "b"]), suite(["c"], ["A-v0"])])
    frame.loc[frame["env"] == "B-v0", "score"] = np.nan
    table = board(frame, ("A-v0", "B-v0", "C-v0"), ["a", "b", "c", "d"])
    assert table.loc[("a", "final", "iqm"), "lacking"] == ("B-v0", "C-v0")  # no anchors; no run of anyone
    assert table.loc[("a", "final", "iqm"), "environments"] == 1
    assert table.loc[("a", "final", "rank"), "lacking"] == ("C-v0",)  # the order of returns needs no anchors
    assert table.loc[("c", "final", "rank"), "lacking"] == ("B-v0", "C-v0")
    ranks = table.xs("rank", level="metric").xs("final", level="statistic")["estimate"]
    assert ranks[["a", "b"]].sum() == pytest.approx(3)
    assert ranks[["c", "d"]].isna().all()  # an algorithm that lacks an environment is not ranked
    assert np.isnan(table.loc[("d", "final", "iqm"), "estimate"])
    assert table.loc[("d", "final", "iqm"), "runs"] == 0


def test_fewer_than_five_runs_anywhere_have_no_interval():
    table = board(flat([0.1, 0.2, 0.3, 0.4], [0.2] * 9))
    assert table.loc[("x", "final", "iqm"), "estimate"] > 0
    assert table["low"].isna().all()
    assert table["high"].isna().all()
    assert (table["runs"] == 4).all()
    assert profiles(by_label(flat([0.1] * 4, [0.2] * 9)), BOOTSTRAP)[["low", "high"]].isna().all(axis=None)


def test_too_few_runs_of_one_leave_ranks_and_pairs_without_an_interval():
    frame = pd.concat(
        [flat([0.1, 0.2, 0.3, 0.4], [0.2] * 6, label="few"), flat([0.1, 0.5] * 3, [0.3] * 6, label="six")]
    )
    ranks = board(frame).xs("rank", level="metric")
    assert ranks["estimate"].notna().all()
    assert ranks[["low", "high"]].isna().all(axis=None)
    pairs = improvements(by_label(frame), BOOTSTRAP)
    assert pairs["probability"].notna().all()
    assert pairs[["low", "high"]].isna().all(axis=None)
    assert (pairs["runs_x"][0], pairs["runs_y"][0]) == (4, 6)


def test_ranks_of_algorithms_that_never_overlap():
    frame = pd.concat([flat([level] * 5, [level] * 5, label=str(level)) for level in (0.5, 0.9, 0.1)])
    ranks = board(frame).xs("rank", level="metric").xs("final", level="statistic")
    assert ranks["estimate"].to_dict() == {"0.5": 2, "0.9": 1, "0.1": 3}
    assert ranks["low"].to_list() == ranks["high"].to_list() == [2, 1, 3]


def test_profiles_are_shares_above_the_threshold():
    found = profiles(by_label(flat([0.0, 0.5, 0.5, 1.5, 1.0], [-0.2] * 5)), BOOTSTRAP).set_index("threshold")
    shares = {tau: found["share"].iloc[found.index.get_indexer([tau], method="nearest")[0]] for tau in (-0.2, 0.25, 1)}
    assert shares == {-0.2: 0.5, 0.25: 0.4, 1: 0.1}
    assert found["share"].iloc[-1] == 0
    assert found.index.min() == pytest.approx(-0.2)
    assert found["share"].is_monotonic_decreasing
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()


def test_improvement_is_the_mean_of_u_over_the_environments_of_both():
    frame = pd.concat([suite(["a", "b"], runs_per_cell=5), suite(["a"], ["C-v0"])])
    table = improvements(by_label(frame), BOOTSTRAP).set_index(["statistic", "x", "y"])
    last = frame[frame["env_steps"] == 300].groupby(["label", "env"])["return_mean"].apply(np.array)
    u = [stats.mannwhitneyu(last["a", env], last["b", env]).statistic / 25 for env in ("A-v0", "B-v0")]
    row = table.loc[("final", "a", "b")]
    assert row["probability"] == pytest.approx(np.mean(u), abs=1e-12)
    assert (row["runs_x"], row["runs_y"], row["environments"]) == (5, 5, 2)
    back = table.loc[("final", "b", "a")]
    assert row["probability"] + back["probability"] == pytest.approx(1)
    assert row["low"] + back["high"] == pytest.approx(1)
    assert len(table) == 4


def test_algorithms_that_share_no_environment_have_no_probability():
    frame = pd.concat([suite(["a"], ["A-v0"]), suite(["b"], ["B-v0"])])
    table = improvements(by_label(frame), BOOTSTRAP)
    assert table["probability"].isna().all()
    assert (table["environments"] == 0).all()
