"""Reward profiling that knows what its candidates are worth: for tests alone."""

from dataclasses import dataclass

import numpy as np
import torch

from pgsuite.algorithms import Profiled
from pgsuite.envs.exact.models import exact_model
from pgsuite.envs.exact.solving import objective
from pgsuite.suites.audit.models import softmax
from pgsuite.suites.audit.targets import tables


@dataclass(frozen=True, kw_only=True)
class Oracle(Profiled):
    """Candidates are worth what they are worth: the exact return of a table, without an episode's luck."""

    model: str = "pgsuite/Corridor-v0"

    def returns(self, rollout):
        return exact_returns(self.model, rollout.behaviour).unsqueeze(1).expand(-1, self.episodes)


def exact_returns(model: str, behaviour) -> torch.Tensor:
    """``(S,)`` expected undiscounted return of an episode, by dynamic programming over the table."""
    policies = softmax(tables(behaviour.model.policy, behaviour.parameters.numpy()))
    return torch.from_numpy(objective(exact_model(model), np.moveaxis(policies, 0, -1), 1.0, truncated=True))
