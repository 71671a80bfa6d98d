"""The exact mean of an estimator in parameter space, and the reference estimator that has it by construction.

The networks see states one-hot, so everything they do is a table of outputs, one row per state: an expected gradient
is a slope per state and output, carried on to the parameters by the network's Jacobian.

Legend for shapes: n states, A actions, D outputs, S batches, N environments, T steps, P parameters.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from ...algorithms.interface import GroupWeights, Rollout, Target
from ...algorithms.networks import Network
from ...envs.exact.quadratic import QuadraticTask
from ...envs.exact.solving import Expectation, rounds, window
from ...envs.exact.tabular import Floats, Process, TabularMDP
from .models import softmax


class Question(NamedTuple):
    """What an estimator declares, and on what."""

    process: Process
    outputs: Floats
    """``(n, D)`` of the policy."""
    value: Floats | None
    """``(n,)`` of the critic; None without one."""
    target: Target
    discount: float
    window: int | None
    """Steps of a window; None for rounds of complete episodes."""


class Slopes(NamedTuple):
    """An expected gradient of the objective, per state."""

    policy: Floats
    """``(n, D)`` in the policy's outputs."""
    critic: Floats
    """``(n,)`` in the critic's values, of minus half its squared error: the mean of target less value."""
    visits: Floats
    """``(n,)`` valid steps."""


def exact_slopes(asked: Question) -> Slopes:
    """Return what an un-normalised estimator gives on average, per episode of a round or step of a window."""
    process, target = asked.process, asked.target
    if isinstance(process, QuadraticTask):
        policy, critic, visits = _quadratic(asked, process)
    else:
        assert isinstance(process, TabularMDP)
        expected = _table(asked, process)
        policy, critic, visits = logit_slope(expected.weight, softmax(asked.outputs)), expected.error, expected.visits
    policy = target.scale * policy
    if target.entropy_weight:
        policy = policy + target.entropy_weight * visits[:, None] * entropy_slope(process, asked.outputs)
    return Slopes(policy, critic, visits)


def _table(asked: Question, process: TabularMDP) -> Expectation:
    policy = softmax(asked.outputs)
    discounted = asked.target.state_weighting == "discounted"
    if asked.window is None:
        return rounds(process, policy, asked.discount, discounted_weighting=discounted)
    value = np.zeros(process.states) if asked.value is None else asked.value
    trace = 1.0 if asked.target.bootstrap is None else asked.target.bootstrap
    return window(process, policy, value, asked.discount, trace, asked.window, discounted_weighting=discounted)


def _quadratic(asked: Question, process: QuadraticTask) -> tuple[Floats, Floats, Floats]:
    """Episodes of one step; in a window every other step is a reset."""
    share = 1.0 if asked.window is None else (asked.window + 1) // 2 / asked.window
    visits = process.start * share
    mean, log_std = asked.outputs.T
    value = np.zeros(process.states) if asked.value is None else asked.value
    error = visits * (process.expected_reward(mean, log_std) - value)
    return visits[:, None] * process.slope(mean, log_std), error, visits


def logit_slope(weight: Floats, policy: Floats) -> Floats:
    """Return ``Σ_a w(s, a) ∂ log π(a|s) / ∂ logit(b)`` for weights ``(..., n, A)``: ``w - π Σ w``."""
    slope: Floats = weight - policy * weight.sum(-1, keepdims=True)
    return slope


def entropy_slope(process: Process, outputs: Floats) -> Floats:
    """Return the derivative ``(n, D)`` of every state's entropy in its outputs."""
    if isinstance(process, QuadraticTask):
        return np.broadcast_to([0.0, 1.0], outputs.shape)
    policy = softmax(outputs)
    log = np.log(policy)
    slope: Floats = -policy * (log - (policy * log).sum(1, keepdims=True))
    return slope


def tables(network: Network, parameters: Floats) -> Floats:
    """Return what a network gives for all one-hot states, ``(S, n, D)`` for parameters ``(S, P)``."""
    states = torch.eye(network.inputs, dtype=torch.float64).expand(len(parameters), -1, -1)
    return np.asarray(network.evaluate(torch.from_numpy(np.ascontiguousarray(parameters, np.float64)), states))


class TabularNetwork:
    """A network as the table of its outputs over all one-hot states."""

    def __init__(self, network: Network, parameters: Floats) -> None:
        self._network = network
        self._parameters = torch.from_numpy(np.asarray(parameters, np.float64)[None])
        self._states = torch.eye(network.inputs, dtype=torch.float64)[None]

    @property
    def outputs(self) -> Floats:
        """Of every state, ``(n, D)``."""
        return np.asarray(tables(self._network, self._parameters.numpy())[0])

    def pull(self, slope: Floats) -> Floats:
        """Return ``Jᵀ slope`` ``(S, P)`` of slopes ``(S, n, D)``."""
        parts: list[Floats] = []
        for weights, x in reversed(self._layers):
            weighted = slope[..., : weights.shape[1]]
            reached = weighted if x is None else x.T @ weighted
            parts += [slope.sum(1), reached.reshape(len(slope), -1)]
            if x is not None:
                slope = weighted @ weights.T * ((1 - x * x) if self._network.activation == "tanh" else (x > 0))
        return np.concatenate(parts[::-1], axis=1)

    def push(self, direction: Floats) -> Floats:
        """Return ``J v`` ``(S, n, D)`` of directions ``(S, P)``."""
        count, along = len(direction), torch.from_numpy(np.ascontiguousarray(direction, np.float64))
        parameters, states = self._parameters.repeat(count, 1), self._states.repeat(count, 1, 1)
        made = self._network.forward(parameters, states, size=self._network.inputs)
        return np.asarray(self._network.tangent(parameters, made, along))

    @cached_property
    def _layers(self) -> list[tuple[Floats, Floats | None]]:
        """Of every layer its weights ``(I, O)``, and what it sees ``(n, I)``: None for the first, which sees states."""
        left, found = self._parameters[0].numpy(), list[tuple[Floats, Floats | None]]()
        x: Floats | None = None
        for i, o, b in self._network.shapes:
            weights, bias, left = left[: i * o].reshape(i, o), left[i * o : i * o + b], left[i * o + b :]
            found.append((weights, x))
            summed = (weights if x is None else x @ weights) + bias[:o]
            x = np.tanh(summed) if self._network.activation == "tanh" else np.maximum(summed, 0.0)
        return found


def fisher_outputs(process: Process, outputs: Floats) -> Floats:
    """Return every state's Fisher matrix in its outputs ``(n, D, D)``."""
    if isinstance(process, QuadraticTask):
        matrix = np.zeros((len(outputs), 2, 2))
        matrix[:, 0, 0], matrix[:, 1, 1] = np.exp(-2 * outputs[:, 1]), 2.0
        return matrix
    policy = softmax(outputs)
    diagonal: Floats = policy[:, :, None] * np.eye(policy.shape[1]) - policy[:, :, None] * policy[:, None, :]
    return diagonal


DENSE = 400
"""Most parameters for which a Fisher matrix is written out."""


def fisher_matrix(table: TabularNetwork, process: Process, visits: Floats, parameters: int) -> Floats:
    """Return the exact Fisher matrix ``(P, P)`` of a policy, states weighted by their share of visits."""
    jacobian = table.push(np.eye(parameters)).transpose(1, 2, 0)
    metric = fisher_outputs(process, table.outputs) * (visits / visits.sum())[:, None, None]
    weighted = np.einsum("sde,sep->sdp", metric, jacobian)
    matrix: Floats = jacobian.reshape(-1, parameters).T @ weighted.reshape(-1, parameters)
    return matrix


def natural_gradient(fisher: Floats, gradient: Floats, damping: float = 0.0) -> Floats:
    """Return ``(F + damping I)⁻¹ g``, of least length where F is singular. Source: Amari (1998)."""
    if damping:
        return np.asarray(np.linalg.solve(fisher + damping * np.eye(len(fisher)), gradient))
    return np.asarray(np.linalg.pinv(fisher, rcond=1e-10, hermitian=True) @ gradient)


class Estimates(NamedTuple):
    """One gradient of the objective per batch, as slopes per state."""

    declared: Floats
    """``(S, n, D)`` by the formula that the target names."""
    plain: Floats
    """``(S, n, D)`` by plain REINFORCE on the same steps: no critic, no bootstrap."""


def reference_estimates(asked: Question, rollout: Rollout) -> Estimates:
    """Estimate as the target declares, by a second, plain implementation that shares no code with the algorithms."""
    state = rollout.observation.numpy().argmax(-1)
    plain = _weights(asked, rollout, state, None)
    weight = plain if asked.value is None else _weights(asked, rollout, state, asked.value)
    valid, size = rollout.valid.numpy(), float(rollout.valid.shape[1])
    if asked.window is not None:
        size *= rollout.valid.shape[2]
    if asked.target.group is not None:
        weight = _compared(weight[:, :, 0], valid, asked.target.group)
    elif asked.target.normalised:
        weight = _standardised(weight, valid)
    action, here = rollout.action.numpy(), state[:, :, :-1]
    return Estimates(*(_slopes(asked, here, action, w * valid, valid) / size for w in (weight, plain)))


def _weights(asked: Question, rollout: Rollout, state: np.ndarray, value: Floats | None) -> Floats:
    """Weights of ∇log π ``(S, N, T)``; with no value the bootstrap and the baseline are zero and λ is 1."""
    reward, valid = rollout.reward.numpy().astype(np.float64), rollout.valid.numpy()
    terminated, done = rollout.terminated.numpy(), rollout.done.numpy()
    table = np.zeros(asked.process.states) if value is None else value
    v, gamma = table[state], asked.discount
    trace = 1.0 if value is None or asked.target.bootstrap is None else asked.target.bootstrap
    advantage, later = np.zeros(reward.shape), np.zeros(reward.shape[:2])
    for t in reversed(range(reward.shape[2])):
        if asked.window is None:
            later = reward[:, :, t] + gamma * np.where(done[:, :, t], 0.0, later)
            advantage[:, :, t] = later - v[:, :, t]
            continue
        following = np.where(terminated[:, :, t], 0.0, v[:, :, t + 1])
        later = np.where(done[:, :, t], 0.0, later)
        later = reward[:, :, t] + gamma * following - v[:, :, t] + gamma * trace * later
        advantage[:, :, t] = later
    if asked.target.state_weighting == "discounted":
        advantage *= gamma ** rollout.time.numpy()
    return np.where(valid, advantage, 0.0)


def _compared(returns: Floats, valid: np.ndarray, group: GroupWeights) -> Floats:
    """Every step's weight: the episode's return ``(S, N)`` less the mean of its group, episode by episode."""
    together = returns.reshape(len(returns), -1, group.size)
    others = 1 - np.eye(group.size) if group.leave_one_out else np.ones((group.size, group.size))
    advantage = together - together @ others / others.sum(0)
    if group.deviation:
        advantage /= np.maximum(together.std(2, keepdims=True), 1e-9)
    weight = advantage.reshape(returns.shape) / (valid.sum(2) if group.length else 1)
    return np.broadcast_to(weight[:, :, None], valid.shape)


def _standardised(weight: Floats, valid: np.ndarray) -> Floats:
    count = valid.sum((1, 2), keepdims=True)
    centred = np.where(valid, weight - (weight * valid).sum((1, 2), keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum((1, 2), keepdims=True) / count)
    flat = deviation < 1e-12
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, deviation))


def _slopes(asked: Question, state: np.ndarray, action: np.ndarray, weight: Floats, valid: np.ndarray) -> Floats:
    """Add up ``weight · ∂ log π / ∂ outputs`` by state: ``(S, n, D)``."""
    batches, (states, width) = len(state), asked.outputs.shape
    place = np.arange(batches)[:, None, None] * states + state

    def by_state(x: Floats) -> Floats:
        added = np.bincount(place.ravel(), x.ravel(), batches * states)
        return np.asarray(added.reshape(batches, states), np.float64)

    if isinstance(asked.process, QuadraticTask):
        mean, log_std = (asked.outputs[:, d][state] for d in range(2))
        off = (action[..., 0] - mean) * np.exp(-log_std)
        slope = np.stack([by_state(weight * off * np.exp(-log_std)), by_state(weight * (off * off - 1))], 2)
    else:
        pushed = np.bincount((place * width + action).ravel(), weight.ravel(), batches * states * width)
        slope = logit_slope(pushed.astype(np.float64).reshape(batches, states, width), softmax(asked.outputs))
    if asked.target.entropy_weight:
        visited = by_state(valid.astype(np.float64))
        slope = slope + asked.target.entropy_weight * visited[:, :, None] * entropy_slope(asked.process, asked.outputs)
    return slope
