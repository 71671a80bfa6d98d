"""Tables and plots from results. Reads, never trains."""

from .report import ReportFiles, report
from .summary import summarise
from .table import print_table, to_markdown

__all__ = ["ReportFiles", "print_table", "report", "summarise", "to_markdown"]
