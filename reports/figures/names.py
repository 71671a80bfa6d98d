"""Names from outside as they stand in a figure: one line, of bounded length, without characters that act."""

import functools
import hashlib
import warnings
from collections.abc import Collection

from ...errors import plain

__all__ = ["LONGEST", "plain", "short_names", "shorten", "text_width"]
LONGEST = 28


def named(name: str) -> str:
    """A name as plain text, never empty."""
    return plain(name) or "(no name)"


def shorten(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and an ellipsis."""
    line = plain(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def short_names(names: Collection[str], longest: int = LONGEST) -> dict[str, str]:
    """What each name is called in a figure; two that are alike when shortened end in a hash each."""
    short = {name: shorten(named(name), longest) for name in names}
    shown = list(short.values())
    return {name: text if shown.count(text) == 1 else _told_apart(name, longest) for name, text in short.items()}


def _told_apart(name: str, longest: int) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:5]
    return f"{shorten(name, longest - 6)} {digest}"


def fit(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, shortened to what fits into a width in points."""
    line = shorten(text, 80)
    for longest in range(len(line), 0, -1):
        candidate = shorten(line, longest)
        if text_width(candidate, size, bold=bold) <= width:
            return candidate
    return ""


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is drawn, in points, for a font size in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        width, _, _ = TextToPath().get_text_width_height_descent(text, font, False)
    return float(width)
