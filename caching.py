"""Where this package keeps what it can make again: compiled kernels, and what files of Python say."""

import getpass
import os
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def cache_folder(kind: str) -> Path:
    """Return a folder for one kind of things, which can be written to.

    Raises:
        OSError: there is none.
    """
    candidates = [os.environ.get("NUMBA_CACHE_DIR")]
    if sys.platform == "win32":
        candidates.append(os.environ.get("LOCALAPPDATA"))
    candidates.append(os.environ.get("XDG_CACHE_HOME"))
    with suppress(RuntimeError):  # a user without a home, as containers have them
        candidates.append(str(Path.home() / ".cache"))
    for folder in (Path(each) / "pgsuite" / kind for each in candidates if each):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have them
        user = "nobody"
    folder = Path(tempfile.gettempdir()) / f"pgsuite-{kind}-{user}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
