"""Probability of improvement as a matrix: P(a run of the row's algorithm scores above one of the column's)."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...foreign import named
from ..catalogue import STATISTICS, improvement_drawn_caption
from .drawing import Drawing, theme
from .layout import PAGE, Grid, Margins, canvas
from .names import short_names, text_width
from .style import LineStyle

_CELL = (58.0, 38.0)
_SIZE = 8.5


def improvement_figure(
    improvement: pd.DataFrame,
    styles: Mapping[str, LineStyle],
    *,
    statistic: str = "final",
    level: float = 0.95,
) -> Drawing | None:
    """A heat map with numbers and intervals.

    Args:
        improvement: ``statistic, x, y, probability, low, high``; a pair may stand there once or in both directions.
        styles: of all algorithms of the report.
        statistic: ``final`` or ``auc``.
        level: of the intervals.
    """
    if improvement.empty:
        return None
    table = improvement[(improvement["statistic"] == statistic) & improvement["probability"].notna()]
    labels = [label for label in styles if label in {*table["x"], *table["y"]}]
    if not labels:
        return None
    matrix = np.stack([_matrix(table, labels, column) for column in ("probability", "low", "high")])
    rows = short_names(labels, 22)
    columns = [textwrap.wrap(text, 12) for text in rows.values()]
    with theme():
        axes, figure = _canvas(list(rows.values()), columns)
        _heat(axes, matrix[0], list(rows.values()), columns)
        _numbers(axes, matrix)
    title = f"Probability of improvement ({STATISTICS[statistic].in_figures})"
    caption = improvement_drawn_caption(statistic, level)
    return Drawing(f"improvement-{statistic}", title, caption, _describe(matrix, labels), figure, {})


def _matrix(table: pd.DataFrame, labels: Sequence[str], column: str) -> NDArray[np.float64]:
    """``(labels, labels)`` of one column; the direction that is not in the table by P(y > x) = 1 - P(x > y)."""
    mirrored = {"probability": "probability", "low": "high", "high": "low"}[column]
    index = {label: number for number, label in enumerate(labels)}
    matrix = np.full((len(labels), len(labels)), np.nan)
    for row in table.to_dict("records"):
        matrix[index[row["y"]], index[row["x"]]] = 1 - row[mirrored]
    for row in table.to_dict("records"):
        matrix[index[row["x"]], index[row["y"]]] = row[column]
    return matrix


def _canvas(rows: Sequence[str], columns: Sequence[Sequence[str]]) -> tuple[Axes, Figure]:
    """A panel whose cells are large enough for the numbers and the names, which stand in lines above."""
    left = max(text_width(text, _SIZE) for text in rows) + 10.0
    longest = max(text_width(line, _SIZE) for lines in columns for line in lines)
    width = max(_CELL[0], longest + 8.0, min((PAGE - left - 8.0) / len(columns), 80.0))
    top = 1.25 * _SIZE * max(map(len, columns)) + 12.0
    grid = Grid(1, 1, left + width * len(columns) + 8.0, top + _CELL[1] * len(rows) + 10.0)
    figure, (axes,) = canvas(grid, Margins(left, 8.0, top, 10.0))
    return axes, figure


def _colours() -> Colormap:
    """Red to blue through a light grey: told apart by all readers, and symmetric about one half."""
    import seaborn as sns

    colours: Colormap = sns.color_palette("vlag_r", as_cmap=True)
    return colours


def _heat(axes: Axes, probability: NDArray[np.float64], rows: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    import seaborn as sns  # takes longer to load than this figure to draw, and no other figure needs it

    sns.heatmap(
        probability,
        ax=axes,
        cmap=_colours(),
        vmin=0.0,
        vmax=1.0,
        cbar=False,
        mask=np.isnan(probability),
        xticklabels=False,
        yticklabels=False,
    )
    centres = np.arange(len(rows)) + 0.5
    axes.set_xticks(centres, ["\n".join(lines) for lines in columns])
    axes.set_yticks(centres, rows)
    axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False, labelsize=_SIZE)
    axes.grid(visible=False)
    axes.set_title("")


def _numbers(axes: Axes, matrix: NDArray[np.float64]) -> None:
    """The probability and, under it, its interval; black or white, whichever reads better on the cell."""
    colours = _colours()
    for (row, column), probability in np.ndenumerate(matrix[0]):
        if row == column or np.isnan(probability):
            axes.text(
                column + 0.5, row + 0.5, "–" if row == column else "no data", ha="center", va="center", fontsize=8
            )
            continue
        low, high = matrix[1:, row, column]
        ink = _ink(to_rgb(colours(float(probability))))
        decided = low > 0.5 or high < 0.5
        both = not np.isnan([low, high]).any()
        axes.text(
            column + 0.5,
            row + (0.4 if both else 0.5),
            f"{probability:.2f}",
            color=ink,
            fontsize=10,
            fontweight="bold" if decided else "normal",
            ha="center",
            va="center",
        )
        if both:
            axes.text(
                column + 0.5, row + 0.73, f"{low:.2f}–{high:.2f}", color=ink, fontsize=7.5, ha="center", va="center"
            )


def _ink(background: tuple[float, float, float]) -> str:
    """Black or white, by the relative luminance of the background (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in background]
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return "#000000" if luminance > 0.179 else "#ffffff"


def _describe(matrix: NDArray[np.float64], labels: Sequence[str]) -> str:
    """``trpo over reinforce: 0.97 (0.91 to 1.00). …``, each pair once, in the direction above one half."""
    parts = []
    for i, j in zip(*np.triu_indices(len(labels), 1), strict=True):
        x, y = (int(i), int(j)) if not matrix[0, i, j] < 0.5 else (int(j), int(i))
        probability, low, high = matrix[:, x, y]
        if np.isnan(probability):
            continue
        interval = "" if np.isnan([low, high]).any() else f" ({low:.2f} to {high:.2f})"
        parts.append(f"{named(labels[x])} over {named(labels[y])}: {probability:.2f}{interval}.")
    return "Probability of improvement. " + " ".join(parts)
