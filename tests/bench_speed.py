"""Training speed beside other libraries', in one process on one core: ``make bench`` prints the ratios.

Ten runs of CartPole-v1 with 64-64 tanh networks: ours train together, a peer's one after another. A pair is measured
alternately, so that a drift of the machine's speed reaches both, and the ratio is that of the medians.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pgsuite import envs
from pgsuite.results.store.curve import CurveRow
from pgsuite.suites.cells import Cell, Environment, Evaluation, Stored
from pgsuite.suites.training import TrainingLoop

SEEDS = 10
ROUNDS = 5


class Timer:
    """A sink that keeps the seconds spent training."""

    def load(self, seed: int) -> Stored | None:
        return None

    def save(
        self, seed: int, rows: Sequence[CurveRow], facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
    ) -> None:
        self.seconds = rows[-1].wall_time

    def progress(self, steps: int, score: float | None) -> None:
        pass


def our_rate(algorithm: str, options: dict[str, Any], steps: int, env: str = "CartPole-v1") -> float:
    """Environment steps per second of training ten runs."""
    timer = Timer()
    cell = Cell(
        suite="bench",
        algorithm=algorithm,
        reference=algorithm,
        options=options,
        environment=Environment(id=env),
        steps=steps,
        evaluation=Evaluation(checkpoints=1, episodes=1),
    )
    TrainingLoop().train(cell, range(SEEDS), timer)
    return SEEDS * steps / timer.seconds


def peer_rate(make_model: Callable[[int, Any], Any], steps: int) -> float:
    """Environment steps per second of ten runs one after another."""
    from stable_baselines3.common.env_util import make_vec_env

    seconds = 0.0
    for seed in range(SEEDS):
        model = make_model(seed, make_vec_env("CartPole-v1", n_envs=8, seed=seed))
        started = time.perf_counter()
        model.learn(steps)
        seconds += time.perf_counter() - started
    return SEEDS * steps / seconds


def compare(benchmark: Any, ours: Callable[[], float], theirs: Callable[[], float], required: float) -> None:
    torch.set_num_threads(1)
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(ROUNDS - 1)]
    pairs.append((benchmark.pedantic(ours, rounds=1), theirs()))
    our_median, their_median = (statistics.median(side) for side in zip(*pairs, strict=True))
    benchmark.extra_info.update(ours=round(our_median), theirs=round(their_median), ratio=our_median / their_median)
    print(
        f"\n  ours {our_median:,.0f} steps/s, theirs {their_median:,.0f}: {our_median / their_median:.1f}x "
        f"(required {required:g}x); pair by pair {', '.join(f'{a / b:.1f}x' for a, b in pairs)}; "
        f"cores {sorted(os.sched_getaffinity(0))}"
    )
    assert our_median / their_median >= required


NET = {"pi": [64, 64], "vf": [64, 64]}


def test_actor_critic_against_a2c(benchmark: Any) -> None:
    """8 environments × 16 steps, GAE λ 1, the same clipping and loss weights."""
    from stable_baselines3 import A2C

    def theirs(seed: int, env: Any) -> Any:
        return A2C("MlpPolicy", env, n_steps=16, seed=seed, policy_kwargs={"net_arch": NET}, device="cpu")

    options = {"num_envs": 8, "num_steps": 16, "trace": 1.0, "learning_rate": 7e-4}
    compare(
        benchmark, lambda: our_rate("actor-critic", options, 12_800), lambda: peer_rate(theirs, 12_800), required=12.0
    )


def test_trpo_against_sb3_contrib(benchmark: Any) -> None:
    """8 environments × 256 steps, 15 CG iterations, 10 line-search attempts, 10 critic epochs in minibatches of 128."""
    from sb3_contrib import TRPO

    def theirs(seed: int, env: Any) -> Any:
        return TRPO("MlpPolicy", env, n_steps=256, seed=seed, policy_kwargs={"net_arch": NET}, device="cpu")

    options = {
        "num_envs": 8,
        "num_steps": 256,
        "cg_iterations": 15,
        "cg_tolerance": 0.0,
        "line_search_attempts": 10,
        "critic_epochs": 10,
        "critic_minibatch": 128,
        "damping": 0.1,
    }
    compare(benchmark, lambda: our_rate("trpo", options, 8_192), lambda: peer_rate(theirs, 8_192), required=5.0)


def test_half_cheetah_against_its_backend(benchmark: Any) -> None:
    """Actor-critic training against making and stepping as many environments as often, without any algorithm."""
    pytest.importorskip("mujoco")

    steps = 16_384

    def raw() -> float:
        started = time.perf_counter()
        env = envs.make("HalfCheetah-v5", 8 * SEEDS, range(8 * SEEDS))
        space = env.action_space
        assert isinstance(space, gymnasium.spaces.Box)
        random = np.random.default_rng(0)
        actions = random.uniform(space.low, space.high, (steps // 8, env.num_envs, *space.shape)).astype(space.dtype)
        env.reset()
        for action in actions:
            env.step(action)
        return len(actions) * env.num_envs / (time.perf_counter() - started)

    options = {"num_envs": 8, "num_steps": 16, "normalise_observations": True}
    compare(benchmark, lambda: our_rate("actor-critic", options, steps, "HalfCheetah-v5"), raw, required=0.8)
