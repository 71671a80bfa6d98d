"""numpy's files, never unpickled."""

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from .csv_file import LARGEST_FILE


def holds(path: Path, name: str) -> bool:
    """Whether a file is an archive with an array of this name."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{name}.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def read_arrays(path: Path, remedy: str, names: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz``, by name, or the one of an ``.npy``, by the empty name.

    Args:
        path: the file.
        remedy: how it should be written.
        names: of the arrays that are wanted; all where none is named.

    Raises:
        UsageError: it cannot be read, unpacks to more than 1 GB, lacks one, or holds pickled objects.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        else:
            size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UsageError(f"{path} unpacks to more than 1 GB, which no results do; name another file")
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"": loaded}
            return {name: np.asarray(loaded[name]) for name in names or loaded.files}
    except KeyError as error:
        raise UsageError(f"{path}: {str(error)[:80]}; write it with {remedy}") from None
    except ValueError as error:
        pickled = "pickle" in str(error).lower()
        reason = "it holds pickled objects, which are never loaded" if pickled else str(error)[:80]
        raise UsageError(f"{path}: {reason}; write it with {remedy}") from None
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, MemoryError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:80]}; copy it again") from None
