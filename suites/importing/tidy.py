"""Tidy CSV: one row per run and evaluation, in the columns algorithm, env, seed, env_steps, return.

Optional columns: ``return_std`` and ``episodes`` of an evaluation, ``length_mean``, ``wall_time`` (seconds of training
so far), ``updates``, and any number of diagnostics called ``metric/<name>``.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError
from ...results.store.curve import METRIC, CurveRow
from .csv_file import Line, read_lines, read_text
from .runs import ImportedRun, checked_name

NAMES = ("algorithm", "env", "seed")
MEASURED = ("env_steps", "return")
OPTIONAL = ("return_std", "episodes", "length_mean", "wall_time", "updates")


class Tidy(NamedTuple):
    """What a file holds."""

    runs: list[ImportedRun]
    ignored: list[str]
    """Columns that mean nothing here."""


def read_tidy(path: Path, given: Mapping[str, str]) -> Tidy:
    """The runs of a tidy CSV file.

    Args:
        path: the file.
        given: algorithm, env or seed of all its rows, in place of the column.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    text = read_text(path)
    lines = read_lines(path, text, [*(name for name in NAMES if name not in given), *MEASURED])
    header = list(lines[0].values)
    for name in given:
        if name in header:
            raise UsageError(f"{path} has the column {name!r} already; leave --{name} out, or the column")
    grouped: dict[tuple[str, str, int], list[Line]] = {}
    for line in lines:
        line.values.update(given)
        algorithm, env = (_name(line, what) for what in ("algorithm", "env"))
        grouped.setdefault((algorithm, env, line.whole_in("seed")), []).append(line)
    runs = [ImportedRun(*key, (path,), tuple(_rows(of_run))) for key, of_run in grouped.items()]
    known = {*NAMES, *MEASURED, *OPTIONAL}
    return Tidy(runs, [title for title in header if title not in known and not title.startswith(METRIC)])


def _name(line: Line, what: str) -> str:
    return checked_name(line.values[what], what, f"{line.path}, line {line.number}, column {what}")


def _rows(lines: Sequence[Line]) -> Iterable[CurveRow]:
    steps = [line.whole_in("env_steps") for line in lines]
    for before, here, line in zip(steps, steps[1:], lines[1:], strict=False):
        if here == before:
            raise line.complaint("env_steps", f"{here} is there twice in this run; average its episodes into one row")
        if here < before:
            raise line.complaint("env_steps", f"{here} comes after {before} in this run; sort the rows of every run")
    first = 0 if steps[0] == 0 else 1
    return (_row(line, n + first, here) for n, (line, here) in enumerate(zip(lines, steps, strict=True)))


def _row(line: Line, checkpoint: int, steps: int) -> CurveRow:
    def optional(column: str, otherwise: float) -> float:
        return line.number_in(column) if line.values.get(column, "").strip() else otherwise

    def whole(column: str) -> int:
        return line.whole_in(column) if line.values.get(column, "").strip() else 0

    episodes, length = whole("episodes"), optional("length_mean", float("nan"))
    return CurveRow(
        checkpoint=checkpoint,
        env_steps=steps,
        trained_steps=steps,
        return_mean=line.number_in("return"),
        return_std=optional("return_std", float("nan")),
        episodes=episodes,
        length_mean=length,
        eval_steps=round(episodes * length) if length == length else 0,
        updates=whole("updates"),
        wall_time=optional("wall_time", float("nan")),
        metrics={
            title.removeprefix(METRIC): line.number_in(title)
            for title, value in line.values.items()
            if title.startswith(METRIC) and value.strip()
        },
    )
