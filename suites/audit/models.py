"""What an audit is run on: the exact models with their batches, and the fixed policies and critics.

Policies and critics depend on the model alone, never on the audit's seed.

Legend for shapes: n states, D outputs of the policy per state.
"""

import zlib
from functools import cache
from typing import Literal, NamedTuple

import numpy as np

from ...envs.exact.models import exact_model
from ...envs.exact.quadratic import QuadraticTask
from ...envs.exact.solving import optimal_values, values
from ...envs.exact.tabular import Floats, Process, TabularMDP
from ...errors import UsageError

Policy = Literal["uniform", "sharpened", "random"]
POLICIES: tuple[Policy, ...] = ("uniform", "sharpened", "random")


class AuditModel(NamedTuple):
    """A model and how it is sampled."""

    name: str
    env_id: str
    discount: float
    window: int
    """Steps of a window."""
    window_envs: int
    """Environments of a window."""
    round_envs: int
    """Episodes of a round."""
    share: float = 1.0
    """Batches drawn, as a share of the number asked for."""
    hidden: tuple[int, ...] = ()
    """Hidden layers; none for tables, which policies and critics then are."""
    policies: tuple[Policy, ...] = POLICIES

    @property
    def process(self) -> Process:
        """What is sampled and solved."""
        return exact_model(self.env_id)


MODELS = {
    model.name: model
    for model in (
        AuditModel("chain", "pgsuite/Chain-v0", 0.8, window=16, window_envs=16, round_envs=40),
        AuditModel("corridor", "pgsuite/Corridor-v0", 0.9, window=16, window_envs=16, round_envs=32),
        AuditModel("bandit", "pgsuite/Bandit-v0", 0.9, window=6, window_envs=32, round_envs=96),
        AuditModel("two-state", "pgsuite/TwoState-v0", 0.9, window=10, window_envs=24, round_envs=12),
        AuditModel("quadratic", "pgsuite/Quadratic-v0", 0.9, window=6, window_envs=32, round_envs=96),
        AuditModel("prompts", "pgsuite/Prompts-v0", 0.9, window=6, window_envs=32, round_envs=96, share=0.5),
        AuditModel("answers", "pgsuite/Answers-v0", 0.9, window=16, window_envs=16, round_envs=40),
        AuditModel(
            "chain-hidden",
            "pgsuite/Chain-v0",
            0.8,
            window=16,
            window_envs=16,
            round_envs=40,
            hidden=(6,),
            policies=("random",),
        ),
        AuditModel("frozen-lake", "FrozenLake-v1", 0.95, window=24, window_envs=10, round_envs=20, share=0.6),
        AuditModel("cliff-walking", "CliffWalking-v1", 0.95, window=24, window_envs=10, round_envs=12, share=0.4),
        AuditModel("taxi", "Taxi-v4", 0.95, window=20, window_envs=12, round_envs=16, share=0.2),
    )
}
"""By name. `chain-hidden` has a hidden layer in policy and critic."""


def find_model(name: str) -> AuditModel:
    """Return a model by name.

    Raises:
        UsageError: if there is none of that name.
    """
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}: choose one of {', '.join(MODELS)}")
    return MODELS[name]


@cache
def policy_outputs(model: AuditModel, policy: Policy) -> Floats:
    """Return what a fixed policy's network puts out for every state ``(n, D)``: logits, or mean and log deviation.

    All who ask share them, and write nothing into them; so it is with `policy_values`.
    """
    process, random = model.process, fixed_random(model.name, policy)
    if isinstance(process, QuadraticTask):
        mean = {
            "uniform": np.zeros(process.states),
            "sharpened": 0.5 * process.target,
            "random": random.standard_normal(process.states),
        }[policy]
        log_std = {"uniform": 0.0, "sharpened": -0.7, "random": 0.3}[policy]
        return np.stack([mean, np.full(process.states, log_std)], 1)
    assert isinstance(process, TabularMDP)
    if policy == "uniform":
        return np.zeros((process.states, process.actions))
    if policy == "random":
        return random.standard_normal((process.states, process.actions))
    best = optimal_values(process, model.discount).action_value
    return np.where(best >= best.max(1, keepdims=True) - 1e-9, 1.2, 0.0)


def fixed_random(*names: str) -> np.random.Generator:
    """Return a generator that depends on names alone."""
    return np.random.default_rng([zlib.crc32(name.encode()) for name in names])


@cache
def policy_values(model: AuditModel, policy: Policy) -> Floats:
    """Return the `exact_values` of a fixed policy."""
    return exact_values(model, policy_outputs(model, policy))


def exact_values(model: AuditModel, outputs: Floats) -> Floats:
    """Return the values ``(n,)`` of a policy given by its outputs: of the discounted task without end."""
    process = model.process
    if isinstance(process, QuadraticTask):
        return process.expected_reward(outputs[:, 0], outputs[:, 1])
    assert isinstance(process, TabularMDP)
    return values(process, softmax(outputs), model.discount).value


def wrong_values(model: AuditModel, value: Floats, size: float = 0.5) -> Floats:
    """Return values that are off by ``size`` times their root mean square, in a fixed random direction."""
    direction = fixed_random(model.name, "critic").standard_normal(len(value))
    scale = np.sqrt(np.mean(value**2)) / np.sqrt(np.mean(direction**2))
    return np.asarray(value + size * scale * direction)


def softmax(logits: Floats) -> Floats:
    """Return probabilities ``(..., A)``."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True))
