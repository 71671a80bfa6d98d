"""An episode of a stored policy as a video, and what exactly it shows."""

from pathlib import Path

import numpy as np

from ...envs.rendering import film
from ...errors import EnvironmentFault
from .replay import Replayed, Stored, drawable, episode
from .video import write_video


def screen(policy: Stored, evaluation: Replayed, number: int, path: Path) -> str:
    """Write the video of an episode and say in one line what it shows.

    Args:
        policy: as it was evaluated.
        evaluation: its evaluation, made again.
        number: which episode, from 0.
        path: a .gif or .mp4.

    Raises:
        UsageError: there is no such episode, or the environment cannot be drawn.
        EnvironmentFault: the environment did not play the same episode twice.
        PgsuiteError: the file cannot be written.
    """
    shown = drawable(policy)
    played = episode(shown, number)
    environment, total = shown.environment, float(np.cumsum(played.reward)[-1])  # in the order of the evaluation
    if shown is policy and total != evaluation.episodes.returns[0, number]:
        raise EnvironmentFault(
            f"environment {environment.id} does not repeat itself: episode {number} returned "
            f"{evaluation.episodes.returns[0, number]!r}, then {total!r}; seed everything that it draws"
        )
    pictures = write_video(film(environment.id, environment.backend, dict(environment.options), played), path)
    facts = f"{len(played.reward)} steps, return {total:.2f}, {pictures} pictures"
    if shown is policy:
        return f"wrote {path}: episode {number} of the evaluation, {facts}"
    return (
        f"wrote {path}: another episode by the same policy, on the backend gymnasium, because the backend "
        f"{policy.environment.backend} does not show the state of {environment.id}: {facts}"
    )
