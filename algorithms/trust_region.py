"""The natural-gradient step of TRPO, for every seed at once: Fisher-vector products, conjugate gradient, line search.

The Fisher matrix of a policy is ``F = E[Jᵀ M J]``: J the network's Jacobian, M the Fisher matrix of the action
distribution in the network's outputs. It equals the Hessian of the mean KL at the current policy, and needs first
derivatives only (the Gauss-Newton form; Schraudolph, 2002; Martens, 2020).

Shapes: **S** seeds, **B** samples, **P** parameters of the policy.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .blocks import Samples
from .model import Model
from .shapes import check_shapes


class Surrogate:
    """The local view of a policy: surrogate objective, KL and Fisher matrix around its parameters, on fixed samples.

    Means are over each seed's valid samples.
    """

    def __init__(self, model: Model, policy: Tensor, samples: Samples) -> None:
        network = model.policy
        self._model = model
        self._blocks = list(samples.blocks())
        self._share = 1 / samples.size
        self._layers = network.layers(policy.numpy())
        self._activations = [network.forward(self._layers, b.observation.numpy()) for b in self._blocks]
        self._outputs = [torch.from_numpy(activations[-1]) for activations in self._activations]
        self._metrics = [model.distribution.fisher(outputs) for outputs in self._outputs]
        self._log_prob = [
            model.distribution.log_prob(o, b.action) for o, b in zip(self._outputs, self._blocks, strict=True)
        ]

    def entropy(self) -> Tensor:
        """Return the mean entropy ``(S,)`` of the current policy."""
        total = torch.zeros_like(self._share)
        for outputs, block in zip(self._outputs, self._blocks, strict=True):
            total = total + (self._model.distribution.entropy(outputs) * block.mask).sum(1)
        return total * self._share

    def fisher_product(self, vector: Tensor) -> Tensor:
        """Return ``F v`` for ``v`` ``(S, P)``."""
        network = self._model.policy
        direction = network.layers(vector.numpy())
        product = np.zeros(vector.shape, dtype=vector.numpy().dtype)
        for activations, metric, block in zip(self._activations, self._metrics, self._blocks, strict=True):
            tangent = torch.from_numpy(network.tangent(self._layers, activations, direction))
            weight = (block.mask * self._share.unsqueeze(1)).unsqueeze(2)
            product += network.cotangent(self._layers, activations, (metric(tangent) * weight).numpy())
        return torch.from_numpy(product)

    def evaluate(self, policy: Tensor) -> tuple[Tensor, Tensor]:
        """Return the surrogate ``E[π'/π A]`` and ``E[KL(π ‖ π')]``, each ``(S,)``, of other parameters ``(S, P)``."""
        network, distribution = self._model.policy, self._model.distribution
        layers = network.layers(policy.numpy())
        surrogate, kl = torch.zeros_like(self._share), torch.zeros_like(self._share)
        for block, old, old_log_prob in zip(self._blocks, self._outputs, self._log_prob, strict=True):
            new = torch.from_numpy(network.forward(layers, block.observation.numpy())[-1])
            ratio = torch.exp(distribution.log_prob(new, block.action) - old_log_prob)
            surrogate = surrogate + (ratio * block.weight * block.mask).sum(1)
            kl = kl + (distribution.kl(old, new) * block.mask).sum(1)
        return surrogate * self._share, kl * self._share


class Solution(NamedTuple):
    """An approximate solution of ``A x = b``."""

    x: Tensor
    """``(S, P)``"""
    curvature: Tensor
    """``(S,)`` ``xᵀ A x``."""
    relative_residual: Tensor
    """``(S,)`` ``‖b - A x‖ / ‖b‖``; 0 where b is zero."""


def conjugate_gradient(
    product: Callable[[Tensor], Tensor], b: Tensor, *, iterations: int, tolerance: float
) -> Solution:
    """Solve ``A x = b`` for every seed; a seed stops where its residual has fallen by ``tolerance``.

    It also stops, keeping what it has, where ``pᵀ A p`` is not positive (a singular or badly rounded A).

    Args:
        product: ``v -> A v``, both ``(S, P)``; A symmetric and positive definite per seed.
        b: ``(S, P)``.
        iterations: at most.
        tolerance: relative residual at which a seed is done.

    Source: Hestenes & Stiefel (1952); Nocedal & Wright (2006), algorithm 5.2.
    """
    check_shapes(b=(b, "S P"))
    x, residual, direction = torch.zeros_like(b), b, b
    squared = initial = (b * b).sum(1)
    enough = tolerance * tolerance * initial
    active = squared > enough
    for _ in range(iterations):
        if not bool(active.any()):
            break
        image = product(direction)
        curvature = (direction * image).sum(1)
        active = active & (curvature > 0)
        rate = torch.where(active, squared / curvature, 0.0).unsqueeze(1)
        x = x + rate * direction
        residual = residual - rate * image
        shrunk = torch.where(active, (residual * residual).sum(1), squared)
        growth = torch.where(active, shrunk / squared, 0.0).unsqueeze(1)
        direction = residual + growth * direction
        squared = shrunk
        active = active & (squared > enough)
    relative = torch.where(initial > 0, (squared / initial).sqrt(), 0.0)
    return Solution(x, (x * (b - residual)).sum(1), relative)


def full_step(solution: Solution, max_kl: float | Tensor) -> Tensor:
    """Return the step ``(S, P)`` along a solution at which the quadratic model of the KL reaches ``max_kl``.

    Zero where the curvature is not positive. Source: Schulman et al. (2015), appendix C.
    """
    check_shapes(x=(solution.x, "S P"), curvature=(solution.curvature, "S"))
    positive = solution.curvature > 0
    length = torch.where(positive, (2 * max_kl / solution.curvature).sqrt(), 0.0)
    return solution.x * length.unsqueeze(1)


class Search(NamedTuple):
    """Where a line search ended."""

    policy: Tensor
    """``(S, P)``: the old parameters, bit for bit, where nothing was accepted."""
    accepted: Tensor
    """``(S,)``"""
    fraction: Tensor
    """``(S,)`` of the full step; 0 where nothing was accepted."""
    kl: Tensor
    """``(S,)`` mean KL of the step taken."""


def line_search(
    evaluate: Callable[[Tensor], tuple[Tensor, Tensor]],
    policy: Tensor,
    step: Tensor,
    *,
    max_kl: float | Tensor,
    shrink: float,
    attempts: int,
) -> Search:
    """Backtrack until the surrogate improves and the KL is at most ``max_kl``, per seed.

    Args:
        evaluate: parameters ``(S, P)`` to surrogate and KL, each ``(S,)``.
        policy: ``(S, P)`` where the step starts.
        step: ``(S, P)`` the full step.
        max_kl: largest mean KL accepted.
        shrink: factor between attempts.
        attempts: at most.

    Source: Schulman et al. (2015), appendix C.
    """
    check_shapes(policy=(policy, "S P"), step=(step, "S P"))
    before, _ = evaluate(policy)
    chosen, accepted = policy, torch.zeros_like(before, dtype=torch.bool)
    taken, taken_kl = torch.zeros_like(before), torch.zeros_like(before)
    fraction = 1.0
    for _ in range(attempts):
        candidate = policy + fraction * step
        surrogate, kl = evaluate(candidate)
        good = ~accepted & (surrogate > before) & (kl <= max_kl)
        chosen = torch.where(good.unsqueeze(1), candidate, chosen)
        taken, taken_kl = torch.where(good, fraction, taken), torch.where(good, kl, taken_kl)
        accepted = accepted | good
        if bool(accepted.all()):
            break
        fraction *= shrink
    return Search(chosen, accepted, taken, taken_kl)
