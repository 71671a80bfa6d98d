"""`pgsuite plan`: how many seeds it takes."""

from typing import Annotated

import typer


def plan(
    folders: Annotated[list[str], typer.Argument(help="Results folders, as `run` made them, or URLs.")],
    drop: Annotated[str, typer.Option(help="Share of the mean that must not be missed, such as 20% or 0.2.")] = "20%",
    power: Annotated[float, typer.Option(help="Chance of finding such a drop.")] = 0.9,
    alpha: Annotated[float, typer.Option(help="Chance of an alarm without one.")] = 0.05,
) -> None:
    """Tell how many seeds it takes to detect a drop.

    Also what the seeds there are can detect. Exit code 1 when a file cannot be read; it is named and left out.
    """
    from rich.console import Console

    from ..reports.seeds import plan as carry_out
    from ..reports.terminal import print_plan

    planned = carry_out(*folders, drop=drop, power=power, alpha=alpha)
    print_plan(planned, Console())
    if planned.damaged:
        raise typer.Exit(1)
