import numpy as np
import pandas as pd
import pytest

from pgsuite.reports.figures.style import line_styles
from pgsuite.reports.figures.thresholds import thresholds_figure

STYLES = line_styles(["trpo", "ppo", "a2c"])


@pytest.fixture
def table():
    rows = [
        ("trpo", "E", 0.9, 5, 5, 300.0),
        ("ppo", "E", 0.9, 2, 5, np.nan),
        ("a2c", "E", 0.9, 0, 0, np.nan),
    ]
    return pd.DataFrame(rows, columns=["label", "env", "threshold", "reached", "runs", "median_steps"])


def points(drawing):
    return {
        line.get_gid().split("--")[1]: (line.get_xdata()[0], line.get_marker())
        for line in drawing.figure.axes[0].lines
        if "--point" in line.get_gid()
    }


def test_a_censored_median_is_an_arrow_at_the_end_of_the_budget(table):
    drawing = thresholds_figure(table, {"E": 1000.0}, STYLES)
    assert points(drawing) == {"trpo": (300.0, "^"), "ppo": (1000.0, ">")}
    assert [text.get_text() for text in drawing.figure.axes[0].texts] == ["5 of 5", "2 of 5"]


def test_words_keep_the_censored(table):
    assert thresholds_figure(table, {"E": 1000.0}, STYLES).description == (
        "Median steps to a score of 0.9. On E: trpo 300 steps (5 of 5 runs), ppo not within the budget (2 of 5 runs)."
    )
