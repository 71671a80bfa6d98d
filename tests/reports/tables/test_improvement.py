from pgsuite.reports.tables.improvement import improvement_table


def test_the_cell_of_row_and_column_is_the_probability_that_the_row_wins(comparison):
    table = improvement_table(comparison, "final")
    assert [column.title for column in table.columns] == ["row better than", "slow_one", "fast"]
    slow, fast = table.rows
    assert [cell.whole for cell in slow] == ["slow_one", "", "0.10 [0.00, 0.25]"]
    assert [cell.whole for cell in fast] == ["fast", "0.90 [0.75, 1.00]", ""]
    assert [slow[2].tone, fast[1].tone] == ["p1", "p9"]


def test_level_and_runs_are_said(comparison):
    caption = improvement_table(comparison, "auc").caption
    assert "95% stratified bootstrap intervals over 4 to 10 runs" in caption
    assert "fewer than 5 runs" in caption


def test_a_pair_without_a_common_environment_is_a_dash(comparison):
    comparison.improvement["probability"] = float("nan")
    assert improvement_table(comparison, "final").rows[0][2].text == "—"
