"""What ``EvalCallback`` of Stable-Baselines3 writes: timesteps ``(K,)``, results and ep_lengths ``(K, E)``."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.store.curve import CurveRow
from .npz import read_arrays


def read_evaluations(path: Path) -> tuple[CurveRow, ...]:
    """One row per evaluation.

    Raises:
        UsageError: the file cannot be read, holds pickled objects, or its numbers are no curve.
    """
    steps, returns, lengths = _arrays(path)
    if steps.ndim != 1 or returns.ndim != 2 or len(returns) != len(steps) or lengths.shape != returns.shape:
        raise UsageError(
            f"{path}: timesteps {steps.shape}, results {returns.shape} and ep_lengths {lengths.shape} do not fit; "
            "they should be (K,), (K, E) and (K, E): write it with EvalCallback again"
        )
    if not returns.size or not np.isfinite(returns).all() or not np.isfinite(lengths).all():
        raise UsageError(f"{path}: results are missing or not finite; evaluate the run again")
    if steps.min() < 0 or (np.diff(steps) <= 0).any():
        raise UsageError(f"{path}: timesteps do not increase; import the file of one uninterrupted run")
    first = 0 if steps[0] == 0 else 1
    return tuple(
        CurveRow(
            checkpoint=k + first,
            env_steps=int(here),
            trained_steps=int(here),
            return_mean=float(returns[k].mean()),
            return_std=float(returns[k].std()),
            episodes=returns.shape[1],
            length_mean=float(lengths[k].mean()),
            eval_steps=int(lengths[k].sum()),
            updates=0,
            wall_time=float("nan"),
        )
        for k, here in enumerate(steps)
    )


def _arrays(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    names = ("timesteps", "results", "ep_lengths")
    steps, *numbers = read_arrays(path, "EvalCallback again", names).values()
    if steps.dtype.kind not in "iu":
        raise UsageError(f"{path}: timesteps are not whole numbers; write it with EvalCallback again")
    if any(array.dtype.kind not in "iuf" for array in numbers):
        raise UsageError(f"{path}: results are not numbers; write it with EvalCallback again")
    results, lengths = (array.astype(np.float64) for array in numbers)
    return steps.astype(np.int64), results, lengths
