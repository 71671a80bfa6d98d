"""What others named, made safe for where it is written: the one place that knows what acts in each target.

Names of algorithms, environments, suites and metrics, settings, sources, notes, paths, revisions and the messages of a
stranger's code are data. Whoever writes one calls the function of its target, and nobody escapes by hand:

| target | function | what would act there |
|---|---|---|
| any line: log, XML, figure | `plain` | control characters, turned or invisible text, halves of pairs |
| several lines, such as a traceback | `block` | the same |
| rich: printed lines, tables, bars | `styled` | the same, and markup |
| a table's cell or a legend | `named` | the same, and length |
| Markdown | `markdown` | markup, links, mentions, HTML |
| HTML without a template that escapes | `html` | tags, entities, ends of attributes |
| LaTeX | `latex` | commands, special characters, letters that its fonts lack |
| CSV | `csv_cell` | formulas of a spreadsheet |
| a tracker's keys | `key` | separators, empty and dotted parts |
| an id or a class of a page | `slug` | anything but letters, digits and dashes |

None of them fails, whatever the text.
"""

import hashlib
import html as markup
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LONGEST_LINE = 4000
"""Characters of a line; of a longer one the beginning is shown."""
LONGEST_NAME = 100
"""Characters of a name in a cell."""
_INERT = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode categories that are not drawn: controls, marks that turn the direction of text, halves of pairs."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that take room, or none, and show nothing."""
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f]"
_STACKED = re.compile(f"({_MARK}{{3}}){_MARK}+")
"""More marks on one letter than any language has: they would be drawn over the neighbouring lines."""


def plain(text: str) -> str:
    """The text on one line, with the replacement character where a character would act instead of being seen."""
    line = _seen(" ".join(text[: 4 * LONGEST_LINE].split()))
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def _seen(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    return _STACKED.sub(r"\1", "".join(REPLACEMENT if _acts(one) else one for one in line))


def _acts(character: str) -> bool:
    return unicodedata.category(character) in _INERT or character in _UNSEEN


def block(text: str) -> str:
    """Several lines, with their spaces, and nothing in them that acts."""
    return "\n".join(_seen(line.expandtabs()) for line in text.splitlines())


def named(text: str, longest: int = LONGEST_NAME) -> str:
    """A name on one line, never empty, of bounded length; one that is cut ends in a hash, so that two stay two."""
    line = plain(text) or "(no name)"
    if len(line) <= longest and len(text) <= LONGEST_LINE:
        return line
    return f"{line[: longest - 7].rstrip()}…{digest(text, 6)}"


def digest(text: str, digits: int) -> str:
    """The first hexadecimal digits of a hash of the text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def styled(text: str, style: str = "", *, spaced: bool = False) -> "Text":
    """What rich prints as it is, in a style: no markup, no escape sequence; ``spaced`` keeps lines and spaces."""
    from rich.text import Text

    return Text(block(text) if spaced else plain(text), style=style)


def html(text: str) -> str:
    """Text between tags or in a quoted attribute. The templates of a page escape by themselves, and take `plain`."""
    return markup.escape(plain(text), quote=True)


_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~$&])")
_LEADING = re.compile(r"^([-+=#]|\d+(?=[.)](?:\s|$)))")
_LINKING = re.compile(
    r"(?i)([@#](?=\w)|\b(?:https?|ftp|mailto|javascript|data)(?=:)|\bwww(?=\.)|\bgh(?=-\d)|:(?=[\w+-]+:))"
)
_APART = "\u200b"
"""Nothing, with a width of nothing: parts what would be taken together, such as the sign and the name of a mention."""


def markdown(text: str) -> str:
    """Text that Markdown, GitHub's included, shows as it is: no markup, link, mention, emoji or HTML."""
    line = _LINKING.sub(rf"\1{_APART}", _MARKDOWN.sub(r"\\\1", plain(text)))
    if not (start := _LEADING.match(line)):
        return line
    return f"{line[: start.end()]}\\{line[start.end() :]}" if start[1][0].isdigit() else f"\\{line}"


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "*": "{*}",  # after a line's end it would be an option
    "[": "{[}",
    "]": "{]}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "→": r"\ensuremath{\rightarrow}",
    "λ": r"\ensuremath{\lambda}",
    "τ": r"\ensuremath{\tau}",
    "·": r"\textperiodcentered{}",
    "—": "---",
    "–": "--",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "\u2019": "'",
}
_LACKED = "ĦħĿŀŦŧĸŉ"
"""Of the Latin letters up to ž, those that the T1 encoding lacks."""


def latex(text: str) -> str:
    """Text that LaTeX prints as it is; a letter that pdfLaTeX's fonts lack becomes its number, such as ``U+6F22``."""
    return "".join(_LATEX.get(one, one if one.isascii() else _letter(one)) for one in plain(text))


def _letter(character: str) -> str:
    """Latin letters as they are, which T1 fonts have; anything else cannot be relied on."""
    drawn = "\u00c0" <= character <= "\u017e" and character not in _LACKED
    return character if drawn else f"U+{ord(character):04X}"


_FORMULA = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def csv_cell(text: str) -> str:
    """A text that a spreadsheet shows and does not compute, and that every CSV reader gives back.

    One that begins with ``=``, ``+``, ``-``, ``@`` or their wide forms, be it behind spaces, has an apostrophe before
    it, which is what spreadsheets themselves write for "this is text". Texts that already begin with apostrophes
    before such a character get one more, so that no two texts become one: `from_csv_cell` is the way back. Whatever
    is not drawn is replaced as in `plain`. Numbers are not texts: leave them alone.
    """
    line = text if text.isascii() and text.isprintable() else plain(text)
    return f"'{line}" if _FORMULA.match(line) else line


def from_csv_cell(cell: str) -> str:
    """The text that `csv_cell` wrote: without the apostrophe that guards a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def key(text: str, longest: int = 200) -> str:
    """A key that every tracker takes: letters, digits, ``_ . -`` and spaces, in parts between ``/``.

    One that had to be changed ends in a hash, so that two stay two.
    """
    parts = [re.sub(r"[^A-Za-z0-9_. -]+", "-", part) for part in text.split("/")]
    shown = "/".join(part if part.strip(". ") else "-" for part in parts)
    return shown if shown == text and len(text) <= longest else f"{shown[: longest - 7]}-{digest(text, 6)}"


_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SLUG_LENGTH = 40


def slug(text: str) -> str:
    """The name as it stands in an id or a class of a page: letters a-z, digits and single dashes, 40 at most.

    A name that is no slug itself ends in a hash of it, so that different names have different slugs.
    """
    if len(text) <= _SLUG_LENGTH and _SLUG.fullmatch(text):
        return text
    words = re.sub(r"[^a-z0-9]+", "-", text.lower())[: _SLUG_LENGTH - 9].strip("-")
    return f"{words}-{digest(text, 8)}" if words else f"x-{digest(text, 8)}"
