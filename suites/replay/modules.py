"""A policy's mode as a module of torch, for use where this package is not: traced, exported, or saved as it is.

Three steps, one after another: ``observation`` (standardisation, or nothing), ``network`` (whose outputs describe the
distribution of actions) and ``action`` (its mode, in the environment's units). Layers are torch's own where it has
them. The others are traced, so that they too consist of torch's functions alone: what is saved whole names no class of
this package.
"""

from collections import OrderedDict
from functools import singledispatch
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import symbolic_trace

from ...algorithms.distributions import Bernoulli, Categorical
from ...algorithms.model import Model, NetworkActor
from ...algorithms.networks import Network
from ...algorithms.normalisers import OBSERVATION_LIMIT
from ...envs.spaces import first_action
from ...errors import UsageError


@singledispatch
def module_of(actor: Any, action_space: gymnasium.Space[Any]) -> nn.Sequential:
    """Return the mode of an actor as a module, from observations ``(..., O)`` to actions ``(..., *shape)``.

    An actor of another kind registers its own form of this, or has a method ``as_module`` that is.

    Raises:
        UsageError: the actor is of a kind that has none.
    """
    if hasattr(actor, "as_module"):
        module: nn.Sequential = actor.as_module(action_space)
        return module
    raise UsageError(
        f"what acts here is a {type(actor).__name__}, which has no form as a torch module: call the policy's predict"
    )


@module_of.register
def _(actor: NetworkActor, action_space: gymnasium.Space[Any]) -> nn.Sequential:
    parameters, _, _, shift, scale, *_ = actor.code
    standardise = Standardise(torch.tensor(shift[0]), torch.tensor(scale[0]))
    steps = {
        "observation": symbolic_trace(standardise) if shift.size else nn.Identity(),
        "network": _layers(actor.model.policy, torch.from_numpy(parameters[0])),
        "action": symbolic_trace(mode_of(actor.model, action_space, actor.dtype)),
    }
    return nn.Sequential(OrderedDict(steps))


def _layers(network: Network, parameters: Tensor) -> nn.Sequential:
    """A network with a copy of the parameters ``(P,)`` of one seed; constants are outputs whose weights are 0."""
    pieces = parameters.split([size for i, o, b in network.shapes for size in (i * o, b)])
    layers: list[nn.Module] = []
    for (inputs, weighted, outputs), weight, bias in zip(network.shapes, pieces[::2], pieces[1::2], strict=True):
        layer = nn.Linear(inputs, outputs, dtype=parameters.dtype)
        with torch.no_grad():
            layer.weight.zero_()[:weighted] = weight.view(inputs, weighted).T
            layer.bias.copy_(bias)
        layers += [layer, nn.ReLU() if network.activation == "relu" else nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def mode_of(model: Model, space: gymnasium.Space[Any], dtype: torch.dtype) -> nn.Module:
    """From the outputs of a network to the action that is the most likely."""
    first, shape = torch.as_tensor(np.asarray(first_action(space), np.int64)), tuple(space.shape or ())
    if isinstance(model.distribution, Categorical):
        return _Choices(model.distribution.sizes, first, shape)
    if isinstance(model.distribution, Bernoulli):
        return _Coins()
    squashed, bounds = model.bounds
    return _Means(torch.tensor(bounds, dtype=dtype), squashed, shape)


class Standardise(nn.Module):
    """See `algorithms.normalisers.standardise`."""

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)

    def forward(self, observation: Tensor) -> Tensor:
        """Return observations ``(..., O)`` standardised."""
        standard: Tensor = (observation - self.shift) * self.scale
        return standard.clamp(-OBSERVATION_LIMIT, OBSERVATION_LIMIT)


class _Choices(nn.Module):
    """The most likely of every component's choices, counted from the first that its space has."""

    first: Tensor

    def __init__(self, sizes: tuple[int, ...], first: Tensor, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes, self.shape = sizes, shape
        self.register_buffer("first", first)

    def forward(self, outputs: Tensor) -> Tensor:
        chosen, start = [], 0
        for size in self.sizes:
            chosen.append(outputs[..., start : start + size].argmax(-1))
            start += size
        action = torch.stack(chosen, -1) if self.shape else chosen[0]
        return action + self.first


class _Coins(nn.Module):
    """Heads where they are the likelier."""

    def forward(self, outputs: Tensor) -> Tensor:
        return (outputs > 0).long()


class _Means(nn.Module):
    """The means, clipped or squashed to the bounds of the action space; see `algorithms.model.to_environment`."""

    bounded: Tensor
    low: Tensor
    high: Tensor
    middle: Tensor
    reach: Tensor

    def __init__(self, bounds: Tensor, squashed: bool, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.squashed, self.shape = squashed, shape
        for name, column in zip(("bounded", "low", "high", "middle", "reach"), bounds.T, strict=True):
            self.register_buffer(name, column.bool() if name == "bounded" else column.clone())

    def forward(self, outputs: Tensor) -> Tensor:
        means = outputs[..., : len(self.low)]
        unit = means.tanh() if self.squashed else means.clamp(-1.0, 1.0)
        action = torch.where(self.bounded, self.middle + self.reach * unit, means)
        action = torch.minimum(torch.maximum(action, self.low), self.high)  # a sum in float32 may end beyond
        return action.unflatten(-1, self.shape) if self.shape else action.squeeze(-1)
