"""Files that anybody may have written or damaged: opened without waiting, bounded, and told apart from all else.

What stands in place of a file (a FIFO, a device, a folder) is refused before it is opened, since opening or reading it
may never end; what is larger or deeper than anything of ours is refused before it is taken into memory.
"""

import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import PgsuiteError, UsageError, in_one_line
from .remote import Remote

MEBIBYTE = 2**20
LARGEST_JSON = 64 * MEBIBYTE
DEEPEST_JSON = 64
"""Tables and lists within each other."""
LONGEST_NUMBER = 40
"""Digits of a whole number; 64 bits take 20."""
_LONGEST_REASON = 200
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class DamagedFile(PgsuiteError):
    """A file of the store that does not hold what it should."""

    def __init__(self, path: Path | Remote, error: Exception | str, remedy: str) -> None:
        """Name the file, what is wrong with it, and what to do."""
        self.path = path
        self.reason = error if isinstance(error, str) else _reason(error)
        super().__init__(f"{path} is damaged and cannot be read ({self.reason}); {remedy}")


class MissingFile(PgsuiteError):
    """A file of the store that is not there."""


UNREADABLE = (DamagedFile, MissingFile, UsageError)
"""Errors that a file itself is to blame for, and not the way to it."""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error) if type(error) is ValueError else in_one_line(error)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


@contextmanager
def open_file(path: Path, limit: int) -> Iterator[BinaryIO]:
    """Open a regular file for reading; symbolic links to one will do.

    Args:
        path: the file.
        limit: bytes that it may have.

    Raises:
        OSError: it does not exist, is no file but something else, is larger, or cannot be read.
    """
    _check_kind(os.stat(path), limit)  # noqa: PTH116  (before it is opened: opening a device may do something)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123  (`Path.open` would wait for a FIFO's writer)
        _check_kind(os.fstat(file.fileno()), limit)
        yield file


def read_file(path: Path | Remote, limit: int) -> bytes:
    """The content of a regular file, or of an object, of at most ``limit`` bytes.

    Raises:
        OSError: as `open_file` does, or the file grew while it was read.
        RemoteTrouble: the object store cannot be asked.
    """
    if isinstance(path, Remote):
        return path.read(limit)
    with open_file(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, _too_large(limit))
    return content


@contextmanager
def on_disk(path: Path | Remote, limit: int) -> Iterator[Path]:
    """A file for what reads nothing else: itself, or a copy of an object that lasts as long as this.

    Raises:
        OSError, RemoteTrouble: as `read_file` does.
    """
    if isinstance(path, Path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="pgsuite-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(path.read(limit))
        yield copy


def _check_kind(found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(found.st_mode), 'something else')}, no file")
    if found.st_size > limit:
        raise OSError(errno.EFBIG, _too_large(limit))


def _too_large(limit: int) -> str:
    return f"it is larger than {limit // MEBIBYTE} MiB"


def read_json(path: Path | Remote, limit: int = LARGEST_JSON) -> Any:
    """The tree that a JSON file holds.

    Raises:
        OSError: as `open_file` does.
        ValueError: it is no JSON, or nested deeper or with longer numbers than any file of ours.
    """
    return parse_json(read_file(path, limit))


def parse_json(content: bytes) -> Any:
    """The tree that a text says.

    Raises:
        ValueError: as `read_json` does.
    """
    try:
        tree = json.loads(content, parse_int=_whole)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check_depth(tree)
    if b"\\ud" in content.lower() or b"\xed" in content:
        _check_text(tree)
    return tree


def _check_text(tree: Any) -> None:
    """Refuse halves of characters, which JSON can say and no other file can hold."""
    try:
        json.dumps(tree, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a text in it has half of a character") from None


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _check_depth(tree: Any) -> None:
    level = [tree]
    for _ in range(DEEPEST_JSON):
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise ValueError(_too_deep())


def _too_deep() -> str:
    return f"it is nested deeper than {DEEPEST_JSON} levels"
