"""What belongs to one algorithm in a panel: line, band and single runs, each with an id that a page can find it by.

The id is ``<figure>--<algorithm>--<kind>``, with a number at the end where a figure has several panels.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import ArrayLike, NDArray

from ...foreign import slug
from .style import LineStyle

_MARKS_PER_LINE = 6


class Series(NamedTuple):
    """Whom the artists belong to."""

    figure: str
    name: str
    style: LineStyle
    panel: int | None = None

    def gid(self, kind: str) -> str:
        """The id of one of its artists."""
        number = "" if self.panel is None else f"--{self.panel}"
        return f"{self.figure}--{slug(self.name)}--{kind}{number}"


def line_options(style: LineStyle) -> dict[str, Any]:
    """How a line is drawn, in its panel and in the key alike."""
    return {
        "color": style.colour,
        "linestyle": (0, style.dash) if style.dash else "-",
        "marker": style.marker,
        "markersize": 4.5,
        "markeredgecolor": style.colour,
        "markeredgewidth": 0.4,
        "linewidth": 1.6,
    }


def draw_line(axes: Axes, series: Series, x: ArrayLike, y: ArrayLike, **options: Any) -> None:
    """The line of an algorithm, with a marker now and then."""
    every = max(1, round(np.size(np.asarray(x)) / _MARKS_PER_LINE))
    look = line_options(series.style) | {"markevery": every} | options
    axes.plot(np.asarray(x), np.asarray(y), gid=series.gid("line"), zorder=3, **look)


def draw_band(axes: Axes, series: Series, x: ArrayLike, low: ArrayLike, high: ArrayLike, **options: Any) -> None:
    """The band around it; nothing where there is none."""
    bounds = np.asarray([x, low, high], dtype=np.float64)
    if np.isnan(bounds[1:]).all():
        return
    band = axes.fill_between(*bounds, color=series.style.colour, alpha=0.16, linewidth=0, zorder=2, **options)
    band.set_gid(series.gid("band"))


def draw_runs(axes: Axes, series: Series, curves: list[NDArray[np.float64]], kind: str = "runs") -> None:
    """Single runs as thin lines, all of them one artist.

    Args:
        axes: the panel.
        series: whose they are.
        curves: per run, ``(points, 2)``.
        kind: ``runs``, or ``diverged``.
    """
    if curves:
        lines = LineCollection(curves, colors=series.style.colour, linewidths=0.7, alpha=0.55, zorder=2.5)
        lines.set_gid(series.gid(kind))
        axes.add_collection(lines)
