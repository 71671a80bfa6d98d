"""Every algorithm solves the probe environments: what fails says what is broken (see `pgsuite.envs.probes`).

One setting per algorithm for all probes. Discount 0.9, so that the value of a step ahead is visible.
"""

from typing import Any

import numpy as np
import pytest
import torch

from pgsuite.algorithms.model import Spaces
from pgsuite.algorithms.registry import ALGORITHMS, build, load_class
from pgsuite.algorithms.trees import named_tensors
from pgsuite.envs.make import make
from pgsuite.suites.cells import Cell, Environment, Evaluation

from ..algorithms.rollouts import GRADIENTS
from .conftest import fitted

SEEDS = range(6)
DISCOUNT = 0.9
SETTINGS: dict[str, dict[str, Any]] = {
    "reinforce": {"learning_rate": 0.01},
    "reinforce-baseline": {"learning_rate": 0.01, "critic_learning_rate": 0.01, "critic_minibatch": 16},
    "actor-critic": {"learning_rate": 0.01, "num_steps": 2},
    "ppo": {"learning_rate": 0.01, "num_steps": 4, "minibatch": 32, "epochs": 4},
    "npg": {"num_steps": 8, "step_kl": 0.02, "critic_learning_rate": 0.01, "critic_minibatch": 32, "critic_epochs": 5},
    "rloo": {"learning_rate": 0.01},
    "grpo": {"learning_rate": 0.01},
    "profiled": {"learning_rate": 0.01, "every": 800, "episodes": 20, "accept": "non-inferior", "z": 2.0},
    "trpo": {"num_steps": 4, "max_kl": 0.05, "critic_learning_rate": 0.01, "critic_minibatch": 32, "critic_epochs": 5},
}
WITH_CRITIC = [name for name in GRADIENTS if load_class(name).has_critic]


def probe_cell(algorithm: str, probe: str, steps: int) -> Cell:
    return Cell(
        suite="probes",
        algorithm=algorithm,
        reference=algorithm,
        options=fitted(algorithm, {"discount": DISCOUNT, "hidden": (16,), "num_envs": 16, **SETTINGS[algorithm]}),
        environment=Environment(id=f"pgsuite/Probe{probe}-v0"),
        steps=steps,
        evaluation=Evaluation(checkpoints=1, episodes=20),
    )


def final_returns(run) -> np.ndarray:
    return np.array([run.rows[seed][-1].return_mean for seed in SEEDS])


def critic_values(cell: Cell, run, observations: list[float]) -> np.ndarray:
    """``(S, len(observations))`` of the critics as they were saved."""
    env = make(cell.environment.id, 1, [0])
    state = build(cell.reference, dict(cell.options)).init(Spaces(env.observation_space, env.action_space), SEEDS)
    critic = torch.cat([torch.from_numpy(run.tensors[seed]["state.critic"]) for seed in SEEDS])
    assert dict(named_tensors(state))["critic"].shape == critic.shape
    seen = torch.tensor(observations).view(1, -1, 1).repeat(len(SEEDS), 1, 1)
    return state.model.values(critic, seen).numpy()


@pytest.mark.parametrize("algorithm", WITH_CRITIC)
@pytest.mark.parametrize(
    ("probe", "observations", "values"),
    [
        ("Value", [0.0], [1.0]),
        ("Discount", [0.0, 1.0], [DISCOUNT, 1.0]),
        ("Observation", [-1.0, 1.0], [1.0, 3.0]),
    ],
)
def test_the_critic_learns_the_value(algorithm, probe, observations, values, train):
    cell = probe_cell(algorithm, probe, 3000)
    learned = critic_values(cell, train(cell, SEEDS), observations)
    np.testing.assert_allclose(learned.mean(0), values, atol=0.05)
    np.testing.assert_allclose(learned, np.broadcast_to(values, learned.shape), atol=0.15)


@pytest.mark.parametrize("algorithm", WITH_CRITIC)
def test_truncation_is_not_an_end(algorithm, train):
    """A bootstrapped critic sees past the limit; a Monte-Carlo one fits the mean of what is left of ten steps."""
    endless = 1 / (1 - DISCOUNT)
    left = np.mean([endless * (1 - DISCOUNT**steps) for steps in range(1, 11)])
    cell = probe_cell(algorithm, "Truncation", 4000)
    learned = critic_values(cell, train(cell, SEEDS), [0.0])
    bootstraps = build(algorithm, {}).target.bootstrap is not None
    np.testing.assert_allclose(learned, endless if bootstraps else left, atol=0.5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("probe", ["Action", "Policy"])
def test_the_policy_takes_the_right_action(algorithm, probe, train):
    returns = final_returns(train(probe_cell(algorithm, probe, 3000), SEEDS))
    assert returns.mean() > 0.97
    assert returns.min() > 0.85


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_continuous_policy_finds_mean_and_spread(algorithm, train):
    """Blind to the observation the best return is -0.25; with the right mean and the first spread it is about -0.5."""
    returns = final_returns(train(probe_cell(algorithm, "Continuous", 8000), SEEDS))
    assert returns.mean() > -0.1
    assert returns.min() > -0.2
