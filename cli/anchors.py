"""`pgsuite anchors`: the uniform random policy measured, the zero of the score."""

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PgsuiteError
from ..wording import plural
from .options import say

if TYPE_CHECKING:
    from ..envs.anchors import RandomReturn
    from ..suites.anchors import AnchorsTable
    from ..suites.cells import Environment

_REFERENCE = "REFERENCE"
"""What stands for a number that nobody but the user knows."""


def anchors(
    envs: Annotated[list[str], typer.Argument(help="Environment ids, or names in the suite.")],
    suite: Annotated[
        str | None, typer.Option(help="Suite whose modules and options the environments need: a name or a TOML file.")
    ] = None,
    episodes: Annotated[int, typer.Option(min=2, help="Episodes of the random policy.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the whole measurement.")] = 0,
) -> None:
    """Measure the uniform random policy, the zero of the score.

    Its return is shown beside the recorded one; where there is none, as the lines that a suite file takes.
    """
    from ..suites.cells import Environment, import_modules
    from ..suites.named_code import let_in, let_in_code_of
    from ..suites.planning import check_time_limit, environment_of
    from ..suites.schema import EnvironmentTable, load_suite

    chosen, tables = [], {}
    if suite:
        loaded = load_suite(suite)
        let_in_code_of(loaded, environments=envs)
        import_modules(loaded.modules)
        tables = loaded.environments
        chosen = [environment_of(loaded, env, tables.get(env, EnvironmentTable(steps=1))) for env in envs]
    let_in((), environments=envs)
    from ..envs import describe, measure_random_return

    for environment in chosen or [Environment(id=env) for env in envs]:
        check_time_limit(describe(environment.id, environment.backend, **environment.options))
        measured = measure_random_return(
            environment.id, episodes, seed, environment.backend, options=environment.options
        )
        if not math.isfinite(measured.mean):
            raise PgsuiteError(
                f"environment {environment.name!r}: the random policy's mean return is {measured.mean}: "
                "its rewards are not finite, or too large for a sum; mend or scale them"
            )
        table = tables.get(environment.name)
        _tell(environment, measured, suite, table.anchors if table else None)


def _tell(
    environment: "Environment", measured: "RandomReturn", suite: str | None, declared: "AnchorsTable | None"
) -> None:
    """Print a measurement, and what to paste unless its suite declares its anchors, or they are recorded."""
    from ..envs import anchors as recorded
    from ..envs.anchors import changes_task

    known = declared or (None if changes_task(environment.id, environment.options) else recorded(environment.id))
    where = "declared" if declared else "recorded"
    beside = f"{where} {known.random:g}, reference {known.reference:g}" if known else "none recorded"
    error, over = f"{measured.standard_error:.2g}", plural(measured.episodes, "episode")
    say(f"{environment.name}: {measured.mean:.2f} ± {error} over {over}; {beside}")
    if known:
        return
    reference, origin = _reference(environment.id, measured.mean)
    source = f"random: uniform random policy, {over}, standard error {error}; reference: {origin}"
    say(f"to have scores, put into the table [environments.{json.dumps(environment.name)}] of {suite or 'your suite'}:")
    say(f"anchors = {{ random = {_number(measured.mean)}, reference = {reference}, source = {json.dumps(source)} }}")
    if reference == _REFERENCE:
        say(f"with a known good return, above the random one, for {_REFERENCE}, and its source for SOURCE")


def _reference(env_id: str, random: float) -> tuple[str, str]:
    """The reward threshold that an environment is registered with, where it can be a reference."""
    import gymnasium

    spec = gymnasium.registry.get(env_id.rpartition(":")[2])
    threshold = spec.reward_threshold if spec else None
    if threshold is None or not threshold > random:
        return _REFERENCE, "SOURCE"
    return _number(threshold), "the reward threshold that it is registered with"


def _number(value: float) -> str:
    """A TOML float of six digits."""
    text = f"{value:.6g}"
    return text if any(mark in text for mark in ".e") else f"{text}.0"
