"""A table as data, before it is Markdown, LaTeX, HTML or a terminal's: what each says is said once, here.

Texts are plain: whoever renders a table escapes them.
"""

from enum import Enum
from typing import NamedTuple

from ...foreign import named
from ..notation import NOTHING

LONGEST = 600
"""Characters of a cell of words."""


class Medium(Enum):
    """Where a table is shown."""

    PAGE = "page"
    MARKDOWN = "markdown"
    LATEX = "latex"
    TERMINAL = "terminal"


EVERYWHERE = frozenset(Medium)
FILES = frozenset({Medium.PAGE, Medium.MARKDOWN, Medium.LATEX})
PAPER = frozenset({Medium.MARKDOWN, Medium.LATEX})
PAGE = frozenset({Medium.PAGE})
TERMINAL = frozenset({Medium.TERMINAL})


class Entry(NamedTuple):
    """What stands in one column of one row; a *cell* is an algorithm on an environment."""

    text: str
    value: float | str | None = None
    """What it is sorted by; None where there is nothing, which is sorted last."""
    interval: str = ""
    """``[0.88, 0.97]``, shown behind the text."""
    strong: bool = False
    """Whether it stands out."""
    tone: str = ""
    """A class of the page's style sheet: one of ``muted``, ``good``, ``bad``, ``code``, ``same``, ``p0`` … ``p10``."""
    series: str = ""
    """Label of the algorithm whose colours go beside the text."""
    bar: tuple[float, float, float] | None = None
    """Low, estimate and high, to be drawn on the scale of the column."""

    @property
    def whole(self) -> str:
        """Text and interval in one line."""
        return f"{self.text} {self.interval}".rstrip()


class Column(NamedTuple):
    """One column."""

    title: str
    numeric: bool = True
    explanation: str = ""
    """What the title means, for whoever points at it."""
    media: frozenset[Medium] = EVERYWHERE
    scale: tuple[float, float] | None = None
    """Ends of the axis of a column of bars."""
    short: str = ""
    """A title for where there is little room."""
    wraps: bool = False
    """Whether it has sentences, which print breaks into lines."""


class Table(NamedTuple):
    """A table and what explains it."""

    name: str
    """Of its anchor and its file: lower-case letters and hyphens."""
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Entry, ...], ...]
    headings: int = 1
    """How many leading columns name the row; the first groups rows when there are several."""
    sortable: bool = True

    def shown(self, medium: Medium) -> "Table":
        """The same table with the columns of a medium."""
        kept = [index for index, column in enumerate(self.columns) if medium in column.media]
        rows = tuple(tuple(row[index] for index in kept) for row in self.rows)
        return self._replace(columns=tuple(self.columns[index] for index in kept), rows=rows)

    def repeats(self, row: int) -> bool:
        """Whether a row belongs to the same group as the one above it."""
        return self.headings > 1 and row > 0 and self.rows[row][0].text == self.rows[row - 1][0].text


def text(value: object, *, tone: str = "") -> Entry:
    """A cell of words, sorted as they read."""
    words = named(str(value), LONGEST) if str(value) else ""
    return Entry(words, words or None, tone=tone) if words not in {"", NOTHING} else Entry(NOTHING, tone="muted")


def number(value: float, written: str, interval: str = "", *, strong: bool = False, tone: str = "") -> Entry:
    """A cell of a number; NaN is nothing."""
    missing = written == NOTHING or value != value
    return Entry(NOTHING, tone="muted") if missing else Entry(written, float(value), interval, strong, tone)


def algorithm(label: str) -> Entry:
    """The cell that names an algorithm, with its colours."""
    shown = named(label)
    return Entry(shown, shown, series=label)
