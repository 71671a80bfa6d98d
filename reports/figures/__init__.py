"""The figures of a report: drawn with matplotlib, as files and as SVG inside a page.

Loading this takes longer than printing a table does: import it where something is drawn.
"""

from .build import Figures, build
from .drawing import Drawing, save
from .names import undrawn
from .style import line_styles
from .svg import inline

__all__ = ["Drawing", "Figures", "build", "inline", "line_styles", "save", "undrawn"]
