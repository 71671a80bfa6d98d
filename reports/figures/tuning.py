"""The figures of a search for hyperparameters: what mattered, and the score against each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from ...foreign import named, slug
from ...results.tuned import Trial, Tuned, standing
from ...wording import plural
from ..notation import percent
from .drawing import MUTED, Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, put_titles
from .names import shorten, text_width
from .style import LineStyle, line_styles

IMPORTANCE = (
    "What share each hyperparameter has in telling the better half of the trials from all, on the first rung, which "
    "every trial ran (PED-ANOVA). Few trials tell little: read it beside the slices."
)
SLICES = (
    "Every trial of {} at its value of each hyperparameter: the mean score of the worse half of its runs on the first "
    "rung, {}. Open marks were out after it, filled ones went on, the star was chosen. Other hyperparameters vary too."
)
_ROW = 17.0
_PANEL = 190.0
_HEIGHT = 150.0


def tuning_figures(tuned: Tuned) -> tuple[Drawing, ...]:
    """Importance, where it is known of some algorithm, and the slices of every algorithm."""
    styles = line_styles(tuned.algorithms)
    slices = (_slices(tuned, name, styles[name]) for name in tuned.algorithms)
    return (*_importance(tuned, styles), *(drawing for drawing in slices if drawing))


def _importance(tuned: Tuned, styles: dict[str, LineStyle]) -> list[Drawing]:
    known = {name: shares for name, shares in tuned.importance.items() if shares}
    if not known:
        return []
    rows = max(map(len, known.values()))
    left = max(text_width(shorten(key), 8.5) for shares in known.values() for key in shares) + 14.0
    margins = Margins(left, 34.0, 26.0, 34.0)
    with theme():
        figure, panels = canvas(Grid(len(known), 1, PAGE, _ROW * rows + margins.top + margins.bottom), margins)
        for axes, (name, shares) in zip(panels, known.items(), strict=True):
            ordered = sorted(shares.items(), key=lambda item: -item[1])
            axes.barh(range(len(ordered)), [share for _, share in ordered], 0.62, color=styles[name].colour, alpha=0.85)
            axes.set_yticks(range(len(ordered)), [shorten(key) for key, _ in ordered])
            for place, (_, share) in enumerate(ordered):
                axes.text(share + 0.01, place, percent(round(share, 2)), va="center", fontsize=8, color=MUTED)
            axes.set_ylim(rows - 0.4, -0.6)
            axes.set_xlim(0, 1)
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=False, axis="y")
            put_titles(axes, named(name))
        panels[-1].set_xlabel("importance")
    words = [
        f"{named(name)}: {', '.join(f'{key} {percent(round(share, 2))}' for key, share in shares.items())}."
        for name, shares in known.items()
    ]
    return [Drawing("importance", "What mattered", IMPORTANCE, " ".join(words), figure, {})]


def _slices(tuned: Tuned, name: str, style: LineStyle) -> Drawing | None:
    trials = [trial for trial in tuned.trials if trial.algorithm == name and trial.measured]
    if not trials:
        return None
    keys = list(trials[0].settings)
    columns = min(3, len(keys))
    margins = Margins(52.0, 12.0, 24.0, 36.0)
    with theme():
        figure, panels = canvas(Grid(len(keys), columns, _PANEL, _HEIGHT), margins)
        for number, (axes, key) in enumerate(zip(panels, keys, strict=True)):
            _draw_slice(axes, trials, key, style, log=(name, key) in tuned.logarithmic)
            put_titles(axes, key)
            axes.set_ylabel("score" if number % columns == 0 else "")
    first = trials[0].measured[0]
    where = f"{named(first.environment)} with {plural(first.steps, 'step')}"
    scores = [standing(trial.measured[:1]).reliable for trial in trials]
    words = f"{plural(len(trials), 'trial')} of {named(name)}: scores from {min(scores):.2f} to {max(scores):.2f}."
    return Drawing(
        f"slices-{slug(name)}", f"{named(name)}: slices", SLICES.format(named(name), where), words, figure, {}
    )


def _draw_slice(axes: Axes, trials: Sequence[Trial], key: str, style: LineStyle, *, log: bool) -> None:
    values = [trial.settings[key] for trial in trials]
    numeric = all(isinstance(value, float) for value in values)
    places: list[float] = values
    if not numeric:
        shown = sorted({_written(value): value for value in values}.items(), key=_order)
        order = {text: place for place, (text, _) in enumerate(shown)}
        places = [float(order[_written(value)]) for value in values]
        axes.set_xticks(range(len(shown)), [shorten(text, 10) for text, _ in shown])
        axes.set_xlim(-0.5, len(shown) - 0.5)
    elif log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    scores = [standing(trial.measured[:1]).reliable for trial in trials]
    look: dict[str, Any] = {
        "linestyle": "none",
        "markersize": 5.0,
        "color": style.colour,
        "clip_on": False,
        "zorder": 3,
    }
    for went_on, face in ((False, "none"), (True, style.colour)):
        some = [n for n, trial in enumerate(trials) if (len(trial.measured) > 1) is went_on and not trial.chosen]
        axes.plot(np.take(places, some), np.take(scores, some), marker="o", markerfacecolor=face, alpha=0.75, **look)
    best = [n for n, trial in enumerate(trials) if trial.chosen]
    axes.plot(np.take(places, best), np.take(scores, best), marker="*", **look | {"markersize": 12.0, "zorder": 4})


def _written(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _order(item: tuple[str, Any]) -> tuple[bool, float, str]:
    text, value = item
    number = isinstance(value, int | float)
    return not number, float(value) if number else 0.0, text
