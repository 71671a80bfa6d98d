"""Exact quantities against numbers by hand, finite differences, autograd through the solve, and all trajectories."""

import itertools

import numpy as np
import pytest
import torch

from pgsuite.envs.exact import solving as exact
from pgsuite.envs.exact.models import chain, corridor, exact_model, two_state
from pgsuite.envs.exact.tabular import TabularMDP, from_outcomes

GAMMA = 0.8


def policy_of(mdp: TabularMDP, seed: int = 0) -> np.ndarray:
    return softmax(np.random.default_rng(seed).standard_normal((mdp.states, mdp.actions)))


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits)
    return e / e.sum(-1, keepdims=True)


def small(time_limit=None) -> TabularMDP:
    """Two states; action 1 of state 1 may end the episode; rewards differ everywhere."""
    table = {
        0: {0: [(0.6, 0, 1.0, False), (0.4, 1, -1.0, False)], 1: [(1.0, 1, 0.5, False)]},
        1: {0: [(1.0, 0, 2.0, False)], 1: [(0.5, 1, 3.0, True), (0.5, 0, 0.0, False)]},
    }
    return from_outcomes(table, np.array([0.25, 0.75]), time_limit)


def test_values_by_hand():
    """One state that pays 1 and ends with probability 1/2: V = 1 / (1 - γ/2)."""
    mdp = from_outcomes({0: {0: [(0.5, 0, 1.0, False), (0.5, 0, 1.0, True)]}}, np.ones(1), None)
    one = np.ones((1, 1))
    assert exact.values(mdp, one, GAMMA).value[0] == pytest.approx(1 / (1 - GAMMA / 2))
    assert exact.visitation(mdp, one)[0] == pytest.approx(2.0)
    assert exact.visitation(mdp, one, GAMMA)[0] == pytest.approx(1 / (1 - GAMMA / 2))
    assert exact.objective(mdp, one, GAMMA, truncated=True) == pytest.approx(1 / (1 - GAMMA / 2))


def test_finite_horizon_by_hand():
    """A state that pays 1 for ever, cut after 3 steps: 1 + γ + γ², and 3 visits."""
    mdp = from_outcomes({0: {0: [(1.0, 0, 1.0, False)]}}, np.ones(1), 3)
    one = np.ones((1, 1))
    assert exact.objective(mdp, one, GAMMA, truncated=True) == pytest.approx(1 + GAMMA + GAMMA**2)
    assert exact.objective(mdp, one, GAMMA, truncated=False) == pytest.approx(1 / (1 - GAMMA))
    assert exact.visitation(mdp, one)[0] == pytest.approx(3.0)


@pytest.mark.parametrize("time_limit", [None, 5])
def test_several_policies_at_once_are_each_alone(time_limit):
    random = np.random.default_rng(0)
    width = random.dirichlet(np.ones(2), (3, 2))
    table = {
        n: {a: [(width[n, a, k], (n + a + k) % 3, n - a * k, k == n == 1) for k in (0, 1)] for a in (0, 1)}
        for n in range(3)
    }
    mdp = from_outcomes(table, np.array([0.5, 0.2, 0.3]), time_limit)
    policies = random.dirichlet(np.ones(2), (4, 5, 3)).transpose(2, 3, 0, 1)
    together = exact.objective(mdp, policies, GAMMA, truncated=True)
    alone = [
        [float(exact.objective(mdp, policies[:, :, i, j], GAMMA, truncated=True)) for j in range(5)] for i in range(4)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert np.ptp(together) > 0.1
    for found, one in zip(
        exact.values(mdp, policies, GAMMA), exact.values(mdp, policies[..., 3, 2], GAMMA), strict=True
    ):
        np.testing.assert_allclose(found[..., 3, 2], one, rtol=1e-12)


def test_endless_episodes_have_no_undiscounted_visits():
    mdp = from_outcomes({0: {0: [(1.0, 0, 1.0, False)]}}, np.ones(1), None)
    with pytest.raises(ValueError, match="may never end"):
        exact.visitation(mdp, np.ones((1, 1)))


def test_outcomes_that_lead_to_one_state_add_up_and_the_last_of_an_episode_counts_nothing():
    """From state 0: a quarter to 0, an eighth and an eighth to 1, half to 1 as the end; from state 1 to 0."""
    mdp = TabularMDP(
        start=np.array([1.0, 0.0]),
        probability=np.array([[[0.25, 0.125, 0.125, 0.5]], [[1.0, 0.0, 0.0, 0.0]]]),
        following=np.array([[[0, 1, 1, 1]], [[0, 0, 0, 0]]]),
        reward=np.zeros((2, 1, 4)),
        terminal=np.array([[[False, False, False, True]], [[False] * 4]]),
    )
    np.testing.assert_array_equal(mdp.ahead(np.array([8.0, 16.0])), [[0.25 * 8 + 0.25 * 16], [8.0]])
    np.testing.assert_array_equal(mdp.ahead(np.array([[8.0, 0], [16.0, 4]])), [[[6.0, 1.0]], [[8.0, 0.0]]])
    np.testing.assert_array_equal(exact.kernel(mdp, np.ones((2, 1))), [[0.25, 0.25], [1.0, 0.0]])


@pytest.mark.parametrize("mdp", [chain(), corridor(), two_state(), small(), small(3)])
def test_gradient_of_the_objective_against_finite_differences(mdp):
    """Rounds with discounted weighting follow the gradient of J in the logits."""
    logits = np.random.default_rng(3).standard_normal((mdp.states, mdp.actions))
    weight = exact.rounds(mdp, softmax(logits), GAMMA, discounted_weighting=True).weight
    gradient = weight - softmax(logits) * weight.sum(1, keepdims=True)
    for place in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[place] = 1e-5
        ends = [exact.objective(mdp, softmax(logits + s), GAMMA, truncated=True) for s in (step, -step)]
        assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


@pytest.mark.parametrize("mdp", [chain(), small(), exact_model("FrozenLake-v1")])
def test_gradient_of_the_objective_against_autograd_through_the_solve(mdp):
    mdp = TabularMDP(**{**{f: getattr(mdp, f) for f in mdp.__dataclass_fields__}, "time_limit": None})
    logits = torch.tensor(np.random.default_rng(4).standard_normal((mdp.states, mdp.actions)), requires_grad=True)
    policy = torch.softmax(logits, 1)
    goes_on = np.eye(mdp.states)[mdp.following] * (mdp.probability * ~mdp.terminal)[..., None]
    moves = torch.einsum("sa,sakt->st", policy, torch.from_numpy(goes_on))
    reward = (policy * torch.from_numpy(mdp.expected_reward)).sum(1)
    value = torch.linalg.solve(torch.eye(mdp.states, dtype=torch.float64) - GAMMA * moves, reward)
    (expected,) = torch.autograd.grad(torch.from_numpy(mdp.start) @ value, logits)
    table = policy.detach().numpy()
    np.testing.assert_allclose(exact.values(mdp, table, GAMMA).value, value.detach().numpy(), rtol=1e-10)
    weight = exact.rounds(mdp, table, GAMMA, discounted_weighting=True).weight
    np.testing.assert_allclose(weight - table * weight.sum(1, keepdims=True), expected.numpy(), atol=1e-10)


def trajectories(mdp: TabularMDP, policy: np.ndarray, length: int):
    """Every course of a window: its probability, and per step (state, action, reward, following, terminated, done)."""

    def go(t, state, elapsed, chance, steps):
        if t == length:
            yield chance, steps
            return
        if state is None:
            for first in np.flatnonzero(mdp.start):
                yield from go(t + 1, first, 0, chance * mdp.start[first], [*steps, None])
            return
        for action, k in itertools.product(range(mdp.actions), range(mdp.probability.shape[2])):
            p = policy[state, action] * mdp.probability[state, action, k]
            if p == 0:
                continue
            to, ends = int(mdp.following[state, action, k]), bool(mdp.terminal[state, action, k])
            done = ends or (mdp.time_limit is not None and elapsed + 1 >= mdp.time_limit)
            step = (state, action, mdp.reward[state, action, k], to, ends, done)
            yield from go(t + 1, None if done else to, elapsed + 1, chance * p, [*steps, step])

    for first in np.flatnonzero(mdp.start):
        yield from go(0, int(first), 0, mdp.start[first], [])


@pytest.mark.parametrize("time_limit", [None, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("trace", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("discounted", [True, False])
def test_windows_against_all_trajectories(time_limit, trace, discounted):
    """Resets, truncation, termination, the window's edge and a wrong critic: the mean over every possible window."""
    mdp, length, value = small(time_limit), 4, np.array([0.7, -1.3])
    policy = policy_of(mdp, 1)
    weight, visits, error, total = np.zeros((2, 2)), np.zeros(2), np.zeros(2), 0.0
    for chance, steps in trajectories(mdp, policy, length):
        total += chance
        later = 0.0
        elapsed = [0]
        for step in steps:
            elapsed.append(0 if step is None else elapsed[-1] + 1)
        for t, step in reversed(list(zip(elapsed[:-1], steps, strict=True))):
            if step is None:
                later = 0.0
                continue
            state, action, reward, to, ends, done = step
            delta = reward + GAMMA * (0.0 if ends else value[to]) - value[state]
            later = delta + GAMMA * trace * (0.0 if done else later)
            weight[state, action] += chance * later * (GAMMA**t if discounted else 1.0)
            visits[state] += chance
            error[state] += chance * later
    assert total == pytest.approx(1.0)
    found = exact.window(mdp, policy, value, GAMMA, trace, length, discounted_weighting=discounted)
    np.testing.assert_allclose(found.weight, weight / length, atol=1e-12)
    np.testing.assert_allclose(found.visits, visits / length, atol=1e-12)
    np.testing.assert_allclose(found.error, error / length, atol=1e-12)


@pytest.mark.parametrize("discounted", [True, False])
def test_rounds_against_all_trajectories(discounted):
    mdp = small(4)
    policy = policy_of(mdp, 2)
    weight, visits = np.zeros((2, 2)), np.zeros(2)
    for chance, steps in trajectories(mdp, policy, 4):
        episode = steps[: steps.index(None)] if None in steps else steps
        for t, (state, action, *_) in enumerate(episode):
            back = sum(GAMMA**k * step[2] for k, step in enumerate(episode[t:]))
            weight[state, action] += chance * back * (GAMMA**t if discounted else 1.0)
            visits[state] += chance
    found = exact.rounds(mdp, policy, GAMMA, discounted_weighting=discounted)
    slope = [x - policy * x.sum(1, keepdims=True) for x in (found.weight, weight)]
    np.testing.assert_allclose(*slope, atol=1e-12)
    np.testing.assert_allclose(found.visits, visits, atol=1e-12)


def test_with_the_exact_critic_the_trace_does_not_matter_and_the_critic_has_no_error():
    mdp = corridor()
    policy = policy_of(mdp)
    value = exact.values(mdp, policy, GAMMA).value
    low, high = (exact.window(mdp, policy, value, GAMMA, trace, 16) for trace in (0.0, 1.0))
    np.testing.assert_allclose(low.weight, high.weight, atol=1e-12)
    np.testing.assert_allclose(low.error, 0.0, atol=1e-12)


def test_optimal_values_are_those_of_the_greedy_policy():
    mdp = chain()
    best = exact.optimal_values(mdp, GAMMA)
    greedy = np.eye(mdp.actions)[best.action_value.argmax(1)]
    np.testing.assert_allclose(exact.values(mdp, greedy, GAMMA).value, best.value, atol=1e-8)
    assert (best.value >= exact.values(mdp, policy_of(mdp), GAMMA).value).all()
