"""CSV with the line and the column in every complaint."""

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError

LARGEST = 2**63 - 1
LARGEST_FILE = 2**30
"""Bytes unpacked; the results of a benchmark take some megabytes."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[0-9]{1,19}(\.0*)?")
_INDEX = re.compile(r"(Unnamed: [0-9]+)?")
"""A column without a name, or as pandas calls one that it has read and written again."""


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
        value = number(text)
        if value is None:
            table = ": a table of means has no runs; give every run by itself" if "±" in text else "; correct it"
            raise self.complaint(column, f"{text[:40]!r} is not a number{table}")
        if not math.isfinite(value):
            raise self.complaint(column, f"{text[:40]} is not finite; end the run at its last finite row")
        return value

    def whole_in(self, column: str) -> int:
        """A whole number, not negative, written as such: ``1000``, or ``1000.0`` as pandas writes it beside gaps.

        Raises:
            UsageError: it is anything else.
        """
        text = self.values[column].strip()
        value = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
        if value is None or value > LARGEST:
            raise self.complaint(
                column, f"{text[:40]!r} is not a whole number from 0 to {LARGEST}, in digits alone; correct it"
            )
        return value


class Table(NamedTuple):
    """The rows of a file."""

    path: Path
    header: list[str]
    """Names of its columns, in order; those without a name are ``unnamed column 1`` and so on."""
    lines: list[Line]
    notes: list[str]
    """What was left out, a line each."""


def number(text: str) -> float | None:
    """A number as people and programs write it, finite or not; None for anything else."""
    if _NUMBER.fullmatch(text) or text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return float(text)
    return None


def read_text(path: Path) -> str:
    """The text of a file, which may be packed by gzip.

    Raises:
        UsageError: it cannot be read, is empty, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(LARGEST_FILE + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UsageError(f"{path} is packed by gzip and damaged; copy it again") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check the name and the permissions") from None
    if len(content) > LARGEST_FILE:
        raise UsageError(f"{path} holds more than 1 GB, which no results do; name another file")
    if not text.strip():
        raise UsageError(f"{path} is empty; give a file with results")
    return text


def read_table(
    path: Path, text: str, required: Sequence[str] = (), *, first: int = 1, ends_lines: bool = False
) -> Table:
    """The rows under a header; blank ones, and those that repeat the header, are left out.

    A last line that was cut off while it was being written is left out, too: one without a line end that lacks columns
    or ends in half a number.

    Args:
        path: for messages.
        text: the file from its header on.
        required: columns that must be there.
        first: number of the header's line.
        ends_lines: whether what wrote the file ends every line, so that one without an end was cut whatever it holds.

    Raises:
        UsageError: naming the file, the line and the column.
    """
    rows = _rows(path, text, first)
    if not rows:
        raise UsageError(f"{path} has no header; its first line should be {','.join(required)}")
    (place, titles), *body = rows
    header = [_called(n, title.strip()) for n, title in enumerate(titles, start=1)]
    if twice := [title for title in header if header.count(title) > 1]:
        raise UsageError(f"{path}, line {place}: two columns are called {twice[0]}; rename one")
    check_columns(path, header, required, place)
    notes = []
    if repeated := [line for line, row in body if row == titles]:
        notes.append(f"{path}: the header is there again in line {_listed(repeated)}, and left out")
        body = [(line, row) for line, row in body if row != titles]
    if body and not text.endswith(("\n", "\r")):
        line, last = body[-1]
        if ends_lines or _is_cut(last, [row for _, row in body[:-1]], len(header)):
            del body[-1]
            notes.append(f"{path}: line {line}, the last, was cut off while it was being written, and is left out")
        elif number(last[-1].strip()) is not None:
            notes.append(f"{path}: the last line has no line end; if it was cut off, its last number is wrong")
    for line, row in body:
        if len(row) != len(header):
            raise UsageError(
                f"{path}, line {line} has {len(row)} values and the header {len(header)} columns; correct the line"
            )
    lines = [Line(path, line, dict(zip(header, row, strict=True))) for line, row in body]
    return Table(path, header, lines, notes)


def _called(place: int, title: str) -> str:
    return f"unnamed column {place}" if _INDEX.fullmatch(title) else title


def _rows(path: Path, text: str, first: int) -> list[tuple[int, list[str]]]:
    """The rows with their lines' numbers."""
    unfinished = text.rpartition("\n")[2].count('"') % 2
    if unfinished:  # cut within quotes: what is left of the line is no row
        text = text.rpartition("\n")[0] + "\n" + text.rpartition("\n")[2].replace('"', "")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num + first - 1, row) for row in reader if any(value.strip() for value in row)]
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num + first - 1}: {error}; correct it") from None


def _is_cut(last: Sequence[str], others: Sequence[Sequence[str]], columns: int) -> bool:
    """Whether a row without a line end ends too early, or in what is no number though all others end in one."""
    numbers = bool(others) and all(row and number(row[-1].strip()) is not None for row in others)
    return len(last) < columns or (numbers and number(last[-1].strip()) is None)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")


def check_columns(path: Path, header: Sequence[str], required: Sequence[str], line: int = 1) -> None:
    """Refuse a header that lacks a column.

    Raises:
        UsageError: naming the column and what may be meant.
    """
    for column in required:
        if column not in header:
            close = get_close_matches(column, header, n=1, cutoff=0.5)
            hint = f"is it {close[0]!r}? rename it" if close else f"it has {', '.join(header)[:200]}"
            if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
                hint = "separate the columns by commas"
            raise UsageError(f"{path}, line {line}: the column {column!r} is missing; {hint}")
