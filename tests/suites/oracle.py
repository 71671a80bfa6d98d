"""Reward profiling that knows what its candidates are worth: for tests alone."""

from dataclasses import dataclass

import torch

from pgsuite.algorithms import Profiled
from pgsuite.envs.exact.models import exact_model
from pgsuite.envs.exact.solving import objective
from pgsuite.suites.audit.models import softmax
from pgsuite.suites.audit.targets import TabularNetwork


@dataclass(frozen=True, kw_only=True)
class Oracle(Profiled):
    """Candidates are worth what they are worth: the exact return of a table, without an episode's luck."""

    model: str = "pgsuite/Corridor-v0"

    def returns(self, rollout):
        return exact_returns(self.model, rollout.behaviour).unsqueeze(1).expand(-1, self.episodes)


def exact_returns(model: str, behaviour) -> torch.Tensor:
    """``(S,)`` expected undiscounted return of an episode, by dynamic programming over the table."""
    process = exact_model(model)
    policies = [
        softmax(TabularNetwork(behaviour.model.policy, row.double().numpy()).outputs) for row in behaviour.parameters
    ]
    return torch.tensor([objective(process, policy, 1.0, truncated=True) for policy in policies], dtype=torch.float64)
