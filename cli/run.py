"""`pgsuite run`: what is missing of a suite, then its report."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PgsuiteError
from . import options
from .interruption import exit_code
from .report import write_report

if TYPE_CHECKING:
    from ..suites.scheduling.interface import Failure


def run(
    suite: Annotated[str, options.SUITE],
    algorithm: Annotated[list[str] | None, options.ALGORITHM] = None,
    env: Annotated[list[str] | None, options.ENV] = None,
    seeds: Annotated[str | None, typer.Option(help="Such as 0-9 or 3,7.  [default: the suite's]")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run.  [default: the suite's]")] = None,
    out: Annotated[
        str | None, typer.Option(help="Results folder, or s3://BUCKET/PREFIX, gs://.  [default: runs/SUITE]")
    ] = None,
    workers: options.Jobs = None,
    on: Annotated[
        str,
        typer.Option(
            help="Where: local; ray, the cluster that RAY_ADDRESS names or that runs here, else one that is started "
            "here; or ray://HOST:PORT."
        ),
    ] = "local",
    mixed: options.Mixed = False,
    shard: Annotated[
        str | None, typer.Option(help="Such as 3/10: the third tenth of the runs, and no report.  [default: all]")
    ] = None,
    stall_limit: options.StallLimit = None,  # noqa: ARG001
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard's event files meanwhile, into OUT/tensorboard.")
    ] = False,
    tensorboard_dir: Annotated[
        Path | None, typer.Option(help="The same, into this folder.  [default: OUT/tensorboard]")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave the results for `report`.")] = False,
) -> None:
    """Run what is missing of a suite, then report it.

    What is there already is not run again; an interrupted run goes on from its last snapshot.
    """
    from ..api import carry_out
    from ..results.store.places import beside

    ran = carry_out(
        suite,
        algorithms=algorithm or (),
        environments=env or (),
        seeds=seeds,
        steps=steps,
        out=out,
        workers=workers,
        tensorboard=tensorboard_dir or tensorboard,
        on=on,
        mixed=mixed,
        shard=shard,
    )
    trouble: PgsuiteError | None = None
    if not (no_report or shard or ran.interruption) and (not ran.failures or ran.has_runs):
        try:
            write_report([ran.out], beside(ran.out) / "report")
        except PgsuiteError as error:
            trouble = error
    for line in failure_lines(ran.failures):
        options.note(line)
    if ran.interruption:
        options.note(f"interrupted; what is done is kept in {ran.out}: run the same command again to go on")
        raise typer.Exit(exit_code(ran.interruption))
    if trouble and not ran.failures:
        raise trouble
    if ran.failures:
        raise typer.Exit(1)


def failure_lines(failures: Sequence["Failure"]) -> Iterator[str]:
    """What went wrong, and the command that shows more."""
    from ..api import failure_lines as lines

    return lines(failures, debug=options.debug, again=["pgsuite", "--debug", *sys.argv[1:]])
