"""`pgsuite bless`: runs of a suite become a baseline."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from . import options
from .interruption import exit_code
from .run import failure_lines


def bless(
    suite: Annotated[str, options.SUITE],
    out: Annotated[str, typer.Option("-o", "--out", help="File of the bank, or a folder for SUITE.json; or a URL.")],
    algorithm: Annotated[list[str] | None, options.LISTED] = None,
    env: Annotated[list[str] | None, options.ENV] = None,
    seeds: Annotated[int | None, typer.Option(min=2, help="Of every cell, 0 to N-1.  [default: 40]")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run.  [default: the suite's]")] = None,
    no_audit: Annotated[bool, typer.Option("--no-audit", help="Leave the gradient audit out.")] = False,
    runs: Annotated[str | None, typer.Option(help="Folder of the runs, or a URL.  [default: runs/check/SUITE]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: all cores]")] = None,
    stall_limit: options.StallLimit = None,  # noqa: ARG001
) -> None:
    """Run a suite and bless the results as a baseline for `check`.

    The bank is one text file: curves, fingerprints and where they were made, no weights. Cells that were blessed
    before and are not asked for now stay in it.
    """
    from ..results.store.places import place_of
    from ..suites.named_code import let_in_code_of
    from ..suites.schema import check_names, load_suite

    chosen = load_suite(suite)
    algorithms, environments = tuple(dict.fromkeys(algorithm or ())), tuple(dict.fromkeys(env or ()))
    let_in_code_of(chosen, algorithms, environments)
    check_names(chosen, algorithms, environments, steps)
    bank, folder = place_of(out), place_of(runs or Path("runs") / "check" / chosen.name)
    if isinstance(bank, Path) and bank.suffix and not bank.is_dir() and bank.parent.is_file():
        raise UsageError(f"-o {bank}: {bank.parent} is no folder")
    from rich.console import Console

    from ..suites.check.bless import SEEDS
    from ..suites.check.bless import bless as carry_out
    from ..suites.console import say

    console = Console(stderr=True)
    path, outcome = carry_out(
        chosen,
        bank,
        algorithms=algorithms,
        environments=environments,
        seeds=seeds or SEEDS,
        steps=steps,
        audit=not no_audit,
        workers=workers,
        out=folder,
        console=console,
    )
    for line in failure_lines(outcome.failures):
        say(console, line)
    if outcome.interruption:
        say(console, "interrupted; what is done is kept: run the same command again to go on")
        raise typer.Exit(exit_code(outcome.interruption))
    if outcome.failures:
        say(console, f"nothing was blessed; {path} is as it was")
        raise typer.Exit(1)
    size = f" ({path.stat().st_size / 1e6:.2f} MB)" if isinstance(path, Path) else ""
    options.say(f"blessed {path}{size}; check a change with `pgsuite check {suite} --baseline {path}`")
