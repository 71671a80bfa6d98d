"""Algorithms that use, or misuse, one part of the interface."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from pgsuite.algorithms import Episodes, Steps
from pgsuite.algorithms.actor_critic import ActorCritic
from pgsuite.algorithms.model import Action, NetworkActor


@dataclass(frozen=True, kw_only=True)
class PlanPerSeed(ActorCritic):
    """Windows of a size that each seed's own updates decide, and a round now and then."""

    def plan(self, state):
        choices = (Steps(2, 5), Steps(4, 7), Episodes(2), Steps(3, 6), Episodes(4, stream="other"))
        return [choices[int(u + s) % 5] for u, s in zip(state.updates, state.seeds, strict=True)]


class Planning(ActorCritic):
    answer: ClassVar[object] = None

    def plan(self, state):
        return self.answer


@dataclass(frozen=True, kw_only=True)
class TooFewPlans(Planning):
    answer: ClassVar[object] = [Steps(2, 5)]


@dataclass(frozen=True, kw_only=True)
class NoPlan(Planning):
    answer: ClassVar[object] = (4, 16)


@dataclass(frozen=True, kw_only=True)
class NoEnvironments(Planning):
    answer: ClassVar[object] = Steps(0, 5)


@dataclass(frozen=True, kw_only=True)
class NoOccasion(Planning):
    answer: ClassVar[object] = Episodes(2, occasion=-1)


@dataclass(frozen=True, kw_only=True)
class RepeatsItself(ActorCritic):
    """Rounds of two occasions, of two streams and of none, again and again; it learns nothing."""

    def plan(self, state):
        choices = (
            Episodes(2, occasion=0),
            Episodes(2, occasion=1),
            Episodes(2, stream="other", occasion=0),
            Episodes(2, group=2, occasion=0),
            Episodes(2),
        )
        return choices[int(state.updates[0]) % 5]

    def update(self, state, rollout):
        return state._replace(updates=state.updates + 1), {}


@dataclass(frozen=True, kw_only=True)
class Remembers(ActorCritic):
    """The rewards seen, and a large buffer; the learning depends on both."""

    heavy_memory: ClassVar[frozenset[str]] = frozenset({"buffer"})

    def init(self, spaces, seeds):
        zeros = torch.zeros(len(seeds), dtype=torch.float64)
        memory = {"seen": {"reward": zeros, "steps": zeros.long()}, "buffer": zeros.unsqueeze(1).repeat(1, 50)}
        return super().init(spaces, seeds)._replace(memory=memory)

    def update(self, state, rollout):
        seen, buffer = state.memory["seen"], state.memory["buffer"]
        reward = (rollout.reward * rollout.valid).flatten(1).sum(1)
        learned, metrics = super().update(state, rollout)
        buffer = torch.cat([buffer[:, 1:], reward.unsqueeze(1)], 1)
        steps = seen["steps"] + rollout.valid.flatten(1).sum(1)
        memory = {"seen": {"reward": seen["reward"] + reward, "steps": steps}, "buffer": buffer}
        moved = learned.policy * (1 + 1e-3 * torch.tanh(buffer.mean(1, keepdim=True))).to(learned.policy.dtype)
        return learned._replace(policy=moved, memory=memory), metrics


@dataclass(frozen=True, kw_only=True)
class MemoryNotSeedFirst(ActorCritic):
    def init(self, spaces, seeds):
        return super().init(spaces, seeds)._replace(memory={"table": torch.zeros(7, len(seeds))})


class Forgets(ActorCritic):
    def init(self, spaces, seeds):
        return super().init(spaces, seeds)._replace(memory={"table": torch.zeros(len(seeds), 3)})

    def remembered(self, table):
        raise NotImplementedError

    def update(self, state, rollout):
        learned, metrics = super().update(state, rollout)
        return learned._replace(memory={"table": self.remembered(state.memory["table"])}), metrics


@dataclass(frozen=True, kw_only=True)
class MemoryGrows(Forgets):
    def remembered(self, table):
        return torch.cat([table, table], 1)


@dataclass(frozen=True, kw_only=True)
class MemoryChangesType(Forgets):
    def remembered(self, table):
        return table.double()


class Zero(NetworkActor):
    """Always action 0, whatever the network says."""

    def __call__(self, observation, noise):
        action = super().__call__(observation, noise)
        return Action(
            torch.zeros_like(action.sample), np.zeros_like(action.environment), action.finite, action.log_prob
        )


@dataclass(frozen=True, kw_only=True)
class PlaysZero(ActorCritic):
    def actor(self, behaviour):
        return Zero(behaviour)
