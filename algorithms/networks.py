"""Multilayer perceptrons with a leading seed axis: every seed owns its weights, and is computed by itself.

Parameters live on one flat ``(S, P)`` tensor. The passes are written out (forward, tangent, cotangent) because the
natural gradient needs the last two anyway and because they are faster than recorded ones. Losses are written on the
outputs, with torch's autograd; `blocks.loss_gradient` carries their slope on.

A pass is compiled for one seed at a time: products in registers, what is between them fused. As a seed's matrices have
the same sizes and order whoever trains beside it, so have its bits.

Shapes: **S** seeds, **B** samples, **I** inputs, **H** hidden units, **D** outputs, **P** parameters.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel, linked, scratch
from .matrices import add_product, add_product_of_flipped, matrix, product
from .shapes import check_shapes

Activation = Literal["tanh", "relu"]

BLOCK = 128
"""Samples of a seed in a block: few enough for a block's activations to stay in the cache."""

F = np.float32
TANH_LIMIT = F(8.0)
"""Where float32 knows no difference from 1 that matters."""
TANH_ODD = tuple(map(F, (0.99999997, 0.134381875, 0.0035641518, 2.17731751e-05, 1.50617117e-08)))
TANH_EVEN = tuple(map(F, (0.467715083, 0.0261359993, 0.000339917215, 8.45362174e-07)))
ONE = F(1.0)


@kernel
def tanh32(x):
    """Hyperbolic tangent in float32: ``x P(x²) / Q(x²)`` of degrees 9 and 8, to within 3e-7, 1 beyond 8.

    The coefficients are the minimax fit of tanh on [0, 8], by weighted least squares (Lawson, 1961).
    """
    x = TANH_LIMIT if x > TANH_LIMIT else x
    x = -TANH_LIMIT if x < -TANH_LIMIT else x
    s = x * x
    odd = (((TANH_ODD[4] * s + TANH_ODD[3]) * s + TANH_ODD[2]) * s + TANH_ODD[1]) * s + TANH_ODD[0]
    even = (((TANH_EVEN[3] * s + TANH_EVEN[2]) * s + TANH_EVEN[1]) * s + TANH_EVEN[0]) * s + ONE
    return x * odd / even


@kernel
def copy(source, row):
    """Copy one row to another."""
    for n in range(len(row)):
        row[n] = source[n]


@kernel
def widest(widths):
    """The largest number of values of a layer, constants apart."""
    most = widths[0]
    for width in widths[1:-1]:
        most = max(most, width)
    return most


@kernel
def hidden_units(widths):
    """The number of values of all hidden layers; numpy's sum would be compiled for each kernel that calls it."""
    units = 0
    for width in widths[1:-2]:
        units += width
    return units


@kernel
def add_bias(bias, x):
    """Add the bias ``(H,)`` to ``(B, H)``, in place."""
    for b in range(len(x)):
        row = x[b]
        for h in range(len(bias)):
            row[h] += bias[h]


@kernel
def activate(x, bias, relu):
    """Add the bias ``(H,)`` to ``(B, H)`` and apply the activation, in place."""
    for b in range(x.shape[0]):
        row = x[b]
        if relu:
            for h in range(len(bias)):
                y = row[h] + bias[h]
                row[h] = y if y > 0 else (0 if y <= 0 else y)  # what is no number stays so
        elif x.itemsize == 4:
            for h in range(len(bias)):
                row[h] = tanh32(row[h] + bias[h])
        else:
            for h in range(len(bias)):
                row[h] = math.tanh(row[h] + bias[h])


@kernel
def through_activation(change, activation, relu):
    """Multiply ``change`` ``(B, H)``, in place, by the derivative of the activation, expressed by its value."""
    for b in range(change.shape[0]):
        row, value = change[b], activation[b]
        if relu:
            for h in range(len(row)):
                row[h] = row[h] if value[h] > 0 else 0
        else:
            for h in range(len(row)):
                row[h] -= row[h] * (value[h] * value[h])


@linked("real[::1], int64[::1], boolean, real[:, ::1], real[::1], real[:, :]")
def forward(parameters, widths, relu, inputs, hidden, outputs):
    """Write one seed's outputs ``(B, D)``, and the values of its hidden layers one after another into ``hidden``.

    Args:
        parameters: ``(P,)``
        widths: of inputs, hidden layers, outputs, and how many constants follow those.
        relu: whether the activation is that instead of tanh.
        inputs: ``(B, I)``
        hidden: ``(B * ΣH,)`` or longer.
        outputs: ``(B, D)``
    """
    rows, last = inputs.shape[0], len(widths) - 3
    x, start, place = inputs, 0, 0
    for n in range(last):
        i, o = widths[n], widths[n + 1]
        y = matrix(hidden, place, rows, o)
        product(x, matrix(parameters, start, i, o), y)
        activate(y, parameters[start + i * o : start + i * o + o], relu)
        x, start, place = y, start + i * o + o, place + rows * o
    affine(x, parameters[start:], widths[last + 1], outputs)


@kernel
def affine(x, parameters, weighted, outputs):
    """Write the last layer's outputs ``(B, D)``: the first ``weighted`` have weights, all have a bias."""
    i = x.shape[1]
    bias = parameters[i * weighted :]
    product(x, matrix(parameters, 0, i, weighted), outputs)
    for b in range(len(outputs)):
        row = outputs[b]
        for d in range(len(row)):
            row[d] = row[d] + bias[d] if d < weighted else bias[d]


@linked("real[::1], int64[::1], boolean, real[:, ::1], real[::1], real[::1], real[::1], real[:, :]")
def tangent(parameters, widths, relu, inputs, hidden, direction, work, outputs):
    """Write the change ``(B, D)`` of one seed's outputs when its parameters change along ``direction`` ``(P,)``.

    The other arguments are those, and the results, of `forward`; and memory to work in, see `Network.work`.
    """
    rows, last = inputs.shape[0], len(widths) - 3
    half = rows * widest(widths)
    x, start, place = inputs, 0, 0
    change = matrix(work, 0, rows, 0)
    for n in range(last):
        i, o = widths[n], widths[n + 1]
        own = matrix(work, n % 2 * half, rows, o)
        product(x, matrix(direction, start, i, o), own)
        if n:
            add_product(change, matrix(parameters, start, i, o), own)
        add_bias(direction[start + i * o : start + i * o + o], own)
        x = matrix(hidden, place, rows, o)
        through_activation(own, x, relu)
        change, start, place = own, start + i * o + o, place + rows * o
    weighted = widths[last + 1]
    affine(x, direction[start:], weighted, outputs)
    if last:
        add_product(change, matrix(parameters, start, x.shape[1], weighted), outputs)


@kernel
def flip(parameters, widths, flipped):
    """Write one seed's weights transposed, each layer's where they lie in ``parameters``: `cotangent` takes them so.

    Those of the first layer are left out, as nothing goes back through it.
    """
    last, start = len(widths) - 3, widths[0] * widths[1] + widths[1]
    for n in range(1, last + 1):
        i, o = widths[n], widths[n + 1]
        weights, made = matrix(parameters, start, i, o), matrix(flipped, start, o, i)
        for d in range(o):
            for h in range(i):
                made[d, h] = weights[h, d]
        start += i * o + o


@kernel
def add_rows(x, total):
    """Add up ``(B, H)`` over the rows, four at a time, and the sum to ``total`` ``(H,)``."""
    rows = len(x)
    whole = rows - rows % 4
    for b in range(0, whole, 4):
        first, second, third, fourth = x[b], x[b + 1], x[b + 2], x[b + 3]
        for h in range(len(total)):
            total[h] += (first[h] + second[h]) + (third[h] + fourth[h])
    for b in range(whole, rows):
        row = x[b]
        for h in range(len(total)):
            total[h] += row[h]


@linked("real[::1], int64[::1], boolean, real[:, ::1], real[::1], real[:, :], real[::1], real[::1]")
def cotangent(flipped, widths, relu, inputs, hidden, slope, work, gradient):
    """Add the gradient of ``Σ slope · outputs`` to one seed's ``gradient`` ``(P,)``, for a slope ``(B, D)``.

    It takes the weights as `flip` writes them, and memory to work in, see `Network.work`. The other arguments are
    those, and the results, of `forward`.
    """
    rows, last = inputs.shape[0], len(widths) - 3
    half = rows * widest(widths)
    end, place = len(gradient), rows * hidden_units(widths)
    weighted = widths[last + 1]
    delta = matrix(work, 0, rows, weighted)
    bias = gradient[end - slope.shape[1] :]
    add_rows(slope, bias)
    for b in range(rows):
        for d in range(weighted):
            delta[b, d] = slope[b, d]
    end -= slope.shape[1]
    for n in range(last, -1, -1):
        i, o = widths[n], widths[n + 1]
        if n:
            place -= rows * i
            x = matrix(hidden, place, rows, i)
        else:
            x = inputs
        add_product_of_flipped(x, delta, matrix(gradient, end - i * o, i, o))
        if n:
            back = matrix(work, (last - n + 1) % 2 * half, rows, i)
            product(delta, matrix(flipped, end - i * o, o, i), back)
            through_activation(back, x, relu)
            add_rows(back, gradient[end - i * o - i : end - i * o])
            delta, end = back, end - i * o - i


@kernel(
    "real[:, ::1], int64[::1], boolean, real[:, :, ::1], int64, int64[::1], real[:, ::1], real[:, :, ::1]",
    part="composing",
)
def forward_each(parameters, widths, relu, inputs, start, counts, hidden, outputs):
    """`forward` on the samples of every seed from ``start`` on, as many as ``outputs`` holds, up to its ``counts``."""
    for s in range(len(parameters)):
        rows = max(0, min(outputs.shape[1], counts[s] - start))
        outputs[s, rows:] = 0
        if rows:
            forward(parameters[s], widths, relu, inputs[s, start : start + rows], hidden[s], outputs[s, :rows])


@kernel("real[:, ::1], int64[::1], boolean, real[:, :, ::1], int64[::1], int64, real[::1], real[:, :, ::1]")
def evaluate_each(parameters, widths, relu, inputs, counts, block, hidden, outputs):
    """The outputs ``(S, B, D)`` alone, block by block."""
    for s in range(len(parameters)):
        outputs[s, counts[s] :] = 0
        for start in range(0, counts[s], block):
            stop = min(start + block, counts[s])
            forward(parameters[s], widths, relu, inputs[s, start:stop], hidden, outputs[s, start:stop])


@kernel(
    "real[:, ::1], int64[::1], boolean, real[:, :, ::1], int64, int64[::1], real[:, ::1], real[:, ::1], real[::1], "
    "real[:, :, ::1]",
    part="composing",
)
def tangent_each(parameters, widths, relu, inputs, start, counts, hidden, direction, work, outputs):
    """`tangent` of every seed's block."""
    for s in range(len(parameters)):
        rows = max(0, min(outputs.shape[1], counts[s] - start))
        outputs[s, rows:] = 0
        if rows:
            own = inputs[s, start : start + rows]
            tangent(parameters[s], widths, relu, own, hidden[s], direction[s], work, outputs[s, :rows])


@kernel(
    "real[:, ::1], int64[::1], boolean, real[:, :, ::1], int64, int64[::1], real[:, ::1], real[:, :, ::1], real[::1], "
    "real[:, ::1]",
    part="composing",
)
def cotangent_each(parameters, widths, relu, inputs, start, counts, hidden, slope, work, gradient):
    """`cotangent` of every seed's block."""
    flipped, work = work[: parameters.shape[1]], work[parameters.shape[1] :]
    for s in range(len(parameters)):
        rows = max(0, min(slope.shape[1], counts[s] - start))
        if rows:
            own = inputs[s, start : start + rows]
            flip(parameters[s], widths, flipped)
            cotangent(flipped, widths, relu, own, hidden[s], slope[s, :rows], work, gradient[s])


class Pass(NamedTuple):
    """What a forward pass through a block leaves for the others."""

    inputs: Tensor
    """``(S, B, I)`` of all blocks."""
    start: int
    """First sample of this block."""
    counts: Tensor
    """``(S,)`` samples of every seed in all blocks; those beyond are zeros in whatever a pass gives."""
    hidden: Tensor
    outputs: Tensor
    """``(S, M, D)`` of this block."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A perceptron ``inputs -> hidden... -> outputs``; without hidden layers it is linear.

    The last ``constants`` outputs do not depend on the input: they have a bias and no weights. A state-independent
    log standard deviation is such an output. ``D = outputs + constants``.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    constants: int = 0
    activation: Activation = "tanh"

    @cached_property
    def shapes(self) -> list[tuple[int, int, int]]:
        """Of every layer: inputs, outputs with weights, outputs with a bias."""
        widths = (self.inputs, *self.hidden)
        hidden = [(i, o, o) for i, o in pairwise(widths)]
        return [*hidden, (widths[-1], self.outputs, self.outputs + self.constants)]

    @cached_property
    def size(self) -> int:
        """Number of parameters P."""
        return sum(i * o + b for i, o, b in self.shapes)

    @cached_property
    def code(self) -> tuple[NDArray[np.int64], bool]:
        """How kernels know it: widths, and whether the activation is relu."""
        return np.array([self.inputs, *self.hidden, self.outputs, self.constants]), self.activation == "relu"

    @cached_property
    def row(self) -> int:
        """Numbers that belong to a sample: its inputs, the values of its hidden layers, its outputs."""
        return self.inputs + sum(self.hidden) + self.outputs + self.constants

    def check(self, parameters: Tensor, inputs: Tensor | None = None) -> None:
        """Hold parameters ``(S, P)`` and inputs ``(S, ..., I)`` to this network: compiled code believes what it gets.

        Raises:
            ValueError: saying which shape does not fit.
        """
        if parameters.shape[1:] != (self.size,):
            raise ValueError(
                f"parameters have shape {tuple(parameters.shape)}, this network has {self.size} for a seed"
            )
        if inputs is not None and inputs.shape[-1] != self.inputs:
            raise ValueError(f"inputs have shape {tuple(inputs.shape)}, this network takes {self.inputs} numbers")

    def room(self, rows: int) -> int:
        """Numbers that `flip` writes, and that `tangent` and `cotangent` of so many samples work in."""
        return self.size + 2 * rows * self._widest

    def work(self, rows: int, real: Any, more: int = 0) -> NDArray[Any]:
        """Return memory for so many numbers, and ``more``."""
        return scratch(self.room(rows) + more, real)

    @cached_property
    def _widest(self) -> int:
        """The most values of a layer, constants apart."""
        return max(self.inputs, *self.hidden, self.outputs)

    def init(
        self,
        generator: np.random.Generator,
        *,
        hidden_gain: float | None = None,
        output_gain: float,
        constant: float = 0.0,
    ) -> NDArray[np.float64]:
        """Return one seed's parameters ``(P,)``: orthogonal weights, zero biases, constants as given.

        Without a gain of their own, hidden layers have √2 for relu and 5/3 for tanh.

        Source: Saxe et al. (2014), "Exact solutions to the nonlinear dynamics of learning"; gains as in torch.nn.init.
        """
        own_gain = {"tanh": 5 / 3, "relu": 2**0.5}[self.activation]
        gains = [*[own_gain if hidden_gain is None else hidden_gain] * len(self.hidden), output_gain]
        parts: list[NDArray[np.float64]] = []
        for (i, o, b), gain in zip(self.shapes, gains, strict=True):
            parts += [gain * orthogonal(generator, i, o).ravel(), np.zeros(b)]
        if self.constants:
            parts[-1][-self.constants :] = constant
        return np.concatenate(parts)

    def last_weights(self, parameters: Tensor) -> Tensor:
        """Return the weights ``(S, H, D)`` of the last layer, without those of constants: a view of ``(S, P)``."""
        i, o, b = self.shapes[-1]
        return parameters[:, self.size - i * o - b : self.size - b].view(-1, i, o)

    def forward(
        self, parameters: Tensor, inputs: Tensor, counts: Tensor | None = None, start: int = 0, size: int = BLOCK
    ) -> Pass:
        """Return the outputs of a block: of up to ``size`` samples from ``start`` on.

        Args:
            parameters: ``(S, P)``
            inputs: ``(S, B, I)`` of all blocks.
            counts: ``(S,)`` samples of every seed; all when None.
            start: of the block.
            size: of the block, at most.
        """
        check_shapes(parameters=(parameters, "S P"), inputs=(inputs, "S B I"))
        self.check(parameters, inputs)
        seeds, samples, _ = inputs.shape
        rows, inputs = min(size, samples - start), inputs.contiguous()
        counts = torch.full((seeds,), samples) if counts is None else counts
        hidden = torch.empty(seeds, rows * sum(self.hidden), dtype=parameters.dtype)
        outputs = torch.empty(seeds, rows, self.outputs + self.constants, dtype=parameters.dtype)
        made = Pass(inputs, start, counts, hidden, outputs)
        forward_each(
            parameters.numpy(), *self.code, inputs.numpy(), start, counts.numpy(), hidden.numpy(), outputs.numpy()
        )
        return made

    def evaluate(self, parameters: Tensor, inputs: Tensor, counts: Tensor | None = None) -> Tensor:
        """Return the outputs ``(S, B, D)`` of any number of blocks."""
        check_shapes(parameters=(parameters, "S P"), inputs=(inputs, "S B I"))
        self.check(parameters, inputs)
        seeds, samples, _ = inputs.shape
        weights, count = parameters.numpy(), np.full(seeds, samples) if counts is None else counts.numpy()
        outputs = np.empty((seeds, samples, self.outputs + self.constants), weights.dtype)
        hidden = scratch(BLOCK * sum(self.hidden), weights.dtype)
        evaluate_each(weights, *self.code, inputs.contiguous().numpy(), count, BLOCK, hidden, outputs)
        return torch.from_numpy(outputs)

    def tangent(self, parameters: Tensor, made: Pass, direction: Tensor) -> Tensor:
        """Return the change ``(S, M, D)`` of the outputs when the parameters change along ``direction``: ``J v``."""
        check_shapes(parameters=(parameters, "S P"), direction=(direction, "S P"))
        outputs = torch.empty_like(made.outputs)
        weights, along = parameters.numpy(), direction.contiguous().numpy()
        work = self.work(outputs.shape[1], weights.dtype)
        tangent_each(weights, *self.code, *_arrays(made), along, work, outputs.numpy())
        return outputs

    def add_cotangent(self, parameters: Tensor, made: Pass, slope: Tensor, gradient: Tensor) -> None:
        """Add ``Jᵀ g``, the gradient of ``Σ g · outputs`` for ``slope`` g ``(S, M, D)``, to ``gradient`` ``(S, P)``."""
        check_shapes(parameters=(parameters, "S P"), gradient=(gradient, "S P"))
        check_shapes(outputs=(made.outputs, "S M D"), slope=(slope, "S M D"))
        weights, slopes = parameters.numpy(), slope.contiguous().numpy()
        work = self.work(slopes.shape[1], weights.dtype)
        cotangent_each(weights, *self.code, *_arrays(made), slopes, work, gradient.numpy())


def _arrays(made: Pass) -> tuple[Any, ...]:
    return made.inputs.numpy(), made.start, made.counts.numpy(), made.hidden.numpy()


def orthogonal(generator: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    """Return a uniformly random ``(rows, columns)`` matrix with orthonormal rows or columns, whichever are fewer.

    Source: Mezzadri (2007), "How to generate random matrices from the classical compact groups".
    """
    q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r))
    return q if rows >= columns else q.T
