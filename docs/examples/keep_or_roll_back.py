"""Keep or roll back: after every few updates, fresh episodes decide whether what was learned is kept.

    pgsuite run quick -a docs/examples/keep_or_roll_back.py:KeepOrRollBack

A wrapper around any algorithm: it is no policy gradient, asks for rollouts of its own, and remembers an incumbent.

    1. the base algorithm updates ``every`` times, from the incumbent θ to the candidate θ';
    2. ``episodes`` fresh episodes are played with θ, then as many with θ';
    3. θ' becomes the incumbent where its mean return was higher, otherwise all is as it was.

What is evaluated is the incumbent, and every episode counts towards the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from pgsuite.algorithms import (
    Actor,
    ActorCritic,
    Behaviour,
    Count,
    Episodes,
    Metrics,
    Plan,
    Rollout,
    Spaces,
    State,
    select,
)


@dataclass(frozen=True, kw_only=True)
class KeepOrRollBack:
    """Another algorithm whose updates are kept only where they raised the return."""

    base: Any = field(default_factory=ActorCritic)
    """What learns."""
    every: Count = 10
    """Updates of the base between two decisions."""
    episodes: Count = 5
    """Episodes of each of the two policies."""

    @property
    def torch_dtype(self) -> torch.dtype:
        dtype: torch.dtype = self.base.torch_dtype
        return dtype

    def init(self, spaces: Spaces, seeds: Sequence[int]) -> State:
        state: State = self.base.init(spaces, seeds)
        zeros = torch.zeros(len(seeds))
        return state._replace(memory={"incumbent": state, "updates": zeros.long(), "return": zeros.double()})

    def plan(self, state: State) -> Sequence[Plan]:
        planned = self.base.plan(state)
        training = [planned] * len(state.seeds) if isinstance(planned, Plan) else planned
        judging = Episodes(self.episodes, stream="keep or roll back")
        return [judging if n >= self.every else plan for n, plan in zip(state.memory["updates"], training, strict=True)]

    def behaviour(self, state: State) -> Behaviour:
        incumbents_turn = state.memory["updates"] == self.every
        return select(incumbents_turn, self.evaluated(state), self.base.behaviour(state))

    def evaluated(self, state: State) -> Behaviour:
        behaviour: Behaviour = self.base.evaluated(state.memory["incumbent"])
        return behaviour

    def actor(self, behaviour: Behaviour) -> Actor:
        actor: Actor = self.base.actor(behaviour)
        return actor

    def update(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        if bool((state.memory["updates"] >= self.every).any()):  # all or none: their plans differ
            return self._judge(state, rollout)
        memory = {**state.memory, "updates": state.memory["updates"] + 1}
        learned, metrics = self.base.update(state, rollout)
        return learned._replace(memory=memory), metrics

    def _judge(self, state: State, rollout: Rollout) -> tuple[State, Metrics]:
        done, before = state.memory["updates"], state.memory["return"]
        mean = (rollout.reward * rollout.valid).sum(2).mean(1)
        decided = done > self.every
        kept = mean > before
        incumbent = state.memory["incumbent"]._replace(updates=state.updates)  # streams never go back
        candidate = state._replace(memory=incumbent.memory)
        winner = select(~decided | kept, candidate, incumbent)
        memory = {
            "incumbent": select(decided, winner, state.memory["incumbent"]),
            "updates": torch.where(decided, 0, done + 1),
            "return": mean,
        }
        nothing = torch.full_like(mean, torch.nan)
        return winner._replace(memory=memory), {"kept": torch.where(decided, kept.double(), nothing)}
