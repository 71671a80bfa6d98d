import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pgsuite.results.statistics import pairwise
from pgsuite.results.statistics.differences import needed, pairs
from pgsuite.results.statistics.pairwise import enough_splits

from .frames import runs
from .test_leaderboard import by_label

RANDOM = np.random.default_rng(4)


def finals(label, env, values):
    return runs(label, env, [[0, value] for value in values])


def table(*frames, level=0.95):
    frame = pd.concat(frames)
    return pairs(by_label(frame), tuple(dict.fromkeys(frame["env"])), level=level, seed=0)


X, Y, Z = RANDOM.normal(100, 10, 6), RANDOM.normal(50, 20, 7), RANDOM.normal(100, 10, 5)


def test_rows_against_scipy():
    found = table(finals("x", "A-v0", X), finals("y", "A-v0", Y)).iloc[0]
    welch = stats.ttest_ind(X, Y, equal_var=False)
    assert found["difference"] == pytest.approx(X.mean() - Y.mean())
    assert found["welch_p"] == pytest.approx(welch.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(welch.confidence_interval(0.95)))
    assert (found["runs_x"], found["runs_y"]) == (6, 7)
    assert found["verdict"] == "x better"
    assert table(finals("y", "A-v0", Y), finals("x", "A-v0", X)).iloc[0]["verdict"] == "y better"


def test_the_family_is_all_pairs_on_all_environments():
    found = table(
        *(
            finals(label, env, values)
            for env in ("A-v0", "B-v0")
            for label, values in zip("xyz", (X, Y, Z), strict=True)
        )
    )
    assert found[["env", "x", "y"]].agg(" ".join, axis=1).to_list() == [
        f"{env} {pair}" for env in ("A-v0", "B-v0") for pair in ("x y", "x z", "y z")
    ]
    for test in ("welch", "permutation"):
        p = found[f"{test}_p"].to_numpy()
        smallest = p == p.min()
        assert found[f"{test}_holm"][smallest].to_list() == pytest.approx(list(p[smallest] * 6))
        assert (found[f"{test}_holm"] <= np.minimum(6 * p, 1) + 1e-12).all()
        assert (found[f"{test}_holm"] >= p).all()


def test_what_can_be_detected_is_at_the_strictest_step_of_the_family():
    two = table(*(finals(label, env, values) for env in ("A-v0", "B-v0") for label, values in (("x", X), ("y", Y))))
    error = np.hypot(X.std(ddof=1) / np.sqrt(6), Y.std(ddof=1) / np.sqrt(7))
    freedom = stats.ttest_ind(X, Y, equal_var=False).df
    expected = error * (stats.t.ppf(1 - 0.05 / 2 / 2, freedom) + stats.t.ppf(0.9, freedom))
    assert two["detectable"].to_list() == pytest.approx([expected] * 2)


def test_too_few_runs_have_no_verdict_and_belong_to_no_family():
    found = table(finals("x", "A-v0", X), finals("y", "A-v0", Y[:4]), finals("z", "A-v0", Z))
    assert found["verdict"].to_list() == ["too few runs", "no difference shown", "too few runs"]
    assert found["permutation_holm"].isna().to_list() == [True, False, True]
    assert found["permutation_holm"][1] == found["permutation_p"][1]  # a family of one
    tests = found[["low", "high", "welch_p", "permutation_p", "detectable"]]
    assert tests.isna().all(axis=1).to_list() == [True, False, True]
    assert tests.notna().all(axis=1).to_list() == [False, True, False]
    assert found["difference"].notna().all()


def test_one_run_each_still_has_a_difference():
    found = table(finals("x", "A-v0", [3.0]), finals("y", "A-v0", [1.0])).iloc[0]
    assert found["difference"] == 2
    assert found[["low", "high", "welch_p", "permutation_p", "effect_size", "detectable"]].isna().all()
    assert found["verdict"] == "too few runs"


def test_only_environments_of_both_are_compared():
    assert table(finals("x", "A-v0", X), finals("y", "B-v0", Y)).empty
    assert table(finals("x", "A-v0", X)).empty


def test_the_verdict_is_that_of_the_adjusted_test():
    frames = [
        finals(label, env, values)
        for env in ("A-v0", "B-v0", "C-v0")
        for label, values in (("x", np.arange(6.0)), ("y", np.arange(6.0) + 2.9))
    ]
    one, three = table(*frames[:2]), table(*frames)
    assert one["permutation_p"][0] == three["permutation_p"][0] < 0.05 < three["permutation_holm"][0]
    assert one["verdict"].to_list() == ["y better"]
    assert three["verdict"].to_list() == ["no difference shown"] * 3


def test_the_seed_draws_the_splits_of_large_samples():
    x, y = RANDOM.normal(size=12), RANDOM.normal(0.5, size=12)
    curves = by_label(pd.concat([finals("x", "A-v0", x), finals("y", "A-v0", y)]))
    found = [pairs(curves, ("A-v0",), level=0.95, seed=seed)["permutation_p"][0] for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert found[0] == pytest.approx(found[2], abs=0.03)


def test_the_level_decides():
    # Six against six, one of them apart: p is above .05 / 1 and below .5.
    x, y = np.arange(6.0), np.arange(6.0) + 2.2
    strict, lenient = (
        table(finals("x", "A-v0", x), finals("y", "A-v0", y), level=level)["verdict"][0] for level in (0.95, 0.5)
    )
    assert (strict, lenient) == ("no difference shown", "y better")


def many(sizes, environments="ABCDEFGH"):
    """Runs of three algorithms, far apart: three pairs on each environment."""
    return [
        finals(label, f"{env}-v0", 1000.0 * place + np.arange(size))
        for env in environments
        for place, (label, size) in enumerate(sizes.items())
    ]


@pytest.mark.parametrize(("size", "shown"), [(5, False), (6, False), (7, True)])
def test_runs_that_no_test_of_the_family_can_tell_apart_are_too_few(size, shown):
    # 24 tests at .05 need p <= 1/480; the splits of 5, 6 and 7 against as many are 126, 462 and 1716.
    found = table(*many(dict.fromkeys("xyz", size)))
    assert len(found) == 24
    assert set(found["verdict"]) == ({"y better"} if shown else {"too few runs"})
    assert found["detectable"].notna().eq(shown).all()
    assert found[["low", "welch_p", "permutation_p"]].notna().all(axis=None)
    assert needed(24, 0.95) == 7


def test_a_later_step_of_holm_can_show_what_the_strictest_cannot():
    # 9 tests need p <= 1/180; 5 against 5 have 126 splits, enough once the other 8 are shown.
    found = table(*many({"x": 10, "y": 10}), *many({"x": 5, "y": 5}, "I"))
    last = found.iloc[-1]
    assert last["permutation_p"] == last["permutation_holm"] == pytest.approx(1 / 126)
    assert set(found["verdict"]) == {"y better"}
    assert found["detectable"].notna().to_list() == [True] * 8 + [False]


def test_more_tests_draw_more_splits():
    # 600 tests: 20 000 splits cannot go below 1/12 000 by enough, and 24 000 reach half of it.
    assert enough_splits(0.05 / 600) == 24_000
    assert enough_splits(0.05) == pairwise.SAMPLED
    assert pairwise.smallest_p(12, 12, 24_000) == 1 / 24_001
    far = np.arange(12.0)
    assert pairwise.permutation_p(far, far + 1000, np.random.default_rng(1), 24_000) == 1 / 24_001


def test_the_splits_drawn_are_enough_for_the_family(monkeypatch):
    """The smallest p-value passes its strictest step: of 2 / (0.05 / 15) = 600 splits, not of 40."""
    monkeypatch.setattr(pairwise, "SAMPLED", 10)
    monkeypatch.setattr(pairwise, "EXACT", 10)
    levels = zip("uvwxyz", range(0, 6000, 1000), strict=True)
    found = table(*(finals(label, "A-v0", level + RANDOM.normal(0, 1, 8)) for label, level in levels))
    assert len(found) == 15
    assert set(found["verdict"]) == {"y better"}
    assert found["permutation_p"].tolist() == pytest.approx([1 / 601] * 15, abs=2 / 601)


def test_runs_without_any_spread_have_no_test_and_no_effect_size():
    found = table(finals("x", "A-v0", [123.4] * 6), finals("y", "A-v0", [321.7] * 6), finals("z", "A-v0", X))
    alike = found[(found["x"] == "x") & (found["y"] == "y")].iloc[0]
    assert alike["verdict"] == "no spread"
    assert alike["difference"] == 123.4 - 321.7
    assert alike[["low", "welch_p", "permutation_p", "permutation_holm", "effect_size", "detectable"]].isna().all()
    others = found.drop(alike.name)
    assert others["permutation_holm"].notna().all()
    assert others["permutation_holm"].to_list() == pytest.approx(pairwise.holm(others["permutation_p"]).tolist())
