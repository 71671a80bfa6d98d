"""Names from outside as they stand in a figure: one line, of bounded length, without characters that act."""

import functools
import unicodedata
import warnings
from collections.abc import Collection, Iterable

from ...foreign import digest, named, plain

LONGEST = 28


def shorten(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and an ellipsis."""
    line = plain(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def short_names(names: Collection[str], longest: int = LONGEST) -> dict[str, str]:
    """What each name is called in a figure; two that are alike when shortened end in a hash each."""
    short = {one: shorten(named(one), longest) for one in names}
    shown = list(short.values())
    return {one: text if shown.count(text) == 1 else _told_apart(one, longest) for one, text in short.items()}


def _told_apart(one: str, longest: int) -> str:
    return f"{shorten(one, longest - 6)} {digest(one, 5)}"


def fit(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, shortened to what fits into a width in points."""
    line = shorten(text, 80)
    for longest in range(len(line), 0, -1):
        candidate = shorten(line, longest)
        if text_width(candidate, size, bold=bold) <= width:
            return candidate
    return ""


_FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK TC", "Source Han Sans SC"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAexGothic", "NanumGothic"),
    *("PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),
    *("Arial Unicode MS", "Noto Sans", "Segoe UI Symbol"),
)
"""Families that draw what DejaVu Sans does not, Chinese, Japanese and Korean above all; who has them differs."""


@functools.cache
def families() -> list[str]:
    """The fonts of a figure: DejaVu Sans, which comes with matplotlib, and for what it lacks those that there are."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(family for family in _FALLBACKS if family in there)]


def undrawn(texts: Iterable[str]) -> str:
    """The characters of texts that no font here draws, each once."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    fonts = [get_font(findfont(FontProperties(family=family))) for family in families()]
    characters = dict.fromkeys("".join(plain(text) for text in texts).replace(" ", ""))
    return "".join(one for one in characters if not any(font.get_char_index(ord(one)) for font in fonts))


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is drawn, in points, for a font size in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family=families()[:1], size=size, weight="bold" if bold else "normal")
    text = "".join("—" if unicodedata.east_asian_width(one) in "WF" else one for one in text)  # as wide as it is high
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        width, _, _ = TextToPath().get_text_width_height_descent(text, font, False)
    return float(width)
