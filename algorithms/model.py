"""Policy and critic over flat parameter tensors, and the actor that plays a frozen policy."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels import kernel
from .densities import log_prob as density
from .densities import sample as choose
from .distributions import Distribution, NoiseKind, distribution_for
from .matrices import matrix
from .networks import Activation, Network, copy, forward, hidden_units
from .normalisers import Moments, Standardiser, standardise
from .streams import Stream, generator

ActionBound = Literal["clip", "tanh"]


class Spaces(NamedTuple):
    """What one environment shows and accepts."""

    observation: gym.spaces.Box
    """Flat ``(O,)``."""
    action: gym.Space  # type: ignore[type-arg]


class Action(NamedTuple):
    """One action for every environment."""

    sample: Tensor
    """``(S, N)`` or ``(S, N, A)`` as drawn from the policy: what its log-probability is about."""
    environment: NDArray[np.generic]
    """The same in the environment's units and shape: ``(S, N, ...)``; 0, clipped, in place of what is not finite."""
    finite: NDArray[np.bool_]
    """``(S,)`` which seeds act with finite numbers."""
    log_prob: Tensor
    """``(S, N)`` of the sample, in nats; NaN where there is no density."""


class Actor(Protocol):
    """A frozen policy: a pure function of observations and of noise drawn beforehand."""

    @property
    def dtype(self) -> torch.dtype:
        """Of the noise that it takes."""

    @property
    def noise(self) -> NoiseKind:
        """Distribution of the noise."""

    @property
    def noise_size(self) -> int:
        """K, numbers of noise per action."""

    def __call__(self, observation: Tensor, noise: Tensor) -> Action:
        """Choose actions for observations ``(S, N, O)`` with noise ``(S, N, K)``; zero noise gives the mode."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The fixed part of a policy and its critic: shapes, distribution, action bounds. The parameters are elsewhere."""

    policy: Network
    distribution: Distribution
    critic: Network | None
    action_space: gym.Space  # type: ignore[type-arg]
    action_bound: ActionBound

    @classmethod
    def build(
        cls,
        spaces: Spaces,
        *,
        hidden: tuple[int, ...],
        activation: Activation,
        critic: bool,
        action_bound: ActionBound,
    ) -> "Model":
        """Return the model for an environment's spaces; the critic has the policy's shape."""
        distribution = distribution_for(spaces.action)
        inputs = int(spaces.observation.shape[0])
        policy = Network(
            inputs=inputs,
            hidden=hidden,
            outputs=distribution.outputs,
            constants=distribution.constants,
            activation=activation,
        )
        value = Network(inputs=inputs, hidden=hidden, outputs=1, activation=activation) if critic else None
        return cls(
            policy=policy,
            distribution=distribution,
            critic=value,
            action_space=spaces.action,
            action_bound=action_bound,
        )

    @property
    def value_network(self) -> Network:
        """The critic of a model that has one."""
        assert self.critic is not None, "this model was built without a critic"
        return self.critic

    def init(
        self, seeds: Sequence[int], *, log_std: float, dtype: torch.dtype, hidden_gain: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return fresh parameters ``(S, Pp)`` and ``(S, Pc)``: output gain .01 for the policy, 1 for the critic."""
        policies, critics = [], []
        for seed in seeds:
            random = generator(seed, Stream.INITIALISATION)
            policies.append(self.policy.init(random, hidden_gain=hidden_gain, output_gain=0.01, constant=log_std))
            fresh = self.critic.init(random, hidden_gain=hidden_gain, output_gain=1.0) if self.critic else np.zeros(0)
            critics.append(fresh)
        policy, critic = (torch.from_numpy(np.stack(rows)).to(dtype) for rows in (policies, critics))
        return policy, critic

    def values(self, critic: Tensor, observation: Tensor, counts: Tensor | None = None) -> Tensor:
        """Return the critic's values ``(S, B)`` of normalised observations ``(S, B, O)``, without gradient.

        Args:
            critic: ``(S, Pc)`` parameters of the critic.
            observation: any number of blocks.
            counts: ``(S,)`` how many of them each seed has, the others being worth 0; all when None.
        """
        return self.value_network.evaluate(critic, observation, counts).squeeze(2)

    @cached_property
    def bounds(self) -> tuple[bool, NDArray[np.float64]]:
        """How kernels know where actions lie: whether tanh squashes them, and a row for each number of an action.

        A row holds whether it is bounded, its bounds, and the middle and the half of their range. Choices have none.
        """
        space, squashed = self.action_space, self.action_bound == "tanh"
        if not isinstance(space, gym.spaces.Box):
            return squashed, np.empty((0, 5))
        low, high = (x.ravel().astype(np.float64) for x in (space.low, space.high))
        bounded = np.isfinite(low) & np.isfinite(high)
        middle, half = np.zeros_like(low), np.ones_like(low)
        middle[bounded] = (low[bounded] + high[bounded]) / 2
        half[bounded] = (high[bounded] - low[bounded]) / 2
        return squashed, np.stack([bounded, low, high, middle, half], axis=1)

    def work_size(self, count: int) -> int:
        """Return the size of the memory that kernels work in, to act in ``count`` environments of a seed."""
        return count * (self.policy.row + self.distribution.width + 1)

    def to_environment(self, sample: Tensor) -> NDArray[np.generic]:
        """Return policy samples in the environment's units.

        A bounded `Box` is addressed from -1 to 1, clipped or squashed by tanh; an unbounded one directly.
        """
        if not isinstance(self.action_space, gym.spaces.Box):
            discrete: NDArray[np.generic] = sample.numpy()
            return discrete
        rows = sample.reshape(-1, sample.shape[-1]).contiguous().numpy()
        actions = np.empty(rows.shape)
        to_environment_rows(*self.bounds, rows, actions)
        return self.in_environment(actions.reshape(sample.shape))

    def in_environment(self, action: NDArray[np.float64]) -> NDArray[np.generic]:
        """Return what `to_environment` wrote ``(..., A)`` in the shape and type of the environment's actions."""
        space = self.action_space
        if not isinstance(space, gym.spaces.Box):
            discrete: NDArray[np.generic] = self.distribution.actions(torch.from_numpy(action)).numpy()
            return discrete
        environment: NDArray[np.generic] = action.reshape(*action.shape[:-1], *space.shape).astype(space.dtype)
        return environment


@kernel
def to_environment(squashed, bounds, sample, action):
    """Write a sample of the policy in the environment's units, in float64; see `Model.bounds`."""
    for n in range(len(sample)):
        x = float(sample[n])
        if not len(bounds):
            action[n] = x
        elif bounds[n, 0]:
            unit = math.tanh(x) if squashed else min(max(x, -1.0), 1.0)
            action[n] = bounds[n, 3] + bounds[n, 4] * unit
        else:
            action[n] = min(max(x, bounds[n, 1]), bounds[n, 2])


@kernel("boolean, float64[:, ::1], real[:, ::1], float64[:, ::1]", part="stepping")
def to_environment_rows(squashed, bounds, samples, actions):
    """`to_environment` for every row."""
    for row in range(len(samples)):
        to_environment(squashed, bounds, samples[row], actions[row])


@kernel
def act(
    parameters, widths, relu, shift, scale, kind, sizes, observation, noise, running, outputs, work, sample, log_prob
):
    """Choose an action in each of a seed's environments that is running; return whether all numbers were finite.

    What is not finite becomes 0. The other rows of ``sample`` ``(N, A)`` and ``log_prob`` ``(N,)`` stay as they are.

    Args:
        parameters: ``(P,)`` of the policy; ``widths`` and ``relu`` as in `networks.forward`.
        widths: of the network.
        relu: its activation.
        shift: ``(O,)`` and ``scale`` of the observation normaliser; empty without.
        scale: see ``shift``.
        kind: of the distribution, and its ``sizes``; see `densities`.
        sizes: see ``kind``.
        observation: ``(N, O)``
        noise: ``(N, K)``
        running: ``(N,)``
        outputs: ``(N, D)`` for those of the policy; those that run come first.
        work: of the policy's precision, `Network.row` numbers for every environment; those of its hidden layers come
            first.
        sample: ``(N, A)`` of the policy's precision.
        log_prob: ``(N,)``; empty where nobody asks.
    """
    count = running.sum()
    inputs = matrix(work, count * hidden_units(widths), count, observation.shape[1])
    row = 0
    for n in range(len(running)):
        if running[n]:
            for o in range(observation.shape[1]):
                inputs[row, o] = observation[n, o]
            if len(shift):
                standardise(shift, scale, inputs[row])
            row += 1
    forward(parameters, widths, relu, inputs, work, outputs[:count])
    row, finite = 0, True
    for n in range(len(running)):
        if running[n]:
            choose(kind, sizes, outputs[row], noise[n], sample[n])
            if len(log_prob):
                log_prob[n] = density(kind, sizes, outputs[row], sample[n])
            for a in range(sample.shape[1]):
                if not np.isfinite(sample[n, a]):
                    finite, sample[n, a] = False, 0
            row += 1
    return finite


@kernel
def spread(layers, widths, count, t, steps, hidden):
    """Put the hidden layers of ``count`` environments at time ``t`` where they belong among those of all steps."""
    source, start = 0, 0
    for width in widths[1:-2]:
        for n in range(count):
            place = start + (n * steps + t) * width
            copy(layers[source : source + width], hidden[place : place + width])
            source += width
        start += count * steps * width


@kernel(
    "int64, real[:, ::1], int64[::1], boolean, real[:, ::1], real[:, ::1], int64, int64[::1], boolean, "
    "float64[:, ::1], float32[:, :, :, ::1], real[:, :, :, ::1], boolean[:, ::1], float32[:, ::1], real[::1], "
    "real[:, :, :, ::1], real[:, :, ::1], boolean[:, ::1], real[:, :, ::1], real[:, ::1], float64[:, :, ::1]",
    part="stepping",
)
def act_each(
    t, parameters, widths, relu, shift, scale, kind, sizes, squashed, bounds, observation, noise, running, now, work,
    sample, log_prob, acted, outputs, hidden, action,
):  # fmt: skip
    """`act` at time ``t`` for every seed that has an environment running.

    The arguments: the time step; those of `act` that are an actor's, and those of `to_environment`; observations
    ``(S, N, T', O)``, noise ``(S, T, N, K)``, which run ``(S, N)``, and memory to work in; the record that
    `NetworkActor.acting` takes; and ``(S, N, A)`` actions in the environment's units, which stay where nothing runs.
    """
    count, width = running.shape[1], sample.shape[3]
    density, chosen = work[: count if log_prob.size else 0], matrix(work, count, count, width)
    made = matrix(work, count + chosen.size, count, widths[-2] + widths[-1])
    work = work[count + chosen.size + made.size :]
    for s in range(len(parameters)):
        if not running[s].any():
            continue
        for n in range(count):
            copy(observation[s, n, t], now[n])
        acted[s, t] = act(
            parameters[s],
            widths,
            relu,
            shift[s],
            scale[s],
            kind,
            sizes,
            now,
            noise[s, t],
            running[s],
            made,
            work,
            chosen,
            density,
        )
        if outputs.shape[1]:
            for n in range(count):
                copy(made[n], outputs[s, n * sample.shape[2] + t])
            spread(work, widths, count, t, sample.shape[2], hidden[s])
        for n in range(count):
            if running[s, n]:
                copy(chosen[n], sample[s, n, t])
                if log_prob.size:
                    log_prob[s, n, t] = density[n]
                to_environment(squashed, bounds, chosen[n], action[s, n])


class Behaviour(NamedTuple):
    """All that acting depends on: what is evaluated and replayed."""

    model: Model
    parameters: Tensor
    """``(S, P)`` of the policy alone."""
    observation: Moments | None
    """Statistics of the observation normaliser; None where observations are used as they are."""


class NetworkActor:
    """A frozen policy network."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        model, parameters, moments = behaviour
        self.model = model
        self.dtype = parameters.dtype
        self.noise, self.noise_size = model.distribution.noise, model.distribution.noise_size
        model.policy.check(parameters)
        weights = parameters.numpy()
        shift = scale = np.empty((len(weights), 0), weights.dtype)
        if moments is not None:
            shift, scale = (x.squeeze(1).numpy() for x in Standardiser.of(moments, self.dtype))
        self.code = weights, *model.policy.code, shift, scale, *model.distribution.code
        """What kernels know it by."""

    def __call__(self, observation: Tensor, noise: Tensor) -> Action:
        """Choose actions for observations ``(S, N, O)`` with noise ``(S, N, K)``; zero noise gives the mode."""
        seen, noises = (x.contiguous().numpy() for x in (observation.float()[:, :, None], noise[:, None]))
        (seeds, count), real = observation.shape[:2], self.code[0].dtype
        sample = np.zeros((seeds, count, 1, self.model.distribution.width), real)
        log_prob, finite = np.zeros((seeds, count, 1), real), np.ones((seeds, 1), np.bool_)
        nothing = np.empty((seeds, 0, 0), real), np.empty((seeds, 0), real)
        running = np.ones((seeds, count), np.bool_)
        action = self.acting(seen, noises, running, sample, log_prob, finite, *nothing)(0)
        chosen = self.model.distribution.actions(torch.from_numpy(sample[:, :, 0]))
        return Action(chosen, action, finite[:, 0], torch.from_numpy(log_prob[:, :, 0]))

    def acting(
        self, observation: NDArray[np.float32], noise: NDArray[Any], running: NDArray[np.bool_], *record: NDArray[Any]
    ) -> Callable[[int], NDArray[np.generic]]:
        """Return what chooses the actions of a time step, and writes them to a record.

        It returns them in the environment's units ``(S, N, ...)``, with what is left of others where nothing runs.

        Args:
            observation: ``(S, N, T', O)``, read as it is at the time step.
            noise: ``(S, T, N, K)``
            running: ``(S, N)``, read likewise.
            record: ``(S, N, T, A)`` samples, ``(S, N, T)`` or no log-probabilities, ``(S, T)`` whether a seed's numbers
                are finite, and ``(S, N T, D)`` outputs and ``(S, N T ΣH)`` hidden layers, or none of them.
        """
        seeds, count, _, size = observation.shape
        real = self.code[0].dtype
        rows, work = np.empty((count, size), np.float32), np.empty(self.model.work_size(count), real)
        action = np.zeros((seeds, count, self.model.distribution.width))
        arguments = (*self.code, *self.model.bounds, observation, noise, running, rows, work, *record, action)
        choose_each = act_each.prepared(real)

        def at(t: int) -> NDArray[np.generic]:
            choose_each(t, *arguments)
            return self.model.in_environment(action)

        return at
