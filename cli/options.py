"""What the commands share: the options before the command's name, and how a line is printed."""

import typer

from ..errors import plain

debug = False
"""Whether tracebacks are shown; set by ``pgsuite --debug``."""


def say(line: str, *, err: bool = False) -> None:
    """Print a line that may hold a stranger's names."""
    typer.echo(plain(line), err=err)
