"""What every backend owes: a member's trajectory is a function of its seed and its actions alone."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pgsuite import envs

CASES = [
    ("CartPole-v1", "compiled"),
    ("Acrobot-v1", "compiled"),
    ("Pendulum-v1", "compiled"),
    ("MountainCar-v0", "compiled"),
    ("MountainCarContinuous-v0", "compiled"),
    ("pgsuite/Chain-v0", "numpy"),
    ("pgsuite/Corridor-v0", "numpy"),
    ("pgsuite/Corridor-v0", "gymnasium"),
    ("pgsuite/Quadratic-v0", "numpy"),
    ("CartPole-v1", "envpool"),
    ("Pendulum-v1", "envpool"),
    ("LunarLander-v3", "envpool"),
    ("Hopper-v5", "envpool"),
    ("InvertedPendulum-v5", "envpool"),
    ("CartPole-v1", "gymnasium"),
    ("Pendulum-v1", "gymnasium"),
    ("LunarLander-v3", "gymnasium"),
    ("FrozenLake-v1", "gymnasium"),
    ("pgsuite/ProbePolicy-v0", "gymnasium"),
]
SEEDS = [11, 4, 2**31 - 1, 0]
STEPS = 220

cases = pytest.mark.parametrize(("env_id", "backend"), CASES)


def actions_of(env: envs.VectorEnv, seed: int) -> NDArray[Any]:
    """The actions ``(STEPS, ...)`` of the member with this seed."""
    space = env.action_space
    space.seed(seed % 1000)
    return np.stack([space.sample() for _ in range(STEPS)])


def trajectories(env_id: str, backend: str, seeds: list[int], shuffle: int | None = None) -> dict[int, list[Any]]:
    """What each seed's member saw and got in `STEPS` steps, stepped together or in random subsets."""
    env = envs.make(env_id, len(seeds), seeds, backend=backend)
    actions = np.stack([actions_of(env, seed) for seed in seeds])
    seen: dict[int, list[Any]] = {seed: [row] for seed, row in zip(seeds, env.reset(), strict=True)}
    stream = np.random.default_rng(shuffle)
    taken = np.zeros(len(seeds), np.intp)
    while (left := np.flatnonzero(taken < STEPS)).size:
        if shuffle is None:
            members, step = left, env.step(actions[:, taken[0]])
        else:
            members = stream.permutation(left)[: stream.integers(1, len(left) + 1)]
            step = env.step(actions[members, taken[members]], members)
        taken[members] += 1
        for row, member in enumerate(members):
            seen[seeds[member]].append(tuple(field[row] for field in step))
    env.close()
    return seen


def assert_same(one: dict[int, list[Any]], other: dict[int, list[Any]]) -> None:
    """Bit for bit equal on the seeds that both have."""
    for seed in one.keys() & other.keys():
        for left, right in zip(one[seed], other[seed], strict=True):
            np.testing.assert_equal(left, right)


@cases
def test_subsets_in_any_order_change_nothing(env_id: str, backend: str) -> None:
    assert_same(trajectories(env_id, backend, SEEDS), trajectories(env_id, backend, SEEDS, shuffle=1))


@cases
def test_neighbours_and_position_change_nothing(env_id: str, backend: str) -> None:
    together = trajectories(env_id, backend, SEEDS)
    assert_same(together, trajectories(env_id, backend, SEEDS[::-1]))
    assert_same(together, trajectories(env_id, backend, SEEDS[1:2]))


@cases
def test_seeds_differ(env_id: str, backend: str) -> None:
    seen = trajectories(env_id, backend, SEEDS)
    observations = [np.stack([step[0] for step in seen[seed][1:]]) for seed in SEEDS]
    for other in observations[1:]:
        assert (observations[0] != other).any()


@pytest.mark.parametrize(("env_id", "backend"), [case for case in CASES if case[0] != "FrozenLake-v1"])
def test_episodes_of_a_member_differ(env_id: str, backend: str) -> None:
    env = envs.make(env_id, 4, SEEDS, backend=backend)
    first_observations = np.stack([env.reset() for _ in range(10)])
    assert (first_observations != first_observations[0]).any(axis=(0, 2)).all()


@cases
def test_the_step_after_an_end_is_a_reset(env_id: str, backend: str) -> None:
    ends = 0
    for steps in trajectories(env_id, backend, SEEDS).values():
        ended = False
        for _, reward, terminated, truncated, valid in steps[1:]:
            assert valid != ended
            if ended:
                assert (reward, terminated, truncated) == (0.0, False, False)
            ended = bool(terminated or truncated)
            ends += ended
    assert ends or env_id in ("Acrobot-v1", "MountainCarContinuous-v0")


@cases
def test_arrays_have_their_shapes_and_stay(env_id: str, backend: str) -> None:
    env = envs.make(env_id, 4, SEEDS, backend=backend)
    actions = np.stack([actions_of(env, seed) for seed in SEEDS])
    first = env.reset()
    size = env.observation_space.shape
    assert (first.shape, first.dtype, first.flags.c_contiguous) == ((4, *size), np.float32, True)
    assert all(env.observation_space.contains(row) for row in first)
    kept = env.step(actions[:, 0])
    assert [field.shape for field in kept] == [(4, *size), (4,), (4,), (4,), (4,)]
    assert [field.dtype for field in kept] == [np.float32, np.float64, np.bool_, np.bool_, np.bool_]
    copies = [first.copy(), *(field.copy() for field in kept)]
    for step in range(1, 30):
        env.step(actions[:, step])
    env.reset()
    np.testing.assert_equal(list(copies), [first, *kept])
    env.close()


@cases
def test_reset_of_some_leaves_the_others(env_id: str, backend: str) -> None:
    def play(resets: bool) -> list[envs.Transition]:
        env = envs.make(env_id, 4, SEEDS, backend=backend)
        actions = np.stack([actions_of(env, seed) for seed in SEEDS])
        env.reset()
        steps = []
        for step in range(40):
            if resets and step in (7, 8, 20):
                assert env.reset(np.array([2, 0])).shape == (2, *env.observation_space.shape)
            steps.append(env.step(actions[:, step]))
        env.close()
        return steps

    for undisturbed, disturbed in zip(play(False), play(True), strict=True):
        for one, other in zip(undisturbed, disturbed, strict=True):
            np.testing.assert_equal(one[[1, 3]], other[[1, 3]])


@cases
def test_new_seeds_make_new_environments(env_id: str, backend: str) -> None:
    """From any state, all members at once or none of those that are in the middle of an episode."""
    used, fresh = envs.make(env_id, 3, [7, 8, 9], backend=backend), envs.make(env_id, 3, [5, 5, 2], backend=backend)
    used.reset()
    actions = np.stack([actions_of(used, 1)] * 3)[:, :40]
    for t in range(5):
        used.step(actions[:, t])
    used.reseed([5, 5, 2], np.arange(3))
    np.testing.assert_array_equal(first := used.reset(), fresh.reset())
    np.testing.assert_array_equal(first[0], first[1])
    for t in range(40):
        for found, expected in zip(used.step(actions[:, t]), fresh.step(actions[:, t]), strict=True):
            np.testing.assert_array_equal(found, expected)
    used.close()
    fresh.close()


@cases
def test_nobody_stepped_is_nobody_changed(env_id: str, backend: str) -> None:
    env = envs.make(env_id, 4, SEEDS, backend=backend)
    untouched = envs.make(env_id, 4, SEEDS, backend=backend)
    actions = np.stack([actions_of(env, seed) for seed in SEEDS])
    nobody = np.zeros(0, np.intp)
    assert env.reset().shape == untouched.reset().shape
    assert env.reset(nobody).shape == (0, *env.observation_space.shape)
    assert [len(field) for field in env.step(actions[:0, 0], nobody)] == [0] * 5
    np.testing.assert_equal(env.step(actions[:, 0]), untouched.step(actions[:, 0]))


@cases
def test_the_first_step_of_all_is_a_reset(env_id: str, backend: str) -> None:
    reset = envs.make(env_id, 4, SEEDS, backend=backend)
    stepped = envs.make(env_id, 4, SEEDS, backend=backend)
    step = stepped.step(np.stack([actions_of(stepped, seed)[0] for seed in SEEDS]))
    np.testing.assert_equal(step.observation, reset.reset())
    assert not step.valid.any()


@pytest.mark.parametrize("backend", ["compiled", "envpool", "gymnasium"])
def test_a_reset_restarts_the_clock(backend: str) -> None:
    env = envs.make("Pendulum-v1", 2, [1, 2], backend=backend)
    env.reset()
    still = np.zeros((2, 1), np.float32)
    for _ in range(150):
        env.step(still)
    env.reset(np.array([1]))
    truncated = np.array([env.step(still).truncated for _ in range(200)])
    assert np.flatnonzero(truncated[:, 0]).tolist() == [49]
    assert np.flatnonzero(truncated[:, 1]).tolist() == [199]
