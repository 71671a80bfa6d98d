"""`pgsuite import`: results from elsewhere."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from .options import say


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Tidy CSV, SB3's monitor.csv or evaluations.npz, TensorBoard's event files, or folders of these; CSV "
            "of W&B and Open RL Benchmark; rliable's scores."
        ),
    ],
    out: Annotated[str | None, typer.Option("-o", "--out", help="Results folder.  [default: runs/SUITE]")] = None,
    algorithm: Annotated[str | None, typer.Option("-a", "--algorithm", help="Name, where the files lack it.")] = None,
    env: Annotated[str | None, typer.Option("-e", "--env", help="Id, where the files lack it.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed, where the files and their paths lack it.")] = None,
    suite: Annotated[str, typer.Option(help="Name of the collection.")] = "imported",
    like: Annotated[
        str | None,
        typer.Option(help="Results folder, or URL, whose grid, episodes and policy mode these evaluations follow."),
    ] = None,
    grid: Annotated[
        str, typer.Option(help="same, or common: runs evaluated at other steps are read at common ones.")
    ] = "same",
    anchors: Annotated[
        Path | None,
        typer.Option(help='Score anchors, TOML or JSON: ["ID"] with random, reference and source (a text).'),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="evaluation or training, where there are both.  [default: evaluation]")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Metric of TensorBoard or W&B that is the return.  [default: one of a known name]"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Budget of every run; longer ones are cut.  [default: the longest run's]")
    ] = None,
    checkpoints: Annotated[int, typer.Option(min=2, max=10_000, help="Points that training episodes are put on.")] = 20,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="Episodes that every evaluation averages, where the files do not say.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="mode or stochastic: what the evaluations played; files do not say.")
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="Training episodes averaged at a point.")] = 10,
) -> None:
    """Bring results from elsewhere into a results folder.

    `report` reads it like any other. A tidy CSV has the columns algorithm, env, seed, env_steps and return, one row
    per run and evaluation.
    """
    from ..results.store.places import local, place_of
    from ..suites.anchors import read_anchors
    from ..suites.importing.problems import ImportProblems
    from ..suites.importing.request import ImportRequest, import_results

    if source not in (None, "evaluation", "training"):
        raise UsageError(f"--source {source}: choose evaluation or training")
    if policy not in (None, "mode", "stochastic"):
        raise UsageError(f"--policy {policy}: choose mode or stochastic")
    if grid not in ("same", "common"):
        raise UsageError(f"--grid {grid}: choose same or common")
    folder = local(out or Path("runs") / _suite_name(suite), "-o")
    request = ImportRequest(
        paths=tuple(files),
        suite=_suite_name(suite),
        algorithm=algorithm,
        env=env,
        seed=seed,
        source=source,  # type: ignore[arg-type]  # checked above
        metric=metric,
        like=None if like is None else place_of(like),
        grid=grid,  # type: ignore[arg-type]  # checked above
        anchors=read_anchors(anchors) if anchors else {},
        steps=steps,
        checkpoints=checkpoints,
        window=window,
        episodes=episodes,
        deterministic=None if policy is None else policy == "mode",
    )
    try:
        imported = import_results(request, folder)
    except ImportProblems as error:
        say(f"pgsuite: nothing is imported, for {len(error.found)} problems:", err=True)
        for problem in error.found:
            say(f"  {problem}", err=True)
        raise typer.Exit(error.exit_code) from error
    for cell in imported.cells:
        points = max(len(run.rows) for run in cell.runs.values())
        curves = f"{points} points up to {cell.record['steps']:,} steps" if points > 1 else "no curves"
        how = cell.record["protocol"].get("source", f"evaluations as in {like}")
        runs = f"{len(cell.runs)} run{'' if len(cell.runs) == 1 else 's'}"
        say(f"{cell.algorithm} on {cell.env}: {runs}, {curves}; {how}")
    for note in imported.notes:
        say(f"note: {note}", err=True)
    say(f"imported into {folder}; `pgsuite report {shlex.quote(str(folder))}` shows it")


def _suite_name(text: str) -> str:
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", text):
        raise UsageError(f"--suite {text!r}: a name is made of letters, digits, '_', '.' and '-'")
    return text
