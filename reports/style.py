"""How an algorithm looks: the same colour, dash and marker in every figure, whoever else is in it.

Colours are the colour-blind safe set of Okabe and Ito (2008), without its yellow, which vanishes on white.
"""

import hashlib
import itertools
from collections.abc import Collection
from typing import NamedTuple

Dash = tuple[float, ...]


class LineStyle(NamedTuple):
    """How one line is drawn."""

    colour: str
    dash: Dash
    """Lengths of strokes and gaps, in line widths; empty for a solid line."""
    marker: str


SOLID: Dash = ()
KNOWN = {
    "reinforce": LineStyle("#E69F00", (1.0, 1.2), "s"),
    "reinforce-baseline": LineStyle("#CC79A7", (4.0, 1.5), "D"),
    "actor-critic": LineStyle("#0072B2", SOLID, "o"),
    "trpo": LineStyle("#009E73", (6.0, 1.5, 1.5, 1.5), "^"),
}
_COLOURS = ("#D55E00", "#56B4E9", "#000000", "#8C564B")
_DASHES: tuple[Dash, ...] = (SOLID, (5.0, 2.0), (2.0, 1.0), (5.0, 1.5, 1.0, 1.5))
_MARKERS = ("v", "P", "X", "p", "<", ">")
_OTHERS = [LineStyle(*look) for look in itertools.product(_COLOURS, _DASHES, _MARKERS)]


def line_styles(names: Collection[str]) -> dict[str, LineStyle]:
    """The style of each algorithm of a figure, in the order given, no two alike.

    Our own have theirs in a table; any other has one by the hash of its name. Only when two of those meet in a figure
    does the later name, in alphabetical order, take the next free style: two lines that cannot be told apart would be
    worse than one that looks different elsewhere.
    """
    styles = {name: KNOWN[name] for name in names if name in KNOWN}
    for name in sorted(set(names) - KNOWN.keys()):
        start = int.from_bytes(hashlib.sha256(name.encode()).digest()) % len(_OTHERS)
        candidates = _OTHERS[start:] + _OTHERS[:start]
        taken = set(styles.values())
        styles[name] = next((look for look in candidates if look not in taken), candidates[0])
    return {name: styles[name] for name in names}
