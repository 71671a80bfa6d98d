"""The command line. Everything heavy is imported by the command that needs it, so that ``--help`` answers at once."""

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from . import cli_measure, cli_results
from .errors import PgsuiteError, UsageError, in_one_line

if TYPE_CHECKING:
    from .reports import ReportFiles
    from .results.store.gathering import Horizon

EXIT_CODES = """
Exit codes: 0 done; 1 something failed while running, the summary names it;
2 the request cannot be carried out as written; 130 interrupted.
"""

app = typer.Typer(
    name="pgsuite",
    help="Find out which policy-gradient algorithm is better on which tasks, and whether a change made one worse.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_debug = False


def _show_version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"pgsuite {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    global _debug
    _debug = debug
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


@app.command("list")
def list_names() -> None:
    """List algorithms, suites and their environments."""
    from .algorithms.registry import available
    from .suites.schema import load_suite, shipped

    typer.echo("algorithms")
    for name, address in available().items():
        typer.echo(f"  {name:20} {address}")
    typer.echo("\nsuites")
    for name in shipped():
        suite = load_suite(name)
        typer.echo(f"  {name:20} {suite.description}")
        for env, table in suite.environments.items():
            typer.echo(f"    {env:32} {table.steps:>9,} steps")


@app.command()
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
    from rich.console import Console
    from rich.markup import escape

    from .suites.planning import plan as plan_cells
    from .suites.running import run_cells
    from .suites.schema import load_suite

    sys.path.insert(0, str(Path.cwd()))  # modules of the working folder can be named, as with `python -m`
    chosen = load_suite(suite)
    out = out or Path("runs") / chosen.name
    planned = plan_cells(
        chosen,
        out,
        algorithms=tuple(dict.fromkeys(algorithm or ())),
        environments=tuple(dict.fromkeys(env or ())),
        seeds=_seeds(seeds),
        steps=steps,
    )
    console = Console(stderr=True)
    outcome = run_cells(planned, out, workers=workers, console=console)
    if not outcome.interrupted:
        try:
            _report([out], out / "report")
        except UsageError:
            if not outcome.failures:
                raise
    for failure in outcome.failures:
        reason = escape(f"{failure.cell.name}: {failure.reason}")
        console.print(f"[red]failed[/]: {reason}", soft_wrap=True, highlight=False)
        if _debug and failure.details:
            console.print(failure.details, markup=False, highlight=False)
    if outcome.interrupted:
        console.print(f"interrupted; what is done is kept in {out}: run the same command again to go on")
        raise typer.Exit(130)
    if outcome.failures:
        raise typer.Exit(1)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Results folders, as `run` or `import` made them.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to.  [default: FOLDER/report]")] = None,
    level: Annotated[float, typer.Option(help="Confidence of the intervals and of the verdicts together.")] = 0.95,
    audit: Annotated[
        Path | None, typer.Option(help="File of `audit --json`, which becomes a part of the report.")
    ] = None,
    horizon: Annotated[
        str, typer.Option(help="For budgets that differ: error, or common to cut curves to the shortest.")
    ] = "error",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Event files too, in OUT/tensorboard.")] = False,
    wandb: Annotated[str | None, typer.Option(help="Log to this project of Weights & Biases too.")] = None,
    mlflow: Annotated[str | None, typer.Option(help="Log to this MLflow URI too, as sqlite:///mlflow.db.")] = None,
) -> None:
    """Compare results: print the verdict and write a page, Markdown, LaTeX, figures, CSV and Parquet.

    Exit code 1 when a run that was asked for is missing, unfinished or cannot be read; the report names it.
    """
    if horizon not in ("error", "common"):
        raise UsageError(f"--horizon {horizon}: choose error or common")
    out = out or folders[0] / "report"
    files = _report(folders, out, level=level, horizon=horizon, audit=audit)  # type: ignore[arg-type]  # checked above
    if tensorboard or wandb or mlflow:
        from .reports.exports import export_to

        for line in export_to(files.gathered, out, tensorboard=tensorboard, wandb=wandb, mlflow=mlflow):
            typer.echo(line)
    if not files.whole:
        raise typer.Exit(1)


app.command()(cli_results.plan)
app.command()(cli_results.replay)
app.command("import")(cli_results.import_)
app.command()(cli_measure.audit)
app.command()(cli_measure.anchors)


def _seeds(text: str | None) -> tuple[int, ...] | None:
    from .suites.schema import parse_seeds

    try:
        return None if text is None else parse_seeds(text)
    except ValueError as error:
        raise UsageError(f"--seeds: {error}") from None


def _report(
    folders: list[Path],
    out: Path,
    *,
    level: float = 0.95,
    horizon: "Horizon" = "error",
    audit: Path | None = None,
) -> "ReportFiles":
    from rich.console import Console

    from .reports import print_report
    from .reports import report as write_report

    files = write_report(folders, out, level=level, horizon=horizon, audit=audit)
    print_report(files.content, Console())
    typer.echo(f"\nwrote {files.page}")
    typer.echo(f"also {files.markdown.name}, {files.latex.name}, figures and tables in {out}")
    return files


def main() -> NoReturn:
    """Run the command line; an expected error is one line on stderr and its exit code."""
    try:
        code = app(prog_name="pgsuite", standalone_mode=False)
    except typer.TyperException as error:
        reason = " ".join(error.format_message().split()).rstrip(".")
        command = getattr(getattr(error, "ctx", None), "command_path", "pgsuite")
        print(f"pgsuite: {reason}; see `{command} --help`", file=sys.stderr)
        sys.exit(2)
    except PgsuiteError as error:
        if _debug:
            traceback.print_exc()
        print(f"pgsuite: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        print("pgsuite: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if _debug:
            traceback.print_exc()
        reason = in_one_line(error)
        print(
            f"pgsuite: internal error: {reason}; `pgsuite --debug ...` shows where, please report it", file=sys.stderr
        )
        sys.exit(1)
    sys.exit(code)


if __name__ == "__main__":
    main()
