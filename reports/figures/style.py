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
    "ppo": LineStyle("#C84B32", (3.0, 1.0), "v"),
}
NAMESAKES = {
    "sb3-a2c": LineStyle(KNOWN["actor-critic"].colour, (2.0, 1.0), "X"),
    "sb3-trpo": LineStyle(KNOWN["trpo"].colour, (2.0, 1.0), "P"),
    "sb3-ppo": LineStyle(KNOWN["ppo"].colour, (1.0, 1.0), "p"),
}
"""What another library has under the same name: in the same colour."""
_FIXED = KNOWN | NAMESAKES
_COLOURS = ("#7D4BFA", "#808080", "#3D9BDC", "#C43C8E", "#6B8E23")
_DASHES: tuple[Dash, ...] = (SOLID, (5.0, 2.0), (2.0, 1.0), (5.0, 1.5, 1.0, 1.5))
_MARKERS = ("v", "P", "X", "p", "<", ">")
_OTHERS = [LineStyle(*look) for look in itertools.product(_COLOURS, _DASHES, _MARKERS)]


def line_styles(names: Collection[str]) -> dict[str, LineStyle]:
    """The style of each algorithm of a report, in the order given, no two alike.

    Those of the suites have theirs in a table. Where folders are merged and a label is the name of one of these with a
    folder, such as ``trpo (before)``, it keeps the colour; the first has the whole look, the next ones differ in dash
    and mark. Any other has a look by the hash of its name. Only when two of those meet in a report in one colour does
    the later name, in alphabetical order, take the next style that is less like the others: two lines that cannot be
    told apart would be worse than one that looks different elsewhere.
    """
    styles = {name: _FIXED[name] for name in names if name in _FIXED}
    for name in sorted(set(names) - _FIXED.keys(), key=lambda name: (_ours(name) is None, name)):
        candidates = _strangers(name) if (own := _ours(name)) is None else _variants(_FIXED[own])
        styles[name] = min(candidates, key=functools.partial(_likeness, others=tuple(styles.values())))
    return {name: styles[name] for name in names}


def _ours(label: str) -> str | None:
    """Which of our algorithms a label of merged folders names."""
    name, _, rest = label.partition(" (")
    return name if name in _FIXED and rest.endswith(")") else None


def _strangers(name: str) -> list[LineStyle]:
    start = int(digest(name, 16), 16) % len(_OTHERS)
    return _OTHERS[start:] + _OTHERS[:start]


def _variants(look: LineStyle) -> list[LineStyle]:
    """The look itself, then others of its colour."""
    return [look, *(LineStyle(look.colour, *rest) for rest in itertools.product(_DASHES, _MARKERS))]


def _likeness(look: LineStyle, others: Collection[LineStyle]) -> tuple[int, int, int, int, int]:
    """How many others look just so; have its colour and dash, its colour and mark, its colour, its mark."""
    colour = [other for other in others if other.colour == look.colour]
    dash = sum(other.dash == look.dash for other in colour)
    mark = sum(other.marker == look.marker for other in colour)
    return colour.count(look), dash, mark, len(colour), sum(other.marker == look.marker for other in others)
