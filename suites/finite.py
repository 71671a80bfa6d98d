"""Whether all numbers of a seed are finite: many tensors in one pass, which finds them by address."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..addresses import Memory
from ..algorithms.interface import VITAL, Learner, Metrics
from ..algorithms.trees import tensors
from ..kernels import kernel, linked


def gone_through(algorithm: Learner, learned: Any, measured: Metrics) -> list[Tensor]:
    """Return the numbers that learning goes through, which are finite for a run that is well; see `Learner.update`."""
    parts = (getattr(learned, part, None) for part in ("critic", "optimisers"))
    numbers = [leaf for tree in (algorithm.behaviour(learned), *parts) for leaf in tensors(tree)]
    return [*numbers, *(measured[name] for name in VITAL if name in measured)]


def all_finite(numbers: Sequence[Tensor], seeds: int) -> Tensor:
    """Return ``(S,)`` which seeds have finite numbers throughout, where they are not whole numbers."""
    floats = [_readable(tensor, seeds) for tensor in numbers if tensor.is_floating_point()]
    finite = np.full(seeds, True)
    finite_each(places(floats, seeds), finite)
    return torch.from_numpy(finite)


def places(numbers: Sequence[Tensor], seeds: int) -> NDArray[np.int64]:
    """Return where `finite_each` finds tensors, contiguous and of either precision, which its caller has to keep."""
    where = [(tensor.data_ptr(), tensor.numel() // seeds, tensor.element_size()) for tensor in numbers]
    return np.array(where, np.int64).reshape(-1, 3)


def _readable(tensor: Tensor, seeds: int) -> Tensor:
    """A tensor as kernels read it at its address.

    Raises:
        ValueError: it does not lead with the seed axis.
    """
    if tensor.shape[:1] != (seeds,):
        raise ValueError(f"a tensor of shape {tuple(tensor.shape)} does not begin with the {seeds} seeds")
    if tensor.is_cpu and tensor.dtype in _REALS and tensor.is_contiguous() and tensor.data_ptr():
        return tensor
    precise = tensor if tensor.dtype in _REALS else tensor.float()
    return torch.from_numpy(np.ascontiguousarray(precise.numpy(force=True)))


FLOATS, DOUBLES = Memory(np.float32), Memory(np.float64)
_REALS = torch.float32, torch.float64


@kernel
def not_finite(row):
    """How many numbers of a row are not finite."""
    bad = np.int32(0)
    for n in range(len(row)):
        bad += np.int32(row[n] - row[n] != 0)  # counted, as sums of whole numbers are vectorised
    return bad


@linked("int64[:, ::1], boolean[::1]", entry=True)
def finite_each(where, finite):
    """Take from ``finite`` the seeds with a number that is not, in arrays given by address, row's length and width."""
    for address, size, width in where:
        for s in range(len(finite)):
            row = address + s * size * width
            if not_finite(FLOATS(row, size)) if width == 4 else not_finite(DOUBLES(row, size)):
                finite[s] = False
