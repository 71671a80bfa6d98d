"""The figures of a check: for each cell the curves of both versions, and the path of the test between its bounds."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from ...foreign import named, slug
from ...results.checked import Checked, CheckedCell
from ...results.statistics.gate import Look
from ...wording import plural
from .drawing import MUTED, Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows, put_titles
from .series import Series, draw_band, draw_line
from .style import SOLID, LineStyle

STYLES = {"baseline": LineStyle("#808080", (5.0, 2.0), "s"), "candidate": LineStyle("#0072B2", SOLID, "o")}
CAPTION = (
    "Mean return of each version over its runs, with the 95 % interval; beside it the statistic of the paired test at "
    "each look, in standard deviations, negative where the candidate is worse. Under the red line, screening sends a "
    "cell on (open marks), and confirmation, on fresh seeds, calls it regressed (filled marks)."
)
_MARGINS = Margins(left=52.0, right=14.0, top=26.0, bottom=36.0)
_HEIGHT = 220.0
_FARTHEST = 8.0
"""Standard deviations at which the path is cut off."""


def check_figures(checked: Checked) -> list[Drawing]:
    """Two figures for each cell that was decided by its curves, those that became worse first."""
    order = ("regressed", "open", "improved", "passed", "identical")
    cells = sorted((cell for cell in checked.cells if cell.curves), key=lambda cell: order.index(cell.verdict))
    return [drawing for cell in cells for drawing in (_curves(cell), _path(cell))]


def _curves(cell: CheckedCell) -> Drawing:
    name, title = f"check-curves-{slug(cell.name)}", f"{named(cell.name)}: both versions"
    with theme():
        rows = key_rows(STYLES, PAGE - 16)
        figure, (axes,) = canvas(Grid(1, 1, PAGE, _HEIGHT), _MARGINS, below=key_height(rows))
        _draw_curves(axes, cell, name)
        draw_key(figure, name, rows, STYLES)
    mean, low, high = cell.difference
    words = (
        f"{cell.verdict}. Difference {mean:+.3f} [{low:+.3f}, {high:+.3f}] of score over {plural(cell.seeds, 'seed')}."
    )
    return Drawing(name, title, CAPTION, words, figure, {slug(label): label for label in STYLES})


def _path(cell: CheckedCell) -> Drawing:
    name, title = f"check-path-{slug(cell.name)}", f"{named(cell.name)}: path of the test"
    with theme():
        figure, (axes,) = canvas(Grid(1, 1, PAGE, _HEIGHT), _MARGINS, below=key_height(key_rows(STYLES, PAGE - 16)))
        _draw_path(axes, cell.looks)
        put_titles(axes, named(cell.verdict), " → ".join(dict.fromkeys(look.stage for look in cell.looks)))
    words = "; ".join(
        f"{look.stage}, {plural(look.seeds, 'pair')}: {look.statistic:+.2f}, bound {look.bound:.2f}"
        for look in cell.looks
    )
    return Drawing(name, title, CAPTION, words, figure, {})


def _draw_curves(axes: Axes, cell: CheckedCell, name: str) -> None:
    assert cell.curves is not None
    for (label, style), band in zip(STYLES.items(), cell.curves, strict=True):
        if band.mean:
            series = Series(name, label, style)
            draw_line(axes, series, cell.steps, band.mean)
            draw_band(axes, series, cell.steps, band.low, band.high)
    axes.set_xlim(0, cell.steps[-1] * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("environment steps")
    axes.set_ylabel("return (mean over runs)")
    put_titles(axes, named(cell.name), plural(cell.seeds, "pair"))


def _draw_path(axes: Axes, looks: Sequence[Look]) -> None:
    """Looks one after the other; the sample sizes grow, and begin anew with the confirmation."""
    for stage, face in (("screening", "white"), ("confirmation", STYLES["candidate"].colour)):
        places = [(n, look) for n, look in enumerate(looks) if look.stage == stage]
        if places:
            x = [n for n, _ in places]
            path = np.clip([look.statistic for _, look in places], -_FARTHEST, _FARTHEST)
            bounds = [max(look.bound, -_FARTHEST) for _, look in places]
            colour = STYLES["candidate"].colour
            axes.plot(x, bounds, color="#C84B32", linewidth=1.2, drawstyle="steps-mid", marker="_", markersize=12)
            axes.plot(x, path, color=colour, linewidth=1.4, marker="o", markersize=5, markerfacecolor=face)
    if any(look.stage == "confirmation" for look in looks):
        first = next(n for n, look in enumerate(looks) if look.stage == "confirmation")
        if first:
            axes.axvline(first - 0.5, color=MUTED, linewidth=0.8, linestyle=":")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xticks(range(len(looks)), [str(look.seeds) for look in looks])
    axes.set_xlim(-0.5, len(looks) - 0.5)
    axes.set_xlabel("pairs of runs at each look")
    axes.set_ylabel("statistic (standard deviations)")
