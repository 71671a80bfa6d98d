"""Whether a run's curve, its snapshot and its cell's record tell the same story."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMPORTED = "imported"
"""The key that tells an imported cell's record from one that was run here."""


def check_against_record(curve: Mapping[str, NDArray[Any]], status: str, record: Mapping[str, Any]) -> None:
    """Hold a curve to what its cell's record promises, as far as that says it.

    A run made here was evaluated at ``steps * k / checkpoints`` for k from 0; an imported one at points of its own. A
    complete one has reached the last of them.

    Args:
        curve: its columns, ``(k+1,)`` each.
        status: what the run says it is.
        record: its ``cell.json``.

    Raises:
        ValueError: naming the difference.
    """
    budget, points = _count(record.get("steps")), _count(record.get("protocol", {}).get("checkpoints"))
    if not budget or not points:
        return
    steps, first = curve["env_steps"], int(curve["checkpoint"][0])
    grid = [round(budget * k / points) for k in range(min(len(steps), points + 1))]
    if IMPORTED not in record and (first != 0 or not np.array_equal(steps, grid)):
        raise ValueError(f"its checkpoints are not the {points + 1} of its cell")
    if status == "complete" and (steps[-1] != budget or len(steps) < points):
        raise ValueError(f"{len(steps)} of {points + 1} checkpoints are there, and it says that it is complete")


def check_against_snapshot(
    curve: Mapping[str, NDArray[Any]], status: str, snapshot: Mapping[str, NDArray[Any]]
) -> None:
    """Hold a curve to the snapshot beside it: it reaches it, and a finished run's has the end.

    Args:
        curve: its columns, ``(k+1,)`` each.
        status: what the run says it is.
        snapshot: its array ``checkpoint``, and ``diverged_at``, ``(1,)`` each.

    Raises:
        ValueError: naming the difference.
        KeyError: the snapshot does not say how far it is.
    """
    reached, last = int(snapshot["checkpoint"][0]), int(curve["checkpoint"][-1])
    diverged = int(snapshot["diverged_at"][0]) >= 0
    if last < reached - diverged:  # a run that diverged has no evaluation at the checkpoint after it
        raise ValueError(f"its curve ends at checkpoint {last}, its snapshot is of checkpoint {reached}")
    if (status == "complete" and reached < last) or (status == "diverged" and not diverged):
        raise ValueError(f"it says that it is {status}, and its snapshot is of checkpoint {reached}")


def _count(value: object) -> int:
    """A whole number above 0; 0 where it is not."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
