"""Samples in fixed blocks: the order of every sum over samples is the same whoever trains beside a seed.

Ragged rounds of episodes are packed per seed and padded to whole blocks; a masked sample adds an exact zero, and so
does a block that only a neighbour fills, so the length of a neighbour's episodes never touches a seed's bits. Blocks
are also faster than one long pass, because their activations stay in the cache.

Shapes: **S** seeds, **N** environments, **T** steps, **B** samples, **P** parameters.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel, scratch
from .networks import BLOCK, Network
from .shapes import check_shapes


class Samples(NamedTuple):
    """What a gradient is computed from: one row per step, invalid ones masked.

    ``observation`` (S, B, O) is normalised; ``action`` (S, B) or (S, B, A). ``weight`` (S, B) is that of ∇log π, a
    return or an advantage. ``value_target`` and ``value`` (S, B) are what the critic should predict and what it
    predicted before the update. ``log_prob`` (S, B) is that of the policy that acted: the denominator of an
    importance ratio. ``mask`` (S, B) is 1 for experience and 0 for resets and padding, whose other entries mean
    nothing: every term of a loss is multiplied by it.
    """

    observation: Tensor
    """``(S, B, O)``, normalised."""
    action: Tensor
    """``(S, B)`` or ``(S, B, A)``."""
    weight: Tensor
    """``(S, B)`` weight of ∇log π: a return or an advantage."""
    value_target: Tensor
    """``(S, B)`` what the critic should predict."""
    value: Tensor
    """``(S, B)`` what it predicted."""
    log_prob: Tensor
    """``(S, B)`` of the action when it was sampled."""
    mask: Tensor
    """``(S, B)`` 1 for experience, 0 for padding and reset steps."""

    @property
    def size(self) -> Tensor:
        """Number of valid samples ``(S,)``."""
        return self.mask.sum(1)

    @property
    def lengths(self) -> Tensor:
        """``(S,)`` samples of every seed up to its last valid one: what lies behind is not even computed."""
        return lengths(self.mask)

    def rows(self, start: int, stop: int) -> "Samples":
        """Return samples ``start`` to ``stop`` of every seed."""
        return Samples(*(x[:, start:stop] for x in self))

    def take(self, index: Tensor, mask: Tensor | None = None) -> "Samples":
        """Return the samples of each seed at ``index`` ``(S, M)``; with a mask ``(S, M)``, some of them masked.

        Raises:
            IndexError: there is no such sample.
        """
        seeds, size = self.mask.shape
        places = index.numpy()
        if places.size and (places.min() < 0 or places.max() >= size):
            raise IndexError(f"samples {places.min()} to {places.max()} are asked for, of {size}")
        rows = places + size * np.arange(seeds)[:, None]
        taken = Samples(*(_rows(x, rows) for x in self))
        return taken if mask is None else taken._replace(mask=taken.mask * mask)

    def blocks(self) -> Iterator["Samples"]:
        """Iterate over blocks of `BLOCK` samples, in order."""
        size = self.mask.shape[1]
        if size <= BLOCK:
            yield self
            return
        for start in range(0, size, BLOCK):
            yield self.rows(start, start + BLOCK)


class Layout:
    """Lays steps ``(S, N, T, ...)`` out as samples ``(S, B, ...)``; padding is a masked repetition of a seed's step."""

    def __init__(self, valid: Tensor, *, ragged: bool, dtype: torch.dtype) -> None:
        """Plan the layout.

        Args:
            valid: ``(S, N, T)`` which steps are experience.
            ragged: whether T depends on the neighbours (a round of episodes): then valid steps move to the front and
                B is a whole number of blocks. Otherwise all steps stay where they are and ``B = N·T``.
            dtype: of the mask.
        """
        check_shapes(valid=(valid, "S N T"))
        index, filled = _valid_first(valid) if ragged else (None, _flat(valid))
        self.mask = filled.to(dtype)
        """``(S, B)`` 1 for experience."""
        self._index = index

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x`` ``(S, N, T, ...)`` as ``(S, B, ...)``."""
        flat = _flat(x)
        if self._index is None:
            return flat
        if x.requires_grad:
            return flat[torch.arange(len(flat)).unsqueeze(1), self._index]
        steps, index = flat.numpy(), self._index.numpy()
        laid = np.empty((*index.shape, *steps.shape[2:]), steps.dtype)
        for own, places, made in zip(steps, index, laid, strict=True):
            own.take(places, axis=0, out=made, mode="clip")  # without that mode numpy writes to a copy first
        return torch.from_numpy(laid)

    def restore(self, samples: Tensor, shape: torch.Size) -> Tensor:
        """Return samples ``(S, B)`` back at their steps ``(S, N, T)``, zero where there was no experience."""
        steps = torch.zeros(len(samples), shape[1] * shape[2], dtype=samples.dtype)
        index = torch.arange(samples.shape[1]).expand(len(samples), -1) if self._index is None else self._index
        return steps.scatter_add_(1, index, samples * self.mask).view(shape)


def _rows(x: Tensor, rows: NDArray[np.int64]) -> Tensor:
    """Of ``x`` ``(S, B, ...)``, its seeds one after another, the rows ``(S, M)``; numpy gathers faster than torch."""
    if x.requires_grad:
        return x.flatten(0, 1)[torch.from_numpy(rows)]
    return torch.from_numpy(x.numpy().reshape(-1, *x.shape[2:]).take(rows, axis=0))


def _flat(x: Tensor) -> Tensor:
    """Steps ``(S, N, T, ...)`` as rows ``(S, N T, ...)``, contiguous."""
    if x.requires_grad:
        return x.flatten(1, 2).contiguous()
    steps = x.numpy()
    rows = steps.reshape(len(steps), steps.shape[1] * steps.shape[2], *steps.shape[3:])
    return torch.from_numpy(np.ascontiguousarray(rows))


def _valid_first(valid: Tensor) -> tuple[Tensor, Tensor]:
    index, filled = padded_index([np.flatnonzero(row) for row in valid.flatten(1).numpy()], BLOCK)
    return torch.from_numpy(index), torch.from_numpy(filled)


def padded_index(places: Sequence[NDArray[np.intp]], multiple: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return lists of places, one per seed, as ``(S, L)`` indices and which of them are filled; the rest are 0.

    L is the longest list's length, rounded up to a multiple.
    """
    longest = max(len(place) for place in places)
    index = np.zeros((len(places), longest + -longest % multiple), dtype=np.int64)
    filled = np.zeros(index.shape, dtype=np.bool_)
    for row, place in enumerate(places):
        index[row, : len(place)] = place
        filled[row, : len(place)] = True
    return index, filled


def block_sum(x: Tensor) -> Tensor:
    """Sum ``(S, B, ...)`` over samples, block by block in order: ``(S, ...)``."""
    total = torch.zeros_like(x[:, 0])
    for block in x.split(BLOCK, dim=1):
        total += block.sum(1)
    return total


def lengths(mask: Tensor) -> Tensor:
    """Return how many samples every seed has up to its last valid one ``(S,)``, for a mask ``(S, B)``."""
    found = torch.empty(len(mask), dtype=torch.int64)
    length_each(mask.numpy(), found.numpy())
    return found


@kernel
def length(mask):
    """One more than the place of a seed's last valid sample."""
    b = len(mask)
    while b and mask[b - 1] == 0:
        b -= 1
    return b


@kernel("real[:, :], int64[::1]")
def length_each(mask, found):
    """`length` of every seed."""
    for s in range(mask.shape[0]):
        found[s] = length(mask[s])


@kernel
def spread_of(x, mask, block, rounding, centred):
    """Write the values of one seed around their mean, 0 where masked, summed block by block; return their variance.

    That is exactly 0 where all that is left of the deviations is the rounding of the mean.
    """
    zero = np.float64(0)
    total, count, squares = zero, zero, zero
    for start in range(0, len(x), block):
        some, many = zero, zero
        for b in range(start, min(start + block, len(x))):
            if mask[b] != 0:
                some += x[b]
                many += 1
        total += some
        count += many
    count = max(count, zero + 1)
    mean = total / count
    for start in range(0, len(x), block):
        some = zero
        for b in range(start, min(start + block, len(x))):
            centred[b] = x[b] - mean if mask[b] != 0 else zero
            some += centred[b] * centred[b]
        squares += some
    left = rounding * abs(mean)
    return squares / count if squares / count > left * left or squares != squares else zero


@kernel("real[:, ::1], real[:, ::1], real[:, ::1], int64, real, real[::1], real[::1]")
def explained_each(target, value, mask, block, rounding, work, share):
    """`explained_variance` of every seed."""
    for s in range(len(target)):
        share[s] = explained(target[s], value[s], mask[s], block, rounding, work)


@kernel
def explained(target, value, mask, block, rounding, work):
    """`explained_variance` of one seed."""
    number, size = target.dtype.type, len(target)
    error, centred = work[:size], work[size : 2 * size]
    for b in range(size):
        error[b] = target[b] - value[b]
    total = number(spread_of(target, mask, block, rounding, centred))
    left = number(spread_of(error, mask, block, rounding, centred))
    return number(1) - left / total if total > 0 else number(np.nan)


def standardised(x: Tensor, mask: Tensor) -> Tensor:
    """Return ``(S, B)`` values with mean 0 and standard deviation 1 over each seed's valid samples, 0 elsewhere.

    Values without spread become 0, not NaN and not rounding blown up.
    """
    check_shapes(x=(x, "S B"), mask=(mask, "S B"))
    made = x.clone(memory_format=torch.contiguous_format)
    real = made.numpy().dtype
    work = scratch(x.shape[1], real)
    standardise_each(made.numpy(), mask.contiguous().numpy(), BLOCK, rounding_of_mean(real), work)
    return made


DEVIATION_EPSILON = 1e-8
"""Added to the standard deviation that values are divided by."""


@kernel
def standardise_values(x, mask, block, rounding, work):
    """`standardised` of one seed, in place."""
    number, centred = x.dtype.type, work[: len(x)]
    variance = number(spread_of(x, mask, block, rounding, centred))
    scale = number(1) / (np.sqrt(variance) + number(DEVIATION_EPSILON)) if variance > 0 else number(0)
    for b in range(len(x)):
        x[b] = centred[b] * scale


@kernel("real[:, ::1], real[:, ::1], int64, real, real[::1]")
def standardise_each(x, mask, block, rounding, work):
    """`standardise_values` of every seed."""
    for s in range(len(x)):
        standardise_values(x[s], mask[s], block, rounding, work)


def explained_variance(samples: Samples) -> Tensor:
    """Return ``1 - Var(target - value) / Var(target)`` of the critic ``(S,)``; NaN where the target is constant."""
    arrays = [x.contiguous().numpy() for x in (samples.value_target, samples.value, samples.mask)]
    real, size = arrays[0].dtype, arrays[0].shape[1]
    share = np.empty(len(arrays[0]), real)
    explained_each(*arrays, BLOCK, rounding_of_mean(real), scratch(2 * size, real), share)
    return torch.from_numpy(share)


def rounding_of_mean(real: Any) -> float:
    """Return how large a deviation may be, as a share of the mean, that is nothing but the rounding of that mean."""
    return float(8 * np.finfo(real).eps)


def loss_gradient(
    network: Network, parameters: Tensor, samples: Samples, loss: Callable[[Tensor, Samples], Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the gradient ``(S, P)`` and value ``(S,)`` of a loss on a network's outputs, summed over samples.

    Args:
        network: policy or critic.
        parameters: its parameters ``(S, P)``.
        samples: any number of blocks.
        loss: maps outputs ``(S, B, D)`` and their block of samples to ``(S,)``, differentiably.
    """
    check_shapes(parameters=(parameters, "S P"), observation=(samples.observation, "S B O"), mask=(samples.mask, "S B"))
    gradient, value = torch.zeros_like(parameters), parameters.new_zeros(len(parameters))
    counts, start = samples.lengths, 0
    for block in samples.blocks():
        made = network.forward(parameters, samples.observation, counts, start)
        outputs = made.outputs.requires_grad_()
        block_loss = loss(outputs, block)
        # Seeds share no parameters, so the slope of the sum of their losses is every seed's own.
        (slope,) = torch.autograd.grad(block_loss.sum(), outputs)
        network.add_cotangent(parameters, made, slope, gradient)
        value += block_loss.detach()
        start += BLOCK
    return gradient, value
