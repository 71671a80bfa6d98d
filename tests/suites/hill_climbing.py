"""Hill climbing with a linear policy: no gradient, no networks; public names alone."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pgsuite.algorithms import Action, Count, Episodes, Positive, generator


class Weights(NamedTuple):
    best: Tensor
    trial: Tensor
    score: Tensor
    updates: Tensor
    seeds: Tensor


@dataclass(frozen=True)
class LinearActor:
    weight: Tensor
    dtype: torch.dtype = torch.float32
    noise: str = "normal"
    noise_size: int = 0

    def __call__(self, observation, noise):
        score = torch.einsum("sno,so->sn", torch.as_tensor(observation, dtype=torch.float32), self.weight)
        chosen = (score > 0).long()
        return Action(
            sample=chosen,
            environment=chosen.numpy(),
            log_prob=torch.full(chosen.shape, torch.nan),
            finite=torch.isfinite(score).all(1).numpy(),
        )


@dataclass(frozen=True, kw_only=True)
class HillClimbing:
    num_envs: Count = 4
    scale: Positive = 0.5

    @property
    def torch_dtype(self):
        return torch.float32

    def init(self, spaces, seeds):
        n = spaces.observation.shape[0]
        w = torch.zeros(len(seeds), n)
        return Weights(
            w,
            self.tried(w, torch.tensor(seeds), torch.zeros(len(seeds), dtype=torch.int64)),
            torch.full((len(seeds),), -1e9),
            torch.zeros(len(seeds), dtype=torch.int64),
            torch.tensor(seeds),
        )

    def tried(self, best, seeds, updates):
        step = [
            torch.from_numpy(generator(int(s), "hill climbing", int(u)).standard_normal(best.shape[1]))
            for s, u in zip(seeds, updates, strict=True)
        ]
        return best + self.scale * torch.stack(step).float()

    def plan(self, state):
        return Episodes(self.num_envs)

    def behaviour(self, state):
        return state.trial

    def evaluated(self, state):
        return state.best

    def actor(self, behaviour):
        return LinearActor(behaviour)

    def update(self, state, rollout):
        score = (rollout.reward * rollout.valid).sum(2).mean(1).float()
        better = score >= state.score
        best = torch.where(better[:, None], state.trial, state.best)
        updates = state.updates + 1
        return Weights(
            best, self.tried(best, state.seeds, updates), torch.where(better, score, state.score), updates, state.seeds
        ), {}
