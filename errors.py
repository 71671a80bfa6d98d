"""Errors meant for the user: one line that names the thing and the remedy, and the exit code it ends in.

Exit codes of the command line: 0 done, 1 something failed while running (the summary names it),
2 the request cannot be carried out as written, 128 and a signal's number interrupted by that signal.
"""

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

from .foreign import plain

_LONGEST = 200
"""Characters of a value in a message."""


class PgsuiteError(Exception):
    """Anything that ends in one line for the user instead of a traceback."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class UsageError(PgsuiteError):
    """The request is wrong as written: an unknown name, a bad value, an unsupported space, an unusable folder."""

    exit_code = 2


class PassingTrouble(PgsuiteError):
    """No fault of what was run, which may go well another time: a store that cannot be written, a lost worker."""


class EnvironmentFault(PgsuiteError):
    """An environment broke its contract while running: it raised, or gave a non-finite reward or observation."""


def in_one_line(error: BaseException) -> str:
    """An unexpected error as ``Type: message``, on one line."""
    return plain(f"{type(error).__name__}: {error}")


def brief(value: object) -> str:
    """A value as Python writes it; of a long one its beginning and end, so that what is said of it is still read."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]}…{text[-20:]}"


def located(reason: str, where: str) -> str:
    """A reason with the ``file:line`` where it arose, if a line is to blame."""
    return f"{reason} (in {where})" if where else reason


class Interrupted(KeyboardInterrupt):
    """A signal asked for the end: Ctrl-C, or what Slurm, Docker and a closed terminal send."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


def place(error: BaseException) -> str:
    """Where an error arose, as ``file:line``: the innermost line of the user's own code, else of any.

    Of an error that was raised from another one, the first that came through the user's code tells. One of ours that
    did not come from there is not about a line of code: empty.
    """
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    for one in chain:
        if isinstance(one, SyntaxError) and one.filename:
            return shown(one.filename, one.lineno or 0)
        if own := [(file, line) for module, file, line in _lines(one) if is_users(module, file)]:
            return shown(*own[-1])
    lines = list(_lines(chain[-1]))
    return shown(*lines[-1][1:]) if lines and not isinstance(chain[-1], PgsuiteError) else ""


def _lines(error: BaseException) -> Iterator[tuple[str, str, int]]:
    """Module, file and line of each frame that an error came through, the innermost last."""
    for frame, line in walk_tb(error.__traceback__):
        yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename, line


def is_users(module: str, file: str) -> bool:
    """Whether code is neither ours, nor installed, nor Python's own. A user's file may lie in a checkout of ours."""
    installed = {"site-packages", "dist-packages"} & set(Path(file).parts)
    builtin = file.startswith("<") or Path(file).is_relative_to(sysconfig.get_path("stdlib"))
    return not (installed or builtin or module.partition(".")[0] == __name__.partition(".")[0])


def shown(file: str, line: int) -> str:
    """A line of a file, as seen from the working folder."""
    here = Path.cwd()
    return f"{Path(file).relative_to(here) if Path(file).is_relative_to(here) else file}:{line}"
