"""`pgsuite run`: what is missing of a suite, then its report."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PgsuiteError, UsageError, located
from ..foreign import plain
from . import options
from .interruption import exit_code
from .report import write_report

if TYPE_CHECKING:
    from ..suites.scheduling import Failure


def run(
    suite: Annotated[str, typer.Argument(help="Name of a shipped suite, or the path of a TOML file.")],
    algorithm: Annotated[
        list[str] | None,
        typer.Option("-a", "--algorithm", help="Only this one; repeatable. Also module:Class or file.py:Class."),
    ] = None,
    env: Annotated[list[str] | None, typer.Option("-e", "--env", help="Only this environment; repeatable.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Instead of the suite's, such as 0-9 or 3,7.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run instead of the suite's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Results folder.  [default: runs/SUITE]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: all cores]")] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave the results for `report`.")] = False,
) -> None:
    """Run what is missing of a suite, then report it.

    What is there already is not run again; an interrupted run goes on from its last snapshot.
    """
    from ..suites.schema import check_names, load_suite

    sys.path.insert(0, str(Path.cwd()))  # modules of the working folder can be named, as with `python -m`
    chosen, own_seeds = load_suite(suite), _seeds(seeds)
    algorithms, environments = tuple(dict.fromkeys(algorithm or ())), tuple(dict.fromkeys(env or ()))
    check_names(chosen, algorithms, environments, steps)  # a typo is answered before torch is loaded, below
    from rich.console import Console

    from ..suites.planning import plan_cells

    out = out or Path("runs") / chosen.name
    planned = plan_cells(chosen, out, algorithms=algorithms, environments=environments, seeds=own_seeds, steps=steps)
    from ..suites.console import say
    from ..suites.running import run_cells

    console = Console(stderr=True)
    outcome = run_cells(planned, out, workers=workers, console=console)
    trouble: PgsuiteError | None = None
    if not (no_report or outcome.interruption) and (not outcome.failures or _has_runs(out)):
        try:
            write_report([out], out / "report")
        except PgsuiteError as error:
            trouble = error
    for line in failure_lines(outcome.failures, debug=options.debug):
        say(console, line)
    if outcome.interruption:
        say(console, f"interrupted; what is done is kept in {out}: run the same command again to go on")
        raise typer.Exit(exit_code(outcome.interruption))
    if trouble and not outcome.failures:
        raise trouble
    if outcome.failures:
        raise typer.Exit(1)


def failure_lines(failures: Sequence["Failure"], *, debug: bool) -> Iterator[str]:
    """What went wrong, where, and how to see more: a line for cells that failed alike."""
    alike: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        alike.setdefault((failure.reason, failure.place), []).append(failure)
    for (reason, place), group in alike.items():
        yield plain(f"failed: {_cells(group)}: {located(reason, place)}")
        if debug and group[0].details:
            yield group[0].details
    if not debug and any(failure.details for failure in failures):
        yield f"see where with a traceback: {shlex.join(['pgsuite', '--debug', *sys.argv[1:]])}"


def _cells(failures: Sequence["Failure"]) -> str:
    """Name the cells of failures: each algorithm once, with its environments."""
    environments: dict[str, list[str]] = {}
    for failure in failures:
        environments.setdefault(failure.cell.algorithm, []).append(failure.cell.environment.id)
    return "; ".join(f"{algorithm} on {', '.join(ids)}" for algorithm, ids in environments.items())


def _has_runs(out: Path) -> bool:
    """Whether any run in the folder has come to its end, so that there is something to report."""
    from ..results import load

    try:
        return bool(load(out).status.isin(["complete", "diverged"]).any())
    except PgsuiteError:
        return False


def _seeds(text: str | None) -> tuple[int, ...] | None:
    from ..suites.schema import parse_seeds

    try:
        return None if text is None else parse_seeds(text)
    except ValueError as error:
        raise UsageError(f"--seeds: {error}") from None
