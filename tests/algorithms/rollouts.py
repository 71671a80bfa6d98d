"""Random rollouts of every shape an environment can give.

Each seed's numbers are drawn in order of time from its own generators, so neither a neighbour nor padding changes them.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from pgsuite.algorithms import PolicyGradient, Rollout, Spaces, Steps
from pgsuite.algorithms.options import options as options_of
from pgsuite.algorithms.registry import ALGORITHMS, build, load_class

OBSERVATION = gym.spaces.Box(-np.inf, np.inf, (3,))
SPACES = {
    "Discrete": Spaces(OBSERVATION, gym.spaces.Discrete(3)),
    "Box": Spaces(OBSERVATION, gym.spaces.Box(-2.0, 2.0, (2,))),
    "MultiDiscrete": Spaces(OBSERVATION, gym.spaces.MultiDiscrete([2, 4, 3])),
    "MultiBinary": Spaces(OBSERVATION, gym.spaces.MultiBinary(3)),
}

SMALL = {"num_envs": 3, "num_steps": 87, "hidden": (5, 6), "critic_minibatch": 100, "group_size": 3}
"""Widths and rows that are no multiple of four, samples that fill one block and a bit."""


GRADIENTS = [name for name in ALGORITHMS if issubclass(load_class(name), PolicyGradient)]
"""The algorithms with networks and a gradient of their own."""


def fitting(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Those of the options that an algorithm has, and in a table those that the algorithm within it has."""
    known = options_of(name)
    inner = {one.name: {"class": one.algorithm, **fitting(one.algorithm, options)} for one in known if one.algorithm}
    return inner | {one.name: options[one.name] for one in known if one.name in options}


def small(name: str, **options):
    """A registered algorithm, made small where it has the fields."""
    return build(name, fitting(name, SMALL | options))


def planned(algorithm, state, spaces: Spaces, occasion: int = 0) -> Rollout:
    """What the algorithm asks to collect next, for the seeds of the state."""
    plan, seeds = algorithm.plan(state), state.seeds.tolist()
    if isinstance(plan, Steps):
        return window(spaces, seeds, plan.num_envs, plan.length, occasion)
    return episodes(spaces, seeds, plan.num_envs, occasion)


def window(spaces: Spaces, seeds: Sequence[int], num_envs: int, length: int, occasion: int = 0) -> Rollout:
    """Steps with terminations, truncations and both at once, each followed by a reset step."""
    shape = (len(seeds), num_envs, length)
    flags = [np.random.default_rng([s, occasion]).random((2, num_envs, length)) < 0.1 for s in seeds]
    terminated, truncated = np.stack(flags, 1)
    valid, time = np.ones(shape, dtype=np.bool_), np.zeros(shape, dtype=np.int64)
    for t in range(1, length):
        valid[..., t] = ~(valid & (terminated | truncated))[..., t - 1]
        time[..., t] = np.where(valid[..., t - 1], time[..., t - 1] + 1, 0)
    return _filled(spaces, seeds, occasion, terminated & valid, truncated & valid, valid, time, complete=False)


def episodes(spaces: Spaces, seeds: Sequence[int], num_envs: int, occasion: int = 0) -> Rollout:
    """One episode per environment; odd seeds have much longer ones, and T is the longest of all."""
    randoms = [np.random.default_rng([s, occasion]) for s in seeds]
    length = np.stack([r.integers(1, 30 + 200 * (s % 2), (num_envs, 1)) for r, s in zip(randoms, seeds, strict=True)])
    truncates = np.stack([r.random((num_envs, 1)) < 0.5 for r in randoms])
    time = np.broadcast_to(np.arange(length.max()), (len(seeds), num_envs, length.max())).copy()
    last = time == length - 1
    return _filled(spaces, seeds, occasion, last & ~truncates, last & truncates, time < length, time, complete=True)


def _filled(spaces: Spaces, seeds: Sequence[int], occasion: int, *marks: np.ndarray, complete: bool) -> Rollout:
    """Observations, actions and rewards around the marks; those of a round are zero after an episode's end."""
    terminated, truncated, valid, time = marks
    _, num_envs, length = valid.shape
    observation, action, reward = [], [], []
    for seed in seeds:
        randoms = [np.random.default_rng([seed, occasion, what]) for what in range(3)]
        seen = randoms[0].standard_normal((length + 1, num_envs, *spaces.observation.shape), dtype=np.float32)
        observation.append(seen.swapaxes(0, 1))
        action.append(_actions(spaces.action, randoms[1], (length, num_envs)).swapaxes(0, 1))
        reward.append(randoms[2].normal(1.0, 2.0, (length, num_envs)).T)
    return Rollout(
        observation=torch.from_numpy(np.stack(observation)),
        action=torch.from_numpy(np.stack(action)),
        log_prob=torch.zeros(valid.shape),
        reward=torch.from_numpy(np.where(valid | (not complete), np.stack(reward), 0.0)),
        terminated=torch.from_numpy(terminated),
        truncated=torch.from_numpy(truncated),
        valid=torch.from_numpy(valid),
        time=torch.from_numpy(time),
        progress=torch.full((len(seeds),), 0.25, dtype=torch.float64),
        complete=complete,
    )


def _actions(space: gym.Space, random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    match space:
        case gym.spaces.Discrete():
            return random.integers(space.n, size=shape)
        case gym.spaces.MultiDiscrete():
            return random.integers(space.nvec, size=(*shape, len(space.nvec)))
        case gym.spaces.MultiBinary():
            return random.integers(2, size=(*shape, *space.shape))
        case gym.spaces.Box():
            return random.standard_normal((*shape, *space.shape), dtype=np.float32)
    raise NotImplementedError(space)
