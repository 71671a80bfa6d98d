import pandas as pd
import pytest

from pgsuite.reports.tables.cost import cost_table, diagnostics_table


def texts(table, row):
    return dict(zip([column.title for column in table.columns], (cell.whole for cell in table.rows[row]), strict=True))


def test_cost_beside_casualties(comparison):
    table = cost_table(comparison)
    assert texts(table, 1) == {
        "environment": "Cart-v0",
        "algorithm": "fast",
        "steps/s": "120k",
        "wall time": "75.0 s",
        "steps to threshold": "60",
        "time to threshold": "1.50 s",
        "reached": "9 of 10",
        "peak memory": "256 MiB",
        "completed": "10",
        "diverged": "0",
        "partial": "0",
        "damaged": "0",
        "missing": "0",
    }
    assert "score of at least 0.5" in table.caption


def test_a_censored_median_is_a_dash_and_losses_stand_out(comparison):
    row = cost_table(comparison).rows[0]
    assert [cell.text for cell in row[4:8]] == ["—", "—", "1 of 4", "—"]
    assert [(cell.text, cell.tone) for cell in row[8:]] == [
        ("4", ""),
        ("1", "bad"),
        ("0", "muted"),
        ("2", "bad"),
        ("3", "bad"),
    ]


def test_diagnostics_are_means_over_completed_runs_of_the_last_checkpoint(comparison):
    frame = pd.DataFrame(
        {
            "label": "fast",
            "env": "Cart-v0",
            "seed": [0, 0, 1, 1, 2, 2],
            "env_steps": [0, 100] * 3,
            "status": ["complete"] * 4 + ["diverged"] * 2,
            "metric/kl": [9.0, 0.01, 9.0, 0.03, 9.0, 9.0],
        }
    )
    object.__setattr__(comparison, "frame", frame)
    table = diagnostics_table(comparison)
    assert [column.title for column in table.columns] == ["environment", "algorithm", "KL"]
    (row,) = table.rows
    assert row[2].value == pytest.approx(0.02)
    assert row[2].text == "0.0200"


def test_the_share_of_trials_has_a_column_where_there_is_one(comparison):
    comparison.cost["not_training"] = [0.254 * (label == "fast") for label in comparison.cost["label"]]
    table = cost_table(comparison)
    assert texts(table, 1)["not training"] == "25%"
    comparison.cost["not_training"] = 0.0
    assert "not training" not in texts(cost_table(comparison), 1)
