"""`pgsuite report`: a comparison of results, printed and written down."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .options import say

if TYPE_CHECKING:
    from ..reports import ReportFiles
    from ..results.store.places import Place
    from ..results.store.protocol import Grid


def report(
    folders: Annotated[list[str], typer.Argument(help="Results folders, as `run` or `import` made them, or URLs.")],
    out: Annotated[str | None, typer.Option("-o", "--out", help="Where to.  [default: FOLDER/report]")] = None,
    level: Annotated[float, typer.Option(help="Confidence of the intervals and of the verdicts together.")] = 0.95,
    audit: Annotated[
        Path | None, typer.Option(help="File of `audit --json`, which becomes a part of the report.")
    ] = None,
    grid: Annotated[
        str, typer.Option(help="same, or common: budgets, steps and evaluations may differ, and are named.")
    ] = "same",
    formats: Annotated[
        str, typer.Option(help="Of the figures beside the page, with commas between: svg, png, pdf.")
    ] = "svg",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Event files too, in OUT/tensorboard.")] = False,
    wandb: Annotated[str | None, typer.Option(help="Log to this project of Weights & Biases too.")] = None,
    mlflow: Annotated[str | None, typer.Option(help="Log to this MLflow URI too, as sqlite:///mlflow.db.")] = None,
) -> None:
    """Compare results: print the verdict, write a page and tables.

    The page is one HTML file; beside it are Markdown, LaTeX, figures, CSV and Parquet.

    Exit code 1 when a run that was asked for is missing, unfinished or cannot be read; the report names it.
    """
    from ..results.store.places import beside, local, place_of

    if grid not in ("same", "common"):
        raise UsageError(f"--grid {grid}: choose same or common")
    target = beside(place_of(folders[0])) / "report" if out is None else local(out, "-o")
    files = write_report(
        folders,
        target,
        level=level,
        grid=grid,  # type: ignore[arg-type]  # checked above
        audit=audit,
        formats=formats.split(","),
    )
    if tensorboard or wandb or mlflow:
        from ..reports.exports import export_to

        for line in export_to(files.gathered, target, tensorboard=tensorboard, wandb=wandb, mlflow=mlflow):
            say(line)
    if not files.whole:
        raise typer.Exit(1)


def write_report(
    folders: "Sequence[str | Place]",
    out: Path,
    *,
    level: float = 0.95,
    grid: "Grid" = "same",
    audit: Path | None = None,
    formats: Sequence[str] = ("svg",),
) -> "ReportFiles":
    """Write a report and print what it says."""
    from rich.console import Console

    from ..reports import print_report
    from ..reports import report as write

    files = write(folders, out, level=level, grid=grid, audit=audit, formats=formats)
    print_report(files.content, Console())
    typer.echo()
    say(f"wrote {files.page}")
    say(f"also {files.markdown.name}, {files.latex.name}, figures and tables in {out}")
    return files
