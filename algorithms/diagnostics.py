"""How an update moved the policy: what a report shows beside a learning curve.

Every number is a mean over an update's samples. It takes up to two more passes through the network, so algorithms whose
updates do not need it anyway measure every `INTERVAL`-th update of a seed.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel
from .blocks import Samples
from .densities import entropy, kl
from .interface import Metrics, State
from .matrices import matrix
from .networks import BLOCK, forward

INTERVAL = 8
"""Updates of a seed from one measurement to the next."""


def policy_change(state: State, policy: Tensor, samples: Samples) -> Metrics:
    """Return ``kl``, ``KL(old ‖ new)``, and ``entropy`` of the old policy, in nats, each ``(S,)``.

    They are NaN for a seed whose update is not measured, and 0 for one without valid samples.

    Args:
        state: before the update.
        policy: ``(S, Pp)`` parameters after it.
        samples: of the update.
    """
    network, old = state.model.policy, state.policy.numpy()
    network.check(policy, samples.observation)
    due = due_for_measuring(state)
    moved, spread = np.full((2, len(old)), np.nan, old.dtype)
    if due.any():
        change_each(
            old,
            policy.contiguous().numpy(),
            *network.code,
            *state.model.distribution.code,
            samples.observation.contiguous().numpy(),
            samples.mask.contiguous().numpy(),
            due,
            network.work(BLOCK, old.dtype, 2 * BLOCK * network.row),
            moved,
            spread,
        )
    return {"kl": torch.from_numpy(moved), "entropy": torch.from_numpy(spread)}


def due_for_measuring(state: State) -> NDArray[np.bool_]:
    """Return ``(S,)`` whose next update is measured."""
    due: NDArray[np.bool_] = state.updates.numpy() % INTERVAL == 0
    return due


@kernel(
    "real[:, ::1], real[:, ::1], int64[::1], boolean, int64, int64[::1], real[:, :, ::1], real[:, ::1], boolean[::1], "
    "real[::1], real[::1], real[::1]"
)
def change_each(old, new, widths, relu, kind, sizes, observation, mask, due, work, moved, spread):
    """`change` of the seeds that are due."""
    known = matrix(work, 0, 0, 0)
    for s in range(len(old)):
        if due[s]:
            moved[s], spread[s] = change(
                old[s], new[s], widths, relu, kind, sizes, observation[s], mask[s], known, work
            )


@kernel
def change(old, new, widths, relu, kind, sizes, observation, mask, known, work):
    """KL and entropy of one seed, block by block; the old outputs may be ``known`` of all samples, then one block."""
    size = min(BLOCK, len(mask))
    before = matrix(work, 0, size, widths[-2] + widths[-1])
    after = matrix(work, before.size, size, before.shape[1])
    hidden = work[2 * before.size :]
    divergence, nats, count = mask[0] * 0, mask[0] * 0, 0
    for start in range(0, len(mask), size):
        stop = min(start + size, len(mask))
        rows, seen = stop - start, observation[start:stop]
        if not mask[start:stop].any():
            continue
        if len(known):
            before = known
        else:
            forward(old, widths, relu, seen, hidden, before[:rows])
        forward(new, widths, relu, seen, hidden, after[:rows])
        for b in range(rows):
            if mask[start + b] != 0:
                divergence += kl(kind, sizes, before[b], after[b])
                nats += entropy(kind, sizes, before[b])
                count += 1
    return divergence / max(count, 1), nats / max(count, 1)
