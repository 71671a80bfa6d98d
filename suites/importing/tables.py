"""CSV of any kind that is read: its header tells which."""

from pathlib import Path

from ...errors import UsageError
from .csv_file import Table, check_columns, read_table, read_text
from .files import SUPPORTED
from .runs import Read
from .series import Wanted
from .tidy import MEASURED, NAMES, read_tidy
from .wandb import is_long, is_wide, read_long, read_wide


def read_csv(path: Path, wanted: Wanted) -> Read:
    """The runs of a CSV file: tidy, or W&B's.

    Args:
        path: the file, packed by gzip or not.
        wanted: algorithm, env or seed of all its rows, in place of the column, and which metric is the return.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    table = read_table(path, read_text(path))
    required = [*(name for name in NAMES if name not in wanted.given), *MEASURED]
    tidy = all(name in table.header for name in required)
    if not table.lines:
        raise UsageError(f"{path} has a header and no rows; give a file with results")
    if not tidy and is_wide(table):
        return read_wide(table, wanted)
    if not tidy and is_long(table, wanted.metric):
        return read_long(table, wanted)
    if not tidy:
        _refuse_means(table)
    check_columns(path, table.header, required)
    if wanted.source == "training":
        raise UsageError(f"{path} holds evaluations; leave --source training out")
    if wanted.metric:
        raise UsageError(f"{path} is a tidy CSV, whose return is called so; leave --metric out")
    return read_tidy(table, wanted.given)


def _refuse_means(table: Table) -> None:
    if any("±" in value for value in table.lines[0].values.values()):
        raise UsageError(
            f"{table.path} is a table of means and deviations, which holds no runs; export the runs themselves: "
            f"{SUPPORTED}"
        )
