"""The models that gradients are audited on: four tables and a continuous task made for it, three from Gymnasium.

Each is small, so that its gradient is exact and cheap, and each makes some fault visible that the others hide:

- **Chain**: the reward is at the far end, and one of two actions may end the episode where it is. Episodes have
  different lengths that depend on the actions, so counting steps, discounting and what follows an end all matter.
- **Corridor**: nothing terminates, a time limit of 6 steps cuts every episode, and states are left and entered again.
- **Bandit**: one step, random rewards, a context; only the score function and its sign are left.
- **TwoState**: the task goes on and on (20 steps in rounds), so a window's last value is most of its return.
- **Quadratic**: a Gaussian policy, mean and standard deviation.
- **Prompts**: questions that are hard to easy, each answered once and judged right or wrong; for methods that compare
  the answers to one question.
- **Answers**: going on lengthens an answer, stopping has it judged, so that right and wrong ones differ in length.

States in which episodes end are ordinary states with a value: bootstrapping there by mistake shows.
"""

from collections.abc import Callable
from functools import cache

import gymnasium
import numpy as np

from ...errors import UsageError
from .quadratic import QuadraticTask
from .sampling import TabularEnv
from .tabular import Process, TabularMDP, from_gymnasium, from_outcomes

Outcomes = list[tuple[float, int, float, bool]]


def chain(length: int = 5) -> TabularMDP:
    """Advance (action 0) to a delayed reward of 4, or stop (action 1): a little now, and perhaps the end."""
    table: dict[int, dict[int, Outcomes]] = {}
    for state in range(length):
        last = state == length - 1
        forward: Outcomes = [(0.9, 0, 4.0, True)] if last else [(0.9, state + 1, 0.0, False)]
        table[state] = {
            0: [*forward, (0.1, max(state - 1, 0), -0.5, False)],
            1: [(0.35, state, 0.5, True), (0.65, max(state - 1, 0), 0.5, False)],
        }
    return from_outcomes(table, np.array([0.7, 0.3, *[0.0] * (length - 2)]), None)


def corridor(length: int = 5, time_limit: int = 6) -> TabularMDP:
    """Walk left or right on slippery ground; standing near the right end pays, and only the clock ends an episode."""
    pay = np.array([0.5, 0.0, 0.0, 1.0, 2.0])
    table: dict[int, dict[int, Outcomes]] = {}
    for state in range(length):
        left, right = max(state - 1, 0), min(state + 1, length - 1)
        table[state] = {
            0: [(0.85, left, pay[left], False), (0.15, right, pay[right], False)],
            1: [(0.8, right, pay[right], False), (0.2, left, pay[left], False)],
        }
    return from_outcomes(table, np.array([0.1, 0.6, 0.3, 0.0, 0.0]), time_limit)


def bandit() -> TabularMDP:
    """One step, three arms with rewards of -1 to 3, two contexts that change which arm is best."""
    chances = np.array([[0.2, 0.5, 0.7], [0.8, 0.4, 0.3]])
    table: dict[int, dict[int, Outcomes]] = {
        state: {arm: [(p, state, 3.0 - arm, True), (1 - p, 1 - state, -1.0, True)] for arm, p in enumerate(row)}
        for state, row in enumerate(chances)
    }
    return from_outcomes(table, np.array([0.5, 0.5]), None)


def two_state(time_limit: int = 20) -> TabularMDP:
    """Two states and no end: stay or switch, and a reward that comes from being in the second."""
    table: dict[int, dict[int, Outcomes]] = {
        0: {0: [(0.9, 0, 0.2, False), (0.1, 1, 0.2, False)], 1: [(0.7, 1, -0.3, False), (0.3, 0, -0.3, False)]},
        1: {0: [(0.8, 1, 1.0, False), (0.2, 0, 1.0, False)], 1: [(0.9, 0, 1.5, False), (0.1, 1, 1.5, False)]},
    }
    return from_outcomes(table, np.array([0.8, 0.2]), time_limit)


def quadratic() -> QuadraticTask:
    """Two states whose best actions lie on either side of zero."""
    return QuadraticTask(start=np.array([0.4, 0.6]), target=np.array([-0.5, 1.0]))


def prompts() -> TabularMDP:
    """Five questions with twenty answers each, of which 1, 5, 10, 15 or 19 are right and pay 1."""
    right = [1, 5, 10, 15, 19]
    table: dict[int, dict[int, Outcomes]] = {
        state: {answer: [(1.0, state, float(answer < count), True)] for answer in range(20)}
        for state, count in enumerate(right)
    }
    return from_outcomes(table, np.full(len(right), 1 / len(right)), None)


def answers(length: int = 6) -> TabularMDP:
    """Stop (action 0) and be judged, or go on (action 1) to an answer that is a step longer and more often right."""
    table: dict[int, dict[int, Outcomes]] = {}
    for state in range(length):
        chance = 0.1 + 0.8 * state / (length - 1)
        judged: Outcomes = [(chance, state, 1.0, True), (1 - chance, state, 0.0, True)]
        table[state] = {0: judged, 1: judged if state == length - 1 else [(1.0, state + 1, 0.0, False)]}
    return from_outcomes(table, np.array([0.6, 0.4, *[0.0] * (length - 2)]), None)


REGISTERED: dict[str, Callable[[], Process]] = {
    "pgsuite/Chain-v0": chain,
    "pgsuite/Corridor-v0": corridor,
    "pgsuite/Bandit-v0": bandit,
    "pgsuite/TwoState-v0": two_state,
    "pgsuite/Quadratic-v0": quadratic,
    "pgsuite/Prompts-v0": prompts,
    "pgsuite/Answers-v0": answers,
}
"""Ours, each a Gymnasium id."""

GYMNASIUM: dict[str, int | None] = {"FrozenLake-v1": None, "CliffWalking-v1": 20, "Taxi-v4": 15}
"""Gymnasium's, each with the time limit it is audited under; None keeps its own."""


@cache
def exact_model(env_id: str) -> Process:
    """Return a model by its Gymnasium id.

    Raises:
        UsageError: there is no exact form of the id.
    """
    if env_id in REGISTERED:
        return REGISTERED[env_id]()
    return from_gymnasium(env_id, time_limit=GYMNASIUM.get(env_id))


def registered_env(env_id: str) -> TabularEnv:
    """Return one member of a registered model; Gymnasium calls it."""
    if env_id not in REGISTERED:
        raise UsageError(f"unknown exact model {env_id!r}: choose one of {', '.join(REGISTERED)}")
    return TabularEnv(exact_model(env_id))


def register() -> None:
    """Make the models known to Gymnasium; importing `pgsuite.envs` does it."""
    for env_id in REGISTERED:
        if env_id not in gymnasium.registry:
            limit = exact_model(env_id).time_limit
            entry_point = f"{__name__}:registered_env"
            gymnasium.register(env_id, entry_point=entry_point, max_episode_steps=limit, kwargs={"env_id": env_id})
