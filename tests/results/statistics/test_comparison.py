from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsuite.errors import UsageError
from pgsuite.results.statistics.comparison import Comparison, compare
from pgsuite.results.statistics.metrics import mean_interval

from .frames import runs, suite

TABLES = [field.name for field in fields(Comparison) if field.type == pd.DataFrame and field.name != "frame"]
OWN = ["leaderboard", "profiles", "efficiency", "thresholds", "cost", "environments_table"]
"""Tables whose rows are about one algorithm."""


def quick(frame, asked=None, **options):
    return compare(frame, asked, replicates=100, **options)


def about(comparison, name, labels):
    """The rows of a table about these labels that must not depend on who else is compared."""
    table = getattr(comparison, name)
    if name in ("improvement", "pairs"):
        adjusted = ["welch_holm", "permutation_holm", "detectable", "verdict"]  # of the whole family, on purpose
        table = table[table["x"].isin(labels) & table["y"].isin(labels)].drop(columns=adjusted, errors="ignore")
    else:
        table = table[table["label"].isin(labels)]
    if name == "leaderboard":
        table = table[table["metric"] != "rank"]  # a rank is among others
    if name == "profiles":
        table = table.assign(threshold=table["threshold"].round(9)).set_index("threshold")
    return table if name == "profiles" else table.reset_index(drop=True)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 1000),
    first=st.booleans(),
    size=st.integers(5, 8),
    extreme=st.sampled_from([1.0, -3.0]),
)
def test_adding_an_algorithm_changes_nobody_elses_numbers(seed, first, size, extreme):
    old = suite(["a", "b"], seed=seed, runs_per_cell=size)
    new = suite(["c"], seed=seed, runs_per_cell=6)
    new[["return_mean", "score"]] *= extreme
    few, more = quick(old), quick(pd.concat([new, old] if first else [old, new]))
    for name in TABLES:
        before, after = about(few, name, ["a", "b"]), about(more, name, ["a", "b"])
        if name == "profiles":  # more thresholds, the same shares
            for label in ("a", "b"):
                ours = before[before["label"] == label]
                theirs = after[after["label"] == label].reindex(ours.index)
                pd.testing.assert_frame_equal(theirs.dropna(), ours[theirs["share"].notna()])
                assert theirs["share"].notna().sum() > 50 or extreme < 0
        else:
            columns = before.columns
            pd.testing.assert_frame_equal(
                after.sort_values(list(columns[:3]), ignore_index=True),
                before.sort_values(list(columns[:3]), ignore_index=True),
            )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_permuting_runs_changes_nothing(seed):
    """Neither the order of the rows nor which run has which seed."""
    frame = suite(["a", "b"], seed=seed, runs_per_cell=5)
    shuffled = frame.sample(frac=1, random_state=seed)
    order = np.random.default_rng(seed).permutation(5)
    shuffled = shuffled.assign(seed=order[shuffled["seed"]])
    asked = {(label, env): range(5) for label in ("a", "b") for env in ("A-v0", "B-v0")}  # also says the order
    ours, theirs = quick(frame, asked), quick(shuffled, asked)
    assert theirs.headline == ours.headline
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(theirs, name), getattr(ours, name), rtol=1e-9)


def test_an_unscored_environment_changes_no_score():
    frame = suite(["a", "b"])
    more = pd.concat(
        [frame, runs("a", "C-v0", [[0, 1]] * 5, anchors=None), runs("b", "C-v0", [[0, 3]] * 5, anchors=None)]
    )
    scores = [about(quick(one), "leaderboard", ["a", "b"]).drop(columns="lacking") for one in (frame, more)]
    pd.testing.assert_frame_equal(*scores)


def test_missing_cells_are_reported_and_never_imputed():
    frame = pd.concat([suite(["a", "b"]), suite(["c"], ["A-v0"])])
    asked = {(label, env): range(8) for label in "abcd" for env in ("A-v0", "B-v0")}
    found = quick(frame, asked)
    assert found.algorithms == ("a", "b", "c", "d")
    assert found.environments == ("A-v0", "B-v0")
    cost = found.cost.set_index(["label", "env"])
    assert cost.loc[("c", "B-v0"), ["completed", "missing"]].to_list() == [0, 8]
    assert cost.loc[("a", "A-v0"), ["completed", "missing"]].to_list() == [6, 2]
    cells = found.environments_table.set_index(["label", "env"])
    assert len(cells) == 8
    assert cells.loc[("c", "B-v0"), "runs"] == 0
    assert cells.loc[("c", "B-v0")].drop("runs").isna().all()
    iqm = found.leaderboard.set_index(["label", "statistic", "metric"]).sort_index()
    assert iqm.loc[("c", "final", "iqm"), "lacking"] == ("B-v0",)
    alone = quick(suite(["c"], ["A-v0"])).leaderboard.set_index(["label", "statistic", "metric"]).sort_index()
    assert iqm.loc[("c", "final", "iqm"), "estimate"] == alone.loc[("c", "final", "iqm"), "estimate"]
    assert not found.pairs["env"].eq("B-v0").where(found.pairs[["x", "y"]].eq("c").any(axis=1)).any()


def test_runs_that_did_not_complete_are_counted_and_enter_no_mean():
    frame = suite(["a"], runs_per_cell=6)
    hurt = pd.concat([frame, runs("a", "A-v0", [[-1e6] * 4] * 2, seeds=[6, 7], status=["diverged", "partial"])])
    whole, found = quick(frame), quick(hurt)
    pd.testing.assert_frame_equal(found.leaderboard, whole.leaderboard)
    assert found.cost[["completed", "diverged", "partial", "missing"]].to_numpy().tolist() == [
        [6, 1, 1, 0],
        [6, 0, 0, 0],
    ]
    assert len(found.frame) == len(hurt)


def test_the_environments_table_by_hand():
    frame = runs("a", "A-v0", [[20, 20 + 100 * n] for n in range(1, 6)])
    (row,) = quick(frame).environments_table.to_dict("records")
    assert (row["budget"], row["runs"]) == (100, 5)
    assert row["final_return_mean"] == 320
    assert row["final_return_std"] == pytest.approx(np.sqrt(2.5) * 100)
    assert row["final_score_mean"] == pytest.approx(0.6)
    assert row["auc_return_mean"] == 170
    assert (row["final_return_low"], row["final_return_high"]) == mean_interval([120, 220, 320, 420, 520], 0.95)
    (few,) = quick(frame[frame["seed"] < 4]).environments_table.to_dict("records")
    assert np.isnan(few["final_return_low"])
    assert few["final_return_std"] > 0


def test_curves_of_unequal_length():
    frame = pd.concat([runs("a", "A-v0", [[20, 70, 120, 520]] * 5), runs("b", "A-v0", [[20, 20, 270]] * 5)])
    with pytest.raises(UsageError, match=r"a seeds 0 1 2 3 4: 4 checkpoints.*b seeds 0 1 2 3 4: 3 checkpoints"):
        quick(frame)
    cut = quick(frame, grid="common")
    assert cut.environments_table["final_return_mean"].to_list() == [120, 270]
    assert cut.environments_table["budget"].to_list() == [200, 200]
    assert cut.frame.groupby("label")["env_steps"].max().to_dict() == {"a": 200, "b": 200}
    assert cut.cost["wall_time"].to_list() == [0.2, 0.2]
    assert cut.grids["A-v0"].points == (0, 100, 200)
    assert cut.grids["A-v0"].difference == "b seed 0 ends at 200 where a seed 0 goes on to 300"
    assert quick(suite(["a"]), grid="common").grids == {}


def test_budgets_whose_checkpoints_never_meet():
    long, short = np.linspace(0, 100_000, 21), np.linspace(0, 63_000, 21)
    diverged = runs("a", "A-v0", [long], seeds=[5], steps=long, status="diverged")
    frame = pd.concat(
        [runs("a", "A-v0", [long] * 5, steps=long), diverged, runs("b", "A-v0", [short] * 5, steps=short)]
    )
    cut = quick(frame, grid="common")
    assert cut.environments_table["final_return_mean"].to_list() == [60_000, 59_850]  # b's last before 60 000
    assert cut.frame[cut.frame["status"] == "diverged"]["env_steps"].max() == 60_000
    assert set(cut.frame[cut.frame["status"] == "complete"]["env_steps"]) == set(long[:13])
    assert cut.cost["diverged"].to_list() == [1, 0]


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    frame = suite(["a", "b"])
    one, same, other = (quick(frame, seed=seed) for seed in (1, 1, 2))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(same, name))
    assert (one.leaderboard["low"] != other.leaderboard["low"]).any()
    pd.testing.assert_series_equal(one.leaderboard["estimate"], other.leaderboard["estimate"])


def test_the_level_is_the_intervals_and_the_verdicts():
    wide, narrow = (quick(suite(["a", "b"]), level=level) for level in (0.99, 0.6))
    assert (wide.level, wide.replicates) == (0.99, 100)
    for name, columns in (("leaderboard", ["low", "high"]), ("pairs", ["low", "high"])):
        widths = [(getattr(one, name)[columns[1]] - getattr(one, name)[columns[0]]).dropna() for one in (wide, narrow)]
        assert (widths[0] > widths[1]).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "match"), [({"level": 1.0}, "level"), ({"level": 0.0}, "level"), ({"replicates": 9}, "100")]
)
def test_bad_arguments_are_named(options, match):
    with pytest.raises(UsageError, match=match):
        compare(suite(["a"]), **{"replicates": 100, **options})


def test_nothing_at_all_is_an_error_and_nothing_yet_is_not():
    empty = suite(["a"]).iloc[:0]
    with pytest.raises(UsageError, match="no run"):
        compare(empty)
    found = quick(empty, {("a", "A-v0"): (0, 1)})
    assert found.headline.startswith("No run is complete")
    assert found.cost["missing"].to_list() == [2]
    for name in ("profiles", "improvement", "efficiency", "pairs", "thresholds"):
        assert getattr(found, name).empty


def test_intervals_of_an_environment_with_known_bounds_stay_within_them():
    values = [520, 520, 520, 520, 420]
    frame = pd.concat([runs(label, "A-v0", [[20, value] for value in values]) for label in "ab"])
    bounded = frame.assign(**{"possible/lowest": 0.0, "possible/highest": 520.0})
    for table, highest in ((frame, np.inf), (bounded, 520)):
        row = quick(table).environments_table.iloc[0]
        assert (row["final_return_high"] > 520) == (highest > 520)
        assert (row["final_score_high"] > 1) == (highest > 520)
        # The same interval on both scales.
        for end in ("low", "high"):
            assert row[f"final_score_{end}"] == pytest.approx((row[f"final_return_{end}"] - 20) / 500)
    (pair,) = quick(bounded.assign(**{"possible/lowest": 510.0})).pairs.to_dict("records")
    assert (pair["low"], pair["high"]) == (-10, 10)
