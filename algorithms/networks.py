"""Multilayer perceptrons with a leading seed axis: every seed owns its weights, all are applied in one call.

Parameters live on one flat ``(S, P)`` tensor; a network is the arithmetic on a slice of it. The passes are written out
(forward, tangent, cotangent) because the natural gradient needs the last two anyway and because they are faster than
recorded ones; `Network.apply` makes them one differentiable function, so losses are written with autograd as usual.

Slice invariance. The bits of a batched product depend on the memory alignment of each of its matrices, so a seed's
result could change with its place in the batch. Here every matrix dimension is padded with zeros to a multiple of four:
each matrix of a batch then starts on the same 64-byte boundary, whichever seeds stand before it.

Shapes: **S** seeds, **B** samples, **I** inputs, **H** hidden units, **D** outputs, **P** parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

Activation = Literal["tanh", "relu"]

ALIGNMENT = 4
"""Every matrix dimension is a multiple of this, hence every matrix one of 16 numbers: a cache line of float32."""


def aligned(size: int) -> int:
    """Return ``size`` rounded up to a multiple of `ALIGNMENT`."""
    return size + -size % ALIGNMENT


class Layer(NamedTuple):
    """One layer's weights, copied out of the flat parameters, aligned and zero-padded."""

    weight: Tensor
    """``(S, I, D)``"""
    bias: Tensor
    """``(S, 1, D)``"""


class _Apply(torch.autograd.Function):
    """`Network.forward` with `Network.cotangent` as its derivative."""

    @staticmethod
    def forward(ctx: Any, network: "Network", parameters: Tensor, inputs: Tensor) -> Tensor:
        layers = network.layers(parameters)
        activations = network.forward(layers, inputs)
        ctx.network, ctx.layers, ctx.activations, ctx.rows = network, layers, activations, inputs.shape[1]
        return network.outputs_of(activations)[:, : ctx.rows]

    @staticmethod
    def backward(ctx: Any, *output_gradients: Tensor) -> tuple[None, Tensor, None]:
        return None, ctx.network.cotangent(ctx.layers, ctx.activations, output_gradients[0]), None


@dataclass(frozen=True, kw_only=True)
class Network:
    """A perceptron ``inputs -> hidden... -> outputs``; without hidden layers it is linear.

    The last ``constants`` outputs do not depend on the input: they have a bias and no weights. A state-independent
    log standard deviation is such an output.
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
    def _splits(self) -> list[int]:
        return [n for i, o, b in self.shapes for n in (i * o, b)]

    def init(self, generator: np.random.Generator, *, output_gain: float, constant: float = 0.0) -> Tensor:
        """Return one seed's parameters ``(P,)`` in float64: orthogonal weights, zero biases, constants as given.

        Hidden layers have gain √2 for relu and 5/3 for tanh.

        Source: Saxe et al. (2014), "Exact solutions to the nonlinear dynamics of learning"; gains as in torch.nn.init.
        """
        hidden_gain = {"tanh": 5 / 3, "relu": 2**0.5}[self.activation]
        gains = [*[hidden_gain] * len(self.hidden), output_gain]
        parts: list[np.ndarray] = []
        for (i, o, b), gain in zip(self.shapes, gains, strict=True):
            parts += [gain * orthogonal(generator, i, o).ravel(), np.zeros(b)]
        if self.constants:
            parts[-1][-self.constants :] = constant
        return torch.from_numpy(np.concatenate(parts))

    def layers(self, parameters: Tensor) -> list[Layer]:
        """Copy flat parameters ``(S, P)`` into aligned layers; needed once for any number of passes."""
        pieces = parameters.detach().split(self._splits, dim=1)
        layers = []
        for n, (i, o, b) in enumerate(self.shapes):
            weight, bias = pieces[2 * n].unflatten(1, (i, o)), pieces[2 * n + 1].unsqueeze(1)
            width = aligned(b)
            padded = pad(weight, (0, width - o, 0, aligned(i) - i))
            layers.append(Layer(padded.contiguous(), pad(bias, (0, width - b)).contiguous()))
        return layers

    def forward(self, layers: Sequence[Layer], inputs: Tensor) -> list[Tensor]:
        """Return the input of every layer and, last, the output, padded: ``(S, B, I), (S, B, H)..., (S, B, D)``."""
        columns, rows = aligned(self.inputs) - self.inputs, aligned(inputs.shape[1]) - inputs.shape[1]
        activations = [pad(inputs, (0, columns, 0, rows)) if columns or rows else inputs]
        for layer in layers[:-1]:
            activations.append(self._activate(torch.baddbmm(layer.bias, activations[-1], layer.weight)))
        activations.append(torch.baddbmm(layers[-1].bias, activations[-1], layers[-1].weight))
        return activations

    def outputs_of(self, activations: Sequence[Tensor]) -> Tensor:
        """Return the unpadded columns ``(S, B, D)`` of a forward pass, constants last."""
        return activations[-1][..., : self.outputs + self.constants]

    def apply(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Return outputs ``(S, B, D)``, differentiable once with respect to ``parameters`` ``(S, P)``."""
        output: Tensor = _Apply.apply(self, parameters, inputs)  # type: ignore[no-untyped-call]
        return output

    def tangent(self, layers: Sequence[Layer], activations: Sequence[Tensor], direction: Sequence[Layer]) -> Tensor:
        """Return the change ``(S, B, D)`` of the outputs when the parameters change along ``direction``: ``J v``."""
        change = torch.baddbmm(direction[0].bias, activations[0], direction[0].weight)
        for n in range(1, len(layers)):
            change = self._activation_derivative(change, activations[n])
            own = torch.baddbmm(direction[n].bias, activations[n], direction[n].weight)
            change = torch.baddbmm(own, change, layers[n].weight)
        return change[..., : self.outputs + self.constants]

    def cotangent(self, layers: Sequence[Layer], activations: Sequence[Tensor], gradient: Tensor) -> Tensor:
        """Return ``Jᵀ g`` ``(S, P)``: the gradient of ``Σ g · outputs`` for ``gradient`` g ``(S, B, D)``."""
        last = activations[-1]
        delta = pad(gradient, (0, last.shape[2] - gradient.shape[2], 0, last.shape[1] - gradient.shape[1]))
        parts: list[Tensor] = []
        for n in reversed(range(len(layers))):
            i, o, b = self.shapes[n]
            weight = torch.bmm(activations[n].transpose(1, 2), delta)
            parts += [delta.sum(1)[:, :b], weight[:, :i, :o].flatten(1)]
            if n:
                delta = self._activation_derivative(torch.bmm(delta, layers[n].weight.transpose(1, 2)), activations[n])
        return torch.cat(parts[::-1], dim=1)

    def _activate(self, x: Tensor) -> Tensor:
        return x.tanh_() if self.activation == "tanh" else x.relu_()

    def _activation_derivative(self, change: Tensor, activation: Tensor) -> Tensor:
        """Return ``change`` times the derivative of the activation, expressed by its value."""
        if self.activation == "tanh":
            return torch.ops.aten.tanh_backward(change, activation)  # type: ignore[no-any-return]
        return change * (activation > 0)


def orthogonal(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Return a uniformly random ``(rows, columns)`` matrix with orthonormal rows or columns, whichever are fewer.

    Source: Mezzadri (2007), "How to generate random matrices from the classical compact groups".
    """
    q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r))
    return q if rows >= columns else q.T
