import dataclasses

import pytest

from pgsuite.reports.tables.leaderboard import leaderboard
from pgsuite.results.statistics.identical import IdenticalRuns


def by_title(table, row):
    return dict(zip([column.title for column in table.columns], table.rows[row], strict=True))


def test_the_better_one_stands_first_with_its_interval_level_and_runs(comparison):
    table = leaderboard(comparison, "final")
    best = by_title(table, 0)
    assert best["algorithm"].text == "fast"
    assert best["IQM [95%]"].whole == "0.75 [0.50, 0.88]"
    assert best["optimality gap [95%]"].whole == "0.75 [0.50, 0.88]"
    assert best["mean rank [95%]"].whole == "0.75 [0.50, 0.88]"
    assert best["runs"].text == "10"
    assert best["environments"].text == "2 of 2"
    assert "95% stratified bootstrap intervals over runs" in table.caption
    assert "2,000 replicates" in table.caption


def test_who_lacks_an_environment_is_last_and_named_however_high(comparison):
    board = comparison.leaderboard
    board.loc[board["label"] == "slow_one", "estimate"] = 0.99
    table = leaderboard(comparison, "auc")
    last = by_title(table, 1)
    assert last["algorithm"].text == "slow_one"
    assert last["environments"].text == "1 of 2"
    assert last["environments"].tone == "bad"
    assert "slow_one lacks Pole-v0" in table.caption


def test_few_runs_have_no_interval_and_it_is_said(comparison):
    table = leaderboard(comparison, "final")
    assert by_title(table, 1)["IQM [95%]"].whole == "0.25"
    assert "fewer than 5 runs" in table.caption
    comparison.leaderboard["runs"] = 10
    assert "fewer than 5 runs" not in leaderboard(comparison, "final").caption


@pytest.mark.parametrize("scale", [(0.0, 1.0), (-0.5, 1.25)])
def test_bars_share_an_axis_that_holds_all_intervals(comparison, scale):
    board = comparison.leaderboard
    board.loc[board["label"] == "fast", ["low", "high"]] = scale
    assert leaderboard(comparison, "final").columns[2].scale == scale


def test_without_scores_the_mean_rank_orders_and_says_so(comparison):
    board = comparison.leaderboard
    board.loc[board["metric"] != "rank", ["estimate", "low", "high", "runs", "environments"]] = [float("nan")] * 3 + [
        0,
        0,
    ]
    ranks = board["metric"] == "rank"
    board.loc[ranks & (board["label"] == "slow_one"), ["estimate", "low", "high"]] = [1.9, 1.75, 2.0]
    board.loc[ranks & (board["label"] == "fast"), ["estimate", "low", "high"]] = [1.1, 1.0, 1.25]
    table = leaderboard(comparison, "final")
    best, last = by_title(table, 0), by_title(table, 1)
    assert (best["algorithm"].text, last["algorithm"].text) == ("fast", "slow_one")
    assert best["mean rank [95%]"].whole == "1.10 [1.00, 1.25]"
    assert best["better than the next [95%]"].whole == "0.90 [0.75, 1.00]"
    assert (best["runs"].text, best["environments"].text) == ("10", "2 of 2")
    assert "ranked by the mean rank of their final return" in table.caption


def test_copies_of_a_run_are_counted_as_what_they_are(comparison):
    copies = (IdenticalRuns("fast", "Cart-v0", (0, 1, 2)),)
    table = leaderboard(dataclasses.replace(comparison, identical=copies), "final")
    assert by_title(table, 0)["runs"].text == "8 of 10"
