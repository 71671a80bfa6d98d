"""The format of what a results folder holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError

FORMAT = 1
"""Of records and manifests; another is refused."""


def check_format(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse a file that another version of pgsuite wrote in another format.

    Raises:
        UsageError: naming both formats.
    """
    if (found := content.get("format", FORMAT)) != FORMAT:
        raise UsageError(
            f"{path} has format {found}, this pgsuite reads format {FORMAT}: read it with the version that wrote it, "
            "or run the suite again into another folder"
        )
