"""Time to threshold: steps until half of the runs reached a score, with the runs that never did kept in sight."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from ...foreign import named, slug
from ...wording import plural
from ..catalogue import thresholds_caption
from ..notation import si
from .drawing import MUTED, Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, put_titles
from .names import short_names, text_width
from .series import Series
from .style import LineStyle

_ROW = 21.0
_RIGHT = 46.0


def thresholds_figure(
    thresholds: pd.DataFrame,
    budgets: Mapping[str, float],
    styles: Mapping[str, LineStyle],
) -> Drawing | None:
    """A panel per environment and a row per algorithm: the median, or an arrow at the budget where it is censored.

    Args:
        thresholds: ``label, env, threshold, reached, runs, median_steps``, of one threshold.
        budgets: environment steps of each environment.
        styles: of all algorithms of the report.
    """
    table = thresholds[(thresholds["runs"] > 0) & thresholds["env"].isin(budgets)] if len(thresholds) else thresholds
    if table.empty:
        return None
    at = float(table["threshold"].iloc[0])
    environments = [str(env) for env in dict.fromkeys(table["env"])]
    shown = {label: styles[label] for label in styles if (table["label"] == label).any()}
    names = short_names(shown, 22)
    margins = Margins(max(text_width(text, 8.5) for text in names.values()) + 12.0, _RIGHT, 26.0, 34.0)
    grid = Grid(len(environments), 1, PAGE, _ROW * len(shown) + margins.top + margins.bottom)
    name = "thresholds"
    with theme():
        figure, panels = canvas(grid, margins)
        for index, (env, axes) in enumerate(zip(environments, panels, strict=True)):
            _draw_panel(axes, table[table["env"] == env], budgets[env], shown, name, index)
            put_titles(axes, named(env))
            axes.set_yticks(range(len(shown)), list(names.values()))
            axes.set_xlabel("environment steps" if index == len(environments) - 1 else "")
    return Drawing(
        name,
        f"Steps to a score of {at:g}",
        thresholds_caption(at),
        _describe(table, at),
        figure,
        {slug(label): label for label in shown},
    )


def _draw_panel(
    axes: Axes, table: pd.DataFrame, budget: float, styles: Mapping[str, LineStyle], name: str, panel: int
) -> None:
    records = {str(row["label"]): row for row in table.to_dict("records")}
    for index, (label, style) in enumerate(styles.items()):
        if label not in records:
            axes.text(1.03, index, "no run", transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=MUTED)
            continue
        row, series = records[label], Series(name, label, style, panel)
        median = float(row["median_steps"])
        censored = bool(np.isnan(median))
        end = budget if censored else median
        axes.plot(
            [0, end],
            [index, index],
            color=style.colour,
            linewidth=1.4,
            alpha=0.8,
            gid=series.gid("line"),
            linestyle=":" if censored else "-",
        )
        axes.plot(
            end,
            index,
            marker=">" if censored else style.marker,
            color=style.colour,
            markersize=6.5,
            markerfacecolor="none" if censored else style.colour,
            clip_on=False,
            gid=series.gid("point"),
        )
        text = f"{int(row['reached'])} of {int(row['runs'])}"
        axes.text(
            1.03,
            index,
            text,
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=MUTED,
            gid=series.gid("number"),
        )
    axes.set_ylim(len(styles) - 0.5, -0.5)
    axes.set_xlim(0, budget or 1.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _describe(table: pd.DataFrame, at: float) -> str:
    """Say ``On CartPole-v1: trpo 35k steps (10 of 10 runs), reinforce not within the budget (4 of 10 runs)``."""
    parts = []
    for env, rows in table.groupby("env", sort=False):
        numbers = []
        for row in rows.to_dict("records"):
            median = float(row["median_steps"])
            when = "not within the budget" if np.isnan(median) else f"{si(median)} steps"
            numbers.append(f"{named(str(row['label']))} {when} ({row['reached']} of {plural(row['runs'], 'run')})")
        parts.append(f"On {named(str(env))}: {', '.join(numbers)}.")
    return f"Median steps to a score of {at:g}. {' '.join(parts)}"
