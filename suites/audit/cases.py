"""One audit of one algorithm on one model under one policy: sample, estimate, compare with the exact gradient.

Shapes: **S** batches, **P** parameters of the policy, **K** directions tested.
"""

import zlib
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...algorithms.interface import Episodes, Gradient, Rollout, Steps
from ...envs.exact.sampling import TabularVectorEnv
from ...envs.exact.tabular import Floats
from ...results.statistics.gradient_tests import GUARD, ROUNDING, describe_estimates, excess_variance, hotelling
from ..collection import Collector
from ..noise import SeedNoise
from .models import AuditModel, Policy, fixed_random, softmax
from .subjects import Subject, many, planned
from .targets import DENSE, Slopes, TabularNetwork, fisher_matrix, logit_slope, reference_estimates

DIRECTIONS = 16
"""Directions of parameter space that a bias is looked for in, at most."""
BATCHES_PER_DIRECTION = 60
"""Of the first sample, at least: with fewer, T² of heavy-tailed estimates (rare rewards) is too often too large."""
SUSPICIOUS = 0.02
"""p-value below which a case is sampled again, with fresh seeds; only the second sample counts."""
CONFIRM = 3
"""Size of the second sample, in first ones."""
_CHUNK = 3_000_000


def random_of(*keys: int | str) -> np.random.Generator:
    """Return a generator keyed by numbers and names."""
    words = [key if isinstance(key, int) else zlib.crc32(key.encode()) for key in keys]
    return np.random.default_rng(words)


def collect(given: Subject, model: AuditModel, batches: int, random: np.random.Generator) -> Rollout:
    """Collect independent batches, each from reset, through the collector that training uses."""
    algorithm, state = given.variant.algorithm, many(given.state, batches)
    plan = planned(algorithm, state)
    members = (int(random.integers(2**31)) + np.arange(batches * plan.num_envs)) % 2**31
    group = plan.group if isinstance(plan, Episodes) else 1
    members = members[np.arange(len(members)) // group * group]
    env = TabularVectorEnv(model.env_id, model.process, [int(m) for m in members])
    rollout, _ = Collector(list(range(batches)), lambda _first, _count: env).collect(
        plan,
        algorithm.actor(algorithm.behaviour(state)),
        SharedNoise(given, plan, batches, random),
        np.arange(batches),
        np.zeros(batches, np.int64),
        torch.zeros(batches, dtype=torch.float64),
    )
    return rollout


class SharedNoise:
    """One generator for all batches: nothing here is compared between different numbers of them."""

    stretch = 16

    def __init__(self, given: Subject, plan: Steps | Episodes, batches: int, random: np.random.Generator) -> None:
        distribution, dtype = given.state.model.distribution, given.variant.algorithm.torch_dtype
        size, members = distribution.noise_size, batches * plan.num_envs
        self._together = SeedNoise(distribution.noise, size, members, [random], dtype)
        self._shape = (batches, plan.num_envs, size)

    def draw(self, steps: int, wanted: NDArray[np.bool_]) -> Tensor:
        """Return the noise of all batches."""
        numbers = self._together.draw(steps, np.array([wanted.any()]))
        return numbers.view(steps, *self._shape).transpose(0, 1)


class Basis(NamedTuple):
    """Directions in which a bias is looked for, fixed before anything is sampled."""

    policy: Floats
    """``(P, K)``"""
    critic: Floats
    """``(Pc, K)``"""


def basis(given: Subject, slopes: Slopes, count: int) -> Basis:
    """Return the exact gradient and the leading eigenvectors of the exact Fisher matrix, up to ``count`` directions.

    The Fisher matrix weighs directions by how often they are seen; where it is too large, gradients that random
    advantages would have stand in. Rarely visited directions are left out because a mean over a handful of non-zero
    batches is not normal.
    """
    process, size = given.question.process, given.state.model.policy.size
    random = fixed_random("directions")
    if size <= DENSE:
        policy = _leading(fisher_matrix(given.policy, process, slopes.visits, size))
    else:
        pi = softmax(given.question.outputs)
        advantage = random.standard_normal((DIRECTIONS, *pi.shape))
        policy = given.policy.pull(logit_slope(slopes.visits[:, None] * pi * advantage, pi)).T
    target = given.policy.pull(slopes.policy[None]).T
    policy = _normed(np.concatenate([target, policy], 1)[:, :count] if target.any() else policy[:, :count])
    if given.critic is None:
        return Basis(policy, np.zeros((0, 0)))
    critic = _critic_basis(given.critic, slopes.visits, given.state.model.value_network.size)
    return Basis(policy, _normed(critic[:, :count]))


def _normed(columns: Floats) -> Floats:
    return np.asarray(columns / np.linalg.norm(columns, axis=0))


def _critic_basis(critic: TabularNetwork, visits: Floats, size: int) -> Floats:
    if size <= DENSE:
        jacobian = critic.push(np.eye(size))[:, :, 0].T
        return _leading(jacobian.T @ (jacobian * (visits / visits.sum())[:, None]))
    random = fixed_random("critic directions").standard_normal((DIRECTIONS, len(visits), 1))
    return critic.pull(visits[:, None] * random).T


def _leading(matrix: Floats) -> Floats:
    eigenvalues, vectors = np.linalg.eigh(matrix)
    order = np.argsort(-eigenvalues)[:DIRECTIONS]
    kept = order[eigenvalues[order] > 1e-2 * eigenvalues.max()]
    return np.asarray(vectors[:, kept])


class WrongGradient(Exception):
    """What an algorithm gave cannot be a gradient: a departure, in words."""


class Estimates(NamedTuple):
    """Estimates of the policy gradient (ascent), one row per batch."""

    estimate: Floats
    """``(S, P)`` the algorithm's."""
    declared: Floats
    """``(S, P)`` the reference's."""
    plain: Floats
    """``(S, P)`` of plain REINFORCE."""
    critic: Floats
    """``(S, Pc)`` the algorithm's descent direction of the critic."""
    steps: float
    """Mean number of environment steps in a batch."""


def draw(group: list[Subject], model: AuditModel, batches: int, random: np.random.Generator) -> list[Estimates]:
    """Estimate every subject's gradient on the same batches; subjects share policy and plan."""
    plan = planned(group[0].variant.algorithm, group[0].state)
    length = plan.length if isinstance(plan, Steps) else 16
    chunk = max(8, min(batches, _CHUNK // (plan.num_envs * length * model.process.states)))
    parts: list[list[Estimates]] = [[] for _ in group]
    for start in range(0, batches, chunk):
        count = min(chunk, batches - start)
        rollout = collect(group[0], model, count, random)
        for given, found in zip(group, parts, strict=True):
            found.append(estimate(given, rollout))
    return [joined(found) for found in parts]


def joined(parts: list[Estimates]) -> Estimates:
    """Return several samples as one."""
    estimate, declared, plain, critic = (np.concatenate(x) for x in list(zip(*parts, strict=True))[:4])
    return Estimates(estimate, declared, plain, critic, float(np.mean([part.steps for part in parts])))


def estimate(given: Subject, rollout: Rollout) -> Estimates:
    """Return a subject's gradients on given batches, and what they should be close to.

    Raises:
        WrongGradient: if they have not the shape of the parameters.
    """
    count = len(rollout.valid)
    state = many(given.state, count)
    gradient, _ = given.variant.algorithm.gradient(state, rollout)
    for part, found, expected in zip(Gradient._fields, gradient, (state.policy, state.critic), strict=True):
        if found.shape != expected.shape:
            raise WrongGradient(
                f"gradient of the {part} has shape {tuple(found.shape)}, expected (S, P) = {tuple(expected.shape)}"
            )
    reference = reference_estimates(given.question, rollout)
    return Estimates(
        -gradient.policy.numpy(),
        given.policy.pull(reference.declared),
        given.policy.pull(reference.plain),
        -gradient.critic.numpy(),
        float(rollout.valid.sum()) / count,
    )


def audit_case(
    reference: str, group: list[Subject], model: AuditModel, policy: Policy, seed: int, batches: int
) -> list[dict[str, Any]]:
    """Audit the variants of an algorithm on one model under one policy; one record each.

    Args:
        reference: what it is called: samples are keyed by it.
        group: the variants.
        model: what they are audited on.
        policy: which of the model's.
        seed: of the audit.
        batches: of a model whose share is 1.

    Raises:
        WrongGradient: if what it gives has not the shape of a gradient.
    """
    count = max(100, round(batches * model.share))
    samples = draw(group, model, count, random_of(seed, reference, model.name, policy, 1))
    directions = [basis(given, given.slopes, min(DIRECTIONS, count // BATCHES_PER_DIRECTION)) for given in group]
    records = [
        examine(given, sample, along, seed) for given, sample, along in zip(group, samples, directions, strict=True)
    ]
    suspicious = [
        n
        for n, record in enumerate(records)
        if "finite" not in (p := record["p_values"]) and min(p.values()) < SUSPICIOUS
    ]
    if suspicious:
        again = draw(
            [group[n] for n in suspicious], model, CONFIRM * count, random_of(seed, reference, model.name, policy, 2)
        )
        for n, sample in zip(suspicious, again, strict=True):
            screened = records[n]["p_values"]
            records[n] = {**examine(group[n], sample, directions[n], seed), "screened": screened}
    for given, record in zip(group, records, strict=True):
        record |= {"model": model.name, "policy": policy, "variant": given.variant.name}
    return records


def examine(given: Subject, sample: Estimates, directions: Basis, seed: int) -> dict[str, Any]:
    """Compare a sample with its target: p-values of what would be a departure, and the description."""
    asked = given.question
    slopes = given.slopes
    target = given.policy.pull(slopes.policy[None])[0]
    size = float(np.sqrt((sample.declared**2).sum(1).mean())) or 1.0
    across, rounding = directions.policy, GUARD if asked.target.normalised else ROUNDING
    p_values = {
        "reference": hotelling((sample.estimate - sample.declared) @ across / size, rounding).p_value,
        "variance": excess_variance(sample.estimate, sample.declared),
    }
    bias = None
    finite = bool(np.isfinite(sample.estimate).all() and np.isfinite(sample.critic).all())
    if not finite:
        p_values = {"finite": 0.0}
    elif not asked.target.normalised:
        bias = hotelling((sample.estimate - target) @ across / size)
        p_values["exact"] = bias.p_value
        p_values |= _critic_test(given, slopes, sample.critic, directions.critic)
    return {
        "batches": len(sample.estimate),
        "steps": sample.steps,
        "target": asdict(asked.target),
        "p_values": p_values,
        "t_squared": bias and bias.statistic,
        "directions": bias and bias.directions,
        **describe_estimates(sample.estimate, target, sample.declared, sample.plain, seed),
    }


def _critic_test(given: Subject, slopes: Slopes, critic: Floats, directions: Floats) -> dict[str, float]:
    """Test the critic's part of the gradient: zero if it is fitted apart; else its exact mean, where that is known.

    With an exact critic the mean is zero whatever the loss weighs; otherwise the field ``value_weight`` scales it.
    """
    if given.critic is None:
        return {}
    joint, weight = getattr(given.variant.algorithm, "joint", False), given.variant.algorithm
    if not joint:
        return {"critic": 1.0 if not critic.any() else 0.0}
    exact = given.variant.critic == "exact"
    if given.question.window is None or not (exact or hasattr(weight, "value_weight")):
        return {}
    mean = 0.0 if exact else weight.value_weight * given.critic.pull(slopes.critic[None, :, None])[0]
    size = float(np.sqrt((critic**2).sum(1).mean())) or 1.0
    return {"critic": hotelling((critic - mean) @ directions / size).p_value}
