"""A lock on a results folder, held by the system: it ends with the process that has it, however that ends."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import PgsuiteError, UsageError

LOCK = ".manifest.lock"
PATIENCE = 60.0
"""Seconds to wait for whoever has the lock, which takes milliseconds."""
_POLL = 0.02
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)

try:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

except ImportError:  # Windows
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]


@contextmanager
def locked(folder: Path, option: str = "--out", take: Callable[[int], None] = _take) -> Iterator[str]:
    """Hold the lock of a folder, which is made if it is not there.

    Args:
        folder: the results folder.
        option: by which the user named it.
        take: takes the lock, or raises OSError at once.

    Yields:
        Why it could not be locked, for the user to know; empty where it is. A network file system may have no locks:
        then commands that write into the folder at once may undo each other's requests, as they would without this.

    Raises:
        UsageError: the folder cannot be made or written.
        PgsuiteError: somebody else has the lock and keeps it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(folder / LOCK, flags, 0o666)
    except OSError as error:
        raise UsageError(
            f"cannot write to the results folder {folder}: {error.strerror}; choose another with {option}"
        ) from error
    try:
        yield _wait(descriptor, folder, take)
    finally:
        os.close(descriptor)


def _wait(descriptor: int, folder: Path, take: Callable[[int], None]) -> str:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            take(descriptor)
            return ""
        except OSError as error:
            if error.errno not in _HELD:
                reason = error.strerror or str(error)
                return (
                    f"the file system of {folder} has no locks ({reason}): let one command at a time write there, or "
                    "one may forget what another asked for"
                )
        if time.monotonic() > deadline:
            raise PgsuiteError(
                f"another process has held {folder / LOCK} for {PATIENCE:.0f} s: end it, then run this again"
            )
        time.sleep(_POLL)
