"""What a notebook shows of results: HTML fragments without scripts or styles of their own, so that themes apply."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from markupsafe import Markup

from ..foreign import html
from .tables.table import Entry, Medium, Table

if TYPE_CHECKING:
    from .content import Content

_NUMBER = Markup(' style="text-align:right"')
_WORDS = Markup(' style="text-align:left"')


def show_content(content: "Content") -> str:
    """The verdict, what is missing, warnings, and the leaderboards of a comparison."""
    lines = [content.completeness, *content.warnings, *content.remarks]
    return show(content.headline, lines, content.leaderboards)


def show(headline: str, lines: Iterable[str], tables: Iterable[Table]) -> str:
    """A sentence in bold, lines below it, and tables."""
    parts = [Markup("<p><strong>{}</strong></p>").format(_text(headline))]
    parts += [Markup("<p>{}</p>").format(_text(line)) for line in lines if line]
    parts += [_table(one.shown(Medium.TERMINAL)) for one in tables]
    return str(Markup("\n").join(parts))


def _table(table: Table) -> Markup:
    head = Markup("").join(
        Markup("<th{}>{}</th>").format(_side(column.numeric), _text(column.short or column.title))
        for column in table.columns
    )
    rows = Markup("\n").join(Markup("<tr>{}</tr>").format(_row(table, n)) for n in range(len(table.rows)))
    return Markup(
        "<table><caption>{}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>\n<p><small>{}</small></p>"
    ).format(_text(table.title), head, rows, _text(table.caption))


def _row(table: Table, number: int) -> Markup:
    cells = [
        Markup("<td{}>{}</td>").format(
            _side(column.numeric), "" if index == 0 and table.repeats(number) else _entry(entry)
        )
        for index, (column, entry) in enumerate(zip(table.columns, table.rows[number], strict=True))
    ]
    return Markup("").join(cells)


def _entry(entry: Entry) -> Markup:
    text = _text(entry.whole)
    return Markup("<strong>{}</strong>").format(text) if entry.strong else text


def _side(numeric: bool) -> Markup:
    return _NUMBER if numeric else _WORDS


def _text(words: str) -> Markup:
    return Markup(html(words))
