"""The format of what a results folder holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError

FORMAT = 2
"""Of records and manifests that are written. Since 2, fingerprints are of definitions instead of modules."""
READABLE = (1, FORMAT)
"""Formats that are read; runs are added only to results of the latest."""


def check_format(path: Path, content: Mapping[str, Any]) -> int:
    """Return the format of a file; refuse one that another version of pgsuite wrote in a format not read here.

    Raises:
        UsageError: naming the formats.
    """
    if (found := content.get("format", FORMAT)) not in READABLE:
        raise UsageError(
            f"{path} has format {found}, this pgsuite reads formats {' and '.join(map(str, READABLE))}: read it with "
            "the version that wrote it, or run the suite again into another folder"
        )
    return int(found)


def check_extensible(path: Path, found: int) -> None:
    """Refuse to add to results of an earlier format: by its fingerprints nobody can tell what is there already.

    Args:
        path: the file.
        found: its format.

    Raises:
        UsageError: naming the file and what to do.
    """
    if found != FORMAT:
        raise UsageError(
            f"{path} has format {found}, whose fingerprints this pgsuite cannot match: such results are reported and "
            "compared, but not resumed or added to; choose another folder with --out"
        )
