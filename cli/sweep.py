"""`pgsuite sweep`: how much the score depends on a hyperparameter."""

import sys
from typing import Annotated

import typer

from . import completion, options
from .interruption import exit_code


def sweep(
    suite: Annotated[str, options.SUITE],
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUES",
            help="Such as max_kl=0.001..0.1:log:8, epochs=2..10:5, trace=0.9,1.",
            autocompletion=completion.hyperparameters,
        ),
    ],
    algorithm: Annotated[list[str] | None, options.ALGORITHM] = None,
    env: Annotated[list[str] | None, options.ENV] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Such as 0-9.  [default: as many as the suite has, from 1000 on, none that it reports]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run.  [default: the suite's]")] = None,
    out: Annotated[str | None, typer.Option("-o", "--out", help="Where to.  [default: runs/sweeps/SUITE]")] = None,
    workers: options.Jobs = None,
    on: options.OnCluster = "local",
    mixed: options.Mixed = False,
    formats: Annotated[str, typer.Option(help="Of the figures: svg, png, pdf.")] = "svg,png",
    stall_limit: options.StallLimit = None,  # noqa: ARG001
) -> None:
    """Run a suite with hyperparameters at several values, and tell how much the score depends on them.

    One hyperparameter at a time, all else as the suite has it, and that setting beside them. LOW..HIGH:log:COUNT is a
    range on a logarithmic scale, LOW..HIGH:COUNT an even one, A,B,C a list. What it takes is said before it starts. The
    same command goes on where it was interrupted, and more values or seeds join what is in the folder.
    """
    from ..studies import carry_out_sweep, sweep_request
    from ..suites.tuning.values import parse_values

    request = sweep_request(
        suite,
        parse_values(values),
        algorithms=algorithm or (),
        environments=env or (),
        seeds=seeds,
        steps=steps,
        out=out,
        on=on,
        mixed=mixed,
    )
    kinds = [kind.strip() for kind in formats.split(",")]
    done = carry_out_sweep(request, workers=workers, formats=kinds, progress=True, announce=options.show)
    for line in done.failure_lines(debug=options.debug, again=["pgsuite", "--debug", *sys.argv[1:]]):
        options.note(line)
    if done.interruption:
        options.note(f"interrupted; what is done is kept in {done.out}: run the same command again to go on")
        raise typer.Exit(exit_code(done.interruption))
    from rich.console import Console

    from ..reports.terminal import print_table

    for table in done.tables:
        print_table(table, Console())
    for line in done.lines:
        options.say(line)
    options.say(f"wrote {', '.join(path.name for path in done.paths)} and figures into {done.out}")
    if not done.ok:
        raise typer.Exit(1)
