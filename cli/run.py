"""`pgsuite run`: what is missing of a suite, then its report."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from . import options
from .report import write_report


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
    from rich.markup import escape

    from ..suites.planning import plan as plan_cells
    from ..suites.running import run_cells

    out = out or Path("runs") / chosen.name
    planned = plan_cells(chosen, out, algorithms=algorithms, environments=environments, seeds=own_seeds, steps=steps)
    console = Console(stderr=True)
    outcome = run_cells(planned, out, workers=workers, console=console)
    if not outcome.interrupted:
        try:
            write_report([out], out / "report")
        except UsageError:
            if not outcome.failures:
                raise
    for failure in outcome.failures:
        reason = escape(f"{failure.cell.name}: {failure.reason}")
        console.print(f"[red]failed[/]: {reason}", soft_wrap=True, highlight=False)
        if options.debug and failure.details:
            console.print(failure.details, markup=False, highlight=False)
    if outcome.interrupted:
        console.print(f"interrupted; what is done is kept in {out}: run the same command again to go on")
        raise typer.Exit(130)
    if outcome.failures:
        raise typer.Exit(1)


def _seeds(text: str | None) -> tuple[int, ...] | None:
    from ..suites.schema import parse_seeds

    try:
        return None if text is None else parse_seeds(text)
    except ValueError as error:
        raise UsageError(f"--seeds: {error}") from None
