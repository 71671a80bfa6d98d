"""The bias-variance picture of generalised advantages: what λ trades, at several errors of the critic.

Source of the picture: Schulman et al. (2016), section 3.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...foreign import named, slug
from ...results.store.audit import BiasVariance
from ..catalogue import bias_variance_caption
from .drawing import Drawing, theme
from .layout import PAGE, Grid, Margins, canvas, draw_key, key_height, key_rows
from .series import line_options
from .style import SOLID, LineStyle

_LOOKS = (
    LineStyle("#808080", SOLID, "o"),
    LineStyle("#0072B2", SOLID, "s"),
    LineStyle("#009E73", SOLID, "D"),
    LineStyle("#C84B32", SOLID, "^"),
)
_MARGINS = Margins(left=44.0, right=14.0, top=24.0, bottom=36.0)


def bias_variance_figure(algorithm: str, points: Sequence[BiasVariance]) -> Drawing:
    """Bias and noise over λ, a line for each error of the critic.

    Args:
        algorithm: its name.
        points: of an audit; at least one.
    """
    table = pd.DataFrame(points)
    errors = sorted(float(error) for error in table["critic_error"].unique())
    styles = {_critic(error): _LOOKS[index % len(_LOOKS)] for index, error in enumerate(errors)}
    name = f"bias-variance-{slug(algorithm)}"
    with theme():
        rows = key_rows(styles, PAGE + 24.0)
        figure, (bias, noise) = canvas(Grid(2, 2, PAGE / 2 + 20.0, 190.0), _MARGINS, below=key_height(rows))
        for error, style in zip(errors, styles.values(), strict=True):
            _draw(bias, noise, table[table["critic_error"] == error].sort_values("trace"), style)
        for axes, title in ((bias, "Bias"), (noise, "Noise of one batch")):
            axes.set(xlabel="λ", title=title)
        bias.set_ylabel("relative to the gradient")
        noise.set_ylim(bottom=0)
        draw_key(figure, name, rows, styles)
    caption = bias_variance_caption(named(algorithm))
    return Drawing(name, f"Bias and noise over λ: {named(algorithm)}", caption, _describe(table, errors), figure, {})


def _draw(bias: Axes, noise: Axes, points: pd.DataFrame, style: LineStyle) -> None:
    look = line_options(style) | {"markersize": 3.0, "linewidth": 1.2}
    measured = look | {"linestyle": "none", "elinewidth": 0.8}
    bias.plot(points["trace"], points["exact_bias"], **look | {"marker": ""})
    bias.errorbar(points["trace"], points["bias"], points["bias_error"], **measured)
    noise.plot(points["trace"], points["noise"], **look)


def _critic(error: float) -> str:
    return f"critic off by {error:.0%}" if error else "exact critic"


def _describe(table: pd.DataFrame, errors: Sequence[float]) -> str:
    """``Exact critic: bias 0.00 to 0.00, least noise at λ = 0. …``."""
    parts = []
    for error in errors:
        points = table[table["critic_error"] == error]
        low, high = points["bias"].min(), points["bias"].max()
        quietest = points["trace"].iloc[int(np.argmin(points["noise"]))]
        parts.append(f"{_critic(error).capitalize()}: bias {low:.2f} to {high:.2f}, least noise at λ = {quietest:g}.")
    return " ".join(parts)
