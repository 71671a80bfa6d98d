"""The report as Markdown, for a pull request or a README."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..foreign import markdown
from .content import Content
from .tables.table import Entry, Medium, Table


class Picture(NamedTuple):
    """A figure as a file beside the report."""

    title: str
    file: str
    caption: str


def to_markdown(content: Content, pictures: Sequence[Picture] = ()) -> str:
    """Headline, leaderboard, per-environment table, figures and what is missing."""
    parts = [f"# {markdown(content.title)}", f"**{markdown(content.headline)}**", markdown(content.completeness)]
    parts += [f"> {markdown(warning)}" for warning in content.warnings]
    parts.append("## Leaderboard")
    for board in content.leaderboards:
        parts += [f"### {markdown(board.title)}", table(board), markdown(board.caption)]
    parts += ["## Per environment", table(content.environments), markdown(content.environments.caption)]
    if pictures:
        parts.append("## Figures")
        for picture in pictures:
            parts += [f"![{markdown(picture.title)}]({picture.file})", markdown(picture.caption)]
    parts += ["## Cost", table(content.cost), markdown(content.cost.caption)]
    if content.audit:
        parts += ["## Gradient audit", f"{markdown(content.audit.verdict)}."]
        parts += ["\n".join(f"- {markdown(line)}" for line in content.audit.departures)]
        for one in content.audit.tables:
            parts += [f"### {markdown(one.title)}", table(one), markdown(one.caption)]
    parts += ["## What is not there", *_absent(content)]
    parts += ["## How it was measured", "<details><summary>Settings, protocol, seeds, versions</summary>"]
    for one in content.details:
        parts += [f"### {markdown(one.title)}", table(one), markdown(one.caption)]
    parts.append("</details>")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _absent(content: Content) -> Iterable[str]:
    if content.absent.rows:
        yield table(content.absent)
    else:
        yield "Every run that was asked for is complete."
    if content.remarks:
        yield "\n".join(f"- {markdown(remark)}" for remark in content.remarks)


def table(whole: Table) -> str:
    """A table with aligned pipes; environments that repeat are left blank."""
    shown = whole.shown(Medium.MARKDOWN)
    if not shown.rows:
        return ""
    lines = [[markdown(column.title) for column in shown.columns]]
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
    text = markdown(cell.text)
    return " ".join(filter(None, [f"**{text}**" if cell.strong else text, cell.interval]))  # an interval is numbers
