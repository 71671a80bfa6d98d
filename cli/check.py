"""`pgsuite check`: did a change make an algorithm worse?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import PgsuiteError, UsageError
from . import options


def check(
    suite: Annotated[str, options.SUITE],
    baseline: Annotated[
        str,
        typer.Option(
            "-b", "--baseline", help="Git revision, results folder or blessed bank, or a URL.", show_default=False
        ),
    ] = "",
    algorithm: Annotated[list[str] | None, options.ALGORITHM] = None,
    env: Annotated[list[str] | None, options.ENV] = None,
    against: Annotated[
        str, typer.Option(help="Another class as the baseline of the one algorithm named.", show_default=False)
    ] = "",
    baseline_suite: Annotated[
        str, typer.Option(help="Suite file of the baseline, where it is another.", show_default=False)
    ] = "",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Pairs of runs to go up to, 160 at most.  [default: 160]")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of every run.  [default: the suite's]")] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="Drop of score that may not pass, at most a fifth of the baseline's.  [default: the suite's]"
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="auc or final.")] = "auc",
    no_audit: Annotated[bool, typer.Option("--no-audit", help="Leave the gradient audit out.")] = False,
    audit_model: Annotated[
        list[str] | None, typer.Option("--audit-model", help="Only this exact model in the audit; repeatable.")
    ] = None,
    no_speed: Annotated[bool, typer.Option("--no-speed", help="Leave training speed out.")] = False,
    speed_margin: Annotated[float, typer.Option(help="Loss of speed that is a regression.")] = 0.10,
    across_versions: Annotated[
        bool, typer.Option("--across-versions", help="Allow a bank of other library versions.")
    ] = False,
    open_is_ok: Annotated[bool, typer.Option("--open-is-ok", help="Exit code 0 where it stays open.")] = False,
    out: Annotated[str | None, typer.Option(help="Folder of runs and page.  [default: runs/check/SUITE]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: all cores]")] = None,
    stall_limit: options.StallLimit = None,  # noqa: ARG001
    json: Annotated[Path | None, typer.Option("--json", help="Also write everything to this file.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Also write it as JUnit XML.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Also write a pull-request comment.")] = None,
) -> None:
    """Check whether a change made an algorithm worse.

    The candidate is the working tree, the baseline a git revision of it, a results folder, or a bank that
    `pgsuite bless` wrote. Both run the same seeds; what is there already is not run again.

    Exit codes: 0 passed, identical or improved; 1 regressed; 2 the request or the machinery is at fault; 3 open;
    4 the baseline is missing or not comparable.
    """
    from ..results.store.places import local
    from ..suites.check.opening import SEEDS, Request, folder_of

    files = {"--json": json, "--junit": junit, "--markdown": markdown}
    for option, path in files.items():
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{option} {path}: there is no folder {path.parent}; make it first")
    request = Request(
        suite=suite,
        baseline=baseline,
        against=against,
        algorithms=tuple(dict.fromkeys(algorithm or ())),
        environments=tuple(dict.fromkeys(env or ())),
        baseline_suite=baseline_suite,
        seeds=seeds or SEEDS,
        steps=steps,
        margin=margin,
        metric=metric_of(metric),
        audit=not no_audit,
        models=tuple(audit_model or ()),
        speed=not no_speed,
        speed_margin=speed_margin,
        across_versions=across_versions,
        open_is_ok=open_is_ok,
        workers=workers,
        out=None if out is None else local(out, "--out"),
    )
    from rich.console import Console

    from ..reports.check import print_check, write_check
    from ..suites.check.check import carry_out
    from ..suites.check.display import CheckDisplay

    with CheckDisplay(Console(stderr=True)) as display, no_verdict():
        checked = carry_out(request, display)
    with no_verdict():
        print_check(checked, Console())
        page = write_check(checked, folder_of(request, checked.suite), json=json, junit=junit, markdown=markdown)
        options.say(f"page: {page}")
    raise typer.Exit(checked.exit_code)


class NoVerdict(PgsuiteError):
    """Nothing was measured: neither fine nor a regression."""

    exit_code = 2


@contextmanager
def no_verdict() -> Iterator[None]:
    """Let no error end with the exit code of a regression."""
    try:
        yield
    except PgsuiteError as error:
        if error.exit_code != 1:
            raise
        raise NoVerdict(str(error)) from error
    except Exception as error:
        raise NoVerdict(options.internal_error(error)) from error


def metric_of(text: str) -> Literal["auc", "final"]:
    """Return the metric that an option names.

    Raises:
        UsageError: there is none of that name.
    """
    if text == "auc":
        return "auc"
    if text == "final":
        return "final"
    raise UsageError(f"--metric {text!r}: choose auc or final")
