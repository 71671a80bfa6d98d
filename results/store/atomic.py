"""Files that are either whole or absent, whatever kills the process that writes them."""

import io
import json
import math
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import PassingTrouble
from .remote import Remote

# No file of the store takes this long to write, so an older temporary file is what a killed process left.
STALE_AFTER_SECONDS = 60.0


def write_atomic(path: Path | Remote, writer: Callable[[BinaryIO], object]) -> None:
    """Replace ``path`` by what ``writer`` writes, durably and in one step.

    The bytes go to a temporary file in the same folder, reach the disk, and only then take the name;
    a reader sees the old content or the new, never a mixture. Temporary names are unique, so two processes
    that write the same file do not meet, and hidden, so that no reader of the store takes one for a result.
    At a URL they go there in one request.

    Raises:
        PassingTrouble: the file cannot be written (permissions, a full disk).
    """
    if isinstance(path, Remote):
        buffer = io.BytesIO()
        writer(buffer)
        path.write(buffer.getvalue())
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        _remove_leftovers(path)
        with temporary.open("xb") as file:
            writer(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _discard(temporary)
        reason = error.strerror or str(error)
        raise PassingTrouble(f"cannot write {path}: {reason}; check its permissions and the free space") from error
    except BaseException:
        _discard(temporary)
        raise


def write_text(path: Path | Remote, text: str) -> None:
    """Replace ``path`` by a text, as `write_atomic` does."""
    write_atomic(path, lambda file: file.write(text.encode()))


def write_json(path: Path | Remote, tree: Any) -> None:
    """Replace ``path`` by a tree as JSON, as `write_atomic` does: what is not finite is null, a named tuple a table."""
    write_text(path, json.dumps(finite(tree), indent=1, allow_nan=False) + "\n")


def finite(tree: Any) -> Any:
    """A tree as JSON can say it: what is not finite is null, a named tuple a table."""
    if hasattr(tree, "_asdict"):
        return finite(tree._asdict())
    if isinstance(tree, dict):
        return {key: finite(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [finite(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _discard(temporary: Path) -> None:
    """Remove what was begun; a failure to do so must not hide the reason it was abandoned for."""
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files that a killed process left for this name."""
    now = time.time()
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        try:
            if now - leftover.stat().st_mtime > STALE_AFTER_SECONDS:
                leftover.unlink()
        except FileNotFoundError:
            continue


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; a no-op where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
