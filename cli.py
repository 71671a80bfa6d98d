"""The command line. Everything heavy is imported by the command that needs it, so that ``--help`` answers at once."""

import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from .errors import PgsuiteError, UsageError, in_one_line

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
        _report([out], out / "report", failed=bool(outcome.failures))
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
    folders: Annotated[list[Path], typer.Argument(help="Results folders, as `run` made them.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to.  [default: FOLDER/report]")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Event files too, in OUT/tensorboard.")] = False,
    wandb: Annotated[str | None, typer.Option(help="Log to this project of Weights & Biases too.")] = None,
    mlflow: Annotated[str | None, typer.Option(help="Log to this MLflow URI too, as sqlite:///mlflow.db.")] = None,
) -> None:
    """Print a table of results and write it with plots."""
    out = out or folders[0] / "report"
    _report(folders, out, failed=False)
    if tensorboard or wandb or mlflow:
        from .reports.exports import export_to

        for line in export_to(folders, out, tensorboard=tensorboard, wandb=wandb, mlflow=mlflow):
            typer.echo(line)


@app.command()
def replay(
    cell: Annotated[Path, typer.Argument(help="A cell's folder, or a results folder with -a and -e.")],
    seed: Annotated[int, typer.Option(min=0, help="The run.")] = 0,
    algorithm: Annotated[
        str | None,
        typer.Option("-a", "--algorithm", help="Its name, or the module:Class or file.py:Class to build it from."),
    ] = None,
    env: Annotated[str | None, typer.Option("-e", "--env", help="Its environment.")] = None,
    checkpoint: Annotated[str, typer.Option(help="A number, or last; the last one's policy is kept.")] = "last",
    episode: Annotated[int, typer.Option(min=0, help="Which of the evaluation's episodes to draw.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A .gif or .mp4 of the episode.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Import the code that the folder names.")] = False,
) -> None:
    """Evaluate a stored policy again, compare it bit for bit with the record, and draw an episode.

    Exit code 1 when it differs.
    """
    from .envs.rendering import headless

    headless()
    from .suites.replay import find_cell, open_policy
    from .suites.replay import replay as evaluate_again
    from .suites.screening import screen
    from .suites.video import check_target

    if out is not None:
        check_target(out)
    if checkpoint != "last" and not checkpoint.isdecimal():
        raise UsageError(f"--checkpoint {checkpoint}: give a number, or last")
    if trust or algorithm:
        sys.path.insert(0, str(Path.cwd()))  # the user's own modules, as with `run`
    store = find_cell(cell, algorithm, env)
    number = None if checkpoint == "last" else int(checkpoint)
    policy = open_policy(store, seed, algorithm=algorithm, checkpoint=number, trust=trust)
    again, row = evaluate_again(policy), policy.row
    typer.echo(
        f"{store.algorithm} on {store.env}, seed {seed}, checkpoint {row.checkpoint} ({row.env_steps:,} steps): "
        f"{row.episodes} episodes, return {row.return_mean:.2f} ± {row.return_std:.2f}, length {row.length_mean:.1f}"
    )
    if not again.differences:
        typer.echo("bit-equal to the recorded evaluation")
    if out is not None:
        typer.echo(screen(policy, again, episode, out))
    if again.differences:
        from .suites.replay import reasons

        raise PgsuiteError(
            f"the evaluation differs from the recorded one: {'; '.join(again.differences)}. "
            f"Likely because: {'; '.join(reasons(policy))}"
        )


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(help="Tidy CSV, SB3's monitor.csv or evaluations.npz, or folders of these, as RL Zoo makes."),
    ],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Results folder.  [default: runs/SUITE]")] = None,
    algorithm: Annotated[str | None, typer.Option("-a", "--algorithm", help="Name, where the files lack it.")] = None,
    env: Annotated[str | None, typer.Option("-e", "--env", help="Id, where the files lack it.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed, where the files and their paths lack it.")] = None,
    suite: Annotated[str, typer.Option(help="Name of the collection.")] = "imported",
    like: Annotated[
        Path | None,
        typer.Option(help="Results folder whose grid, episodes and policy mode these evaluations follow."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="evaluation or training, where there are both.  [default: evaluation]")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Budget of training episodes.  [default: the longest run's]")
    ] = None,
    checkpoints: Annotated[int, typer.Option(min=2, max=10_000, help="Points that training episodes are put on.")] = 20,
    window: Annotated[int, typer.Option(min=1, help="Training episodes averaged at a point.")] = 10,
) -> None:
    """Bring results from elsewhere into a results folder, which `report` reads like any other.

    A tidy CSV has the columns algorithm, env, seed, env_steps and return, one row per run and evaluation.
    """
    from .suites.importing import ImportRequest, import_results

    if source not in (None, "evaluation", "training"):
        raise UsageError(f"--source {source}: choose evaluation or training")
    folder = out or Path("runs") / _suite_name(suite)
    request = ImportRequest(
        paths=tuple(files),
        suite=_suite_name(suite),
        algorithm=algorithm,
        env=env,
        seed=seed,
        source=source,  # type: ignore[arg-type]  # checked above
        like=like,
        steps=steps,
        checkpoints=checkpoints,
        window=window,
    )
    imported = import_results(request, folder)
    for cell in imported.cells:
        points = max(len(run.rows) for run in cell.runs.values())
        typer.echo(
            f"{cell.algorithm} on {cell.env}: {len(cell.runs)} run(s), {points} points up to {cell.record['steps']:,} "
            f"steps; {cell.record['protocol'].get('source', f'evaluations as in {like}')}"
        )
    for note in imported.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"imported into {folder}; `pgsuite report {folder}` shows it")


@app.command()
def plan(
    folders: Annotated[list[Path], typer.Argument(help="Results folders, as `run` made them.")],
    drop: Annotated[str, typer.Option(help="Share of the mean that must not be missed, such as 20% or 0.2.")] = "20%",
    power: Annotated[float, typer.Option(help="Chance of finding such a drop.")] = 0.9,
    alpha: Annotated[float, typer.Option(help="Chance of an alarm without one.")] = 0.05,
) -> None:
    """Tell how many seeds it takes to detect a drop, and what the seeds there are can detect."""
    from rich.console import Console

    from .reports.seeds import plan_seeds

    plan_seeds(folders, drop, power, alpha, Console())


@app.command()
def anchors(
    envs: Annotated[list[str], typer.Argument(help="Environment ids.")],
    episodes: Annotated[int, typer.Option(min=2, help="Episodes of the random policy.")] = 1000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Measure the uniform random policy's return, the zero of the score, and show it beside the recorded one."""
    from .envs import anchors as recorded
    from .envs import measure_random_return

    for env in envs:
        measured = measure_random_return(env, episodes, seed)
        known = recorded(env)
        beside = f"recorded {known.random:g}, reference {known.reference:g}" if known else "none recorded"
        typer.echo(f"{env}: {measured.mean:.2f} ± {measured.standard_error:.2f} over {episodes} episodes; {beside}")


def _suite_name(text: str) -> str:
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", text):
        raise UsageError(f"--suite {text!r}: a name is made of letters, digits, '_', '.' and '-'")
    return text


def _seeds(text: str | None) -> tuple[int, ...] | None:
    from .suites.schema import parse_seeds

    try:
        return None if text is None else parse_seeds(text)
    except ValueError as error:
        raise UsageError(f"--seeds: {error}") from None


def _report(folders: list[Path], out: Path, *, failed: bool) -> None:
    from rich.console import Console

    from .reports import print_table
    from .reports import report as write_report

    try:
        files = write_report(folders, out)
    except UsageError:
        if failed:  # nothing was finished: the failures say it all
            return
        raise
    print_table(files.summary, Console())
    typer.echo(f"\nwrote {files.markdown}")
    for figure in files.figures:
        typer.echo(f"wrote {figure}")


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
