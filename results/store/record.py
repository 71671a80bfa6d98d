"""A cell's record, ``cell.json``: everything needed to repeat it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .digest import DIGEST, check_table
from .format import DIGESTS_SINCE, check_format
from .reading import DamagedFile, MissingFile, read_json
from .remote import Remote

RECORD = "cell.json"
LARGEST_ANCHOR = 1e300
"""In size: differences of larger numbers are no numbers any more."""


def has_record(folder: Path | Remote) -> bool:
    """Whether something stands where a folder's record would, readable or not."""
    path = folder / RECORD
    return path.is_file() if isinstance(path, Remote) else os.path.lexists(path)


def read_record(folder: Path | Remote) -> dict[str, Any]:
    """The ``cell.json`` of a folder.

    Raises:
        PgsuiteError: there is none, or it cannot be read.
        UsageError: it is of another format.
    """
    path = folder / RECORD
    try:
        content = read_json(path)
        record = check_table(content, required=False)
        if check_format(path, record) >= DIGESTS_SINCE and DIGEST not in content:
            raise ValueError("its digest is missing")
        _check_types(record)
    except (FileNotFoundError, NotADirectoryError) as error:
        if has_record(folder):  # a link to nowhere
            raise DamagedFile(path, error, "run the suite again to restore it") from error
        raise MissingFile(f"{path} does not exist; {folder} is not a cell of results") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DamagedFile(path, error, "run the suite again to restore it") from error
    return record


def _check_types(record: Mapping[str, Any]) -> None:
    """Hold a record to what readers rely on: anybody may have written it."""
    if not all(isinstance(record.get(name), str) for name in ("algorithm", "env", "fingerprint")):
        raise ValueError("algorithm, env or fingerprint is missing")
    if not all(isinstance(record.get(name, {}), dict) for name in ("protocol", "environment", "configuration")):
        raise ValueError("protocol, environment or configuration is no table")
    notes = record.get("environment_notes", [])
    if not (isinstance(notes, list) and all(isinstance(note, str) for note in notes)):
        raise ValueError("environment_notes is no list of texts")
    if (anchors := record.get("anchors")) is not None:
        random, reference = float(anchors["random"]), float(anchors["reference"])
        if not (abs(random) <= LARGEST_ANCHOR and abs(reference) <= LARGEST_ANCHOR and random != reference):
            raise ValueError("anchors are not two numbers")
