"""`pgsuite audit`: gradient estimators against exact gradients."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from . import options
from .options import say


def audit(
    algorithm: Annotated[list[str] | None, options.ALGORITHM] = None,
    model: Annotated[
        list[str] | None, typer.Option("-m", "--model", help="Only this exact model; repeatable.  [default: all]")
    ] = None,
    batches: Annotated[int | None, typer.Option(min=100, help="Batches per case.  [default: 1000]")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws other batches.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Also write all numbers to this file.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: all cores]")] = None,
    stall_limit: options.StallLimit = None,  # noqa: ARG001
) -> None:
    """Hold gradient estimators against exact policy gradients.

    These are computed from models that are small enough to solve. Audited is what `gradient` gives at the policy that
    collected the batch, and where one `update` goes: clipping, ratios and later epochs have no effect there. The fields
    discount, dtype, num_envs, num_steps, hidden, and in some cases trace, entropy_weight, state_weighting and what
    normalises, are set by the audit where the class has them.

    Exit code 1 when an estimator departs from the target that it declares.
    """
    from ..api import audit as carry_out

    if json is not None and not json.parent.is_dir():
        raise UsageError(f"cannot write {json}: there is no folder {json.parent}; make it first")
    found = carry_out(algorithm or (), model or (), batches=batches, seed=seed, workers=workers)
    from rich.console import Console

    from ..reports.terminal import print_audit

    print_audit(found.section, Console())
    if json is not None:
        found.write(json)
        say(f"wrote {json}")
    if not found.ok:
        raise typer.Exit(1)
