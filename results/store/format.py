"""The format of what a results folder holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError
from .remote import Remote

FORMAT = 3
"""Of records and manifests that are written. Since 2, fingerprints are of definitions instead of modules; since 3,
every file has a digest, and the names of folders tell all names apart."""
DIGESTS_SINCE = 3
READABLE = (1, 2, FORMAT)
"""Formats that are read; runs are added only to results of the latest."""


def check_format(path: Path | Remote, content: Mapping[str, Any]) -> int:
    """Return the format of a file; refuse one that another version of pgsuite wrote in a format not read here.

    Raises:
        UsageError: naming the formats.
    """
    found = content.get("format", FORMAT)
    if type(found) is not int or found not in READABLE:
        raise UsageError(
            f"{path} has format {found!r:.40}, this pgsuite reads formats {', '.join(map(str, READABLE))}: read it "
            "with the version that wrote it, or run the suite again into another folder"
        )
    return found


def check_extensible(path: Path | Remote, found: int) -> None:
    """Refuse to add to results of an earlier format: what is there already could not be told, or not be trusted.

    Args:
        path: the file.
        found: its format.

    Raises:
        UsageError: naming the file and what to do.
    """
    if found != FORMAT:
        raise UsageError(
            f"{path} has format {found}, whose files have no digests and other names than this pgsuite's: such results "
            "are reported and compared, but not resumed or added to; choose another folder with --out"
        )
