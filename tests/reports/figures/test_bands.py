import numpy as np
import pandas as pd

from pgsuite.reports.figures.bands import efficiency_figure, profiles_figure
from pgsuite.reports.figures.style import line_styles

STYLES = line_styles(["trpo", "ppo"])


def efficiency(env_steps=np.nan):
    rows = [("trpo", 0.0, 0.1, 0.0, 0.2), ("trpo", 0.5, 0.6, 0.5, 0.7), ("trpo", 1.0, 0.9, np.nan, np.nan)]
    table = pd.DataFrame(rows, columns=["label", "progress", "iqm", "low", "high"])
    return table.assign(env_steps=table["progress"] * env_steps)


def test_sample_efficiency_is_drawn_as_it_is():
    axes = efficiency_figure(efficiency(), STYLES).figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0.1], [0.5, 0.6], [1, 0.9]])
    band = axes.collections[0].get_paths()[0].vertices
    assert sorted(set(band[band[:, 0] == 0.5, 1])) == [0.5, 0.7]
    assert "share of the budget" in axes.get_xlabel()


def test_equal_budgets_are_shown_in_steps():
    axes = efficiency_figure(efficiency(1000.0), STYLES).figure.axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0, 500, 1000]
    assert axes.get_xlabel() == "environment steps"


def test_its_words_have_its_numbers():
    words = efficiency_figure(efficiency(), STYLES).description
    assert words == "IQM of the score at half the budget: trpo 0.60. At the end: trpo 0.90."


def test_a_profile_steps_down_where_its_runs_end():
    rows = [("ppo", 0.0, 1.0), ("ppo", 0.5, 0.5), ("ppo", 0.9, 0.0)]
    table = pd.DataFrame(rows, columns=["label", "threshold", "share"]).assign(low=np.nan, high=np.nan)
    drawing = profiles_figure(table, STYLES)
    (line,) = drawing.figure.axes[0].lines
    np.testing.assert_array_equal(line.get_xydata(), [[0, 1], [0.5, 0.5], [0.9, 0]])
    assert line.get_drawstyle() == "steps-post"
    assert not drawing.figure.axes[0].collections
    assert (
        drawing.description
        == "Share of runs with a score above 0.5: ppo 0.50. Share of runs with a score above 0.9: ppo 0.00."
    )
