r"""The tables of a paper: LaTeX to be read in with ``\input``, with booktabs."""

from ..foreign import latex
from .content import Content
from .tables.table import Entry, Medium, Table

_PREAMBLE = r"""% Tables of a comparison by pgsuite. In the preamble: \usepackage[T1]{fontenc} and
% \usepackage{booktabs,textcomp,graphicx}; then \input{report.tex}. Compiles with pdfLaTeX, XeLaTeX and LuaLaTeX.
"""


def to_latex(content: Content) -> str:
    """The leaderboards and the per-environment table."""
    tables = [*content.leaderboards, content.environments]
    return _PREAMBLE + "\n" + "\n".join(table(one) for one in tables if one.rows)


def table(whole: Table) -> str:
    """A floating booktabs table, shrunk to the width of the text where it is wider."""
    shown = whole.shown(Medium.LATEX)
    alignment = "".join("r" if column.numeric else "l" for column in shown.columns)
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


def _cell(cell: Entry) -> str:
    text = latex(cell.text)
    return " ".join(filter(None, [rf"\textbf{{{text}}}" if cell.strong else text, latex(cell.interval)]))
