"""CSV of any kind that is read: its header tells which."""

from collections.abc import Mapping
from pathlib import Path

from ...errors import UsageError
from .csv_file import read_table, read_text
from .runs import Read
from .tidy import MEASURED, NAMES, read_tidy


def read_csv(path: Path, given: Mapping[str, str]) -> Read:
    """The runs of a CSV file.

    Args:
        path: the file, packed by gzip or not.
        given: algorithm, env or seed of all its rows, in place of the column.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    table = read_table(path, read_text(path), [*(name for name in NAMES if name not in given), *MEASURED])
    if not table.lines:
        raise UsageError(f"{path} has a header and no rows; give a file with results")
    return read_tidy(table, given)
