"""Compiled environments by id: the classic ones, and those that users register."""

import gymnasium
import numpy as np

from ..errors import UsageError
from ..kernels import Kernel
from .classic import TASKS
from .compiled import Task
from .spaces import check_action_space, check_observation_space

ADDED: dict[str, Task] = {}
"""What users registered, by id."""


def known() -> dict[str, Task]:
    """Return all tasks by id."""
    return {**TASKS, **ADDED}


def register(env_id: str, task: Task) -> None:
    """Make an environment known by its id.

    A module that a suite names under ``modules`` does it when it is imported.

    Raises:
        UsageError: what is given cannot be run; the line names the environment and the part.
    """
    if not isinstance(task, Task):
        raise UsageError(f"environment {env_id!r} is registered as a {type(task).__name__}: give a Task")
    if env_id in TASKS:
        raise UsageError(f"environment {env_id!r} is there already: choose another id")
    for name in ("initial", "dynamics", "observe"):
        if not isinstance(getattr(task, name), Kernel):
            raise UsageError(f"environment {env_id!r}: its {name} is plain Python: decorate it with @kernel")
    check_observation_space(env_id, task.observation_space)
    check_action_space(env_id, task.action_space)
    if not isinstance(task.observation_space, gymnasium.spaces.Box) or len(task.observation_space.shape) != 1:
        raise UsageError(f"environment {env_id!r}: its observation space is no Box of one dimension, (O,)")
    low, high = (np.asarray(bound, dtype=np.float64) for bound in (task.reset_low, task.reset_high))
    if low.ndim != 1 or low.shape != high.shape or not (np.isfinite(low) & np.isfinite(high) & (low <= high)).all():
        raise UsageError(f"environment {env_id!r}: reset_low and reset_high are no bounds, (R,) finite numbers each")
    for name in ("time_limit", "state_size"):
        size = getattr(task, name)
        if not isinstance(size, int) or size < 1:
            raise UsageError(f"environment {env_id!r}: its {name} is {size!r}, not a whole number of at least 1")
    ADDED[env_id] = task._replace(reset_low=low, reset_high=high)
