"""The compiled tasks against Gymnasium's, step for step, and against themselves uncompiled."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from pgsuite.envs.classic import TASKS
from pgsuite.envs.compiled import CompiledVectorEnv

SEEDS = [3, 0, 2**31 - 1]
STEPS = {"Acrobot-v1": 1200, "MountainCarContinuous-v0": 2500}
TOLERANCE = {"Acrobot-v1": 1e-2, "MountainCarContinuous-v0": 1e-4, "Pendulum-v1": 1e-2}
"""Rounding adds up over an episode of these: Gymnasium keeps some numbers of the last two in float32, and products and
sums are contracted here. Elsewhere an observation differs in its own last place at most."""


def actions(env_id: str, observation: NDArray[np.float32], stream: np.random.Generator) -> NDArray[Any]:
    """Random ones; where those never reach the goal, all members but the first push along their velocity."""
    space = TASKS[env_id].action_space
    count = len(observation)
    if isinstance(space, gymnasium.spaces.Discrete):
        action: NDArray[Any] = stream.integers(space.n, size=count)
    else:
        assert isinstance(space, gymnasium.spaces.Box)
        action = stream.uniform(space.low, space.high, (count, 1)).astype(np.float32)
    forward = observation[1:, -1] >= 0
    if env_id in ("Acrobot-v1", "MountainCar-v0"):
        action[1:] = np.where(forward, 2, 0)
    elif env_id == "MountainCarContinuous-v0":
        action[1:, 0] = np.where(forward, 1, -1) * np.abs(action[1:, 0])
    return action


@pytest.mark.parametrize("env_id", TASKS)
def test_follows_gymnasium(env_id: str) -> None:
    ours = CompiledVectorEnv(env_id, TASKS[env_id], SEEDS)
    theirs = [gymnasium.make(env_id) for _ in SEEDS]
    stream = np.random.default_rng(1)

    observation = ours.reset()
    for row, (env, seed) in enumerate(zip(theirs, SEEDS, strict=True)):
        np.testing.assert_array_equal(observation[row], env.reset(seed=seed)[0])

    ended = [False] * len(SEEDS)
    terminations = truncations = 0
    for _ in range(STEPS.get(env_id, 1000)):
        action = actions(env_id, observation, stream)
        step = ours.step(action)
        observation = step.observation
        for row, env in enumerate(theirs):
            assert step.valid[row] != ended[row]
            if ended[row]:
                expected, reward, terminated, truncated = env.reset()[0], 0.0, False, False
            else:
                expected, reward, terminated, truncated, _ = env.step(action[row])
            np.testing.assert_allclose(observation[row], expected, rtol=0, atol=TOLERANCE.get(env_id, 1e-6))
            assert step.reward[row] == pytest.approx(reward, rel=1e-9, abs=TOLERANCE.get(env_id, 0))
            assert (step.terminated[row], step.truncated[row]) == (terminated, truncated)
            ended[row] = terminated or truncated
            terminations += terminated
            truncations += truncated
    assert terminations or env_id == "Pendulum-v1"
    assert truncations or env_id == "CartPole-v1"


@pytest.mark.parametrize(
    ("env_id", "spread"),
    [
        ("CartPole-v1", [3.0, 20.0, 0.3, 3.0]),
        ("Acrobot-v1", [np.pi, np.pi, 12.0, 28.0]),
        ("Pendulum-v1", [9.0, 8.0]),
        ("MountainCar-v0", [1.2, 0.07]),
        ("MountainCarContinuous-v0", [1.2, 0.07]),
    ],
)
def test_one_step_from_anywhere_is_gymnasiums(env_id: str, spread: list[float]) -> None:
    """Walls, speed limits and angles that turn over are met from states that episodes seldom visit."""
    task = TASKS[env_id]
    theirs: Any = gymnasium.make(env_id).unwrapped
    theirs.reset(seed=0)
    stream = np.random.default_rng(2)
    # Rounded as MountainCarContinuous keeps its states.
    states = (stream.uniform(-1, 1, (400, len(spread))) * np.array(spread)).astype(np.float32).astype(np.float64)
    chosen = actions(env_id, np.zeros((400, 1), np.float32), stream)
    for state, action in zip(states, chosen, strict=True):
        following, row = np.empty(len(spread)), np.atleast_1d(action).astype(np.float64)
        observation = np.empty(task.observation_space.shape)
        reward, terminated = task.dynamics(state, row, following)
        task.observe(following, observation)
        plain = np.empty(len(spread))
        assert task.dynamics.python(state, row, plain) == (pytest.approx(reward, rel=1e-12), terminated)
        np.testing.assert_allclose(plain, following, rtol=1e-12, atol=1e-12)
        theirs.state = state.astype(np.float32 if "Continuous" in env_id else np.float64)
        theirs.steps_beyond_terminated = None
        expected, pays, ends, _, _ = theirs.step(action)
        np.testing.assert_allclose(observation, expected, rtol=1e-6, atol=1e-6)
        assert reward == pytest.approx(pays, rel=1e-6, abs=0)
        assert terminated == ends


@pytest.mark.parametrize("env_id", TASKS)
def test_declares_what_gymnasium_declares(env_id: str) -> None:
    theirs = gymnasium.make(env_id)
    task = TASKS[env_id]
    assert task.observation_space == theirs.observation_space
    assert task.action_space == theirs.action_space
    assert theirs.spec is not None
    assert task.time_limit == theirs.spec.max_episode_steps


def test_cartpole_reaches_its_time_limit() -> None:
    env = CompiledVectorEnv("CartPole-v1", TASKS["CartPole-v1"], SEEDS)
    observation = env.reset()
    for step_number in range(1, 501):
        # A hand-made controller that balances: push towards where the pole falls.
        lean = observation @ np.array([0.1, 0.5, 5.0, 1.0], np.float32)
        step = env.step((lean > 0).astype(np.int64))
        observation = step.observation
        assert not step.terminated.any()
        assert step.truncated.all() == (step_number == 500)
    assert not env.step(np.zeros(3, np.int64)).valid.any()


def test_draws_ahead_without_changing_the_stream() -> None:
    env = CompiledVectorEnv("CartPole-v1", TASKS["CartPole-v1"], [5])
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence(5)))
    for _ in range(40):
        expected = stream.uniform(-0.05, 0.05, 4).astype(np.float32)
        np.testing.assert_array_equal(env.reset()[0], expected)
