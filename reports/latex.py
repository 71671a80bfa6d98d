r"""The tables of a paper with booktabs: as LaTeX to be read in with ``\input``, and as a document of its own."""

from ..foreign import latex
from .content import Content
from .tables.table import Column, Entry, Medium, Table

PACKAGES = ("booktabs", "textcomp", "graphicx")
"""What the tables need, beside T1 fonts."""
_BODY = rf"""% Tables of a comparison by pgsuite, to be read in with \input. In the preamble:
% \usepackage[T1]{{fontenc}} and \usepackage{{{",".join(PACKAGES)}}}. Compiles with pdfLaTeX, XeLaTeX and LuaLaTeX.
"""
_HEAD = rf"""% A document of its own; report-body.tex beside it has the same tables for a paper.
\documentclass{{article}}
\usepackage[T1]{{fontenc}}
\usepackage{{{",".join(PACKAGES)}}}
\begin{{document}}
"""


def to_latex(content: Content) -> str:
    """The leaderboards, the per-environment table and what is not applicable, to be read into a document."""
    tables = [*content.leaderboards, content.environments, content.inapplicable]
    return _BODY + "\n" + "\n".join(table(one) for one in tables if one.rows)


def document(content: Content) -> str:
    """The title, the verdict and the same tables as a document that compiles on its own."""
    words = (content.title, content.headline, content.completeness, *content.warnings)
    title, *paragraphs = (latex(one) for one in words)
    text = "\n\n".join([rf"\section*{{{title}}}", *paragraphs])
    return f"{_HEAD}\n{text}\n\n{to_latex(content)}\n\\end{{document}}\n"


def table(whole: Table) -> str:
    """A floating booktabs table, shrunk to the width of the text where it is wider."""
    shown = whole.shown(Medium.LATEX)
    alignment = "".join(map(_alignment, shown.columns))
    header = " & ".join(latex(column.title) for column in shown.columns)
    lines = []
    for number, row in enumerate(shown.rows):
        repeated = shown.repeats(number)
        if number and shown.headings > 1 and not repeated:
            lines.append(r"\midrule")
        cells = [_cell(cell) for cell in row]
        lines.append(" & ".join(["", *cells[1:]] if repeated else cells) + r" \\")
    body = "\n".join(f"    {line}" for line in lines)
    return rf"""\begin{{table}}
  \centering
  \caption{{{latex(shown.title)}. {latex(shown.caption)}}}
  \label{{tab:pgsuite-{shown.name}}}
  \resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{%
  \begin{{tabular}}{{{alignment}}}
    \toprule
    {header} \\
    \midrule
{body}
    \bottomrule
  \end{{tabular}}}}
\end{{table}}
"""


def _alignment(column: Column) -> str:
    if column.wraps:
        return r"p{0.5\linewidth}"
    return "r" if column.numeric else "l"


def _cell(cell: Entry) -> str:
    text = latex(cell.text)
    return " ".join(filter(None, [rf"\textbf{{{text}}}" if cell.strong else text, latex(cell.interval)]))
