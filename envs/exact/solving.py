"""Exact quantities of a finite MDP under a fixed policy: values, visits, objective, expected policy gradients.

What a gradient estimator does in expectation is a table: how much log π(a|s) is pushed in total, for every state and
action. `rounds` and `window` compute it for the two ways of collecting experience, by dynamic programming over exactly
the steps that are sampled; parameters and their Jacobians come later.

Legend for shapes: n states, A actions, H time limit, T steps of a window. Policies are ``(n, A)`` probabilities; where
``...`` stands behind, any number of them are solved at once.
"""

from typing import NamedTuple

import numpy as np

from .tabular import Floats, TabularMDP


class Expectation(NamedTuple):
    """What an estimator adds up on average, per episode of a round or per step of a window."""

    weight: Floats
    """``(n, A)`` sum of the weights of ∇log π(a|s): visits × π × advantage."""
    visits: Floats
    """``(n,)`` number of valid steps taken from each state."""
    error: Floats
    """``(n,)`` sum over visits of the critic's target minus its value; 0 for rounds."""


class Values(NamedTuple):
    """Of the discounted task without end: a time limit is not part of it."""

    value: Floats
    """``(n, ...)``."""
    action_value: Floats
    """``(n, A, ...)``."""

    @property
    def advantage(self) -> Floats:
        """How much better an action is than the policy, ``(n, A)``."""
        return self.action_value - self.value[:, None]


def kernel(mdp: TabularMDP, policy: Floats) -> Floats:
    """Return the probability that a step leads on from one state to another, the episode not terminated.

    ``(n, n, ...)`` for policies ``(n, A, ...)``.
    """
    mixed = np.zeros((mdp.states, mdp.states, *policy.shape[2:]))
    state = np.arange(mdp.states)[:, None, None]
    continuing = mdp.continuing.reshape(mdp.continuing.shape + (1,) * (policy.ndim - 2))
    np.add.at(mixed, (state, mdp.following), policy[:, :, None] * continuing)
    return mixed


def backup(mdp: TabularMDP, discount: float, value: Floats) -> Floats:
    """Return ``r + γ E[V(s')]`` ``(n, A, ...)`` for values ``(n, ...)`` of what follows."""
    reward = mdp.expected_reward.reshape(mdp.expected_reward.shape + (1,) * (value.ndim - 1))
    backed: Floats = reward + discount * mdp.ahead(value)
    return backed


def values(mdp: TabularMDP, policy: Floats, discount: float) -> Values:
    """Solve the Bellman equation ``V = r_π + γ P_π V`` for policies ``(n, A, ...)``.

    Source: Sutton & Barto (2018), eq. 4.4.
    """
    reward = np.einsum("na...,na->...n", policy, mdp.expected_reward)
    chain = np.moveaxis(kernel(mdp, policy), (0, 1), (-2, -1))
    value = np.linalg.solve(np.eye(mdp.states) - discount * chain, reward[..., None])[..., 0]
    value = np.ascontiguousarray(np.moveaxis(value, -1, 0))
    return Values(value, backup(mdp, discount, value))


def optimal_values(mdp: TabularMDP, discount: float, iterations: int = 2000) -> Values:
    """Return the values of the best policy by value iteration. Source: Sutton & Barto (2018), eq. 4.10."""
    value = np.zeros(mdp.states)
    for _ in range(iterations):
        better = backup(mdp, discount, value).max(1)
        if np.abs(better - value).max() < 1e-10:
            break
        value = better
    return Values(value, backup(mdp, discount, value))


def horizon_values(mdp: TabularMDP, policy: Floats, discount: float, horizon: int) -> list[Values]:
    """Return the values with H, H - 1 … 1 steps left, by backward induction: entry t is for elapsed time t.

    Of policies ``(n, A, ...)``.
    """
    found: list[Values] = []
    value = np.zeros((mdp.states, *policy.shape[2:]))
    for _ in range(horizon):
        action_value = backup(mdp, discount, value)
        value = np.asarray((policy * action_value).sum(1))
        found.append(Values(value, action_value))
    return found[::-1]


def visitation(mdp: TabularMDP, policy: Floats, discount: float = 1.0) -> Floats:
    """Return expected visits ``(n,)`` in an episode, those at time t counting γ^t; every step of it counts.

    Raises:
        ValueError: undiscounted, if an episode may never end.
    """
    chain = kernel(mdp, policy)
    if mdp.time_limit is not None:
        return np.asarray(sum(discount**t * mass for t, mass in enumerate(_masses(mdp, policy, mdp.time_limit))))
    if discount == 1.0 and np.abs(np.linalg.eigvals(chain)).max() > 1 - 1e-9:
        raise ValueError("episodes may never end: undiscounted visits are infinite without a time limit")
    return np.asarray(np.linalg.solve(np.eye(mdp.states) - discount * chain.T, mdp.start), np.float64)


def _masses(mdp: TabularMDP, policy: Floats, horizon: int) -> list[Floats]:
    """Distribution ``(n,)`` of the state at times 0 to H - 1 of an episode that has not terminated before."""
    chain, masses = kernel(mdp, policy), [mdp.start]
    for _ in range(horizon - 1):
        masses.append(masses[-1] @ chain)
    return masses


def objective(mdp: TabularMDP, policy: Floats, discount: float, *, truncated: bool) -> Floats:
    """Return ``J = E[Σ γ^t r_t]`` from the start, ``(...)`` of policies ``(n, A, ...)``.

    ``truncated`` ends it at the time limit, if there is one.
    """
    if truncated and mdp.time_limit is not None:
        found = horizon_values(mdp, policy, discount, mdp.time_limit)[0]
    else:
        found = values(mdp, policy, discount)
    return np.asarray(np.tensordot(mdp.start, found.value, 1))


def rounds(mdp: TabularMDP, policy: Floats, discount: float, *, discounted_weighting: bool) -> Expectation:
    """Return what complete episodes add up to with weights ``γ^t G_t`` (or ``G_t``), per episode.

    With discounted weighting this is the gradient of `objective`, truncated. A baseline adds nothing to it.

    Source: Sutton & Barto (2018), section 13.3.
    """
    factor = discount if discounted_weighting else 1.0
    if mdp.time_limit is None:
        advantage = values(mdp, policy, discount).advantage
        weighted = visitation(mdp, policy, factor)[:, None] * advantage
    else:
        steps = zip(
            _masses(mdp, policy, mdp.time_limit), horizon_values(mdp, policy, discount, mdp.time_limit), strict=True
        )
        weighted = np.asarray(sum(factor**t * mass[:, None] * at.advantage for t, (mass, at) in enumerate(steps)))
    return Expectation(policy * weighted, visitation(mdp, policy), np.zeros(mdp.states))


def window(
    mdp: TabularMDP,
    policy: Floats,
    value: Floats,
    discount: float,
    trace: float,
    length: int,
    *,
    discounted_weighting: bool = False,
) -> Expectation:
    """Return what a window of T steps from reset adds up to with GAE(λ) weights, per step of the window.

    An ended episode is followed by a reset step, which is no experience but takes its place in the window; truncation
    and the window's end bootstrap from the critic.

    Args:
        mdp: whose time limit truncates.
        policy: ``(n, A)``.
        value: ``(n,)`` the critic's values, right or wrong.
        discount: γ.
        trace: λ.
        length: T.
        discounted_weighting: whether a state with t steps elapsed in its episode counts γ^t in ``weight``.

    Source: Schulman et al. (2016), eq. 16, in expectation by backward induction over the window.
    """
    timed = discounted_weighting or _truncates(mdp, length)
    masses = restart_chain(mdp, policy, length, timed=timed)
    limit = masses[0].shape[1]
    counts = discount ** np.arange(limit) if discounted_weighting else np.ones(limit)
    delta = backup(mdp, discount, value) - value[:, None]
    weight, error = np.zeros_like(policy), np.zeros(mdp.states)
    following = np.zeros((mdp.states, limit))
    for mass in reversed(masses):
        if timed:  # the advantage that follows is that of the next elapsed time, none at the limit
            following = np.concatenate([following[:, 1:], np.zeros((mdp.states, 1))], 1)
        advantage = delta[:, :, None] + discount * trace * mdp.ahead(following)
        following = np.einsum("sa,sah->sh", policy, advantage)
        weight += policy * np.einsum("sh,sah->sa", mass * counts, advantage)
        error += (mass * following).sum(1)
    return Expectation(weight / length, np.sum([mass.sum(1) for mass in masses], 0) / length, error / length)


def _truncates(mdp: TabularMDP, length: int) -> bool:
    return mdp.time_limit is not None and mdp.time_limit <= length


def restart_chain(mdp: TabularMDP, policy: Floats, length: int, *, timed: bool = False) -> list[Floats]:
    """Return, for every step of a window from reset, the probability ``(n, H)`` of a valid step by state and time.

    Where the time limit lies beyond the window, time does not matter: the last axis then has length 1, unless
    ``timed`` asks for it. What is missing to 1 is the probability of a reset step.
    """
    chain = kernel(mdp, policy)
    timed = timed or _truncates(mdp, length)
    limit = min(mdp.time_limit or length, length) if timed else 1
    mass = np.zeros((mdp.states, limit))
    mass[:, 0] = mdp.start
    masses = [mass]
    while len(masses) < length:
        moved = chain.T @ mass
        following = np.zeros_like(mass)
        if timed:
            following[:, 1:] = moved[:, :-1]
        else:
            following = moved
        following[:, 0] += mdp.start * (1 - mass.sum())
        mass = following
        masses.append(mass)
    return masses
