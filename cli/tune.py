"""`pgsuite tune`: settings for a suite, found with the same effort for every algorithm."""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .interruption import exit_code


def tune(
    suite: Annotated[str, options.SUITE],
    algorithm: Annotated[list[str] | None, options.ALGORITHM] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("-e", "--env", help="Only this environment; repeatable, in the rungs' order.  [default: all]"),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings that are tried, of each algorithm.")] = 32,
    seeds_per_trial: Annotated[int, typer.Option(min=1, help="Runs of a setting on a rung.")] = 4,
    sampler: Annotated[str, typer.Option(help="What draws settings: random, tpe or gp.")] = "random",
    space: Annotated[
        Path | None, typer.Option(help="TOML file of search spaces.  [default: what the classes declare]")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run.  [default: the suite's]")] = None,
    budgets: Annotated[str, typer.Option(help="Shares of the budget that are tried one after another.")] = "0.25,1",
    bracket: Annotated[
        int | None,
        typer.Option(min=1, help="Trials that are halved together.  [default: all; 8 for tpe and gp]"),
    ] = None,
    finalists: Annotated[int, typer.Option(min=1, help="Settings that run the finals.")] = 4,
    final_seeds: Annotated[int, typer.Option(min=1, help="Runs of a finalist, on fresh seeds.")] = 10,
    first_seed: Annotated[int, typer.Option(min=0, help="The search's seeds begin here.")] = 1000,
    random_seed: Annotated[int, typer.Option(min=0, help="What the draws depend on.")] = 0,
    out: Annotated[str | None, typer.Option("-o", "--out", help="Where to.  [default: runs/tuning/SUITE]")] = None,
    workers: options.Jobs = None,
    on: options.OnCluster = "local",
    mixed: options.Mixed = False,
    stall_limit: options.StallLimit = None,  # noqa: ARG001
) -> None:
    """Search for hyperparameters, with the same number of environment steps for every algorithm.

    Trials are halved from rung to rung, over environments and budgets; the best run again on fresh seeds, and the worse
    half of their runs decides. The same command goes on where it was interrupted.

    Exit code 1 when no setting of some algorithm gave a result.
    """
    from ..errors import UsageError
    from ..results.store.places import local
    from ..studies import carry_out_search
    from ..suites.tuning.asked import checked_suite

    try:
        shares = tuple(float(share) for share in budgets.split(","))
    except ValueError:
        raise UsageError(f"--budgets {budgets}: shares of the budget, as in 0.25,1") from None
    checked_suite(suite, algorithm or (), env or (), steps)
    from ..suites.tuning.search import Request

    request = Request(
        suite=suite,
        out=local(out or Path("runs/tuning") / Path(suite).stem, "--out"),
        algorithms=tuple(algorithm or ()),
        environments=tuple(env or ()),
        steps=steps,
        spaces=space,
        sampler=sampler,
        trials=trials,
        seeds_per_trial=seeds_per_trial,
        bracket=bracket,
        shares=shares,
        finalists=finalists,
        final_seeds=final_seeds,
        first_seed=first_seed,
        seed=random_seed,
        on=on,
        mixed=mixed,
    )
    try:
        done = carry_out_search(request, workers=workers, progress=True, announce=options.show)
    except KeyboardInterrupt as error:
        options.note(f"interrupted; what is done is kept in {request.out}: run the same command again to go on")
        raise typer.Exit(exit_code(error)) from None
    for line in done.lines:
        options.show(line)
    options.say(f"wrote {done.suite}")
    options.say(f"also {', '.join(path.name for path in done.paths)} and figures in {request.out}")
    if done.lost:
        options.note(f"no setting of {', '.join(done.lost)} gave a result: {done.suite.name} keeps what the suite had")
        raise typer.Exit(1)
