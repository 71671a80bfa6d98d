"""Action distributions over the outputs of a network, batched over any leading axes.

A distribution is described by D numbers per state (logits; or mean and log standard deviation). Sampling is a
deterministic function of those and of noise drawn beforehand, so a seed's noise never depends on its neighbours;
zero noise gives the mode. `fisher` is the Fisher information matrix in these D coordinates, which together with a
network's tangent and cotangent gives Fisher-vector products without second derivatives.

The arithmetic is compiled, row by row (see `densities`). Gradients flow into the outputs of a network, of `kl` into the
new ones; actions, noise and old outputs are constants.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..errors import UsageError
from . import densities

NoiseKind = Literal["gumbel", "normal", "logistic", "uniform"]


Code = tuple[int, NDArray[np.int64]]
"""Kind and sizes; see `densities`."""


class Distribution(Protocol):
    """What a policy gradient needs of an action distribution."""

    @property
    def outputs(self) -> int:
        """Number of parameters computed from the state."""

    @property
    def constants(self) -> int:
        """Number of parameters that do not depend on the state."""

    @property
    def noise(self) -> NoiseKind:
        """Distribution of the noise that `sample` takes."""

    @property
    def noise_size(self) -> int:
        """Numbers of noise per action."""

    @property
    def width(self) -> int:
        """Numbers of an action, A."""

    @property
    def code(self) -> "Code":
        """How kernels know it."""

    def action_rows(self, action: Tensor, real: Any) -> NDArray[Any]:
        """Return actions as kernels take them: ``(..., A)``, contiguous, of the numpy dtype ``real`` of the outputs."""

    def actions(self, rows: Tensor) -> Tensor:
        """Return actions as the rest knows them: whole numbers where they are choices, ``(...)`` for Discrete."""

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Return actions ``(..., A)`` (``(...)`` for Discrete) from ``(..., D)`` and ``(..., noise_size)``."""

    def log_prob(self, parameters: Tensor, action: Tensor) -> Tensor:
        """Return the log-probability (density) ``(...)`` of the actions."""

    def entropy(self, parameters: Tensor) -> Tensor:
        """Return the entropy ``(...)`` in nats."""

    def kl(self, old: Tensor, new: Tensor) -> Tensor:
        """Return ``KL(old ‖ new)`` ``(...)`` in nats."""

    def fisher(self, parameters: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the product with the Fisher information matrix at ``parameters``, both ``(..., D)``."""


class _Rows(ABC):
    """What the distributions share: their kernels applied to tensors with any leading axes."""

    scalar: bool = False
    """Whether an action is one number instead of a vector with one."""
    whole: ClassVar[bool] = True
    """Whether actions are choices."""

    @property
    @abstractmethod
    def code(self) -> Code:
        """Kind and sizes."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers of an action."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of parameters computed from the state."""

    @property
    def noise_size(self) -> int:
        return self.outputs

    def action_rows(self, action: Tensor, real: Any) -> NDArray[Any]:
        rows = np.ascontiguousarray(action.numpy(), real)
        return rows[..., None] if self.scalar else rows

    def actions(self, rows: Tensor) -> Tensor:
        if not self.whole:
            return rows
        chosen = rows.numpy().astype(np.int64)
        return torch.from_numpy(chosen[..., 0] if self.scalar else chosen)

    def sample(self, parameters: Tensor, noise: Tensor) -> Tensor:
        outputs, noises = _rows(parameters), _rows(noise)
        drawn = np.empty((len(outputs), self.width), outputs.dtype)
        densities.sample_rows(*self.code, outputs, noises, drawn)
        return self.actions(torch.from_numpy(drawn).view(*parameters.shape[:-1], -1))

    def log_prob(self, parameters: Tensor, action: Tensor) -> Tensor:
        _constant("action", action)
        outputs = _rows(parameters)
        rows = self.action_rows(action, outputs.dtype)
        if rows.size != len(outputs) * self.width:
            raise ValueError(f"actions of shape {tuple(action.shape)} are not one for each of {len(outputs)} outputs")
        result: Tensor = _LogProb.apply(self.code, parameters, outputs, rows.reshape(-1, self.width))  # type: ignore[no-untyped-call]
        return result

    def entropy(self, parameters: Tensor) -> Tensor:
        result: Tensor = _Entropy.apply(self.code, parameters)  # type: ignore[no-untyped-call]
        return result

    def kl(self, old: Tensor, new: Tensor) -> Tensor:
        _constant("old", old)
        result: Tensor = _KL.apply(self.code, old, new)  # type: ignore[no-untyped-call]
        return result

    def fisher(self, parameters: Tensor) -> Callable[[Tensor], Tensor]:
        outputs = _rows(parameters)
        metric = np.empty_like(outputs)
        densities.metric_rows(*self.code, outputs, metric)

        def product(tangent: Tensor) -> Tensor:
            result = np.empty_like(outputs)
            densities.fisher_rows(*self.code, metric, _rows(tangent), result)
            return torch.from_numpy(result).view(tangent.shape)

        return product


@dataclass(frozen=True)
class Categorical(_Rows):
    """Independent categorical choices, their logits concatenated: one for `Discrete`, several for `MultiDiscrete`."""

    sizes: tuple[int, ...]
    """Number of choices of every component."""
    scalar: bool = False
    noise: NoiseKind = "gumbel"
    constants: int = 0

    @cached_property
    def outputs(self) -> int:
        return sum(self.sizes)

    @cached_property
    def code(self) -> Code:
        return densities.CATEGORICAL, np.array(self.sizes)

    @property
    def width(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True)
class Bernoulli(_Rows):
    """``size`` independent coins, one logit each. `MultiBinary`."""

    size: int
    noise: NoiseKind = "logistic"
    constants: int = 0

    @property
    def outputs(self) -> int:
        return self.size

    @cached_property
    def code(self) -> Code:
        return densities.BERNOULLI, np.array([self.size])

    @property
    def width(self) -> int:
        return self.size


@dataclass(frozen=True)
class DiagonalGaussian(_Rows):
    """Independent normal distributions; the log standard deviation does not depend on the state. `Box`."""

    size: int
    noise: NoiseKind = "normal"
    whole: ClassVar[bool] = False

    @property
    def outputs(self) -> int:
        return self.size

    @property
    def constants(self) -> int:
        return self.size

    @cached_property
    def code(self) -> Code:
        return densities.GAUSSIAN, np.array([self.size])

    @property
    def width(self) -> int:
        return self.size


class _LogProb(Function):
    """`densities.log_prob` with its slope."""

    @staticmethod
    def forward(context: Any, code: Code, parameters: Tensor, outputs: NDArray[Any], actions: NDArray[Any]) -> Tensor:
        context.code, context.outputs, context.actions = code, outputs, actions
        return _reduced(densities.log_prob_rows, parameters, *code, outputs, actions)

    @staticmethod
    @once_differentiable
    def backward(context: Any, weight: Tensor) -> Any:
        arrays = (context.outputs, context.actions)
        return None, _slope(densities.log_prob_slope_rows, weight, *context.code, *arrays), None, None


class _Entropy(Function):
    """`densities.entropy` with its slope."""

    @staticmethod
    def forward(context: Any, code: Code, parameters: Tensor) -> Tensor:
        context.code, context.outputs = code, _rows(parameters)
        return _reduced(densities.entropy_rows, parameters, *code, context.outputs)

    @staticmethod
    @once_differentiable
    def backward(context: Any, weight: Tensor) -> Any:
        return None, _slope(densities.entropy_slope_rows, weight, *context.code, context.outputs)


class _KL(Function):
    """`densities.kl` with its slope in the new outputs."""

    @staticmethod
    def forward(context: Any, code: Code, old: Tensor, new: Tensor) -> Tensor:
        context.code, context.old, context.new = code, _rows(old), _rows(new)
        return _reduced(densities.kl_rows, new, *code, context.old, context.new)

    @staticmethod
    @once_differentiable
    def backward(context: Any, weight: Tensor) -> Any:
        return None, None, _slope(densities.kl_slope_rows, weight, *context.code, context.old, context.new)


def _rows(x: Tensor) -> NDArray[Any]:
    """A tensor ``(..., K)`` as rows ``(R, K)``."""
    rows: NDArray[Any] = x.detach().reshape(-1, x.shape[-1]).contiguous().numpy()
    return rows


def _reduced(kernel: Callable[..., None], like: Tensor, *arguments: Any) -> Tensor:
    """One number for every row, in the shape of what it is computed from."""
    result = torch.empty(like.shape[:-1], dtype=like.dtype)
    kernel(*arguments, result.view(-1).numpy())
    return result


def _slope(kernel: Callable[..., None], weight: Tensor, *arguments: Any) -> Tensor:
    """The slope in the outputs, which are the last but the old ones of the arguments, times every row's weight."""
    slope = np.zeros_like(arguments[2])
    kernel(*arguments, weight.reshape(-1).contiguous().numpy(), slope)
    return torch.from_numpy(slope).view(*weight.shape, -1)


def _constant(name: str, x: Tensor) -> None:
    if x.requires_grad:
        raise ValueError(f"no gradient flows into {name}: detach it")


def distribution_for(space: gym.Space) -> Distribution:  # type: ignore[type-arg]
    """Return the distribution over a Gymnasium action space.

    Raises:
        UsageError: if the space is none of Discrete, Box, MultiDiscrete, MultiBinary.
    """
    match space:
        case gym.spaces.Discrete():
            return Categorical((int(space.n),), scalar=True)
        case gym.spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return Categorical(tuple(int(n) for n in space.nvec))
        case gym.spaces.MultiBinary() if len(space.shape) == 1:
            return Bernoulli(int(space.shape[0]))
        case gym.spaces.Box() if np.issubdtype(space.dtype, np.floating):
            return DiagonalGaussian(int(np.prod(space.shape)))
    raise UsageError(
        f"action space {space} is not supported: use Discrete, a floating-point Box, "
        "or a one-dimensional MultiDiscrete or MultiBinary (wrap the environment to convert)"
    )
