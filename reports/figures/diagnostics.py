"""What training looked like from inside: KL, entropy, explained variance and gradient norm against steps."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from ...foreign import named, slug
from ...results.store.curve import METRIC
from ..catalogue import DIAGNOSTICS, DIAGNOSTICS_DRAWN
from .drawing import Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows, put_titles
from .names import fit
from .runs import plotted_runs, run_curves, runs_matrix
from .series import Series, draw_band, draw_line, draw_runs
from .style import LineStyle

_MARGINS = Margins(left=42.0, right=12.0, top=24.0, bottom=34.0)
_HEIGHT = 158.0
_DECADES = 1.5
"""Range from which on a positive quantity is drawn on a logarithmic axis."""


def diagnostics_apart(frame: pd.DataFrame, styles: Mapping[str, LineStyle]) -> tuple[Drawing, ...]:
    """A figure per environment with a panel per quantity; none for an environment where nothing is recorded.

    Args:
        frame: what `pgsuite.results.load` gives.
        styles: of all algorithms of the report.
    """
    runs = plotted_runs(frame)
    environments = [str(env) for env in dict.fromkeys(runs["env"])]
    drawings = (
        _drawing({env: runs[runs["env"] == env]}, styles, f"diagnostics-{slug(env)}", 2) for env in environments
    )
    return tuple(drawing for drawing in drawings if drawing is not None)


def diagnostics_together(frame: pd.DataFrame, styles: Mapping[str, LineStyle]) -> Drawing | None:
    """All environments in one figure: a row each, a column per quantity; None when nothing is recorded."""
    runs = plotted_runs(frame)
    by_environment = {str(env): runs[runs["env"] == env] for env in dict.fromkeys(runs["env"])}
    return _drawing(by_environment, styles, "diagnostics", None)


def _drawing(
    environments: Mapping[str, pd.DataFrame], styles: Mapping[str, LineStyle], name: str, columns: int | None
) -> Drawing | None:
    """A row of panels per environment, ``columns`` wide, or as wide as there are quantities."""
    everything = pd.concat(environments.values()) if environments else pd.DataFrame()
    metrics = [metric for metric in DIAGNOSTICS if _recorded(everything, metric)]
    if not metrics:
        return None
    shown = {label: styles[label] for label in styles if (everything["label"] == label).any()}
    apart = columns is not None
    columns = len(metrics) if columns is None else min(columns, len(metrics))
    panels = [(env, metric) for env in environments for metric in metrics]
    grid = Grid(len(panels), columns, PAGE / min(columns, 2) + 14 * (not apart), _HEIGHT)
    with theme():
        rows = key_rows(shown, grid.width * columns - 16)
        figure, axes = canvas(grid, _MARGINS if apart else _MARGINS._replace(left=56.0), below=key_height(rows))
        for index, ((env, metric), place) in enumerate(zip(panels, axes, strict=True)):
            _draw_panel(place, environments[env], metric, shown, name, index, single=apart)
            put_titles(place, DIAGNOSTICS[metric].heading if apart or index < columns else "")
            if not apart and index % columns == 0:
                place.set_ylabel(fit(named(env), _HEIGHT - 24, 9.5, bold=True), fontsize=9.5, fontweight="bold")
            place.set_xlabel("environment steps" if index + columns >= len(panels) else "")
        draw_key(figure, name, rows, shown)
    title = "Diagnostics" if len(environments) > 1 else f"Diagnostics on {named(next(iter(environments)))}"
    words = " ".join(_describe(env, runs, metrics) for env, runs in environments.items())
    return Drawing(name, title, DIAGNOSTICS_DRAWN, words, figure, {slug(label): label for label in shown})


def _recorded(runs: pd.DataFrame, metric: str) -> bool:
    column = METRIC + metric
    return column in runs and bool(np.isfinite(runs[column].to_numpy(np.float64)).any())


def _draw_panel(
    axes: Axes,
    runs: pd.DataFrame,
    metric: str,
    styles: Mapping[str, LineStyle],
    name: str,
    panel: int,
    *,
    single: bool,
) -> None:
    drawn = [np.empty(0)]
    for label, cell in runs.groupby("label", sort=False):
        if _recorded(cell, metric):
            series = Series(name, str(label), styles[str(label)], panel)
            drawn.append(_draw_cell(axes, series, cell, metric))
            if single:
                draw_runs(axes, series, run_curves(cell, METRIC + metric))
    values = np.concatenate(drawn)
    _scale(axes, values[np.isfinite(values)], metric)
    axes.set_xlim(0, runs["env_steps"].max() * 1.02 or 1)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _draw_cell(axes: Axes, series: Series, cell: pd.DataFrame, metric: str) -> NDArray[np.float64]:
    """Median and interquartile range; the values that the axis must hold."""
    steps, values = runs_matrix(cell, METRIC + metric)
    known = np.isfinite(values).any(axis=0)
    low, median, high = np.nanquantile(values[:, known], [0.25, 0.5, 0.75], axis=0)
    draw_band(axes, series, steps[known], low, high)
    draw_line(axes, series, steps[known], median, markersize=3.5, linewidth=1.3)
    return np.concatenate([low, median, high])


def _scale(axes: Axes, values: NDArray[np.float64], metric: str) -> None:
    """The axis of a panel: logarithmic over decades; KL from 0, explained variance as far down as -1."""
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if low > 0 and np.log10(high / low) > _DECADES:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.4, high * 1.4)
        axes.yaxis.set_major_locator(LogLocator(10, numticks=5))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        return
    if metric == "explained_variance":
        low, high = max(low, -1.0), max(high, 1.0)
    if metric == "kl":
        low = min(low, 0.0)
    margin = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _describe(env: str, runs: pd.DataFrame, metrics: Sequence[str]) -> str:
    """``Medians at the last checkpoint on CartPole-v1. Entropy (nats): trpo 0.1. …``."""
    parts = []
    for metric in metrics:
        numbers = []
        for label, cell in runs.groupby("label", sort=False):
            last = cell.loc[cell["env_steps"] == cell["env_steps"].max(), METRIC + metric]
            if np.isfinite(last).any():
                numbers.append(f"{named(str(label))} {float(last.median()):.3g}")
        parts += [f"{DIAGNOSTICS[metric].heading}: {', '.join(numbers)}."] if numbers else []
    return f"Medians at the last checkpoint on {named(env)}. {' '.join(parts)}"
