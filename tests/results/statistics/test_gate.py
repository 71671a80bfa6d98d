"""The decision on paired runs: its statistics against scipy and hand-worked numbers, its verdicts on planted pairs."""

import math

import numpy as np
import pytest
from scipy import stats

from pgsuite.results.statistics.gate import (
    Design,
    Failed,
    Pairs,
    decide,
    loss_statistic,
    lower_bound,
    sign_flip_p,
    statistic,
)


def pairs(difference, lost=(), saved=(), baseline=0.8):
    difference = np.asarray(difference, float)
    marks = [np.isin(np.arange(len(difference)), places) for places in (lost, saved)]
    return Pairs(difference, *marks, np.full(len(difference), baseline))


def dealing(cells, asked=None):
    """A fetch from the whole (screening, confirmation) of each cell; notes what was asked."""

    def fetch(stage, wanted):
        if asked is not None:
            asked.append((stage, dict(wanted)))
        return {
            cell: Pairs(*(part[:n] for part in found)) if isinstance(found, Pairs) else found
            for cell, n in wanted.items()
            for found in [cells[cell][0 if stage == "screening" else 1]]
        }

    return fetch


def shifted(shift, spread=0.1, seed=0, n=160):
    rng = np.random.default_rng(seed)
    return tuple(pairs(shift + spread * rng.normal(size=n)) for _ in range(2))


def test_the_statistic_has_the_p_value_of_a_paired_t_test():
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=(2, 12))
    p = stats.ttest_rel(after, before, alternative="less").pvalue
    assert stats.norm.cdf(statistic(after - before)) == pytest.approx(p, rel=1e-6)


def test_no_difference_at_all_says_nothing_and_one_without_spread_is_certain():
    assert statistic(np.zeros(5)) == 0
    assert statistic(np.full(5, -0.1)) < -30
    assert statistic(np.full(5, -1e-9)) == 0  # rounding, alike in every seed


def test_a_candidate_that_gains_and_diverges_is_not_improved():
    gain = [0.3 + 0.05 * np.random.default_rng(n).normal(size=160) for n in (0, 1)]
    lost = tuple(pairs(x, lost=range(3, 160, 4)) for x in gain)
    assert decide(["a"], dealing({"a": lost}), Design.of(160))["a"].verdict in ("regressed", "open")


def test_two_tests_share_the_level_where_runs_diverge():
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(1500):
        both = []
        for _ in range(2):
            b, c = rng.random((2, 80)) < 0.3
            both.append(Pairs(0.3 * rng.normal(size=80), ~b & c, b & ~c, np.full(80, 0.8)))
        sent = pairs(-0.5 + 0.01 * rng.normal(size=80)), both[1]
        wrong += decide(["a"], dealing({"a": sent}), Design.of(80))["a"].verdict == "regressed"
    assert wrong / 1500 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)


def test_more_divergence_is_mcnemars_exact_test():
    found = pairs(np.zeros(20), lost=range(7), saved=[8])
    p = stats.binomtest(7, 8, alternative="greater").pvalue
    assert stats.norm.sf(loss_statistic(found)) == pytest.approx(p, rel=1e-9)
    assert p == pytest.approx(9 / 256)  # by hand: (8 + 1) / 2^8


def test_divergence_in_both_arms_alike_is_no_evidence():
    assert loss_statistic(pairs(np.zeros(9))) < -30


def test_the_lower_bound_reckons_with_at_least_the_floor():
    x = np.array([0.1, 0.1, 0.1, 0.1])
    assert lower_bound(x, 0.15, 0.025) == pytest.approx(0.1 - 3.182446 * 0.15 / 2, abs=1e-5)


def test_sign_flips_of_three_drops():
    assert sign_flip_p(np.array([-1.0, -2.0, -3.0])) == 1 / 8
    assert sign_flip_p(np.array([1.0, -2.0])) == 2 / 4  # sums 3, 1, -1, -3: at most -1 are two


def test_sign_flips_of_many_pairs_agree_with_the_t_test():
    x = np.random.default_rng(2).normal(-0.3, 1, 60)
    assert sign_flip_p(x) == pytest.approx(stats.ttest_1samp(x, 0, alternative="less").pvalue, abs=0.01)


def test_a_gross_drop_is_settled_by_ten_fresh_pairs():
    asked = []
    trial = decide(["a"], dealing({"a": shifted(-0.5, spread=0.05)}, asked), Design.of(80))["a"]
    assert (trial.verdict, trial.reason) == ("regressed", "lower scores")
    assert asked == [("screening", {"a": 5}), ("confirmation", {"a": 10})]
    assert trial.seeds == 15
    assert len(trial.evidence.difference) == 10


def test_screening_alone_fails_nothing():
    unlucky = (pairs(-0.5 + 0.01 * np.random.default_rng(0).normal(size=80)), shifted(0.0, seed=1)[1])
    trial = decide(["a"], dealing({"a": unlucky}), Design.of(80))["a"]
    assert trial.sent == "regressed"
    assert trial.verdict != "regressed"


def test_a_harmless_change_passes_at_forty_pairs():
    trial = decide(["a"], dealing({"a": shifted(0.0, spread=0.01)}), Design.of(80))["a"]
    assert (trial.verdict, trial.seeds) == ("passed", 40)
    assert trial.excluded < 0.10


@pytest.mark.parametrize(("baseline", "margin"), [(0.8, 0.1), (0.4, 0.08), (0.1, 0.05), (-2.0, 0.05)])
def test_a_cell_may_not_lose_more_than_a_fifth_of_what_it_had(baseline, margin):
    both = tuple(pairs(x, baseline=baseline) for x in np.zeros((2, 160)))
    assert decide(["a"], dealing({"a": both}), Design.of(160))["a"].margin == pytest.approx(margin)


def test_a_loss_of_a_fifth_does_not_pass_as_a_small_one():
    lost = tuple(pairs(found.difference, baseline=0.3) for found in shifted(-0.07, spread=0.14, seed=2))
    assert decide(["a"], dealing({"a": lost}), Design.of(160))["a"].verdict == "regressed"


def test_no_cell_passes_on_fewer_than_forty():
    trial = decide(["a"], dealing({"a": shifted(0.0, spread=0.001)}), Design.of(20))["a"]
    assert trial.verdict == "open"
    assert trial.would_decide == 40


def test_a_wide_spread_stays_open_and_says_what_it_would_take():
    trial = decide(["a"], dealing({"a": shifted(0.0, spread=1.0, seed=3)}), Design.of(40))["a"]
    assert trial.verdict == "open"
    spread = trial.evidence.difference.std(ddof=1)
    needed = (1.959964 * spread / (trial.mean + 0.1)) ** 2
    assert trial.would_decide == math.ceil(needed)
    reach = 1.66 + 0.8416
    assert trial.detectable == pytest.approx(reach * spread / math.sqrt(40), rel=0.03)


def test_a_better_candidate_is_improved():
    assert decide(["a"], dealing({"a": shifted(0.5)}), Design.of(80))["a"].verdict == "improved"


def test_a_candidate_that_diverges_is_worse_whatever_its_scores():
    lost = tuple(pairs(0.001 * np.random.default_rng(n).normal(size=80), lost=range(0, 80, 2)) for n in (0, 1))
    trial = decide(["a"], dealing({"a": lost}), Design.of(80))["a"]
    assert (trial.verdict, trial.reason) == ("regressed", "more runs diverge")


def test_a_candidate_that_fails_regressed_for_its_reason():
    trial = decide(["a"], dealing({"a": (Failed("it raised"), None)}), Design.of(80))["a"]
    assert (trial.verdict, trial.reason, trial.failed) == ("regressed", "it raised", True)


def test_holms_procedure_over_the_cells_that_were_sent():
    """At the only look the bounds are z(.025) = 1.960 for two cells; once one is rejected, z(.05) = 1.645."""

    def with_z(z, n=40):
        x = np.random.default_rng(4).normal(size=n)
        x = (x - x.mean()) / x.std(ddof=1)
        t = stats.t.ppf(stats.norm.cdf(z), n - 1)
        return pairs(x + t / math.sqrt(n))

    design = Design(screening=(5,), confirmation=(40,))
    sent = shifted(-0.5)[0]

    def verdicts(*zs):
        cells = {str(n): (sent, with_z(z)) for n, z in enumerate(zs)}
        return [trial.verdict for trial in decide(list(cells), dealing(cells), design).values()]

    assert verdicts(-2.0, -1.7) == ["regressed", "regressed"]  # the first frees the second
    assert verdicts(-1.9, -1.7) == ["open", "open"]
    assert verdicts(-1.7) == ["regressed"]
    assert verdicts(-2.0, -1.6) == ["regressed", "open"]


def test_cells_are_asked_for_no_longer_than_they_are_undecided():
    asked = []
    cells = {"gross": shifted(-0.5), "fine": shifted(0.0, spread=0.01, seed=5)}
    decide(list(cells), dealing(cells, asked), Design.of(80))
    assert [sorted(wanted) for stage, wanted in asked if stage == "screening"] == [["fine", "gross"], *[["fine"]] * 3]


def test_a_bank_alone_keeps_half_for_confirmation():
    design = Design.of_bank(40)
    assert (design.screening, design.confirmation) == ((5, 10, 20), (10, 20))
    trial = decide(["a"], dealing({"a": shifted(0.0, spread=0.01)}), design)["a"]
    assert (trial.verdict, trial.seeds) == ("passed", 40)


@pytest.mark.parametrize("seeds", [2, 5, 7, 40, 160])
def test_designs_end_where_seeds_do(seeds):
    design = Design.of(seeds)
    assert design.screening[-1] == seeds
    assert design.confirmation[-1] == seeds


def test_false_alarms_are_as_rare_as_declared():
    rng = np.random.default_rng(6)
    wrong = 0
    for _ in range(1000):
        cells = {str(n): tuple(pairs(rng.normal(size=80)) for _ in range(2)) for n in range(4)}
        trials = decide(list(cells), dealing(cells), Design.of(80))
        wrong += any(trial.verdict == "regressed" for trial in trials.values())
    assert wrong / 1000 < 0.05
