"""Tidy CSV: one row per run and evaluation, in the columns algorithm, env, seed, env_steps, return.

Optional columns: ``return_std`` and ``episodes`` of an evaluation, ``length_mean``, ``wall_time`` (seconds of training
so far), ``updates``, and any number of diagnostics called ``metric/<name>``.
"""

from collections.abc import Mapping, Sequence

from ...errors import UsageError
from ...results.store.curve import METRIC, CurveRow
from .csv_file import Line, Table
from .problems import Problems
from .runs import ImportedRun, Read, checked_name

NAMES = ("algorithm", "env", "seed")
MEASURED = ("env_steps", "return")
OPTIONAL = ("return_std", "episodes", "length_mean", "wall_time", "updates")


def read_tidy(table: Table, given: Mapping[str, str]) -> Read:
    """The runs of a tidy CSV file.

    Args:
        table: the file.
        given: algorithm, env or seed of all its rows, in place of the column.

    Raises:
        UsageError: naming file, line, column and remedy.
    """
    for name in given:
        if name in table.header:
            raise UsageError(f"{table.path} has the column {name!r} already; leave --{name} out, or the column")
    problems, grouped = Problems(), dict[tuple[str, str, int], list[Line]]()
    for line in table.lines:
        line.values.update(given)
        with problems.collected():
            algorithm, env = (_name(line, what) for what in ("algorithm", "env"))
            grouped.setdefault((algorithm, env, line.whole_in("seed")), []).append(line)
    runs = []
    for key, of_run in grouped.items():
        with problems.collected():
            runs.append(ImportedRun(*key, (table.path,), tuple(_rows(of_run))))
    problems.check()
    known = {*NAMES, *MEASURED, *OPTIONAL}
    notes = list(table.notes)
    if ignored := [title for title in table.header if title not in known and not title.startswith(METRIC)]:
        notes.append(f"{table.path}: ignored: {', '.join(ignored)}")
    return Read(runs, notes)


def _name(line: Line, what: str) -> str:
    return checked_name(line.values[what], what, f"{line.path}, line {line.number}, column {what}")


def _rows(lines: Sequence[Line]) -> list[CurveRow]:
    problems, rows, before = Problems(), list[CurveRow](), -1
    first = int(lines[0].values["env_steps"].strip() not in ("0", "0.0"))
    for line in lines:
        with problems.collected():
            here = line.whole_in("env_steps")
            if here == before:
                raise line.complaint(
                    "env_steps", f"{here} is there twice in this run; average its episodes into one row"
                )
            if here < before:
                raise line.complaint(
                    "env_steps", f"{here} comes after {before} in this run; sort the rows of every run"
                )
            before = here
            rows.append(_row(line, len(rows) + first, here))
    problems.check()
    return rows


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
