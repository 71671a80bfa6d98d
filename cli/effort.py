"""`pgsuite effort`: performance against the effort of tuning, of several searches on one axis."""

from typing import Annotated

import typer

from . import options


def effort(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER", help="Of tune or sweep.")],
    out: Annotated[str, typer.Option("-o", "--out", help="Where to.")] = "runs/effort",
    formats: Annotated[str, typer.Option(help="Of the figure: svg, png, pdf.")] = "svg,png",
) -> None:
    """Tell how good the best of k trials is expected to be, for every algorithm on one axis of environment steps.

    Half of the seeds choose, the others say how good the chosen one is.
    """
    from ..studies import effort as carry_out

    done = carry_out(*folders, out=out, formats=[kind.strip() for kind in formats.split(",")])
    from rich.console import Console

    from ..reports.terminal import print_table

    print_table(done.table, Console())
    for line in done.lines:
        options.say(line)
    options.say(f"wrote {', '.join(path.name for path in (*done.paths, *done.figures))} into {out}")
