"""Aggregates over a suite as lines with bands: sample efficiency and performance profiles."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from ...foreign import named, slug
from ..catalogue import efficiency_caption, profiles_caption
from ..notation import fixed
from .drawing import Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows
from .series import Series, draw_band, draw_line
from .style import LineStyle

_MARGINS = Margins(left=52.0, right=16.0, top=12.0, bottom=38.0)
_HEIGHT = 250.0


class Columns(NamedTuple):
    """Which columns of a table are drawn."""

    x: str
    y: str
    steps: bool = False
    """Whether a value holds until the next one, instead of a straight line between them."""


def efficiency_figure(
    efficiency: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float = 0.95
) -> Drawing | None:
    """IQM of the score against environment steps, or the share of the budget where budgets differ.

    Args:
        efficiency: ``label, progress, env_steps, iqm, low, high``; ``env_steps`` NaN where budgets differ.
        styles: of all algorithms of the report.
        level: of the band.
    """
    table = _known(efficiency, "iqm")
    if table.empty:
        return None
    same_budget = bool(table["env_steps"].notna().all())
    columns = Columns("env_steps" if same_budget else "progress", "iqm")
    drawing = _lines(
        table, styles, columns, "efficiency", "Sample efficiency", efficiency_caption(level), _efficiency_words(table)
    )
    axes = drawing.figure.axes[0]
    axes.set_xlabel("environment steps" if same_budget else "share of the budget of environment steps")
    axes.xaxis.set_major_formatter(EngFormatter(sep="") if same_budget else PercentFormatter(1.0))
    axes.set_ylabel("score (IQM over runs and environments)")
    return drawing


def profiles_figure(profiles: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float = 0.95) -> Drawing | None:
    """Performance profiles: the share of runs whose final score is above each threshold.

    Args:
        profiles: ``label, threshold, share, low, high``.
        styles: of all algorithms of the report.
        level: of the band.
    """
    table = _known(profiles, "share")
    if table.empty:
        return None
    columns = Columns("threshold", "share", steps=True)
    drawing = _lines(
        table, styles, columns, "profiles", "Performance profiles", profiles_caption(level), _profile_words(table)
    )
    axes = drawing.figure.axes[0]
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("final score τ")
    axes.set_ylabel("share of runs with score > τ")
    return drawing


def _known(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows that have a number; a table without rows may lack its columns too."""
    return table[table[column].notna()] if len(table) else table


def _lines(
    table: pd.DataFrame,
    styles: Mapping[str, LineStyle],
    columns: Columns,
    name: str,
    title: str,
    caption: str,
    description: str,
) -> Drawing:
    """One panel of lines with bands and a key, for whoever is in the table."""
    shown = {label: styles[label] for label in styles if (table["label"] == label).any()}
    with theme():
        rows = key_rows(shown, PAGE - 16)
        figure, (axes,) = canvas(Grid(1, 1, PAGE, _HEIGHT), _MARGINS, below=key_height(rows))
        for label, style in shown.items():
            _draw(axes, Series(name, label, style), table[table["label"] == label], columns)
        low, high = table[columns.x].min(), table[columns.x].max()
        axes.set_xlim(low, high + (0.02 * (high - low) or 1.0))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        draw_key(figure, name, rows, shown)
    return Drawing(name, title, caption, description, figure, {slug(label): label for label in shown})


def _draw(axes: Axes, series: Series, rows: pd.DataFrame, columns: Columns) -> None:
    rows = rows.sort_values(columns.x)
    line: dict[str, Any] = {"drawstyle": "steps-post"} if columns.steps else {}
    band: dict[str, Any] = {"step": "post"} if columns.steps else {}
    draw_line(axes, series, rows[columns.x], rows[columns.y], **line)
    draw_band(axes, series, rows[columns.x], rows["low"], rows["high"], **band)


def _efficiency_words(table: pd.DataFrame) -> str:
    halfway = [_nearest(table, "progress", share, "iqm") for share in (0.5, 1.0)]
    return f"IQM of the score at half the budget: {halfway[0]}. At the end: {halfway[1]}."


def _profile_words(table: pd.DataFrame) -> str:
    levels: Sequence[float] = (0.5, 0.9)
    return " ".join(
        f"Share of runs with a score above {at}: {_nearest(table, 'threshold', at, 'share')}." for at in levels
    )


def _nearest(table: pd.DataFrame, column: str, value: float, of: str) -> str:
    """``trpo 0.98, reinforce 0.61``: at the row of each algorithm that lies nearest to a value."""
    parts = []
    for label, rows in table.groupby("label", sort=False):
        nearest = int(np.abs(rows[column].to_numpy(np.float64) - value).argmin())
        parts.append(f"{named(str(label))} {fixed(rows[of].iloc[nearest], 2)}")
    return ", ".join(parts)
