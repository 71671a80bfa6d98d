"""What the commands share: the options before the command's name, and how a line is printed."""

import os
from typing import Annotated

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

Jobs = Annotated[
    int | None, typer.Option("--workers", min=1, help="Jobs at once.  [default: all cores, or CPUs of the cluster]")
]
OnCluster = Annotated[str, typer.Option("--on", help="Where: local, ray or ray://HOST:PORT, as for run.")]
Mixed = Annotated[
    bool, typer.Option("--mixed", help="Let the cluster's machines differ in versions or processor; kept with runs.")
]

debug = False
"""Whether tracebacks are shown; set by ``pgsuite --debug``."""


def _limit_stalls(seconds: float | None) -> float | None:
    if seconds is not None:
        os.environ["PGSUITE_STALL_LIMIT"] = repr(seconds)
    return seconds


StallLimit = Annotated[
    float | None,
    typer.Option(
        "--stall-limit",
        min=0.1,
        callback=_limit_stalls,
        help="Seconds without a sign of life after which a job is ended and fails.  [default: 1800]",
    ),
]
"""The option of every command that waits for somebody's code; it is read by all processes of the command."""


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
