"""What the commands share: the options before the command's name, and how a line is printed."""

import typer

from ..errors import in_one_line
from ..foreign import block, plain
from . import completion

SUITE = typer.Argument(help="Name of a shipped suite, or the path of a TOML file.", autocompletion=completion.suites)
LISTED = typer.Option(
    "-a", "--algorithm", help="Only this one; repeatable.  [default: all]", autocompletion=completion.algorithms
)
ALGORITHM = typer.Option(
    "-a",
    "--algorithm",
    help="Only this one; repeatable. Also module:Class or file.py:Class.  [default: all]",
    autocompletion=completion.algorithms,
)
ENV = typer.Option(
    "-e", "--env", help="Only this environment; repeatable.  [default: all]", autocompletion=completion.environments
)

debug = False
"""Whether tracebacks are shown; set by ``pgsuite --debug``."""


def internal_error(error: BaseException) -> str:
    """What is said of an error that nobody expected."""
    return f"internal error: {in_one_line(error)}; `pgsuite --debug ...` shows where, please report it"


def say(line: str, *, err: bool = False) -> None:
    """Print a line that may hold a stranger's names."""
    typer.echo(plain(line), err=err)


def show(text: str) -> None:
    """Print a line, or several, with their spaces."""
    typer.echo(block(text))


def note(text: str) -> None:
    """The same on the error output, as a traceback needs it."""
    typer.echo(block(text), err=True)
