"""The command line: the commands put together, and how an error ends.

Everything heavy is imported by the command that needs it, so that ``--help`` answers at once.
"""

import atexit
import gc
import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from ..errors import PgsuiteError
from ..foreign import block, plain
from ..suites.tether import rest
from . import options
from .anchors import anchors
from .audit import audit
from .bisect import bisect
from .bless import bless
from .check import check
from .effort import effort
from .import_ import import_
from .interruption import exit_code, interruptible
from .list import list_names
from .plan import plan
from .replay import replay
from .report import report
from .run import run
from .sweep import sweep
from .tune import tune

if TYPE_CHECKING:
    from typer.core import TyperOption

EXIT_CODES = """
Exit codes: 0 done; 1 something failed while running, the summary names it, or a check found a regression;
2 the request cannot be carried out as written; 3 a check stays open; 4 its baseline is missing or not comparable;
130 interrupted by Ctrl-C, 143 by SIGTERM, 129 by a closed terminal.
"""
_GARBAGE = 100_000
"""How many more containers than before there are when a command looks for garbage."""
_LINGER = 5.0
"""Seconds that threads have to end when the command is done."""


class _Command(TyperCommand):
    def get_help_option(self, ctx: Any) -> "TyperOption | None":
        return _light(super().get_help_option(ctx))


class _Stopped(PgsuiteError):
    """A signal ended the command."""

    def __init__(self, error: KeyboardInterrupt) -> None:
        super().__init__("interrupted")
        self.exit_code = exit_code(error)


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, those among them light that install completion."""
        found = super().get_params(ctx)
        for option in found:
            if getattr(option, "is_flag", False) and option.default is None:
                _light(option)  # type: ignore[arg-type]  # a flag is an option
        return found

    def invoke(self, ctx: Any) -> Any:
        """Invoke the command; a signal keeps its own exit code, where typer has 130 for all."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Stopped(error) from error
        except EOFError as error:  # which typer takes for the end of what a user types
            raise PgsuiteError(options.internal_error(error)) from error

    def get_help_option(self, ctx: Any) -> "TyperOption | None":
        return _light(super().get_help_option(ctx))


def _light(option: "TyperOption | None") -> "TyperOption | None":
    """Let an absent flag be False: typer loads pydantic to validate a flag's default of None."""
    if option is not None:
        option.default = False
    return option


app = typer.Typer(
    name="pgsuite",
    cls=_Group,
    help="Find out which policy-gradient algorithm is better on which tasks, and whether a change made one worse.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    add_completion=True,
    rich_markup_mode=None,  # rich takes longer to load than all the rest
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"pgsuite {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    options.debug = debug
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


app.command("list", cls=_Command)(list_names)
app.command()(run)
app.command()(report)
app.command()(check)
app.command()(bless)
app.command()(bisect)
app.command()(plan)
app.command()(tune)
app.command()(sweep)
app.command()(effort)
app.command()(replay)
app.command("import")(import_)
app.command()(audit)
app.command()(anchors)


def main() -> NoReturn:
    """Run the command line; an expected error is one line on stderr and its exit code.

    Garbage is looked for seldom, and not as the process ends: a quarter of the time in which torch is loaded and left.
    """
    rest()
    before, usual = set(threading.enumerate()), gc.get_threshold()
    gc.set_threshold(_GARBAGE)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        code = _carry_out()
    finally:
        gc.set_threshold(*usual)
    _end_threads(set(threading.enumerate()) - before, code)
    sys.exit(code)


def _carry_out() -> int | None:
    """Run what is asked and return the exit code; None for 0."""
    try:
        with interruptible():
            code: int | None = app(prog_name="pgsuite", standalone_mode=False)
            return code
    except typer.TyperException as error:
        reason = plain(error.format_message()).rstrip(".")
        command = getattr(getattr(error, "ctx", None), "command_path", "pgsuite")
        print(f"pgsuite: {reason}; see `{command} --help`", file=sys.stderr)
        return 2
    except PgsuiteError as error:
        if options.debug:
            print(block(traceback.format_exc()), file=sys.stderr)
        print(f"pgsuite: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort) as error:
        print("pgsuite: interrupted", file=sys.stderr)
        return exit_code(error)
    except Exception as error:
        if options.debug:
            print(block(traceback.format_exc()), file=sys.stderr)
        print(f"pgsuite: {options.internal_error(error)}", file=sys.stderr)
        return 1


def _end_threads(started: set[threading.Thread], code: int | None) -> None:
    """End the process where threads that somebody's code has left running would keep it from ending."""
    deadline = time.monotonic() + _LINGER
    for thread in (left := [thread for thread in started if not thread.daemon]):
        thread.join(max(0.0, deadline - time.monotonic()))
    if names := [thread.name for thread in left if thread.is_alive()]:
        print(plain(f"note: ended while {', '.join(names)} still ran, threads of somebody's code"), file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
