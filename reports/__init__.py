"""Tables, figures and pages from results. Reads, never trains."""

from .report import ReportFiles, report
from .terminal import print_report

__all__ = ["ReportFiles", "print_report", "report"]
