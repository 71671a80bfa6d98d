"""Errors meant for the user: one line that names the thing and the remedy, and the exit code it ends in.

Exit codes of the command line: 0 done, 1 something failed while running (the summary names it),
2 the request cannot be carried out as written, 130 interrupted.
"""

import unicodedata

_INERT = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode categories that are not drawn: controls, marks that turn the direction of text, halves of pairs."""


def plain(text: str) -> str:
    """The text on one line, with the replacement character where a character would act instead of being seen.

    Names and reasons may come out of a stranger's folder; a terminal would obey them.
    """
    line = " ".join(text.split())
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(one) in _INERT else one for one in line)


class PgsuiteError(Exception):
    """Anything that ends in one line for the user instead of a traceback."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class UsageError(PgsuiteError):
    """The request is wrong as written: an unknown name, a bad value, an unsupported space, an unusable folder."""

    exit_code = 2


class EnvironmentFault(PgsuiteError):
    """An environment broke its contract while running: it raised, or gave a non-finite reward or observation."""


def in_one_line(error: BaseException) -> str:
    """An unexpected error as ``Type: message``, on one line."""
    return plain(f"{type(error).__name__}: {error}")
