"""A figure with what a page needs to know of it; how all figures look; and the files they are written to."""

import io
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from matplotlib import rc_context, rcParamsDefault
from matplotlib.figure import Figure

from .names import families

INK = "#1a1b1c"
"""Text and axes. This colour and the next two take the page's colour in a page, so no data may have them."""
MUTED = "#5b5c5d"
"""Text and lines beside the data: anchors, numbers of runs."""
GRID = "#e4e5e6"
_RESOLUTION = 170
_THEME: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.titley": 1.0,  # no ticks are above a panel: not to be looked for
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.8,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.solid_capstyle": "round",
    "axes.unicode_minus": True,
    "text.parse_math": False,  # a name is not a formula
    "svg.fonttype": "none",  # text stays text: searchable, and in the reader's font
    "svg.hashsalt": "pgsuite",  # the same figure is the same file
    "pdf.fonttype": 42,
}


@dataclass(frozen=True)
class Drawing:
    """A figure and its text alternative."""

    name: str
    """Of its files, and what its ids in a page begin with: a slug (`style.slug`), different for each figure."""
    title: str
    caption: str
    """What is drawn and how it was computed."""
    description: str
    """The numbers in words, for who cannot see the figure."""
    figure: Figure
    series: Mapping[str, str]
    """Slug and name of every algorithm that has artists of its own."""

    @cached_property
    def svg(self) -> bytes:
        """The figure on white as an SVG document, drawn once for the page and the file."""
        file = io.BytesIO()
        _write(self.figure, file, "svg")
        return file.getvalue()


_DEFAULTS: dict[str, Any] = {name: value for name, value in rcParamsDefault.items() if "backend" not in name}
"""matplotlib's own settings: a ``matplotlibrc`` in the working folder must not change a figure, or make it run TeX."""


@contextmanager
def theme() -> Iterator[None]:
    """The look of all figures: to be entered when one is made and again when it is written (ticks are made late)."""
    with rc_context(_DEFAULTS | _THEME | {"font.family": families()}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


_MAKE: ContextVar[Callable[..., Figure]] = ContextVar("_MAKE", default=Figure)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in points."""
    return _MAKE.get()(figsize=(width / 72, height / 72))


@contextmanager
def for_pyplot() -> Iterator[None]:
    """Let figures belong to pyplot, so that a notebook or ``pyplot.show()`` shows them; white, as files are."""
    from matplotlib import pyplot

    token = _MAKE.set(lambda **options: pyplot.figure(facecolor="white", **options))
    try:
        yield
    finally:
        _MAKE.reset(token)


_UNDATED: Mapping[str, Mapping[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def _write(figure: Figure, file: Path | io.BytesIO, kind: str) -> None:
    with theme():
        metadata: Any = _UNDATED.get(kind)
        figure.savefig(file, format=kind, dpi=_RESOLUTION, facecolor="white", metadata=metadata)


def save(drawing: Drawing, out: Path, formats: Collection[str]) -> list[Path]:
    """Write a figure on white, named as it is; the same figure gives the same bytes.

    Args:
        drawing: the figure.
        out: an existing folder.
        formats: endings of the files, such as ``svg``, ``png``, ``pdf``.

    Returns:
        The files, in that order.
    """
    paths = [out / f"{drawing.name}.{kind}" for kind in formats]
    for path, kind in zip(paths, formats, strict=True):
        if kind == "svg":
            path.write_bytes(drawing.svg)
        else:
            _write(drawing.figure, path, kind)
    return paths
