"""What the commands share: the options before the command's name, and how a line is printed."""

import typer

from ..errors import in_one_line
from ..foreign import block, plain

debug = False
"""Whether tracebacks are shown; set by ``pgsuite --debug``."""


def internal_error(error: BaseException) -> str:
    """What is said of an error that nobody expected."""
    return f"internal error: {in_one_line(error)}; `pgsuite --debug ...` shows where, please report it"


def say(line: str, *, err: bool = False) -> None:
    """Print a line that may hold a stranger's names."""
    typer.echo(plain(line), err=err)


def note(text: str) -> None:
    """Print a line, or a traceback, on the error output."""
    typer.echo(block(text), err=True)
