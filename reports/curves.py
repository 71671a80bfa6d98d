"""Learning curves: one panel per environment, mean and 95% interval over runs. A seed is one run, the unit.

seaborn and matplotlib are imported when something is drawn: they take longer to load than a table takes to print.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..results.metrics import mean_interval
from .cells import labels
from .style import LineStyle, line_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTION = (
    "Learning curves: mean (line) and 95% Student t interval of the mean (band) over runs, evaluated at fixed "
    "numbers of environment steps; one run is one seed, its number is given in each panel. "
    "Dotted: return of the uniform random policy and reference return, where they lie in range. "
    "A thin line that ends in a cross is a run that diverged there; it is not in the mean."
)
_COLUMNS = 3
_MARKS_PER_LINE = 6
_STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: searchable, and in the reader's font
    "svg.hashsalt": "pgsuite",  # the same figure is the same file
}


def plot_curves(frame: pd.DataFrame, out: Path, name: str = "curves") -> list[Path]:
    """Draw the learning curves of one suite.

    Args:
        frame: what `pgsuite.results.load` gives, of one suite.
        out: an existing folder.
        name: of the files, without their ending.

    Returns:
        The PNG and the SVG file; nothing when there is nothing to draw.
    """
    curves, diverged = plotted_runs(frame), diverged_runs(frame)
    if curves.empty and diverged.empty:
        return []
    from matplotlib import rc_context

    with rc_context(_STYLE):
        figure = _draw(curves, diverged)
        png, svg = out / f"{name}.png", out / f"{name}.svg"
        figure.savefig(png, dpi=170, bbox_inches="tight")
        figure.savefig(svg, bbox_inches="tight", metadata={"Date": None})
    return [png, svg]


def plotted_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that enter the means, with ``label`` and, per row, the number of ``runs`` of its cell.

    They are those of a cell's completed runs. While it has none, they are those of its unfinished runs, as far as all
    of them have come: a mean whose runs drop out on the way would show their dropping out as learning.
    """
    if frame.empty:
        return frame.assign(label="", runs=0)
    frame = frame.assign(label=labels(frame))
    kept = []
    for _, cell in frame.groupby(["suite", "env", "label"], sort=False):
        complete = cell[cell["status"] == "complete"]
        runs = complete if len(complete) else cell[cell["status"] == "partial"]
        number = runs["seed"].nunique()
        shared = runs.groupby("env_steps")["seed"].transform("nunique") == number
        kept.append(runs[shared].assign(runs=number))
    return pd.concat(kept, ignore_index=True)


def diverged_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of diverged runs, with ``label``: up to where they diverged."""
    if frame.empty:
        return frame.assign(label="")
    return frame.assign(label=labels(frame))[frame["status"] == "diverged"]


def _draw(curves: pd.DataFrame, diverged: pd.DataFrame) -> "Figure":
    from matplotlib.figure import Figure

    styles = line_styles(dict.fromkeys([*curves["label"], *diverged["label"]]))
    environments = list(dict.fromkeys([*curves["env"], *diverged["env"]]))
    columns = 2 if len(environments) == 4 else min(_COLUMNS, len(environments))
    rows = -(-len(environments) // columns)
    figure = Figure(figsize=(3.9 * columns + 0.4, 2.9 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for index, (axes, env) in enumerate(zip(panels, environments, strict=False)):
        _panel(axes, curves[curves["env"] == env], diverged[diverged["env"] == env], styles)
        axes.set_title(env, loc="left", fontweight="bold")
        axes.set_xlabel("environment steps" if index + columns >= len(environments) else "")
        axes.set_ylabel("return (evaluation, mean over runs)" if index % columns == 0 else "")
    for axes in panels[len(environments) :]:
        axes.remove()
    _legend(figure, styles, columns=columns, any_diverged=not diverged.empty)
    return figure


def _panel(axes: "Axes", curves: pd.DataFrame, diverged: pd.DataFrame, styles: Mapping[str, LineStyle]) -> None:
    import seaborn as sns
    from matplotlib.ticker import EngFormatter

    for label, cell in curves.groupby("label", sort=False):
        points = cell["env_steps"].nunique()
        sns.lineplot(
            cell,
            x="env_steps",
            y="return_mean",
            errorbar=mean_interval,
            err_kws={"alpha": 0.15, "linewidth": 0},
            ax=axes,
            **_line_options(styles[str(label)]),
            markevery=max(1, round(points / _MARKS_PER_LINE)),
        )
    for _, run in diverged.groupby(["label", "seed"], sort=False):
        colour = styles[str(run["label"].iloc[0])].colour
        axes.plot(run["env_steps"], run["return_mean"], color=colour, linewidth=0.6, alpha=0.6)
        axes.plot(run["env_steps"].iloc[-1:], run["return_mean"].iloc[-1:], "x", color=colour, markersize=6)
    shown = pd.concat([curves, diverged])
    low, high = _anchor_lines(axes, shown, *_range(shown["return_mean"]))
    margin = 0.05 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(0, shown["env_steps"].max() * 1.02 or 1)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_title(_runs_text(curves), loc="right", fontsize=8, color="#666666")


def _range(returns: ArrayLike) -> tuple[float, float]:
    """Where the single runs lie: the interval of two or three runs may be far wider, and would flatten the curves."""
    values = np.asarray(returns, dtype=np.float64)
    return float(np.nanmin(values)), float(np.nanmax(values))


def _anchor_lines(axes: "Axes", curves: pd.DataFrame, low: float, high: float) -> tuple[float, float]:
    """Draw the anchors that lie near enough to the data not to flatten it; the range that shows them."""
    near = 0.5 * (high - low)
    for name in ("random", "reference"):
        value = float(curves[f"anchor/{name}"].iloc[0])
        if low - near <= value <= high + near:
            low, high = min(low, value), max(high, value)
            axes.axhline(value, color="#555555", linewidth=0.8, linestyle=":", zorder=1)
            axes.annotate(
                name,
                (1.0, value),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 2),
                textcoords="offset points",
                ha="right",
                fontsize=7,
                color="#555555",
            )
    return low, high


def _runs_text(curves: pd.DataFrame) -> str:
    if curves.empty:
        return "no completed run"
    numbers = curves["runs"]
    text = f"{numbers.min()}" if numbers.nunique() == 1 else f"{numbers.min()} to {numbers.max()}"
    unfinished = " (unfinished)" if (curves["status"] == "partial").any() else ""
    return f"{text} run{'s' if numbers.max() > 1 else ''}{' each' if curves['label'].nunique() > 1 else ''}{unfinished}"


def _line_options(style: LineStyle) -> dict[str, Any]:
    """How a curve is drawn, in its panel and in the legend alike."""
    return {
        "color": style.colour,
        "linestyle": (0, style.dash) if style.dash else "-",
        "marker": style.marker,
        "markersize": 4.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
        "linewidth": 1.6,
    }


def _legend(figure: "Figure", styles: Mapping[str, LineStyle], *, columns: int, any_diverged: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=name, **_line_options(style)) for name, style in styles.items()]
    if any_diverged:
        handles.append(Line2D([], [], color="#555555", marker="x", linewidth=0.6, label="diverged run"))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 3 * columns - 1), handlelength=3.5
    )
