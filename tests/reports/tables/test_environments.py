import dataclasses

from pgsuite.reports.tables.environments import environment_table, pairs_table


def texts(table, row):
    return dict(zip([column.title for column in table.columns], (cell.whole for cell in table.rows[row]), strict=True))


def test_a_row_has_means_intervals_and_verdicts(comparison):
    table = environment_table(comparison)
    assert texts(table, 1) == {
        "environment": "Cart-v0",
        "algorithm": "fast",
        "steps": "100",
        "final return [95%]": "75.0 [71.4, 78.6]",
        "std": "5.0",
        "final score": "0.75",
        "AUC score": "0.50",
        "runs": "10",
        "shown better than": "1 of 1",
    }
    assert [column.title for column in table.columns].count("shown better than") == 2
    assert table.rows[1][-2].text == "slow_one"


def test_an_environment_has_one_number_of_decimals(comparison):
    table = environment_table(comparison)
    assert texts(table, 0)["final return [95%]"] == "25.0"
    assert texts(table, 3)["final return [95%]"] == "−1234 [−1249, −1220]"


def test_bold_is_who_beats_somebody_and_is_beaten_by_nobody(comparison):
    rows = environment_table(comparison).rows
    assert [row[3].strong for row in rows] == [False, True, False, False]


def test_a_cell_without_runs_is_dashes_not_zeros(comparison):
    row = texts(environment_table(comparison), 2)
    assert row["runs"] == "0"
    assert {row[name] for name in ("steps", "final return [95%]", "std", "final score", "AUC score")} == {"—"}


def test_a_pair_has_its_test_and_its_verdict(comparison):
    table = pairs_table(comparison)
    assert texts(table, 0) == {
        "environment": "Cart-v0",
        "x": "slow_one",
        "y": "fast",
        "x − y [95%]": "−50.0 [−60.0, −40.0]",
        "Welch p": "<0.001",
        "permutation p": "0.004",
        "effect size": "−2.50",
        "detectable": "12.0",
        "runs x, y": "4, 10",
        "verdict": "fast better",
    }
    assert texts(table, 1)["verdict"] == "too few runs"
    assert texts(table, 1)["x − y [95%]"] == "—"


def test_the_caption_says_when_so_many_tests_need_more_runs(comparison):
    assert "at once take" not in pairs_table(comparison).caption
    few = comparison.pairs.loc[[0] * 24].assign(verdict="too few runs", runs_y=5, runs_x=5).reset_index(drop=True)
    table = pairs_table(dataclasses.replace(comparison, pairs=few))
    assert "24 tests at once take 7 runs of each" in table.caption
    assert texts(table, 0)["x − y [95%]"] == "−50.0 [−60.0, −40.0]"
