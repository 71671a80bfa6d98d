"""CSV with the line and the column in every complaint."""

import csv
import io
import math
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError

LARGEST = 2**63 - 1


class Line(NamedTuple):
    """One row of a file."""

    path: Path
    number: int
    """Counted from 1, as an editor does."""
    values: dict[str, str]

    def complaint(self, column: str, problem: str) -> UsageError:
        """The error of a value in this row."""
        return UsageError(f"{self.path}, line {self.number}, column {column}: {problem}")

    def number_in(self, column: str) -> float:
        """A finite number.

        Raises:
            UsageError: it is anything else.
        """
        text = self.values[column].strip()
        try:
            value = float(text)
        except ValueError:
            raise self.complaint(column, f"{text[:40]!r} is not a number; correct it") from None
        if not math.isfinite(value):
            raise self.complaint(column, f"{text} is not finite; end the run at its last finite row") from None
        return value

    def whole_in(self, column: str) -> int:
        """A whole number, not negative; ``1000.0`` will do.

        Raises:
            UsageError: it is anything else.
        """
        text = self.values[column].strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else self.number_in(column)
        if value < 0 or value != int(value) or value > LARGEST:
            raise self.complaint(column, f"{text[:40]} is not a whole number from 0 to {LARGEST}; correct it")
        return int(value)


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        UsageError: it cannot be read, is empty, or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check the name and the permissions") from None
    if not text.strip():
        raise UsageError(f"{path} is empty; give a file with results")
    return text


def read_lines(path: Path, text: str, required: Sequence[str], skip: int = 0) -> list[Line]:
    """The rows under a header; blank ones are left out.

    Args:
        path: for messages.
        text: the file.
        required: columns that must be there.
        skip: lines before the header.

    Raises:
        UsageError: naming the file, the line and the column.
    """
    file = io.StringIO(text, newline="")
    for _ in range(skip):
        file.readline()
    reader = csv.reader(file, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows = [(reader.line_num + skip, row) for row in reader if any(value.strip() for value in row)]
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num + skip}: {error}; correct it") from None
    if not rows:
        raise UsageError(f"{path} has no header; its first line should be {','.join(required)}")
    (first, titles), *body = rows
    header = [title.strip() for title in titles]
    _check_header(path, first, header, required)
    for number, row in body:
        if len(row) != len(header):
            raise UsageError(
                f"{path}, line {number} has {len(row)} values and the header {len(header)} columns; correct the line"
            )
    if not body:
        raise UsageError(f"{path} has a header and no rows; give a file with results")
    return [Line(path, number, dict(zip(header, row, strict=True))) for number, row in body]


def _check_header(path: Path, line: int, header: Sequence[str], required: Sequence[str]) -> None:
    if repeated := [title for title in header if title and header.count(title) > 1]:
        raise UsageError(f"{path}, line {line}: two columns are called {repeated[0]}; rename one")
    for column in required:
        if column not in header:
            close = get_close_matches(column, header, n=1, cutoff=0.5)
            hint = f"is it {close[0]!r}? rename it" if close else f"it has {', '.join(header)[:200]}"
            if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
                hint = "separate the columns by commas"
            raise UsageError(f"{path}, line {line}: the column {column!r} is missing; {hint}")
