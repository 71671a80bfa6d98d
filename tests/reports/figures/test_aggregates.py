import numpy as np
import pandas as pd
import pytest

from pgsuite.reports.figures.aggregates import METRICS, aggregates_figure
from pgsuite.reports.figures.style import line_styles

STYLES = line_styles(["trpo", "ppo"])


@pytest.fixture
def board():
    rows = [
        (label, statistic, metric, value, value - 0.1, value + 0.2, lacking)
        for label, value, lacking in (("trpo", 0.5, ()), ("ppo", 0.7, ("Acrobot-v1",)))
        for statistic in ("final", "auc")
        for metric in (*METRICS, "rank")
    ]
    return pd.DataFrame(rows, columns=["label", "statistic", "metric", "estimate", "low", "high", "lacking"])


def artist(axes, kind):
    return next(line for line in axes.lines if f"--{kind}--" in line.get_gid())


def test_points_and_intervals_are_those_of_the_table(board):
    board.loc[board["metric"] == "median", "estimate"] += 0.05
    figure = aggregates_figure(board, STYLES).figure
    assert [axes.get_title("left") for axes in figure.axes] == ["IQM", "Median", "Mean", "Optimality gap"]
    assert artist(figure.axes[0], "trpo--interval").get_xydata().tolist() == [[0.4, 0], [0.7, 0]]
    assert artist(figure.axes[0], "ppo--point").get_xydata().tolist() == [[0.7, 1]]
    assert artist(figure.axes[1], "trpo--point").get_xdata() == pytest.approx([0.55])


def test_aggregates_of_one_kind_share_their_axis(board):
    board.loc[board["metric"] == "median", "high"] = 3.0
    axes = aggregates_figure(board, STYLES).figure.axes
    assert axes[0].get_xlim() == axes[1].get_xlim() == axes[2].get_xlim() != axes[3].get_xlim()
    assert "lower is better" in axes[3].get_xlabel()


def test_who_lacks_an_environment_is_marked(board):
    drawing = aggregates_figure(board, STYLES)
    assert [text.get_text() for text in drawing.figure.axes[0].get_yticklabels()] == ["trpo", "ppo *"]
    assert "*: lacks an environment" in drawing.caption


def test_few_runs_have_points_and_no_intervals(board):
    board[["low", "high"]] = np.nan
    drawing = aggregates_figure(board, STYLES)
    assert "too few runs" in drawing.caption
    assert "IQM: trpo 0.50, ppo 0.70." in drawing.description


def test_words_have_level_bounds(board):
    assert "IQM: trpo 0.50 (0.40 to 0.70)" in aggregates_figure(board, STYLES, statistic="auc").description


def test_long_numbers_are_written_short(board):
    board[["estimate", "low", "high"]] *= 1e202
    drawing = aggregates_figure(board, STYLES)
    assert max(len(text.get_text()) for axes in drawing.figure.axes for text in axes.texts) < 12
    assert "IQM: trpo 5.00e201 (4.00e201 to 7.00e201)" in drawing.description
