"""The policy-gradient algorithms, one file each, and the seed-batched pieces they are made of.

Names are imported when first used: torch is loaded only by those who train.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .actor_critic import ActorCritic as ActorCritic
    from .interface import Episodes as Episodes
    from .interface import Rollout as Rollout
    from .interface import State as State
    from .interface import Steps as Steps
    from .interface import Target as Target
    from .model import Spaces as Spaces
    from .policy_gradient import PolicyGradient as PolicyGradient
    from .reinforce import Reinforce as Reinforce
    from .reinforce_baseline import ReinforceBaseline as ReinforceBaseline
    from .trpo import TRPO as TRPO

_HOMES = {
    "ActorCritic": "pgsuite.algorithms.actor_critic:ActorCritic",
    "Episodes": "pgsuite.algorithms.interface:Episodes",
    "PolicyGradient": "pgsuite.algorithms.policy_gradient:PolicyGradient",
    "Reinforce": "pgsuite.algorithms.reinforce:Reinforce",
    "ReinforceBaseline": "pgsuite.algorithms.reinforce_baseline:ReinforceBaseline",
    "Rollout": "pgsuite.algorithms.interface:Rollout",
    "Spaces": "pgsuite.algorithms.model:Spaces",
    "State": "pgsuite.algorithms.interface:State",
    "Steps": "pgsuite.algorithms.interface:Steps",
    "TRPO": "pgsuite.algorithms.trpo:TRPO",
    "Target": "pgsuite.algorithms.interface:Target",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(_HOMES)
