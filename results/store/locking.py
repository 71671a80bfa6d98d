"""One step at a time in a results folder, whoever else is at work there.

In a folder by a lock that the system holds: it ends with the process that has it, however that ends. At a URL, where
there are no locks, by writing only over what was read, and beginning again where somebody was quicker.
"""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import PgsuiteError, UsageError
from .atomic import write_atomic
from .places import PATIENCE, Place, turns
from .reading import LARGEST_JSON
from .remote import Moved, Remote

LOCK = ".manifest.lock"
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


def in_one_step(path: Place, make: Callable[[], bytes], option: str = "--out") -> str:
    """Replace a file by what is made of it, as one step, whoever else does so at the same time.

    Args:
        path: the file; its folder is made if it is not there.
        make: reads what stands there and gives what is to stand there; called again where somebody else was quicker.
        option: by which the user named the folder.

    Returns:
        What the user has to know where others cannot be kept from writing at the same time; else empty.

    Raises:
        UsageError: the folder cannot be made or written.
        PgsuiteError: somebody else does not let go of it.
    """
    if isinstance(path, Remote):
        return _in_turn(path, make)
    with locked(path.parent, option) as note:
        content = make()
        write_atomic(path, lambda file: file.write(content))
    return note


def _in_turn(path: Remote, make: Callable[[], bytes]) -> str:
    for _ in turns(path):
        before = path.version()  # first: what is read below is at least as new
        with suppress(Moved):
            path.write_after(make(), before)
            break
    return _unconditional(path)


_compares: dict[tuple[str, str], bool] = {}
"""Whether conditions hold, by scheme and bucket: tried once in a process."""


def _unconditional(path: Remote) -> str:
    """Why conditions do not hold: a store that knows none writes what must not be there yet; empty where they do."""
    store = (path.scheme, path.bucket)
    if store not in _compares:
        try:
            path.write_after(path.read(LARGEST_JSON), None)
            _compares[store] = False
        except Moved:
            _compares[store] = True
    if _compares[store]:
        return ""
    return (
        f"the object store of {path.parent} does not compare before it writes: let one command at a time write there, "
        "or one may forget what another asked for"
    )


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
