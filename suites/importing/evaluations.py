"""What ``EvalCallback`` of Stable-Baselines3 writes: timesteps ``(K,)``, results and ep_lengths ``(K, E)``."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...results.store.curve import CurveRow
from .csv_file import LARGEST_FILE


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
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE:
                raise UsageError(f"{path} unpacks to more than 1 GB, which no evaluations do; name another file")
        with np.load(path, allow_pickle=False) as file:
            steps = np.asarray(file["timesteps"])
            if steps.dtype.kind not in "iu":
                raise ValueError("timesteps are not whole numbers")
            kinds = {name: np.asarray(file[name]) for name in ("results", "ep_lengths")}
            if any(array.dtype.kind not in "iuf" for array in kinds.values()):
                raise ValueError("results are not numbers")
            return steps.astype(np.int64), *(array.astype(np.float64) for array in kinds.values())  # type: ignore[return-value]
    except KeyError as error:
        raise UsageError(f"{path}: {str(error)[:80]}; write it with EvalCallback") from None
    except ValueError as error:
        pickled = "pickle" in str(error).lower()
        reason = "it holds pickled objects, which are never loaded" if pickled else str(error)[:80]
        raise UsageError(f"{path}: {reason}; write it with EvalCallback again") from None
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:80]}; copy it again") from None
