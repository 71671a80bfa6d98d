"""Runs in training, as the training loop hands them on."""

from typing import Any, NamedTuple

from torch import Tensor


class Runs(NamedTuple):
    """Runs in training: what a snapshot holds. Every tensor leads with the seed axis."""

    state: Any
    """The algorithm's."""
    steps: Tensor
    """``(S,)`` environment steps done."""
    rollouts: Tensor
    """``(S,)`` rollouts collected, which key their noise."""
    training_steps: Tensor
    """``(S,)`` of the environment steps those in rollouts of the stream `TRAINING`."""
    behaviour: Any
    """The last policy trained on no more steps than the checkpoint reached: what is evaluated."""
    behaviour_steps: Tensor
    """``(S,)`` steps that policy was trained on."""
    behaviour_training_steps: Tensor
    """``(S,)`` those of them in rollouts of the stream `TRAINING`."""
    checkpoint: Tensor
    """``(S,)`` last checkpoint reached; -1 before the first."""
    diverged_at: Tensor
    """``(S,)`` steps at which numbers became non-finite; -1 where they are finite."""
    seconds: Tensor
    """``(S,)`` wall time of training, shared by the runs that trained together."""
