"""Losses on a network's outputs: sums over samples, compiled with their slopes.

A term is a kernel over a block of one seed's samples, which returns the sum and writes its slope in the outputs. The
functions of this module apply terms to outputs as autograd does, so that a loss may be any torch expression of them. A
loss that is one term times a number needs no autograd: marked `compiled_loss`, it is told to a kernel as data, and
`term_gradient` goes through a network with it block by block, one seed after another.

Shapes: **S** seeds, **B** samples, **D** outputs, **P** parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..kernels import kernel
from .blocks import Samples, length
from .densities import add_entropy_slope, add_log_prob_slope, entropy
from .densities import log_prob as density
from .distributions import Code, Distribution
from .matrices import matrix
from .networks import BLOCK, Network, cotangent, flip, forward, hidden_units
from .shapes import check_shapes

Method = TypeVar("Method", bound=Callable[..., Any])
Arrays = tuple[NDArray[Any], ...]

LIKELIHOOD, SQUARED_ERROR, CLIPPED = 0, 1, 2
BESIDE = ("weight", "value_target", "log_prob", "value", "mask")
"""What terms take of samples beside their actions."""
NO_CODE: Final[Code] = (0, np.zeros(0, np.int64))
"""Of a critic's outputs, which are no distribution."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a loss as data: ``factor / divisor`` times the sum that its kernel computes."""

    kind: int
    code: Code
    """Of the distribution that the outputs describe."""
    constant: float | Tensor
    """What the kernel takes: a number, or one for each seed ``(S,)``."""
    factor: float | Tensor = 1.0
    divisor: float | Tensor = 1.0
    limit: float | Tensor = np.inf
    """Beyond which its kernel clips, too."""

    def __mul__(self, number: float | Tensor) -> "Term":
        return replace(self, factor=self.factor * number)

    def __rmul__(self, number: float | Tensor) -> "Term":
        return self * number

    def __neg__(self) -> "Term":
        return self * -1

    def __truediv__(self, number: float | Tensor) -> "Term":
        return replace(self, divisor=self.divisor * number)

    def constants(self, seeds: int) -> NDArray[np.float64]:
        """Return factor, divisor, constant and limit of every seed ``(S, 4)``."""
        made = np.empty((seeds, 4))
        for n, number in enumerate((self.factor, self.divisor, self.constant, self.limit)):
            made[:, n] = number
        return made


class _Outputs:
    """Stands for outputs that a kernel will compute."""

    def __getattr__(self, name: str) -> Any:
        raise TypeError(
            f"a loss marked compiled_loss asks for {name} of the outputs, which are not computed yet: "
            "it is one term times a number; take the mark away, and autograd differentiates it"
        )


OUTPUTS: Final[Any] = _Outputs()
"""What a compiled loss is called with in place of outputs: the functions here then return a `Term`."""


def compiled_loss(method: Method) -> Method:
    """Mark a `policy_loss` or `critic_loss` that is one of this module's functions, times or divided by numbers."""
    method.compiled_loss = True  # type: ignore[attr-defined]
    return method


def is_compiled(method: Callable[..., Any] | None) -> bool:
    """Whether a loss is marked; one that overrides it is not, unless it says so itself."""
    return getattr(method, "compiled_loss", False)


def likelihood_loss(
    distribution: Distribution, outputs: Tensor, samples: Samples, entropy_weight: float | Tensor = 0.0
) -> Tensor:
    """Return ``-Σ weight · log π(a|s)``, less the entropy bonus, over a block ``(S,)``.

    Args:
        distribution: of actions.
        outputs: ``(S, B, D)`` of the policy network.
        samples: the block; its weights are constants, no gradient flows into them.
        entropy_weight: weight of the entropy of every step, a number or ``(S,)``.
    """
    loss: Tensor = _applied(Term(LIKELIHOOD, distribution.code, entropy_weight), distribution, outputs, samples)
    return loss


def clipped_surrogate(
    distribution: Distribution,
    outputs: Tensor,
    samples: Samples,
    clip_range: float | Tensor,
    entropy_weight: float | Tensor = 0.0,
) -> Tensor:
    """Return ``Σ min(ρ A, clip(ρ, 1 - ε, 1 + ε) A)``, and the entropy bonus, over a block ``(S,)``.

    Args:
        distribution: of actions.
        outputs: ``(S, B, D)`` of the policy network.
        samples: the block; A are its weights, ρ is the ratio to the policy that acted.
        clip_range: ε, a number or ``(S,)``.
        entropy_weight: weight of the entropy of every step, a number or ``(S,)``.

    Source: Schulman et al. (2017), equation 7.
    """
    term = Term(CLIPPED, distribution.code, entropy_weight, limit=clip_range)
    objective: Tensor = -_applied(term, distribution, outputs, samples)
    return objective


def squared_error(value: Tensor, samples: Samples, clip_range: float | Tensor = np.inf) -> Tensor:
    """Return ``Σ (V(s) - target)²`` over a block ``(S,)``.

    Args:
        value: ``(S, B)`` of the critic network.
        samples: the block.
        clip_range: a number or ``(S,)``: the larger error counts of this value, and of one that is moved from that of
            the critic before no further than this.
    """
    outputs = value if value is OUTPUTS else value.unsqueeze(2)
    loss: Tensor = _applied(Term(SQUARED_ERROR, NO_CODE, 0.0, limit=clip_range), None, outputs, samples)
    return loss


def _applied(term: Term, distribution: Distribution | None, outputs: Tensor, samples: Samples) -> Any:
    if outputs is OUTPUTS:
        return term
    check_shapes(outputs=(outputs, "S B D"), weight=(samples.weight, "S B"), mask=(samples.mask, "S B"))
    return _Applied.apply(term, distribution, outputs, samples)  # type: ignore[no-untyped-call]


class _Applied(Function):
    """A term of given outputs, with its slope from the same pass."""

    @staticmethod
    def forward(
        context: Any, term: Term, distribution: Distribution | None, outputs: Tensor, samples: Samples
    ) -> Tensor:
        loss, context.slope = outputs.new_empty(len(outputs)), torch.empty(outputs.shape, dtype=outputs.dtype)
        term_each(
            term.kind,
            term.constants(len(outputs)),
            *term.code,
            outputs.detach().contiguous().numpy(),
            *sample_arrays(samples, distribution),
            context.slope.numpy(),
            loss.numpy(),
        )
        return loss

    @staticmethod
    @once_differentiable
    def backward(context: Any, weight: Tensor) -> Any:
        return None, None, context.slope * weight.view(-1, 1, 1), None


def sample_arrays(samples: Samples, distribution: Distribution | None) -> Arrays:
    """Return what terms take of samples: actions ``(S, B, A)``, and ``(S, B)`` what `BESIDE` names."""
    real = samples.mask.numpy().dtype
    beside = [np.ascontiguousarray(getattr(samples, name).numpy(), real) for name in BESIDE]
    if distribution is None:
        return np.zeros((len(samples.mask), 0, 0), real), *beside
    return distribution.action_rows(samples.action, real), *beside


def term_gradient(
    network: Network, parameters: Tensor, observation: Tensor, arrays: Arrays, term: Term
) -> tuple[Tensor, Tensor]:
    """Return the gradient ``(S, P)`` and value ``(S,)`` of a term of a network's outputs, summed block by block.

    Args:
        network: policy or critic.
        parameters: its parameters ``(S, P)``.
        observation: ``(S, B, O)`` of any number of blocks of samples.
        arrays: what `sample_arrays` gives of them.
        term: of the loss.
    """
    check_shapes(parameters=(parameters, "S P"), observation=(observation, "S B O"), mask=(arrays[-1], "S B"))
    network.check(parameters, observation)
    weights, rows = parameters.numpy(), min(BLOCK, observation.shape[1])
    gradient, loss = np.empty(weights.shape, weights.dtype), np.empty(len(weights), weights.dtype)
    gradient_each(
        weights,
        *network.code,
        term.kind,
        term.constants(len(weights)),
        *term.code,
        observation.contiguous().numpy(),
        *arrays,
        rows,
        network.work(rows, weights.dtype, 2 * rows * network.row),
        gradient,
        loss,
    )
    return torch.from_numpy(gradient), torch.from_numpy(loss)


@kernel
def likelihood(kind, sizes, outputs, actions, weight, mask, entropy_weight, scale, slope):
    """``-Σ mask (weight · log π(a|s) + entropy_weight · H)`` of a block, and its slope times ``scale``."""
    total = outputs.dtype.type(0)
    for b in range(len(outputs)):
        row = slope[b]
        row[:] = 0
        if mask[b] != 0:
            log_prob = add_log_prob_slope(kind, sizes, outputs[b], actions[b], -mask[b] * weight[b], row)
            total -= mask[b] * weight[b] * log_prob
            if entropy_weight != 0:
                total -= mask[b] * entropy_weight * entropy(kind, sizes, outputs[b])
                add_entropy_slope(kind, sizes, outputs[b], -mask[b] * entropy_weight, row)
            for d in range(len(row)):
                row[d] *= scale
    return total


@kernel
def clipped(kind, sizes, outputs, actions, weight, log_prob, mask, limit, entropy_weight, scale, slope):
    """``-Σ mask (min(ρ weight, clip(ρ) weight) + entropy_weight · H)`` of a block, and its slope times ``scale``."""
    number = outputs.dtype.type
    total = number(0)
    for b in range(len(outputs)):
        row = slope[b]
        row[:] = 0
        if mask[b] != 0:
            ratio = np.exp(density(kind, sizes, outputs[b], actions[b]) - log_prob[b])
            near = min(max(ratio, number(1) - limit), number(1) + limit)
            gain, kept = ratio * weight[b], near * weight[b]
            held = kept < gain  # then nothing is won by going on
            total -= kept if held else gain
            if not held:
                add_log_prob_slope(kind, sizes, outputs[b], actions[b], -gain, row)
            if entropy_weight != 0:
                total -= entropy_weight * entropy(kind, sizes, outputs[b])
                add_entropy_slope(kind, sizes, outputs[b], -entropy_weight, row)
            for d in range(len(row)):
                row[d] *= scale
    return total


@kernel
def squared(outputs, target, value, mask, limit, scale, slope):
    """``Σ mask (V(s) - target)²`` of a block, and its slope times ``scale``; see `squared_error` for the limit."""
    total = outputs.dtype.type(0)
    for b in range(len(outputs)):
        slope[b, 0] = 0
        if mask[b] != 0:
            error = (outputs[b, 0] - target[b]) * mask[b]
            if limit < np.inf:
                moved = min(max(outputs[b, 0] - value[b], -limit), limit)
                near = (value[b] + moved - target[b]) * mask[b]
                if near * near > error * error:  # and going on changes nothing of it
                    total += near * near
                    continue
            total += error * error
            slope[b, 0] = 2 * error * mask[b] * scale
    return total


@kernel
def term_block(term, constants, kind, sizes, outputs, actions, weight, target, log_prob, value, mask, slope):
    """A term of a block, and its slope: of one seed, for whom the ``constants`` are those of `Term`."""
    number = outputs.dtype.type
    factor, divisor = number(constants[0]), number(constants[1])
    constant, limit = number(constants[2]), number(constants[3])
    scale = number(1) / divisor * factor
    if term == SQUARED_ERROR:
        total = squared(outputs, target, value, mask, limit, scale, slope)
    elif term == CLIPPED:
        total = clipped(kind, sizes, outputs, actions, weight, log_prob, mask, limit, constant, scale, slope)
    else:
        total = likelihood(kind, sizes, outputs, actions, weight, mask, constant, scale, slope)
    return factor * number(total) / divisor


@kernel(
    "int64, float64[:, ::1], int64, int64[::1], real[:, :, ::1], real[:, :, ::1], real[:, ::1], real[:, ::1], "
    "real[:, ::1], real[:, ::1], real[:, ::1], real[:, :, ::1], real[::1]",
    part="composing",
)
def term_each(
    term, constants, kind, sizes, outputs, actions, weight, target, log_prob, value, mask, slope, loss
):  # fmt: skip
    """`term_block` of every seed."""
    for s in range(len(outputs)):
        loss[s] = term_block(
            term, constants[s], kind, sizes, outputs[s], actions[s], weight[s], target[s], log_prob[s], value[s],
            mask[s], slope[s],
        )  # fmt: skip


@kernel
def term_slope(
    parameters, widths, relu, term, constants, kind, sizes, observation, actions, weight, target, log_prob, value, mask,
    known, layers, block, work, gradient,
):  # fmt: skip
    """Write the gradient ``(P,)`` of one seed's term, summed over blocks up to the last sample that counts.

    Return the term. Where outputs are ``known`` ``(B, D)`` and the values of hidden ``layers``, of all samples, which
    then are one block, they are not computed again.
    """
    count = length(mask)
    outputs = matrix(work, 0, block, widths[-2] + widths[-1])
    slopes = matrix(work, outputs.size, block, outputs.shape[1])
    work = work[2 * outputs.size :]
    start = block * hidden_units(widths)
    hidden, work = work[:start], work[start:]
    flipped, work = work[: len(parameters)], work[len(parameters) :]
    passed = len(known) > 0 and count == len(mask)
    if passed:
        outputs, hidden = known, layers
    flip(parameters, widths, flipped)
    total = gradient.dtype.type(0)
    gradient[:] = 0
    for start in range(0, count, block):
        stop = min(start + block, count)
        rows, seen = stop - start, observation[start:stop]
        if not passed:
            forward(parameters, widths, relu, seen, hidden, outputs[:rows])
        total += term_block(
            term,
            constants,
            kind,
            sizes,
            outputs[:rows],
            actions[start:stop],
            weight[start:stop],
            target[start:stop],
            log_prob[start:stop],
            value[start:stop],
            mask[start:stop],
            slopes[:rows],
        )
        cotangent(flipped, widths, relu, seen, hidden, slopes[:rows], work, gradient)
    return total


@kernel(
    "real[:, ::1], int64[::1], boolean, int64, float64[:, ::1], int64, int64[::1], real[:, :, ::1], "
    "real[:, :, ::1], real[:, ::1], real[:, ::1], real[:, ::1], real[:, ::1], real[:, ::1], int64, real[::1], "
    "real[:, ::1], real[::1]"
)
def gradient_each(
    parameters, widths, relu, term, constants, kind, sizes, observation, actions, weight, target, log_prob, value, mask,
    block, work, gradient, loss,
):  # fmt: skip
    """`term_slope` of every seed."""
    known, layers = matrix(work, 0, 0, 0), work[:0]
    for s in range(len(parameters)):
        loss[s] = term_slope(
            parameters[s], widths, relu, term, constants[s], kind, sizes, observation[s], actions[s], weight[s],
            target[s], log_prob[s], value[s], mask[s], known, layers, block, work, gradient[s],
        )  # fmt: skip
