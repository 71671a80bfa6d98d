"""The figure of a sweep: what a mark says, and where that of the suite's own setting stands."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pgsuite.reports.figures.sensitivity import sensitivity_figures
from pgsuite.reports.figures.style import line_styles
from pgsuite.results.statistics.sensitivity import points

from ...sweeps import runs_of, sweep_of

STYLES = line_styles(["a"])
COLOUR = to_hex(STYLES["a"].colour)


def panel_of(values, own, *, log=False, seeds=range(8)):
    """The panel of the final scores, which rise with the value."""
    rows = runs_of("a", "x", values, lambda _, v, s: v + 0.01 * s, own=own, environments=["CartPole-v1"], seeds=seeds)
    swept = sweep_of(rows, log=log)
    (drawing,) = sensitivity_figures(swept, points(swept), STYLES)
    return drawing.figure.axes[0]


def marks(panel):
    """Where marks stand, in points from the left, and their fillings."""
    found = {}
    for line in panel.lines:
        if line.get_marker() == STYLES["a"].marker and line.get_linestyle() == "None":
            for at in line.get_xydata():
                (x, _) = panel.transData.transform(at) * 72 / panel.figure.dpi
                found[x] = to_hex(line.get_markerfacecolor())
    return dict(sorted(found.items()))


def test_a_filled_mark_is_possibly_the_best_and_an_empty_one_shown_worse():
    assert list(marks(panel_of([1.0, 2.0, 3.0], None)).values()) == ["#ffffff", "#ffffff", COLOUR]


def test_where_nothing_can_be_shown_a_mark_is_neither():
    fillings = set(marks(panel_of([1.0, 2.0, 3.0], None, seeds=range(2))).values())
    assert len(fillings) == 1
    assert not fillings & {"#ffffff", COLOUR}


@pytest.mark.parametrize(("own", "log"), [(0.0101, True), (0.0099, True), (0.0501, False)])
def test_the_mark_of_the_suites_setting_covers_no_other(own, log):
    """A mark is 5.5 points wide. The star stands where the value is."""
    swept = [0.001, 0.01, 0.1] if log else [0.0, 0.05, 0.1]
    panel = panel_of(swept, own, log=log)
    assert np.diff(list(marks(panel))).min() > 7
    (star,) = (line for line in panel.lines if line.get_marker() == "*")
    assert star.get_xdata()[0] == pytest.approx(own)
    alone = panel_of(swept, None, log=log)
    assert set(np.round(list(marks(alone)), 3)) <= set(np.round(list(marks(panel)), 3)), "values are not moved"


def test_a_mark_that_is_alone_stands_where_its_value_is():
    found, without = list(marks(panel_of([0.0, 0.1], 0.05))), list(marks(panel_of([0.0, 0.05, 0.1], None)))
    assert found == pytest.approx(without)
