"""Where things stand in a figure, in points: panels in a grid, and a key of the algorithms under them.

Sizes are worked out from the text beforehand: a layout engine that draws to measure takes longer than the drawing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Affine2D, Transform

from ...foreign import slug
from .drawing import MUTED, new_figure
from .names import fit, short_names, text_width
from .series import line_options
from .style import LineStyle

PAGE = 360.0
"""Width of a figure that is readable on a phone and half a desktop page alike."""
_KEY_SIZE = 8.5
_KEY_LINE = 15.0
_HANDLE = 32.0
"""A piece of a line that is long enough to see its dash beside its mark, and the space behind it."""
_STROKE = 27.0
_GAP = 7.0
DIVERGED = "diverged run"
DIVERGED_KEY: dict[str, Any] = {"color": MUTED, "marker": "x", "linewidth": 0.8, "markersize": 5.0}


class Margins(NamedTuple):
    """Space around a panel for its labels, in points."""

    left: float = 50.0
    right: float = 12.0
    top: float = 24.0
    bottom: float = 36.0


class Grid(NamedTuple):
    """How many panels there are and how large each is, margins included."""

    panels: int
    columns: int
    width: float
    height: float

    @property
    def rows(self) -> int:
        """Rows that hold all panels."""
        return -(-self.panels // self.columns)


def canvas(grid: Grid, margins: Margins, *, below: float = 0.0) -> tuple[Figure, list[Axes]]:
    """An empty figure and its panels, row by row from the top left.

    Args:
        grid: number and size of the panels.
        margins: space around each.
        below: space under all of them, for a key.
    """
    width, height = grid.columns * grid.width, grid.rows * grid.height + below
    figure = new_figure(width, height)
    panels = []
    for index in range(grid.panels):
        row, column = divmod(index, grid.columns)
        left = column * grid.width + margins.left
        bottom = height - (row + 1) * grid.height + margins.bottom
        inner = (grid.width - margins.left - margins.right, grid.height - margins.top - margins.bottom)
        panels.append(figure.add_axes((left / width, bottom / height, inner[0] / width, inner[1] / height)))
    return figure, panels


def points(figure: Figure) -> Transform:
    """From points, counted from the lower left corner, to the figure."""
    return Affine2D().scale(1 / 72) + figure.dpi_scale_trans


def put_titles(axes: Axes, left: str, right: str = "") -> None:
    """What a panel shows, in bold and as much of it as fits, and a remark at its other end."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    room = axes.get_position().width * figure.get_figwidth() * 72 - text_width(right, 8.0) - 10.0
    axes.set_title(fit(left, room, 10.0, bold=True))
    axes.set_title(right, loc="right", fontsize=8.0, color=MUTED, fontweight="normal")


def key_rows(styles: Mapping[str, LineStyle], width: float, extra: Sequence[str] = ()) -> list[list[str]]:
    """The names of a key, broken into rows of this width in points."""
    shown = short_names(styles) | {name: name for name in extra}
    rows: list[list[str]] = [[]]
    used = 0.0
    for name, text in shown.items():
        needed = _HANDLE + text_width(text, _KEY_SIZE) + _GAP
        if rows[-1] and used + needed > width:
            rows, used = [*rows, []], 0.0
        rows[-1].append(name)
        used += needed
    return rows


def key_height(rows: Sequence[Sequence[str]]) -> float:
    """Space that a key needs under the panels, in points."""
    return _KEY_LINE * len(rows) + 6.0


def draw_key(figure: Figure, figure_name: str, rows: Sequence[Sequence[str]], styles: Mapping[str, LineStyle]) -> None:
    """Draw the key at the foot of the figure: a piece of each line and its name; anything else is a diverged run."""
    place, shown = points(figure), short_names(styles)
    for number, names in enumerate(rows):
        widths = [_HANDLE + text_width(shown.get(name, name), _KEY_SIZE) for name in names]
        left = (figure.get_figwidth() * 72 - sum(widths) - _GAP * (len(names) - 1)) / 2
        middle = 6.0 + _KEY_LINE * (len(rows) - 1 - number) + _KEY_LINE / 2
        for name, width in zip(names, widths, strict=True):
            options = line_options(styles[name]) if name in styles else DIVERGED_KEY
            gid = f"{figure_name}--{slug(name)}" if name in styles else None
            ends = ([left, left + _STROKE / 2, left + _STROKE], [middle] * 3)
            handle = Line2D(*ends, transform=place, markevery=[1], gid=gid and f"{gid}--key", **options)
            figure.add_artist(handle)
            text = figure.text(left + _HANDLE, middle, shown.get(name, name), transform=place, fontsize=_KEY_SIZE)
            text.set(verticalalignment="center_baseline", gid=gid and f"{gid}--label")
            left += width + _GAP
