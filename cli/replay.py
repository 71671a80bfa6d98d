"""`pgsuite replay`: a stored policy again, and a film of it."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import PgsuiteError, UsageError
from .options import say


def replay(
    cell: Annotated[str, typer.Argument(help="A cell's folder, or a results folder with -a and -e; or a URL of one.")],
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
    """Evaluate a stored policy again and draw an episode.

    The evaluation is compared bit for bit with the record; exit code 1 when it differs.
    """
    from ..envs.rendering import headless

    headless()
    from ..suites.replay.policies import find_cell, open_policy
    from ..suites.replay.replay import reasons
    from ..suites.replay.replay import replay as evaluate_again
    from ..suites.replay.spelling import OPTIONS
    from ..suites.replay.video import check_target, draw_episode

    if out is not None:
        check_target(out)
    if checkpoint != "last" and not checkpoint.isdecimal():
        raise UsageError(f"--checkpoint {checkpoint}: give a number, or last")
    store = find_cell(cell, algorithm, env, spelling=OPTIONS)
    number = None if checkpoint == "last" else int(checkpoint)
    policy = open_policy(store, seed, algorithm=algorithm, checkpoint=number, trust=trust, spelling=OPTIONS)
    again, row = evaluate_again(policy), policy.row
    say(
        f"{store.algorithm} on {store.env}, seed {seed}, checkpoint {row.checkpoint} ({row.env_steps:,} steps): "
        f"{row.episodes} episodes, return {row.return_mean:.2f} ± {row.return_std:.2f}, length {row.length_mean:.1f}"
    )
    if not again.differences:
        typer.echo("bit-equal to the recorded evaluation")
    if out is not None:
        say(draw_episode(policy, again, episode, out))
    if again.differences:
        raise PgsuiteError(
            f"the evaluation differs from the recorded one: {'; '.join(again.differences)}. "
            f"Likely because: {'; '.join(reasons(policy))}"
        )
