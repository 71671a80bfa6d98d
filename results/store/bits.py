"""The bits of a run: a digest of what its seed alone decides, of its curve and its weights."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CURVE = ("env_steps", "trained_steps", "return_mean", "return_std", "length_mean")
"""Columns of a curve that count for its bits: not its times, nor what an algorithm says of itself."""
_WEIGHTS = ("behaviour.", "state.")
_BESIDE = ("state.memory.", "state.seeds")


def bits(curve: Mapping[str, NDArray[Any]], tensors: Mapping[str, NDArray[Any]]) -> str:
    """The digest of a curve, ``(k,)`` a column, and of the weights in a snapshot, whatever these are called."""
    digest = hashlib.sha256()
    for name in _CURVE if curve else ():
        digest.update(np.ascontiguousarray(curve[name]).tobytes())
    for part in sorted(_weights(tensors)):
        digest.update(part)
    return digest.hexdigest()[:16]


def _weights(tensors: Mapping[str, NDArray[Any]]) -> list[bytes]:
    return [
        hashlib.sha256(repr((array.dtype.str, array.shape)).encode() + np.ascontiguousarray(array).tobytes()).digest()
        for name, array in tensors.items()
        if name.startswith(_WEIGHTS) and not name.startswith(_BESIDE)
    ]
