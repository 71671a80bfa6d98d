"""The commands about results that are there: replay a policy, import results from elsewhere, plan seeds."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from .errors import PgsuiteError, UsageError, plain


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
    from .suites.replay.replay import find_cell, open_policy
    from .suites.replay.replay import replay as evaluate_again
    from .suites.replay.screening import screen
    from .suites.replay.video import check_target

    if out is not None:
        check_target(out)
    if checkpoint != "last" and not checkpoint.isdecimal():
        raise UsageError(f"--checkpoint {checkpoint}: give a number, or last")
    if trust or ":" in (algorithm or ""):  # code that the user names; the working folder may be a stranger's
        sys.path.append(str(Path.cwd()))
    store = find_cell(cell, algorithm, env)
    number = None if checkpoint == "last" else int(checkpoint)
    policy = open_policy(store, seed, algorithm=algorithm, checkpoint=number, trust=trust)
    again, row = evaluate_again(policy), policy.row
    _say(
        f"{store.algorithm} on {store.env}, seed {seed}, checkpoint {row.checkpoint} ({row.env_steps:,} steps): "
        f"{row.episodes} episodes, return {row.return_mean:.2f} ± {row.return_std:.2f}, length {row.length_mean:.1f}"
    )
    if not again.differences:
        typer.echo("bit-equal to the recorded evaluation")
    if out is not None:
        _say(screen(policy, again, episode, out))
    if again.differences:
        from .suites.replay.replay import reasons

        raise PgsuiteError(
            f"the evaluation differs from the recorded one: {'; '.join(again.differences)}. "
            f"Likely because: {'; '.join(reasons(policy))}"
        )


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
        int | None, typer.Option(min=1, help="Budget of every run; longer ones are cut.  [default: the longest run's]")
    ] = None,
    checkpoints: Annotated[int, typer.Option(min=2, max=10_000, help="Points that training episodes are put on.")] = 20,
    window: Annotated[int, typer.Option(min=1, help="Training episodes averaged at a point.")] = 10,
) -> None:
    """Bring results from elsewhere into a results folder, which `report` reads like any other.

    A tidy CSV has the columns algorithm, env, seed, env_steps and return, one row per run and evaluation.
    """
    from .suites.importing.request import ImportRequest, import_results

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
        _say(
            f"{cell.algorithm} on {cell.env}: {len(cell.runs)} run(s), {points} points up to {cell.record['steps']:,} "
            f"steps; {cell.record['protocol'].get('source', f'evaluations as in {like}')}"
        )
    for note in imported.notes:
        _say(f"note: {note}", err=True)
    typer.echo(f"imported into {folder}; `pgsuite report {folder}` shows it")


def plan(
    folders: Annotated[list[Path], typer.Argument(help="Results folders, as `run` made them.")],
    drop: Annotated[str, typer.Option(help="Share of the mean that must not be missed, such as 20% or 0.2.")] = "20%",
    power: Annotated[float, typer.Option(help="Chance of finding such a drop.")] = 0.9,
    alpha: Annotated[float, typer.Option(help="Chance of an alarm without one.")] = 0.05,
) -> None:
    """Tell how many seeds it takes to detect a drop, and what the seeds there are can detect."""
    from rich.console import Console

    from .reports.tables.seeds import plan_seeds

    plan_seeds(folders, drop, power, alpha, Console())


def _say(line: str, *, err: bool = False) -> None:
    """Print a line that may hold a stranger's names."""
    typer.echo(plain(line), err=err)


def _suite_name(text: str) -> str:
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", text):
        raise UsageError(f"--suite {text!r}: a name is made of letters, digits, '_', '.' and '-'")
    return text
