"""The report as Markdown, for a pull request or a README."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import plain
from .content import Content
from .tables.table import Entry, Medium, Table


class Picture(NamedTuple):
    """A figure as a file beside the report."""

    title: str
    file: str
    caption: str


_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")
_LEADING = re.compile(r"^([-+=#]|\d+(?=[.)](?:\s|$)))")
_LINKING = re.compile(r"(?i)([@#](?=\w)|\b(?:https?|ftp|mailto|javascript|data)(?=:)|\bwww(?=\.))")
_APART = "\u200b"
"""Nothing, with a width of nothing: parts what would be taken together, such as the sign and the name of a mention."""


def escape(text: str) -> str:
    """Text that Markdown, GitHub's included, shows as it is: no markup, no link, no mention, no HTML."""
    line = _LINKING.sub(rf"\1{_APART}", _SPECIAL.sub(r"\\\1", plain(text)))
    if not (start := _LEADING.match(line)):
        return line
    return f"{line[: start.end()]}\\{line[start.end() :]}" if start[1][0].isdigit() else f"\\{line}"


def to_markdown(content: Content, pictures: Sequence[Picture] = ()) -> str:
    """Headline, leaderboard, per-environment table, figures and what is missing."""
    parts = [f"# {escape(content.title)}", f"**{escape(content.headline)}**", escape(content.completeness)]
    parts += [f"> {escape(warning)}" for warning in content.warnings]
    parts.append("## Leaderboard")
    for board in content.leaderboards:
        parts += [f"### {escape(board.title)}", table(board), escape(board.caption)]
    parts += ["## Per environment", table(content.environments), escape(content.environments.caption)]
    if pictures:
        parts.append("## Figures")
        for picture in pictures:
            parts += [f"![{escape(picture.title)}]({picture.file})", escape(picture.caption)]
    parts += ["## Cost", table(content.cost), escape(content.cost.caption)]
    if content.audit:
        parts += ["## Gradient audit", f"{escape(content.audit.verdict)}."]
        parts += ["\n".join(f"- {escape(line)}" for line in content.audit.departures)]
        for one in content.audit.tables:
            parts += [f"### {escape(one.title)}", table(one), escape(one.caption)]
    parts += ["## What is not there", *_absent(content)]
    parts += ["## How it was measured", "<details><summary>Settings, protocol, seeds, versions</summary>"]
    for one in content.details:
        parts += [f"### {escape(one.title)}", table(one), escape(one.caption)]
    parts.append("</details>")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _absent(content: Content) -> Iterable[str]:
    if content.absent.rows:
        yield table(content.absent)
    else:
        yield "Every run that was asked for is complete."
    if content.remarks:
        yield "\n".join(f"- {escape(remark)}" for remark in content.remarks)


def table(whole: Table) -> str:
    """A table with aligned pipes; environments that repeat are left blank."""
    shown = whole.shown(Medium.MARKDOWN)
    if not shown.rows:
        return ""
    lines = [[escape(column.title) for column in shown.columns]]
    for number, row in enumerate(shown.rows):
        cells = [_cell(cell) for cell in row]
        lines.append(["", *cells[1:]] if shown.repeats(number) else cells)
    widths = [max(3, *(len(line[index]) for line in lines)) for index in range(len(shown.columns))]
    rule = [
        "-" * (width - 1) + ":" if column.numeric else "-" * width
        for column, width in zip(shown.columns, widths, strict=True)
    ]
    padded = [
        [
            text.rjust(width) if column.numeric else text.ljust(width)
            for column, text, width in zip(shown.columns, line, widths, strict=True)
        ]
        for line in [lines[0], rule, *lines[1:]]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _cell(cell: Entry) -> str:
    text = escape(cell.text)
    return " ".join(filter(None, [f"**{text}**" if cell.strong else text, cell.interval]))  # an interval is numbers
