"""Aggregate metrics with their intervals: one panel per metric, one row per algorithm (Agarwal et al. 2021, fig. 9)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...foreign import named, slug
from ..catalogue import AGGREGATES, STATISTICS, aggregates_caption
from ..notation import fixed
from .drawing import MUTED, Drawing, theme
from .layout import PAGE, Grid, Margins, canvas
from .names import short_names, text_width
from .series import Series
from .style import LineStyle

METRICS = ("iqm", "median", "mean", "optimality_gap")
"""Panels, in order."""
_COLUMNS = 2
_ROW = 26.0
_NUMBER = 7.5


def aggregates_figure(
    leaderboard: pd.DataFrame,
    styles: Mapping[str, LineStyle],
    *,
    statistic: str = "final",
    level: float = 0.95,
) -> Drawing | None:
    """Point estimate and interval of each aggregate.

    Args:
        leaderboard: ``label, statistic, metric, estimate, low, high, lacking``, among other columns.
        styles: of all algorithms of the report.
        statistic: ``final`` or ``auc``.
        level: of the intervals.
    """
    if leaderboard.empty:
        return None
    table = leaderboard[(leaderboard["statistic"] == statistic) & leaderboard["estimate"].notna()]
    table = table[table["metric"].isin(list(METRICS))]
    if table.empty:
        return None
    name = f"aggregates-{statistic}"
    shown = {label: styles[label] for label in styles if (table["label"] == label).any()}
    names = _row_names(table, shown)
    first = max(text_width(text, 9.0) for text in names.values()) + 12.0
    grid, margins = _sizes(len(shown), first)
    with theme():
        figure, panels = canvas(grid, margins)
        for index, (metric, axes) in enumerate(zip(METRICS, panels, strict=True)):
            _draw_panel(axes, table[table["metric"] == metric], shown, name, index)
            axes.set_title(AGGREGATES[metric].heading)
            axes.set_xlabel("score (lower is better)" if metric == "optimality_gap" else "score")
            axes.set_yticks(range(len(shown)), list(names.values()) if index % _COLUMNS == 0 else [])
            _widen(axes, index % _COLUMNS, grid, first)
        _share_range(panels[:3])
    title = f"Aggregates of the {STATISTICS[statistic].in_figures}"
    without_bars, lacking = table[["low", "high"]].isna().any(axis=None), table["lacking"].map(len).any()
    caption = aggregates_caption(statistic, level, without_bars=bool(without_bars), lacking=bool(lacking))
    series = {slug(label): label for label in shown}
    return Drawing(name, title, caption, _describe(table, statistic), figure, series)


def _row_names(table: pd.DataFrame, styles: Mapping[str, LineStyle]) -> dict[str, str]:
    """What the rows are called: with a star where an algorithm lacks an environment."""
    lacking = {str(row["label"]) for row in table.to_dict("records") if len(row["lacking"])}
    return {label: text + " *" * (label in lacking) for label, text in short_names(styles, 22).items()}


def _sizes(rows: int, first: float) -> tuple[Grid, Margins]:
    """Panels of one width beside the names of the rows, which stand at the left of all."""
    margins = Margins(left=8.0, right=10.0, top=26.0, bottom=36.0)
    inner = max(118.0, (PAGE - first) / 2 - margins.left - margins.right)
    width = inner + margins.left + margins.right + first / _COLUMNS
    return Grid(len(METRICS), _COLUMNS, width, _ROW * rows + 10.0 + margins.top + margins.bottom), margins


def _widen(axes: Axes, column: int, grid: Grid, first: float) -> None:
    """Move a panel to where it stands beside the names."""
    total = grid.width * grid.columns
    inner = (total - first) / grid.columns
    box = axes.get_position()
    axes.set_position((((first + column * inner) + 8.0) / total, box.y0, (inner - 18.0) / total, box.height))


def _draw_panel(axes: Axes, table: pd.DataFrame, styles: Mapping[str, LineStyle], name: str, panel: int) -> None:
    records = {str(row["label"]): row for row in table.to_dict("records")}
    for index, (label, style) in enumerate(styles.items()):
        if label not in records:
            continue
        row, series = records[label], Series(name, label, style, panel)
        bounds = [row["low"], row["high"]]
        axes.plot(
            bounds,
            [index, index],
            color=style.colour,
            linewidth=11,
            alpha=0.45,
            solid_capstyle="butt",
            gid=series.gid("interval"),
        )
        axes.plot(
            row["estimate"], index, marker=style.marker, color=style.colour, markersize=4, gid=series.gid("point")
        )
        axes.text(
            row["estimate"],
            index - 0.27,
            fixed(row["estimate"], 2),
            horizontalalignment="center",
            fontsize=_NUMBER,
            verticalalignment="bottom",
            color=MUTED,
            gid=series.gid("number"),
        )
    axes.set_ylim(len(styles) - 0.5, -0.75)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    _set_range(axes, table)


def _set_range(axes: Axes, table: pd.DataFrame) -> None:
    values = table[["estimate", "low", "high"]].to_numpy(np.float64)
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if values.size else (0.0, 1.0)
    margin = max(0.12 * (high - low), 0.02)
    axes.set_xlim(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def _share_range(panels: list[Axes]) -> None:
    """The same axis for aggregates of the same kind."""
    limits = np.array([axes.get_xlim() for axes in panels])
    for axes in panels:
        axes.set_xlim(limits[:, 0].min(), limits[:, 1].max())


def _describe(table: pd.DataFrame, statistic: str) -> str:
    """``Final score, IQM: trpo 0.93 (0.90 to 0.95), … Median: …``."""
    parts = []
    for metric in METRICS:
        rows = table[table["metric"] == metric].to_dict("records")
        numbers = [
            f"{named(str(row['label']))} {fixed(row['estimate'], 2)}{_bounds(row['low'], row['high'])}" for row in rows
        ]
        parts.append(f"{AGGREGATES[metric].heading}: {', '.join(numbers)}.")
    return f"{STATISTICS[statistic].in_figures.capitalize()}. {' '.join(parts)}"


def _bounds(low: float, high: float) -> str:
    return "" if np.isnan(low) or np.isnan(high) else f" ({fixed(low, 2)} to {fixed(high, 2)})"
