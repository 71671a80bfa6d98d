"""The report as one HTML page that needs no network and runs no code but its own.

Every expression of the template is escaped; the only markup from outside it is made in this package: figures and the
small drawings here. A content security policy names the page's one style sheet and one script by their hashes, so that
nothing else could run even if it got in.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..foreign import plain, slug
from ..results.store.provenance import versions
from .content import Content
from .figures import Drawing, Figures, inline, line_styles
from .figures.style import LineStyle
from .tables.table import Entry, Medium

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = (
    ("leaderboard", "Leaderboard"),
    ("curves", "Learning curves"),
    ("profiles", "Profiles and efficiency"),
    ("improvement", "Probability of improvement"),
    ("environments", "Per environment"),
    ("cost", "Cost"),
    ("diagnostics", "Diagnostics"),
    ("audit", "Gradient audit"),
    ("details", "Settings and versions"),
    ("missing", "Missing or diverged"),
)
"""Anchor and title of each part, in order; the audit's is there when there is one."""
GROUPS = ("curves", "profiles", "cost", "diagnostics", "audit")
"""The parts that have figures."""
_MARKERS = {
    "o": "M14 2a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
    "s": "M10.5 2.5h7v7h-7z",
    "D": "M14 1.5l4.5 4.5l-4.5 4.5l-4.5-4.5z",
    "^": "M14 1.5l4.5 8h-9z",
    "v": "M14 10.5l4.5-8h-9z",
    "<": "M9.5 6l8-4.5v9z",
    ">": "M18.5 6l-8-4.5v9z",
    "P": "M12.5 1.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "X": "M11 1l3 3l3-3l2 2l-3 3l3 3l-2 2l-3-3l-3 3l-2-2l3-3l-3-3z",
    "p": "M14 1.5l4.4 3.2l-1.7 5.2h-5.4l-1.7-5.2z",
}
_BAR_WIDTH, _BAR_MARGIN = 132.0, 4.0


class Figure(NamedTuple):
    """A figure as it stands in the page."""

    svg: str
    """One inert ``<svg>`` element, trusted."""
    caption: str = ""
    title: str = ""
    """Shown above it, where the figure itself does not say what it is of."""


class FigureGroup(NamedTuple):
    """Figures that stand side by side, and what holds for all of them."""

    figures: Sequence[Figure] = ()
    caption: str = ""


def on_page(figures: Figures) -> dict[str, FigureGroup]:
    """The figures of each part of the page. Aggregates and probabilities of improvement stand there as tables."""
    return {
        "curves": grouped(figures.curves + figures.curves_by_training),
        "profiles": grouped(figures.profiles + figures.efficiency),
        "cost": grouped(figures.thresholds),
        "diagnostics": grouped(figures.diagnostics, titled=True),
        "audit": grouped(figures.bias_variance, titled=True),
    }


def grouped(drawings: Sequence[Drawing], *, titled: bool = False) -> FigureGroup:
    """Figures as SVG, with one caption where they share it."""
    captions = {drawing.caption for drawing in drawings}
    shared = captions.pop() if len(captions) == 1 else ""
    figures = [Figure(inline(one), "" if shared else one.caption, one.title * titled) for one in drawings]
    return FigureGroup(figures, shared)


def render(content: Content, labels: Sequence[str], groups: Mapping[str, FigureGroup]) -> str:
    """The page.

    Args:
        content: what it says.
        labels: the algorithms, in order.
        groups: figures of the parts `GROUPS`; a part may have none.
    """
    styles = line_styles(labels)
    none = FigureGroup()
    return rendered(
        "page.html",
        content=content,
        sections=[section for section in SECTIONS if section[0] != "audit" or content.audit],
        slugs={label: slug(label) for label in labels},
        swatches={label: swatch(look) for label, look in styles.items()},
        bar=lambda cell, scale: bar(cell, scale, styles),
        groups={name: trusted(groups.get(name, none)) for name in GROUPS},
    )


def rendered(template: str, **context: Any) -> str:
    """A page from a template: what all pages have in common, and what this one says."""
    style, script = ((TEMPLATES / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return (
        environment()
        .get_template(template)
        .render(
            medium=Medium.PAGE,
            policy=policy(style, script),
            style=Markup(style),
            script=Markup(script),
            version=versions("pgsuite")["pgsuite"] or "",
            **context,
        )
    )


def environment() -> Environment:
    """What renders the templates: everything is escaped, and a name that is not there is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_plain,
    )


def _plain(item: Any) -> Any:
    """Text without characters that act, such as those that turn the direction of what follows."""
    return item if isinstance(item, Markup) or not isinstance(item, str) else plain(item)


def trusted(group: FigureGroup) -> FigureGroup:
    """The same figures, not to be escaped: this package drew them."""
    return group._replace(figures=[figure._replace(svg=Markup(figure.svg)) for figure in group.figures])


def policy(style: str, script: str) -> str:
    """The content security policy: this style sheet, this script, pictures inside the page, and nothing else."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def swatch(style: LineStyle) -> Markup:
    """A piece of an algorithm's line with its marker, to go beside its name."""
    dash = " ".join(f"{2 * length:g}" for length in style.dash)
    return Markup(
        '<svg class="swatch" viewBox="0 0 44 12" width="44" height="12" aria-hidden="true">'
        '<path d="M0 6h44" stroke="{colour}" stroke-width="2"{dashes}/>'
        '<path d="{marker}" fill="{colour}" transform="translate(8 0)"/></svg>'
    ).format(
        colour=style.colour,
        dashes=Markup(' stroke-dasharray="{}"').format(dash) if dash else "",
        marker=_MARKERS[style.marker],
    )


def bar(cell: Entry, scale: tuple[float, float], styles: Mapping[str, LineStyle]) -> Markup:
    """An interval as a bar with its estimate as a line across it, on an axis with marks at 0 and 1."""
    assert cell.bar is not None
    low, estimate, high = (_place(value, scale) for value in cell.bar)
    colour = styles[cell.series].colour if cell.series in styles else "currentColor"
    upright = Markup('<path d="M{:.1f} {}v{}" stroke="{}" stroke-width="{}" stroke-opacity="{}"/>')
    parts = [upright.format(_place(mark, scale), 0, 18, "currentColor", 1, 0.3) for mark in (0.0, 1.0)]
    if low == low and high == high:
        box = Markup('<rect x="{:.1f}" y="4" width="{:.1f}" height="10" fill="{}" fill-opacity=".4"/>')
        parts.append(box.format(low, high - low, colour))
    parts.append(upright.format(estimate, 2, 14, colour, 2.5, 1))
    frame = Markup('<svg viewBox="0 0 {0:.0f} 18" width="{0:.0f}" height="18" aria-hidden="true">{1}</svg>')
    return frame.format(_BAR_WIDTH, Markup("").join(parts))


def _place(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    return _BAR_MARGIN + (value - low) / (high - low) * (_BAR_WIDTH - 2 * _BAR_MARGIN)
