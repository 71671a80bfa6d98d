"""Work that gives no sign of life: when that is said, when it is ended, and where it stands.

A worker tells where it is through `faulthandler`, which answers a signal even while compiled code holds the
interpreter, and has its last word when that code crashes.
"""

import faulthandler
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from ..errors import EnvironmentFault, UsageError, is_users, shown
from ..foreign import plain

STALL_LIMIT = 1800.0
"""Seconds without a step of an environment, an update or an evaluation after which a job is ended, by default."""
VARIABLE = "PGSUITE_STALL_LIMIT"
"""Of the environment: the same, for all processes that a command starts."""
FIRST_WORD = 60.0
"""Seconds of silence after which it is said, and again after twice as long."""
START_LIMIT = 120.0
"""Seconds that a worker has at least before it answers: it loads torch, should nobody have done so before."""
_LONGEST_LOOK = 5.0
_PATIENCE = 1.0
_ASK = getattr(signal, "SIGUSR1", None)
_PACKAGE = Path(__file__).resolve().parents[1]
_FRAME = re.compile(r'^  File "(.+)", line (\d+)', re.MULTILINE)


def stall_limit() -> float:
    """Return the limit that the environment names, as ``--stall-limit`` sets it there, else the default.

    Raises:
        UsageError: it names no positive number.
    """
    named = os.environ.get(VARIABLE, "")
    try:
        limit = float(named or STALL_LIMIT)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise UsageError(f"{VARIABLE}={named!r}: give seconds, more than 0")
    return limit


class Silence:
    """How long somebody has given no sign of life, as seen by who looks now and then.

    Time in which nobody looked counts little: this process was stopped then, or the machine slept.
    """

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self.heard()

    def heard(self) -> None:
        """Begin anew: there was a sign of life."""
        self.seconds, self._next = 0.0, FIRST_WORD

    def look(self) -> bool:
        """Let the time pass since the last look; return whether the silence is to be spoken of now."""
        now = time.monotonic()
        self.seconds += min(now - self._looked, _LONGEST_LOOK)
        self._looked = now
        if self.seconds < self._next:
            return False
        self._next *= 2
        return True


def answer(connection: Connection) -> None:
    """In a worker: say where the program is when asked, and when it crashes."""
    faulthandler.enable(connection.fileno(), all_threads=False)
    if _ASK is not None:
        faulthandler.register(_ASK, connection.fileno(), all_threads=False)
    os.write(connection.fileno(), b"\n")


def answers(connection: Connection) -> bool:
    """Whether a worker has come so far that it can be asked where it is."""
    return connection.poll() and os.read(connection.fileno(), 1) == b"\n"


def where(process: BaseProcess, connection: Connection) -> str:
    """Ask a worker that `answers` where it is: ``file:line`` of the user's code, else of any; empty if it is silent."""
    if _ASK is None or process.pid is None:
        return ""
    os.kill(process.pid, _ASK)
    if connection.poll(_PATIENCE):
        time.sleep(_PATIENCE / 20)  # it writes line by line
    return last_place(connection)


def last_place(connection: Connection) -> str:
    """Return what a worker has said of where it was last, as `where` does."""
    said = b""
    while connection.poll():
        if not (more := os.read(connection.fileno(), 2**16)):
            break
        said += more
    if said:
        with_mark = said.rpartition(b"(most recent call first):")[2]
        return _place(with_mark.decode(errors="replace"))
    return ""


def _place(trace: str) -> str:
    """The innermost line of the user's own code in a trace, the innermost call first; else of any."""
    frames = [(file, int(line)) for file, line in _FRAME.findall(trace)]
    own = [(file, line) for file, line in frames if is_users("", file) and not Path(file).is_relative_to(_PACKAGE)]
    return shown(*(own or frames)[0]) if frames else ""


class _Expired(BaseException):
    """The limit is over. Nothing that an environment catches."""


@contextmanager
def watched(what: str, limit: float) -> Iterator[None]:
    """Say that a block in this process takes long, and where it is; in the main thread, end it at the limit.

    Args:
        what: it does, in words.
        limit: seconds.

    Raises:
        EnvironmentFault: the limit was reached.
    """
    ours, over = threading.current_thread(), threading.Event()
    can_end = ours is threading.main_thread() and hasattr(signal, "SIGALRM")

    def place() -> str:
        frames = traceback.format_stack(sys._current_frames().get(ours.ident or 0))
        return _place("".join(reversed(frames)))

    def watch() -> None:
        silence = Silence()
        while not over.wait(min(1.0, limit / 4)):
            if silence.look():
                print(plain(f"note: {what} takes {silence.seconds:.0f} s so far; it is in {place()}"), file=sys.stderr)
            if can_end and silence.seconds >= limit and not over.is_set():
                signal.pthread_kill(ours.ident or 0, signal.SIGALRM)
                return

    def expire(_: int, frame: FrameType | None) -> None:
        raise _Expired(shown(frame.f_code.co_filename, frame.f_lineno) if frame else "")

    before = signal.signal(signal.SIGALRM, expire) if can_end else None
    threading.Thread(target=watch, name="watch", daemon=True).start()
    try:
        yield
    except _Expired as error:
        raise EnvironmentFault(
            f"{what} took more than {limit:g} s, the stall limit (in {error}); mend it, or give a longer --stall-limit"
        ) from None
    finally:
        over.set()
        if can_end:
            signal.signal(signal.SIGALRM, before)
