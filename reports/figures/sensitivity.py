"""Score against a hyperparameter: means with intervals, single runs where they are few, the suite's own setting."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from ...foreign import named, slug
from ...results.statistics.sensitivity import ALL, SUITE
from ...results.swept import Axis, Swept
from ..notation import fixed, percent
from .drawing import MUTED, Drawing, theme
from .layout import Grid, Margins, canvas, put_titles
from .names import short_names, shorten
from .series import Series
from .style import LineStyle

FEW = 20
"""Runs of a value, up to which single ones are drawn."""
_WIDTH, _HEIGHT = 218.0, 178.0
_MARGINS = Margins(left=50.0, right=12.0, top=24.0, bottom=34.0)
_KEY = 24.0
_INNER = _WIDTH - _MARGINS.left - _MARGINS.right
_DODGE = 6.0
"""Points between algorithms at one value."""
_ASIDE = 3.5
"""Points between a value's interval and its single runs."""
_APART = 7.5
"""Points between the mark of the suite's setting and those of the values that were asked for, at least."""
_POSSIBLE, _WORSE, _UNTOLD = "possibly the best", "shown worse", "too few runs to tell"
"""What the filling of a mark says."""
_LABELS = {"score": "final score", "auc": "AUC score", "return": "final return"}
_WIDEST = 5
"""Values up to which words stand beside each other below a panel."""


def sensitivity_caption(name: str, level: float, *, told: bool) -> str:
    """Say what is drawn, and how it was computed.

    Args:
        name: of the hyperparameter.
        level: of the intervals.
        told: whether there are runs enough anywhere to show a value worse.
    """
    best = (
        f"Filled marks are possibly the best: not shown worse than any other value. With {percent(level)} confidence "
        "the best of those tried is among them, whoever looks for the highest first (one-sided permutation tests "
        "against every other value, Bonferroni-corrected). "
    )
    return (
        f"Mean final score, and area under the learning curve, against {name}, all else as the suite has it, with "
        f"{percent(level)} intervals over runs; small dots are single runs. A run that diverged or failed counts −1; a "
        "cross and the number of these stand at the foot. The star at the top is the suite's own setting, which may "
        "differ from one environment to another (a dashed line across where all are together); its mark stands aside "
        f"of the dotted line where it would cover another. {best * told}All environments: mean over environments, with "
        "a stratified bootstrap's interval."
    )


def sensitivity_figures(
    swept: Swept, table: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float = 0.95
) -> tuple[Drawing, ...]:
    """A figure for every hyperparameter, all algorithms that have it together.

    Args:
        swept: the runs.
        table: what `results.statistics.sensitivity.points` gives.
        styles: of all algorithms.
        level: of the intervals.
    """
    names = dict.fromkeys(axis.name for axis in swept.axes)
    found = [_figure(swept, [axis for axis in swept.axes if axis.name == name], table, styles, level) for name in names]
    return tuple(drawing for drawing in found if drawing)


def _figure(
    swept: Swept, axes: Sequence[Axis], table: pd.DataFrame, styles: Mapping[str, LineStyle], level: float
) -> Drawing | None:
    name = axes[0].name
    table = table[(table["hyperparameter"] == name) & (table["runs"] > 0)]
    places = [env for env in (*swept.environments, ALL) if (table["environment"] == env).any()]
    if not places:
        return None
    runs = swept.runs[swept.runs["hyperparameter"] == name]
    scale = _Scale(axes, table)
    scored = bool(table["auc"].notna().any())
    figure_name, columns = f"sensitivity-{slug(name.replace('_', '-'))}", min(3, len(places))
    with theme():
        grid = Grid((1 + scored) * columns * -(-len(places) // columns), columns, _WIDTH, _HEIGHT)
        figure, panels = canvas(grid, _MARGINS, below=_KEY)
        half = grid.panels // (1 + scored)
        for index, panel in enumerate(panels):
            auc, number = divmod(index, half)
            env = places[number] if number < len(places) else ""
            here = table[table["environment"] == env]
            what = "auc" if auc else "score" if here["score"].notna().any() else "return"
            if not here[what].notna().any():
                panel.set_visible(False)
                continue
            scale.prepare(panel)
            for n, axis in enumerate(axes):
                series = Series(figure_name, axis.algorithm, styles[axis.algorithm], index)
                own = here[here["algorithm"] == axis.algorithm]
                of_axis = runs[(runs["algorithm"] == axis.algorithm) & (runs["environment"] == env)]
                _draw(panel, series, own, of_axis, scale, (n - (len(axes) - 1) / 2) * _DODGE, what)
            put_titles(panel, "" if auc else named(env))
            panel.set_xlabel(named(name) if auc or not scored else "")
            panel.set_ylabel(_LABELS[what] if number % columns == 0 or what == "return" else "")
            panel.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        looks = _looks(table[table["value"] != SUITE], "score") + _looks(table[table["value"] != SUITE], "auc")
        lost = bool(runs["status"].isin(["diverged", "failed"]).any())
        _key(figure, [axis.algorithm for axis in axes], styles, set(looks), lost)
    words = " ".join(_words(place, table[table["environment"] == place]) for place in places)
    series_names = {slug(axis.algorithm): axis.algorithm for axis in axes}
    return Drawing(
        figure_name,
        f"Sensitivity to {named(name)}",
        sensitivity_caption(named(name), level, told=bool(table["told"].eq(True).any())),
        words,
        figure,
        series_names,
    )


class _Scale:
    """Where values stand along a panel."""

    def __init__(self, axes: Sequence[Axis], table: pd.DataFrame) -> None:
        self.numeric = all(axis.numeric for axis in axes)
        self.log = self.numeric and any(axis.log for axis in axes)
        texts = [text for text in dict.fromkeys(table["value"]) if text != SUITE]
        order = sorted(texts, key=float) if self.numeric else texts
        self.places = {text: float(text) if self.numeric else float(n) for n, text in enumerate(order)}

    def across(
        self, panel: Axes, texts: Sequence[str], shift: float | NDArray[np.float64] = 0.0
    ) -> NDArray[np.float64]:
        """Where values stand, moved by so many points to the right."""
        x = np.array([self.places[text] for text in texts])
        low, high = panel.get_xlim()
        share = shift / _INNER
        return x * (high / low) ** share if self.log else x + (high - low) * share

    def aside(self, panel: Axes, points: pd.DataFrame) -> dict[str, float]:
        """By how many points the marks of values are moved that nobody asked for, off those that somebody did."""
        x, ends = self.across(panel, list(points["value"])), np.array(panel.get_xlim())
        along, (low, high) = (np.log(x), np.log(ends)) if self.log else (x, ends)
        along, asked = (along - low) / (high - low) * _INNER, points["asked"].to_numpy(dtype=bool)
        moved = {}
        for text, at in zip(points["value"][~asked], along[~asked], strict=True):
            gap = min(at - along[asked], key=abs, default=_APART)
            moved[text] = float(np.copysign(max(_APART - abs(gap), 0.0), gap))
        return moved

    def prepare(self, panel: Axes) -> None:
        """Give a panel its horizontal axis."""
        ends = min(self.places.values()), max(self.places.values())
        if not self.numeric:
            shown = [shorten(text, 10 if len(self.places) <= _WIDEST else 6) for text in self.places]
            panel.xaxis.set_major_locator(FixedLocator(list(self.places.values())))
            panel.set_xticks(list(self.places.values()), shown)
            panel.set_xlim(-0.5, len(self.places) - 0.5)
        elif self.log:
            panel.set_xscale("log")
            room = (ends[1] / ends[0]) ** 0.08 if ends[1] > ends[0] else 2.0
            panel.set_xlim(ends[0] / room, ends[1] * room)
            wide = ends[1] / ends[0] > 30
            panel.xaxis.set_major_locator(
                LogLocator(subs=(1.0,) if ends[1] / ends[0] > 1000 else (1.0, 3.0) if wide else (1.0, 2.0, 5.0))
            )
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.xaxis.set_minor_locator(NullLocator())
            panel.xaxis.set_minor_formatter(NullFormatter())
        else:
            room = 0.08 * (ends[1] - ends[0]) or 1.0
            panel.set_xlim(ends[0] - room, ends[1] + room)
            panel.xaxis.set_major_locator(MaxNLocator(5))


def _draw(
    panel: Axes, series: Series, points: pd.DataFrame, runs: pd.DataFrame, scale: _Scale, dodge: float, what: str
) -> None:
    colour, column = series.style.colour, {"score": "final_score", "auc": "auc_score", "return": "final_return"}[what]
    suite = points[points["value"] == SUITE]
    points = points[points["value"] != SUITE]
    points = points[points[what].notna()]
    shifts = dict.fromkeys(points["value"], dodge)
    for text, aside in scale.aside(panel, points).items():
        shifts[text] += aside
    x = scale.across(panel, list(points["value"]), np.array(list(shifts.values())))
    y = points[what].to_numpy(np.float64)
    for row in suite.to_dict("records"):
        panel.axhline(row[what], color=colour, linewidth=0.9, linestyle=(0, (4, 2)), alpha=0.9, zorder=1.5)
    if scale.numeric:
        swept = points["asked"].to_numpy(dtype=bool)
        panel.plot(
            x[swept],
            y[swept],
            color=colour,
            linewidth=1.2,
            alpha=0.75,
            zorder=2.6,
            gid=series.gid("line"),
        )
    ends = points[[f"{what}_low", f"{what}_high"]].to_numpy(np.float64)
    known = ~np.isnan(ends).any(axis=1)
    reach = np.abs(ends[known] - y[known, None]).T
    panel.errorbar(x[known], y[known], reach, fmt="none", zorder=2.8, ecolor=colour, elinewidth=1.1, capsize=2.0)
    _draw_runs(panel, series, points, runs, scale, shifts, column)
    looks = np.array(_looks(points, what))
    for filling in (_WORSE, _UNTOLD, _POSSIBLE):
        panel.plot(
            x[looks == filling],
            y[looks == filling],
            linestyle="none",
            marker=series.style.marker,
            markersize=5.5,
            markeredgewidth=1.1,
            markeredgecolor=colour,
            markerfacecolor=_face(colour, filling),
            zorder=3,
            clip_on=False,
        )
    for at in scale.across(panel, list(points["value"][points["suite_setting"].astype(bool)]), dodge):
        panel.axvline(at, color=colour, linewidth=0.8, linestyle=(0, (1, 2)), alpha=0.8, zorder=1.5)
        top = panel.get_xaxis_transform()
        panel.plot(at, 1.0, "*", transform=top, color=colour, markersize=8.0, clip_on=False, zorder=4)


def _looks(points: pd.DataFrame, what: str) -> list[str]:
    """What the filling of every point's mark says."""
    possible = points["auc_possibly_best" if what == "auc" else "score_possibly_best"].eq(True)
    told = points["told"].eq(True)
    return list(np.select([~told, possible], [_UNTOLD, _POSSIBLE], _WORSE))


def _face(colour: str, filling: str) -> Any:
    share = {_POSSIBLE: 1.0, _UNTOLD: 0.4, _WORSE: 0.0}[filling]
    return tuple(1 - share * (1 - part) for part in to_rgb(colour))


def _draw_runs(
    panel: Axes,
    series: Series,
    points: pd.DataFrame,
    runs: pd.DataFrame,
    scale: _Scale,
    shifts: Mapping[str, float],
    column: str,
) -> None:
    """Single runs where they are few, and a cross for every value of which some have no result.

    Args:
        panel: where.
        series: whose.
        points: of the panel.
        runs: of the panel.
        scale: of the panel.
        shifts: by value, points by which its mark is moved to the right.
        column: of the runs that is drawn.
    """
    if len(points) and points["runs"].max() <= FEW:
        known = runs[runs[column].notna() & runs["value"].isin(shifts)]
        x = scale.across(panel, list(known["value"]), np.array([shifts[text] for text in known["value"]]) - _ASIDE)
        panel.plot(
            x,
            known[column],
            linestyle="none",
            marker="o",
            markersize=2.8,
            color=series.style.colour,
            alpha=0.4,
            markeredgewidth=0,
            zorder=2.5,
        )
    lost = points[(points["diverged"] + points["failed"]) > 0]
    for row in lost.to_dict("records"):
        (at,) = scale.across(panel, [str(row["value"])], shifts[str(row["value"])])
        panel.plot(
            at,
            0.02,
            transform=panel.get_xaxis_transform(),
            marker="x",
            markersize=5.0,
            color=MUTED,
            clip_on=False,
            zorder=4,
        )
        text = f"{row['diverged'] + row['failed']}/{row['runs']}"
        panel.annotate(
            text,
            (at, 0.02),
            xycoords=panel.get_xaxis_transform(),
            xytext=(0, 5),
            textcoords="offset points",
            fontsize=7,
            color=MUTED,
            ha="center",
        )


def _key(
    figure: Figure, names: Sequence[str], styles: Mapping[str, LineStyle], fillings: Collection[str], lost: bool
) -> None:
    """The algorithms, and what marks mean, at the foot of the figure."""
    looks: dict[str, Any] = {"linestyle": "none", "color": MUTED, "markeredgecolor": MUTED, "markersize": 5.5}
    handles: list[Any] = []
    labels: list[str] = []
    for name, text in short_names(names).items():
        style = styles[name]
        handles.append(Line2D([], [], color=style.colour, marker=style.marker, markersize=5.5, linewidth=1.2))
        labels.append(text)
    handles.append(Line2D([], [], marker="*", **looks | {"markersize": 8.0}))
    labels.append("the suite's setting")
    for filling in (one for one in (_POSSIBLE, _WORSE, _UNTOLD) if one in fillings):
        handles.append(Line2D([], [], marker="o", **looks | {"markerfacecolor": _face(MUTED, filling)}))
        labels.append(filling)
    if lost:
        handles.append(Line2D([], [], marker="x", **looks))
        labels.append("diverged or failed")
    width = figure.get_figwidth() * 72
    columns = len(labels) if width > 95 * len(labels) else max(1, int(width // 110))
    figure.legend(
        handles,
        labels,
        loc="lower center",
        ncols=columns,
        frameon=False,
        fontsize=8.5,
        handletextpad=0.4,
        columnspacing=1.2,
        borderaxespad=0.3,
    )


def _words(place: str, rows: pd.DataFrame) -> str:
    parts = []
    for algorithm, own in rows.groupby("algorithm", sort=False):
        what = "score" if own["score"].notna().any() else "return"
        numbers = ", ".join(f"{row['value']} {fixed(row[what], 2)}" for row in own.to_dict("records"))
        parts.append(f"{named(str(algorithm))} {numbers}")
    return f"{named(place)}: {'; '.join(parts)}."
