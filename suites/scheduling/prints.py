"""What a worker process prints, Python's and C's, is passed on line by line: the first lines, and of more how many.

Written straight to the terminal it would tear the bars that are shown there, and say nothing of who printed it. A pipe
takes it, and a thread of the parent empties that, so that who prints waits for nobody, and last words before a crash
are heard. A print in every step costs the parent next to nothing: what is not passed on is counted, and no line is left
out because it looks like another.
"""

import os
import re
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from ...wording import plural

AT_ONCE = 10
"""Lines of a worker that are passed on at once; after that one more whenever `EVERY` seconds have gone by."""
EVERY = 10.0
_CHUNK = 2**16
_BREATH = 0.01
"""Seconds between two looks into a pipe that is not full."""
_LONGEST = 4000
"""Bytes of a line."""
_LAST = 0.5
"""Seconds to wait for the end of what a process that has ended printed: one that it started may go on."""
_END = re.compile(rb"[\r\n]+")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def send(output: Connection) -> None:
    """In a worker: from now on, what is printed goes there."""
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # there is none, or somebody else's
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    output.close()


class Prints:
    """Listens to what one worker prints."""

    def __init__(self, pipe: Connection) -> None:
        """Begin to listen to a pipe, and close it at its end."""
        self._pipe, self._lock = pipe, threading.Lock()
        self._rest = b""
        self._lines: list[str] = []
        self._skipped, self._last = 0, b""
        self._allowed, self._counted = float(AT_ONCE), time.monotonic()
        self._thread = threading.Thread(target=self._listen, name="prints", daemon=True)
        self._thread.start()

    def take(self) -> list[str]:
        """Return the lines that are to be told now."""
        with self._lock:
            lines, self._lines = self._lines, []
        return lines

    def end(self) -> list[str]:
        """Return what is left to be told of a worker that has ended: how many lines were left out, and the last one."""
        self._thread.join(_LAST)
        with self._lock:
            self._hear(b"\n")
            if self._skipped:
                self._lines.append(f"{_more(self._skipped)}, the last: {_text(self._last)}")
        return self.take()

    def _listen(self) -> None:
        with self._pipe, suppress(OSError):
            while said := os.read(self._pipe.fileno(), _CHUNK):
                with self._lock:
                    self._hear(said)
                if len(said) < _CHUNK:
                    time.sleep(_BREATH)

    def _hear(self, said: bytes) -> None:
        now = time.monotonic()
        self._allowed = min(self._allowed + (now - self._counted) / EVERY, AT_ONCE)
        self._counted = now
        *lines, rest = _END.split(self._rest + said)
        self._rest = rest[:_LONGEST]
        for line in filter(bytes.strip, lines):
            if self._allowed < 1:
                self._skipped, self._last = self._skipped + 1, line
                continue
            if self._skipped:
                self._lines.append(_more(self._skipped))
            self._lines.append(_text(line))
            self._allowed, self._skipped = self._allowed - 1, 0


def _more(count: int) -> str:
    return f"… {plural(count, 'more line')}"


def _text(line: bytes) -> str:
    return _COLOURS.sub("", line[:_LONGEST].decode(errors="replace")).rstrip()
