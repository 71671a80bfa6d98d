"""The expected best of k trials against the environment steps that they take."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.ticker import EngFormatter, FixedLocator, LogLocator, NullFormatter, NullLocator

from ...foreign import named, slug
from ...wording import plural
from ..notation import fixed, percent, si
from .drawing import MUTED, Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows
from .series import Series, draw_band, draw_line
from .style import LineStyle

_MARGINS = Margins(left=52.0, right=18.0, top=40.0, bottom=38.0)
_HEIGHT = 270.0
_NAME = "effort"


def effort_caption(table: pd.DataFrame, level: float) -> str:
    """Say what is drawn, and what it is made of."""
    chosen = "the others of its runs say how good it is, because the score that it was chosen by is too high"
    if not table["held_out"].all():
        chosen = "its score is the one that it was chosen by, and so too high: more runs a trial would tell"
    runs = sorted(set(table["runs"]))
    each = " to ".join(str(one) for one in dict.fromkeys((runs[0], runs[-1])))
    return (
        f"The best of k trials is chosen by {each} {'run' if runs == [1] else 'runs'} of each on every environment, "
        f"and {chosen}. Mean over all ways to draw k of the trials that were run (without replacement). Bands: "
        f"{percent(level)} intervals over trials, up to a quarter of these; beyond, dotted, they cannot tell how far "
        "off the mean may be. The seeds are the same for all trials, and their luck is in no interval. A run that "
        "diverged or failed counts −1."
    )


def effort_figure(table: pd.DataFrame, styles: Mapping[str, LineStyle], *, level: float = 0.95) -> Drawing | None:
    """A line with a band for every algorithm, on one axis of environment steps.

    Args:
        table: what `reports.effort.effort_table` gives.
        styles: of all algorithms.
        level: of the bands.
    """
    if table.empty:
        return None
    shown = {name: styles[name] for name in styles if (table["algorithm"] == name).any()}
    with theme():
        rows = key_rows(shown, PAGE - 16)
        figure, (axes,) = canvas(Grid(1, 1, PAGE, _HEIGHT), _MARGINS, below=key_height(rows))
        for name, style in shown.items():
            own, line = table[table["algorithm"] == name], Series(_NAME, name, style)
            known = own[own["score_low"].notna() | (own["trials"] == 1)]
            draw_line(axes, line, known["steps"], known["score"])
            draw_band(axes, line, known["steps"], known["score_low"], known["score_high"])
            rest = own[own["trials"] >= known["trials"].max()]
            axes.plot(
                rest["steps"], rest["score"], color=style.colour, linewidth=1.0, linestyle=(0, (1.5, 1.5)), zorder=3
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("environment steps of tuning")
        axes.set_ylabel("expected score of the best trial")
        each = set(table["steps"] / table["trials"])
        if len(each) == 1:
            (cost,) = each
            top = axes.secondary_xaxis("top", functions=(lambda steps: steps / cost, lambda trials: trials * cost))
            counts = [2**n for n in range(20) if 2**n <= table["trials"].max()]
            top.xaxis.set_major_locator(FixedLocator(counts))
            top.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            top.xaxis.set_minor_locator(NullLocator())
            top.xaxis.set_minor_formatter(NullFormatter())
            top.set_xlabel("trials", color=MUTED)
            top.tick_params(colors=MUTED)
        draw_key(figure, _NAME, rows, shown)
    words = " ".join(_words(str(name), own) for name, own in table.groupby("algorithm", sort=False))
    series = {slug(name): name for name in shown}
    return Drawing(
        _NAME, "Performance against the effort of tuning", effort_caption(table, level), words, figure, series
    )


def _words(name: str, own: pd.DataFrame) -> str:
    first, last = own.iloc[0], own.iloc[-1]
    return (
        f"{named(name)}: {fixed(first['score'], 2)} with one trial of {si(first['steps'])} steps, "
        f"{fixed(last['score'], 2)} with the best of {plural(int(last['trials']), 'trial')}."
    )
