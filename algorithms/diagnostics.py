"""How an update moved the policy: what a report shows beside a learning curve.

Every number is a mean over an update's samples. It takes two more passes through the network, so algorithms whose
updates do not need it anyway measure every `INTERVAL`-th update of a seed.
"""

import torch
from torch import Tensor

from .blocks import Samples, block_sum
from .interface import Metrics, State

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
    due = state.updates.numpy() % INTERVAL == 0
    kl = entropy = policy.new_full((len(policy),), torch.nan)
    if due.any():
        kl, entropy = (torch.where(torch.from_numpy(due), x, torch.nan) for x in _measure(state, policy, samples))
    return {"kl": kl, "entropy": entropy}


def _measure(state: State, policy: Tensor, samples: Samples) -> tuple[Tensor, Tensor]:
    network, distribution = state.model.policy, state.model.distribution
    lengths = samples.lengths
    old, new = (network.evaluate(x, samples.observation, lengths) for x in (state.policy, policy))
    count = samples.size.clamp(min=1)
    kl, entropy = (
        torch.where(samples.mask != 0, x, 0.0) for x in (distribution.kl(old, new), distribution.entropy(old))
    )
    return block_sum(kl) / count, block_sum(entropy) / count
