"""What asks a command to end: Ctrl-C, SIGTERM from Slurm or Docker, SIGHUP from a terminal that is closed."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from ..errors import Interrupted

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_OUTPUTS = (1, 2)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` wherever the program is when a signal comes, and again at the next one.

    A signal that whoever started the program chose to ignore (``nohup``, a shell's background job) stays ignored.
    """
    terminals = [output for output in _OUTPUTS if _is_terminal(output)]

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        if number == getattr(signal, "SIGHUP", None):
            _mute(terminals)
        raise Interrupted(number)

    ours = [number for number in SIGNALS if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)]
    before = {number: signal.signal(number, interrupt) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(error: BaseException) -> int:
    """Return the shell's code for a program that a signal ended: 128 and its number."""
    return 128 + (error.number if isinstance(error, Interrupted) else signal.SIGINT)


def _is_terminal(output: int) -> bool:
    try:
        return os.isatty(output)
    except OSError:
        return False


def _mute(outputs: list[int]) -> None:
    """Send to nowhere what would go to a terminal that is closed, where writing it fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in outputs:
        os.dup2(nowhere, output)
    os.close(nowhere)
