"""Environments that are unusual or broken on purpose, registered under the namespace "tests"."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces


class Echo(gymnasium.Env[Any, Any]):
    """Observes the last action; ends after three steps."""

    def __init__(self, observation_space: Any = None, action_space: Any = None, broken: str = "") -> None:
        if broken == "constructor":
            raise ValueError("no such level")
        if broken == "dependency":
            raise gymnasium.error.DependencyNotInstalled("install the simulator")
        self.observation_space = spaces.Box(-9, 9, (1,)) if observation_space is None else observation_space
        self.action_space = spaces.Discrete(2) if action_space is None else action_space
        self.broken = broken
        self.last: Any = None

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if self.broken == "reset":
            raise RuntimeError("no map")
        self.steps = 0
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.broken == "step":
            raise ZeroDivisionError("division by zero")
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.steps += 1
        self.last = action
        observation = np.zeros(5, np.float32) if self.broken == "shape" else self.observation_space.sample()
        return observation, float(np.sum(action)), self.steps == 3, False, {}


@pytest.fixture(scope="session", autouse=True)
def _echo() -> None:
    gymnasium.register("tests/Echo-v0", entry_point=Echo)
