"""`pgsuite anchors`: the uniform random policy measured, the zero of the score."""

from typing import Annotated

import typer

from ..wording import plural
from .options import say


def anchors(
    envs: Annotated[list[str], typer.Argument(help="Environment ids.")],
    episodes: Annotated[int, typer.Option(min=2, help="Episodes of the random policy.")] = 1000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Measure the uniform random policy, the zero of the score.

    Its return is shown beside the recorded one.
    """
    from ..envs import anchors as recorded
    from ..envs import measure_random_return

    for env in envs:
        measured = measure_random_return(env, episodes, seed)
        known = recorded(env)
        beside = f"recorded {known.random:g}, reference {known.reference:g}" if known else "none recorded"
        over = plural(episodes, "episode")
        say(f"{env}: {measured.mean:.2f} ± {measured.standard_error:.2f} over {over}; {beside}")
