"""Whose fault it is that a number is not finite: an environment's, if all actions until then were finite."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import EnvironmentFault
from .stretches import Stretch


class Fault(NamedTuple):
    """Where an environment first gave a number that is not finite."""

    what: str
    """``reward`` or ``observation``."""
    seed: int
    """Row of the seed."""
    member: int
    steps: int
    """Of the stretch: the member's up to that one in an evaluation."""
    time: int
    """Time steps of the stretch, that one included; 0 before the first."""


def first_fault(played: Stretch, acted: NDArray[np.bool_]) -> Fault | None:
    """Return the first fault of an environment in a stretch; None where there is none.

    Args:
        played: the stretch.
        acted: ``(S,)`` whose actions were finite before it.
    """
    if played.sound:
        return None
    until = np.logical_and.accumulate(np.concatenate([acted[:, None], played.acted], axis=1), axis=1)
    seen = ~np.asarray(np.isfinite(played.observation).all(-1))
    for seed, member in np.argwhere(seen[:, :, 0] & until[:, :1]):
        return Fault("observation", int(seed), int(member), 1, 0)
    for what, bad in (("reward", ~np.isfinite(played.reward)), ("observation", seen[:, :, 1:])):
        places = np.argwhere(bad & until[:, None, 1:])
        if len(places):
            seed, member, t = map(int, places[places[:, 2].argmin()])
            return Fault(what, seed, member, int(played.valid[seed, member, : t + 1].sum()), t + 1)
    return None


def fault(env_id: str, what: str, seed: int, member: int, step: int) -> EnvironmentFault:
    """Return the error of an environment that gave a non-finite number after finite actions."""
    return EnvironmentFault(
        f"environment {env_id} gave a non-finite {what} to seed {seed}, environment {member}, by step {step}, "
        "although all actions were finite: mend the environment or leave it out with -e"
    )
