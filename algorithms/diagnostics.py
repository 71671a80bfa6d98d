"""How an update moved the policy: what a report shows beside a learning curve.

Every number is a mean over an update's samples. It takes two more passes through the network, so algorithms whose
updates do not need it anyway measure every `INTERVAL`-th update of a seed.
"""

import numpy as np
import torch
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
    due = state.updates.numpy() % INTERVAL == 0
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


@kernel(
    "real[:, ::1], real[:, ::1], int64[::1], boolean, int64, int64[::1], real[:, :, ::1], real[:, ::1], boolean[::1], "
    "real[::1], real[::1], real[::1]"
)
def change_each(old, new, widths, relu, kind, sizes, observation, mask, due, work, moved, spread):
    """Write KL and entropy of the seeds that are due, block by block."""
    rows = min(BLOCK, mask.shape[1])
    before = matrix(work, 0, rows, widths[-2] + widths[-1])
    after = matrix(work, before.size, rows, before.shape[1])
    hidden = work[2 * before.size :]
    for s in range(len(old)):
        if not due[s]:
            continue
        divergence, nats, count = mask[s, 0] * 0, mask[s, 0] * 0, 0
        for start in range(0, mask.shape[1], rows):
            stop = min(start + rows, mask.shape[1])
            some, seen = stop - start, observation[s, start:stop]
            if not mask[s, start:stop].any():
                continue
            forward(old[s], widths, relu, seen, hidden, before[:some])
            forward(new[s], widths, relu, seen, hidden, after[:some])
            for b in range(some):
                if mask[s, start + b] != 0:
                    divergence += kl(kind, sizes, before[b], after[b])
                    nats += entropy(kind, sizes, before[b])
                    count += 1
        moved[s], spread[s] = divergence / max(count, 1), nats / max(count, 1)
