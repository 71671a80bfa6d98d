"""What a check found: on a terminal, as a page, as a comment on a pull request, as JUnit XML and JSON."""

from .files import write_check
from .table import print_check

__all__ = ["print_check", "write_check"]
