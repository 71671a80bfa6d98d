"""The natural-gradient step of TRPO, for every seed at once: Fisher-vector products, conjugate gradient, line search.

The Fisher matrix of a policy is ``F = E[Jᵀ M J]``: J the network's Jacobian, M the Fisher matrix of the action
distribution in the network's outputs. It equals the Hessian of the mean KL at the current policy, and needs first
derivatives only (the Gauss-Newton form; Schraudolph, 2002; Martens, 2020).

Shapes: **S** seeds, **B** samples, **P** parameters of the policy.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel
from .axis import along
from .blocks import Samples, block_sum
from .densities import fisher, kl, log_prob, metric
from .matrices import matrix
from .model import Model
from .networks import BLOCK, cotangent, flip, forward, hidden_units, tangent
from .shapes import check_shapes


class Surrogate:
    """The local view of a policy: surrogate objective, KL and Fisher matrix around its parameters, on fixed samples.

    Means are over each seed's valid samples.
    """

    def __init__(self, model: Model, policy: Tensor, samples: Samples) -> None:
        check_shapes(policy=(policy, "S P"), observation=(samples.observation, "S B O"), weight=(samples.weight, "S B"))
        network, distribution = model.policy, model.distribution
        network.check(policy, samples.observation)
        seeds, count, _ = samples.observation.shape
        hidden, outputs = count * sum(network.hidden), network.outputs + network.constants
        self._network, self._distribution, self._policy, self._mask = network, distribution, policy, samples.mask
        self._share = 1 / samples.size
        self._hidden = np.empty((seeds, hidden), policy.numpy().dtype)
        self._outputs, self._metric = np.zeros((2, seeds, count, outputs), self._hidden.dtype)
        self._code = (*network.code, *distribution.code)
        sample_arrays = (samples.observation, samples.mask, samples.lengths, self._share)
        self._samples = *(x.contiguous().numpy() for x in sample_arrays), BLOCK
        weight = samples.weight.contiguous().numpy()
        self._chosen = distribution.action_rows(samples.action, weight.dtype), weight
        linearise_each(policy.numpy(), *self._code, *self._samples, self._hidden, self._outputs, self._metric)

    def _work(self) -> NDArray[Any]:
        return self._network.work(BLOCK, self._outputs.dtype, 2 * BLOCK * self._network.row)

    def entropy(self) -> Tensor:
        """Return the mean entropy ``(S,)`` of the current policy."""
        entropy = self._distribution.entropy(torch.from_numpy(self._outputs))
        return block_sum(torch.where(self._mask != 0, entropy, 0.0)) * self._share

    def fisher_product(self, vector: Tensor) -> Tensor:
        """Return ``F v`` for ``v`` ``(S, P)``."""
        check_shapes(policy=(self._policy, "S P"), vector=(vector, "S P"))
        product = torch.zeros_like(vector)
        fisher_product_each(
            self._policy.numpy(),
            *self._code,
            *self._samples,
            self._hidden,
            self._metric,
            vector.contiguous().numpy(),
            self._work(),
            product.numpy(),
        )
        return product

    def evaluate(self, policy: Tensor) -> tuple[Tensor, Tensor]:
        """Return the surrogate ``E[π'/π A]`` and ``E[KL(π ‖ π')]``, each ``(S,)``, of other parameters ``(S, P)``."""
        check_shapes(policy=(self._policy, "S P"), other=(policy, "S P"))
        surrogate, kl = torch.zeros_like(self._share), torch.zeros_like(self._share)
        evaluate_each(
            policy.contiguous().numpy(),
            *self._code,
            *self._samples,
            self._outputs,
            *self._chosen,
            self._work(),
            surrogate.numpy(),
            kl.numpy(),
        )
        return surrogate, kl


@kernel(
    "real[:, ::1], int64[::1], boolean, int64, int64[::1], "
    "real[:, :, ::1], real[:, ::1], int64[::1], real[::1], int64, "
    "real[:, ::1], real[:, :, ::1], real[:, :, ::1]"
)
def linearise_each(
    policy, widths, relu, kind, sizes, observation, _mask, counts, _share, block, hidden, outputs, metrics
):
    """Write the values of all layers at every seed's samples, and what the Fisher matrix there is made of."""
    width = hidden_units(widths)
    for s in range(len(policy)):
        for start in range(0, counts[s], block):
            stop = min(start + block, counts[s])
            values = hidden[s, start * width : stop * width]
            forward(policy[s], widths, relu, observation[s, start:stop], values, outputs[s, start:stop])
            for b in range(start, stop):
                metric(kind, sizes, outputs[s, b], metrics[s, b])


@kernel(
    "real[:, ::1], int64[::1], boolean, int64, int64[::1], "
    "real[:, :, ::1], real[:, ::1], int64[::1], real[::1], int64, "
    "real[:, ::1], real[:, :, ::1], real[:, ::1], real[::1], real[:, ::1]"
)
def fisher_product_each(
    policy, widths, relu, kind, sizes, observation, mask, counts, share, block, hidden, metrics, vector, work, product
):
    """Add ``F v`` of every seed, block by block, so that a block's values stay in the cache: ``Jᵀ M (J v)``."""
    width = hidden_units(widths)
    changes = matrix(work, 0, block, metrics.shape[2])
    slopes = matrix(work, changes.size, block, metrics.shape[2])
    work = work[2 * changes.size :]
    flipped, work = work[: policy.shape[1]], work[policy.shape[1] :]
    for s in range(len(policy)):
        flip(policy[s], widths, flipped)
        for start in range(0, counts[s], block):
            stop = min(start + block, counts[s])
            rows = stop - start
            own, values = observation[s, start:stop], hidden[s, start * width : stop * width]
            tangent(policy[s], widths, relu, own, values, vector[s], work, changes[:rows])
            for b in range(rows):
                if mask[s, start + b] == 0:
                    slopes[b] = 0
                    continue
                fisher(kind, sizes, metrics[s, start + b], changes[b], slopes[b])
                for d in range(slopes.shape[1]):
                    slopes[b, d] *= mask[s, start + b] * share[s]
            cotangent(flipped, widths, relu, own, values, slopes[:rows], work, product[s])


@kernel(
    "real[:, ::1], int64[::1], boolean, int64, int64[::1], "
    "real[:, :, ::1], real[:, ::1], int64[::1], real[::1], int64, "
    "real[:, :, ::1], real[:, :, ::1], real[:, ::1], real[::1], real[::1], real[::1]"
)
def evaluate_each(
    policy, widths, relu, kind, sizes, observation, mask, counts, share, block, old, actions, weight, work,
    surrogate, kls,
):  # fmt: skip
    """Write surrogate and KL of every seed's other parameters."""
    outputs = matrix(work, 0, block, old.shape[2])
    hidden = work[outputs.size :]
    for s in range(len(policy)):
        gain, divergence = share[s] * 0, share[s] * 0
        for start in range(0, counts[s], block):
            rows = min(block, counts[s] - start)
            forward(policy[s], widths, relu, observation[s, start : start + rows], hidden, outputs[:rows])
            for b in range(start, start + rows):
                if mask[s, b] != 0:
                    new = outputs[b - start]
                    before = log_prob(kind, sizes, old[s, b], actions[s, b])
                    ratio = np.exp(log_prob(kind, sizes, new, actions[s, b]) - before)
                    gain += ratio * weight[s, b] * mask[s, b]
                    divergence += kl(kind, sizes, old[s, b], new) * mask[s, b]
        surrogate[s], kls[s] = gain * share[s], divergence * share[s]


class Solution(NamedTuple):
    """An approximate solution of ``A x = b``."""

    x: Tensor
    """``(S, P)``"""
    curvature: Tensor
    """``(S,)`` ``xᵀ A x``."""
    relative_residual: Tensor
    """``(S,)`` ``‖b - A x‖ / ‖b‖``; 0 where b is zero, NaN where a product was not finite."""


def conjugate_gradient(
    product: Callable[[Tensor], Tensor], b: Tensor, *, iterations: int, tolerance: float | Tensor
) -> Solution:
    """Solve ``A x = b`` for every seed; a seed stops where its residual has fallen by ``tolerance``.

    It also stops, keeping what it has, where ``pᵀ A p`` is not positive (a singular or badly rounded A).

    Args:
        product: ``v -> A v``, both ``(S, P)``; A symmetric and positive definite per seed.
        b: ``(S, P)``.
        iterations: at most.
        tolerance: relative residual at which a seed is done, a number or ``(S,)``.

    Source: Hestenes & Stiefel (1952); Nocedal & Wright (2006), algorithm 5.2.
    """
    check_shapes(b=(b, "S P"))
    x, residual, direction = torch.zeros_like(b), b, b
    squared = initial = (b * b).sum(1)
    enough = along(tolerance * tolerance, initial) * initial
    active = squared > enough
    for _ in range(iterations):
        if not bool(active.any()):
            break
        image = product(direction)
        curvature = (direction * image).sum(1)
        squared = torch.where(active & ~curvature.isfinite(), torch.nan, squared)
        active = active & (curvature > 0) & squared.isfinite()
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
    squared = solution.curvature.reciprocal() * along(2 * max_kl, solution.curvature)
    length = torch.where(positive, squared.sqrt(), 0.0)
    return solution.x * length.unsqueeze(1)


class Search(NamedTuple):
    """Where a line search ended."""

    policy: Tensor
    """``(S, P)``: the old parameters, bit for bit, where nothing was accepted."""
    accepted: Tensor
    """``(S,)``"""
    fraction: Tensor
    """``(S,)`` of the full step; 0 where nothing was accepted, NaN where that is because surrogate or KL was not
    finite to the last."""
    kl: Tensor
    """``(S,)`` mean KL of the step taken."""


def line_search(
    evaluate: Callable[[Tensor], tuple[Tensor, Tensor]],
    policy: Tensor,
    step: Tensor,
    *,
    max_kl: float | Tensor,
    shrink: float | Tensor,
    attempts: int,
) -> Search:
    """Backtrack until the surrogate improves and the KL is at most ``max_kl``, per seed.

    Args:
        evaluate: parameters ``(S, P)`` to surrogate and KL, each ``(S,)``.
        policy: ``(S, P)`` where the step starts.
        step: ``(S, P)`` the full step.
        max_kl: largest mean KL accepted, a number or ``(S,)``.
        shrink: factor between attempts, a number or ``(S,)``.
        attempts: at most.

    Source: Schulman et al. (2015), appendix C.
    """
    check_shapes(policy=(policy, "S P"), step=(step, "S P"))
    before, _ = evaluate(policy)
    chosen, accepted = policy, torch.zeros_like(before, dtype=torch.bool)
    taken, taken_kl = torch.zeros_like(before), torch.zeros_like(before)
    fraction: float | Tensor = 1.0
    for _ in range(attempts):
        candidate = policy + along(fraction, step) * step
        surrogate, kl = evaluate(candidate)
        good = ~accepted & (surrogate > before) & (kl <= along(max_kl, kl))
        chosen = torch.where(good.unsqueeze(1), candidate, chosen)
        taken, taken_kl = torch.where(good, along(fraction, taken), taken), torch.where(good, kl, taken_kl)
        accepted = accepted | good
        if bool(accepted.all()):
            break
        fraction = fraction * shrink
    lost = ~accepted & ~(surrogate.isfinite() & kl.isfinite())
    return Search(chosen, accepted, torch.where(lost, torch.nan, taken), taken_kl)
