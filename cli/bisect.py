"""`pgsuite bisect`: the commit that made an algorithm worse."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import completion, options
from .check import metric_of, no_verdict

if TYPE_CHECKING:
    from ..suites.check.bisect import Tried


def bisect(
    good: Annotated[str, typer.Argument(help="Git revision that was good.")],
    bad: Annotated[str, typer.Argument(help="Later one that is worse.")] = "HEAD",
    suite: Annotated[
        str, typer.Option("-s", "--suite", help="Name of a shipped suite, or path.", autocompletion=completion.suites)
    ] = "quick",
    algorithm: Annotated[list[str] | None, options.LISTED] = None,
    env: Annotated[list[str] | None, options.ENV] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Pairs of runs to go up to.  [default: 160]")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run.  [default: the suite's]")] = None,
    metric: Annotated[str, typer.Option(help="auc or final.")] = "auc",
    no_audit: Annotated[bool, typer.Option("--no-audit", help="Leave the gradient audit out.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the runs.  [default: runs/check/SUITE]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: all cores]")] = None,
    stall_limit: options.StallLimit = None,  # noqa: ARG001
) -> None:
    """Find the first commit that made an algorithm worse.

    Every step is a check beside the good revision, on the cells that are worse at the bad one. What was measured is
    not measured again; commits that cannot be run, or stay open, are skipped and named.

    Exit code 0 when it is found, 3 when several commits remain, 2 when the ends do not differ.
    """
    from rich.console import Console

    from ..suites.check.bisect import bisect as carry_out
    from ..suites.check.display import CheckDisplay
    from ..suites.check.opening import SEEDS, Request

    request = Request(
        suite=suite,
        baseline=good,
        algorithms=tuple(dict.fromkeys(algorithm or ())),
        environments=tuple(dict.fromkeys(env or ())),
        seeds=seeds or SEEDS,
        steps=steps,
        metric=metric_of(metric),
        audit=not no_audit,
        speed=False,
        out=out,
        workers=workers,
    )

    def say(tried: "Tried") -> None:
        options.say(f"{tried.commit[:9]} {tried.fate}: {tried.subject} ({tried.why})")

    with CheckDisplay(Console(stderr=True)) as display, no_verdict():
        found = carry_out(good, bad, request, display, say)
    subjects = {tried.commit: tried.subject for tried in found.tried}
    worse = ", ".join(cell.name for cell in found.whole.cells if cell.verdict == "regressed")
    if len(found.suspects) == 1:
        commit = found.suspects[0]
        options.say(f"first bad commit: {commit[:9]} {subjects.get(commit, '')}".rstrip() + f" ({worse})")
        return
    names = ", ".join(commit[:9] for commit in found.suspects)
    options.say(f"the first bad commit is one of {names}: the others between the ends could not be decided ({worse})")
    raise typer.Exit(3)
