"""The probes pay what they say, and are valid Gymnasium environments."""

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from pgsuite import envs
from pgsuite.envs.probes import PROBES


@pytest.mark.parametrize("env_id", PROBES)
def test_passes_gymnasiums_checker(env_id: str) -> None:
    check_env(gymnasium.make(env_id).unwrapped)


@pytest.mark.parametrize("env_id", PROBES)
def test_is_documented_with_what_breaks_it(env_id: str) -> None:
    assert "Breaks when" in (PROBES[env_id].__doc__ or "")


def episode(name: str, action: Any, seed: int = 0) -> tuple[list[float], list[float], envs.Transition]:
    """Observations, rewards and the last transition of one episode under one action."""
    env = envs.make(f"pgsuite/Probe{name}-v0", 1, [seed])
    observations, rewards = [float(env.reset()[0, 0])], []
    while True:
        step = env.step(np.array([action]))
        rewards.append(float(step.reward[0]))
        observations.append(float(step.observation[0, 0]))
        if step.terminated[0] or step.truncated[0]:
            return observations, rewards, step


@pytest.mark.parametrize("action", [0, 1])
def test_no_action_changes_the_first_four(action: int) -> None:
    assert episode("Value", action)[1] == [1.0]
    observations, rewards, _ = episode("Discount", action)
    assert (observations[:2], rewards) == ([0.0, 1.0], [0.0, 1.0])
    for seed in range(8):
        observations, rewards, _ = episode("Observation", action, seed)
        assert rewards == [2.0 + observations[0]]


def test_truncation_is_not_termination() -> None:
    _, rewards, last = episode("Truncation", 0)
    assert rewards == [1.0] * 10
    assert last.truncated[0]
    assert not last.terminated[0]


def test_action_and_policy_pay_the_right_action() -> None:
    assert [episode("Action", action)[1] for action in (0, 1)] == [[0.0], [1.0]]
    for seed in range(8):
        observations, rewards, _ = episode("Policy", 1, seed)
        assert rewards == [1.0 if observations[0] == 1.0 else 0.0]
        assert episode("Policy", 0, seed)[1] == [1.0 - rewards[0]]


def test_continuous_charges_the_squared_distance() -> None:
    for seed in range(8):
        observations, rewards, _ = episode("Continuous", [0.25], seed)
        assert rewards == [-((0.25 - observations[0] / 2) ** 2)]


def test_random_observations_have_both_signs() -> None:
    for name in ("Observation", "Policy", "Continuous"):
        env = envs.make(f"pgsuite/Probe{name}-v0", 40, range(40))
        assert set(env.reset().ravel()) == {-1.0, 1.0}


def test_importing_registers_the_probes_and_stays_light() -> None:
    code = """
import sys
import pgsuite.envs, gymnasium
assert "pgsuite/ProbeValue-v0" in gymnasium.registry
heavy = {"torch", "envpool", "mujoco", "Box2D", "pandas"} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
