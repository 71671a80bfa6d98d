"""How an algorithm looks: the same colour, dash and marker in every figure, whoever else is in it.

Colours follow the colour-blind safe set of Okabe and Ito (2008); its orange is darkened, and its sky blue, yellow and
black are replaced, so that every line has a contrast of 3 to 1 on a white page and on a dark one (WCAG 2.2, 1.4.11).
"""

import functools
import itertools
from collections.abc import Collection
from typing import NamedTuple

from ...foreign import digest

Dash = tuple[float, ...]


class LineStyle(NamedTuple):
    """How one line is drawn."""

    colour: str
    dash: Dash
    """Lengths of strokes and gaps, in line widths; empty for a solid line."""
    marker: str


SOLID: Dash = ()
KNOWN = {
    "reinforce": LineStyle("#CB8400", (1.0, 1.2), "s"),
    "reinforce-baseline": LineStyle("#CC79A7", (4.0, 1.5), "D"),
    "actor-critic": LineStyle("#0072B2", SOLID, "o"),
    "trpo": LineStyle("#009E73", (6.0, 1.5, 1.5, 1.5), "^"),
}
_COLOURS = ("#C84B32", "#7D4BFA", "#808080", "#3D9BDC")
_DASHES: tuple[Dash, ...] = (SOLID, (5.0, 2.0), (2.0, 1.0), (5.0, 1.5, 1.0, 1.5))
_MARKERS = ("v", "P", "X", "p", "<", ">")
_OTHERS = [LineStyle(*look) for look in itertools.product(_COLOURS, _DASHES, _MARKERS)]


def line_styles(names: Collection[str]) -> dict[str, LineStyle]:
    """The style of each algorithm of a report, in the order given, no two alike.

    Our own have theirs in a table; any other has one by the hash of its name. Only when two of those meet in a report
    in one colour does the later name, in alphabetical order, take the next style that is less like the others: two
    lines that cannot be told apart would be worse than one that looks different elsewhere.
    """
    styles = {name: KNOWN[name] for name in names if name in KNOWN}
    for name in sorted(set(names) - KNOWN.keys()):
        start = int(digest(name, 16), 16) % len(_OTHERS)
        candidates = _OTHERS[start:] + _OTHERS[:start]
        styles[name] = min(candidates, key=functools.partial(_likeness, others=tuple(styles.values())))
    return {name: styles[name] for name in names}


def _likeness(look: LineStyle, others: Collection[LineStyle]) -> tuple[int, int, int]:
    """How many others look just so; have its colour and dash; have its colour."""
    same_colour = [other for other in others if other.colour == look.colour]
    same_dash = [other for other in same_colour if other.dash == look.dash]
    return sum(other == look for other in others), len(same_dash), len(same_colour)
