"""Learning curves: mean and interval over runs against environment steps. A seed is one run, the unit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import ArrayLike

from ...foreign import named, slug
from ...results.statistics.bootstrap import MEANINGFUL
from ...results.statistics.cost import other_steps
from ...results.statistics.metrics import mean_interval
from ...results.statistics.scores import possible
from ...wording import plural
from ..catalogue import curves_by_training_caption, curves_caption
from ..notation import decimals, fixed
from .drawing import MUTED, Drawing, theme
from .layout import DIVERGED, PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows, put_titles
from .runs import diverged_runs, plotted_runs, run_curves, runs_matrix
from .series import Series, draw_band, draw_line, draw_runs
from .style import LineStyle

_COLUMNS = 3
_MARGINS = Margins(left=52.0, right=52.0, top=26.0, bottom=36.0)
_HEIGHT = 236.0
APART = 0.06
"""Share of the height that two labels beside it need."""


class Panel(NamedTuple):
    """What one panel shows."""

    env: str
    completed: pd.DataFrame
    """Rows that enter the means (`plotted_runs`)."""
    diverged: pd.DataFrame


def curves_together(frame: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float) -> Drawing | None:
    """All environments in one figure, a panel each; None when there is nothing to draw."""
    panels = _panels(frame)
    columns = 2 if len(panels) == 4 else min(_COLUMNS, len(panels))
    return _drawing(panels, styles, level, "curves", columns, "Learning curves") if panels else None


def curves_apart(frame: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float) -> tuple[Drawing, ...]:
    """A figure per environment, with every single run as an artist of the kind ``runs``: for a page, which hides it."""
    return tuple(
        _drawing([panel], styles, level, f"curves-{slug(panel.env)}", 1, f"Learning curves on {named(panel.env)}")
        for panel in _panels(frame)
    )


def curves_by_training(frame: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float) -> tuple[Drawing, ...]:
    """All environments against the steps of training alone; nothing where all steps of all algorithms are."""
    others = other_steps(frame)
    if not (others > 0).any():
        return ()
    training = frame.assign(env_steps=frame["trained_steps"] - others)
    cell = ["env", "label", "status"]
    training["env_steps"] = training.groupby([*cell, frame["env_steps"]], sort=False)["env_steps"].transform("mean")
    panels = _panels(training.drop_duplicates([*cell, "seed", "env_steps"], keep="last"))
    columns = 2 if len(panels) == 4 else min(_COLUMNS, len(panels))
    title, axis = "Learning curves over steps of training", "steps of training"
    drawing = _drawing(panels, styles, level, "curves-training", columns, title, axis)
    return (replace(drawing, caption=curves_by_training_caption(level)),)


def _panels(frame: pd.DataFrame) -> list[Panel]:
    completed, diverged = plotted_runs(frame), diverged_runs(frame)
    environments = dict.fromkeys([*completed["env"], *diverged["env"]])
    return [
        Panel(str(env), completed[completed["env"] == env], diverged[diverged["env"] == env]) for env in environments
    ]


def _drawing(
    panels: Sequence[Panel],
    styles: Mapping[str, LineStyle],
    level: float,
    name: str,
    columns: int,
    title: str,
    axis: str = "environment steps",
) -> Drawing:
    there = {label for panel in panels for label in [*panel.completed["label"], *panel.diverged["label"]]}
    styles = {label: style for label, style in styles.items() if label in there}
    grid = Grid(len(panels), columns, PAGE - 40 * (columns > 1), _HEIGHT)
    any_diverged = any(not panel.diverged.empty for panel in panels)
    with theme():
        rows = key_rows(styles, grid.width * columns - 16, [DIVERGED] * any_diverged)
        figure, axes = canvas(grid, _MARGINS, below=key_height(rows))
        for index, (panel, place) in enumerate(zip(panels, axes, strict=True)):
            alone = len(panels) == 1
            _draw_panel(place, panel, styles, level, name, None if alone else index)
            place.set_xlabel(axis if index + columns >= len(panels) else "")
            place.set_ylabel("return (mean over runs)" if index % columns == 0 else "")
        draw_key(figure, name, rows, styles)
    series = {slug(label): label for label in styles}
    return Drawing(name, title, curves_caption(level), " ".join(map(_describe, panels)), figure, series)


def _draw_panel(
    axes: Axes, panel: Panel, styles: Mapping[str, LineStyle], level: float, name: str, number: int | None
) -> None:
    for label, cell in panel.completed.groupby("label", sort=False):
        _draw_cell(axes, Series(name, str(label), styles[str(label)], number), cell, level, hidden=number is None)
    for label, rows in panel.diverged.groupby("label", sort=False):
        _draw_diverged(axes, Series(name, str(label), styles[str(label)], number), rows)
    shown = pd.concat([panel.completed, panel.diverged])
    low, high = _anchor_lines(axes, shown, *_range(shown["return_mean"]))
    margin = 0.05 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(0, shown["env_steps"].max() * 1.02 or 1)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    put_titles(axes, named(panel.env), _runs_text(panel.completed))


def _draw_cell(axes: Axes, series: Series, cell: pd.DataFrame, level: float, *, hidden: bool) -> None:
    """Line, band and single runs; the runs where a page can hide them, or where there are too few for a band."""
    steps, returns = runs_matrix(cell)
    draw_line(axes, series, steps, returns.mean(axis=0))
    few = len(returns) < MEANINGFUL
    if not few:
        within, _ = possible(cell)
        low, high = np.transpose([mean_interval(column, level, within) for column in returns.T])
        draw_band(axes, series, steps, low, high)
    if hidden or (few and len(returns) > 1):
        draw_runs(axes, series, run_curves(cell), "few" if few else "runs")


def _draw_diverged(axes: Axes, series: Series, rows: pd.DataFrame) -> None:
    curves = run_curves(rows)
    draw_runs(axes, series, curves, "diverged")
    for index, curve in enumerate(curves):
        gid = series.gid("diverged") + f"--end-{index}"
        axes.plot(*curve[-1:].T, "x", color=series.style.colour, markersize=6, zorder=4, gid=gid)


def _range(returns: ArrayLike) -> tuple[float, float]:
    """Where the single runs lie: the interval of few runs may be far wider, and would flatten the curves."""
    values = np.asarray(returns, dtype=np.float64)
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def _anchor_lines(axes: Axes, curves: pd.DataFrame, low: float, high: float) -> tuple[float, float]:
    """Draw the anchors that lie near enough to the data not to flatten it; the range that shows them."""
    near = 0.5 * (high - low)
    values = {name: float(curves[f"anchor/{name}"].iloc[0]) for name in ("random", "reference")}
    shown = {name: value for name, value in values.items() if low - near <= value <= high + near}
    low, high = min([low, *shown.values()]), max([high, *shown.values()])
    if len(shown) == 2 and abs(values["reference"] - values["random"]) < APART * (high - low):
        shown = {"random, ref.": values["random"]}
    for name, value in shown.items():
        axes.axhline(value, color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
        place = axes.get_yaxis_transform()
        axes.text(1.015, value, name, transform=place, verticalalignment="center", fontsize=7.5, color=MUTED)
    return low, high


def _runs_text(curves: pd.DataFrame) -> str:
    if curves.empty:
        return "no completed run"
    numbers = curves["runs"]
    fewest, most = int(numbers.min()), int(numbers.max())
    text = plural(most, "run") if fewest == most else f"{fewest} to {plural(most, 'run')}"
    unfinished = " (unfinished)" if (curves["status"] == "partial").any() else ""
    return f"{text}{' each' if curves['label'].nunique() > 1 else ''}{unfinished}"


def _describe(panel: Panel) -> str:
    """``Mean return at the last checkpoint on CartPole-v1: trpo 500.0 (10 runs), …``."""
    parts = []
    for label, cell in panel.completed.groupby("label", sort=False):
        last = cell[cell["env_steps"] == cell["env_steps"].max()]
        mean = float(last["return_mean"].mean())
        unfinished = ", unfinished" if (cell["status"] == "partial").any() else ""
        parts.append(f"{named(str(label))} {fixed(mean, decimals(mean))} ({plural(len(last), 'run')}{unfinished})")
    for label, rows in panel.diverged.groupby("label", sort=False):
        parts.append(f"{named(str(label))} {rows['seed'].nunique()} diverged")
    return f"Mean return at the last checkpoint on {named(panel.env)}: {', '.join(parts)}."
