"""TRPO against the whole step written plainly: a Hessian, a solver and a loop that backtracks."""

import pytest
import torch

from pgsuite.algorithms import TRPO, Rollout, State, Steps, Target
from pgsuite.algorithms.critic import fit_critic

from . import oracles
from .rollouts import SPACES, window

SEEDS, ENVS, STEPS, DISCOUNT = [2, 1], 3, 30, 0.9
METRICS = {
    "loss",
    "gradient_norm",
    "kl",
    "accepted",
    "step_fraction",
    "cg_residual",
    "entropy",
    "value_loss",
    "explained_variance",
}


def configured(**options) -> TRPO:
    defaults = {"num_envs": ENVS, "num_steps": STEPS, "discount": DISCOUNT, "hidden": (4,), "dtype": "float64"}
    return TRPO(**defaults | options)


class Plain:
    """One seed's problem: maximise the surrogate while the mean KL is small, over its valid steps."""

    def __init__(self, algorithm: TRPO, state: State, rollout: Rollout, seed: int) -> None:
        model, valid = state.model, rollout.valid[seed]
        policy, critic = state.policy.double(), state.critic.double()
        value = oracles.values(model, critic[seed], rollout, seed)
        advantage = oracles.advantages(rollout, seed, value, DISCOUNT, algorithm.trace)
        self.all_weights = oracles.standardised(advantage, valid) if algorithm.normalise_advantages else advantage
        self.algorithm, self.model, self.policy = algorithm, model, policy[seed]
        self.weight = self.all_weights[valid]
        self.observation = rollout.observation[seed, :, :-1][valid].double()
        self.action = rollout.action[seed][valid]

    def log_prob(self, policy: torch.Tensor) -> torch.Tensor:
        outputs = oracles.outputs(self.model.policy, policy, self.observation)
        return oracles.log_prob(self.model.distribution, outputs, self.action)

    def surrogate(self, policy: torch.Tensor) -> torch.Tensor:
        ratio = (self.log_prob(policy) - self.log_prob(self.policy)).exp()
        return (ratio * self.weight).mean()

    def kl(self, policy: torch.Tensor) -> torch.Tensor:
        old, new = (oracles.outputs(self.model.policy, p, self.observation) for p in (self.policy, policy))
        return oracles.kl(self.model.distribution, old, new).mean()

    def step(self) -> tuple[torch.Tensor, float]:
        """The new policy and the fraction of the full step."""
        algorithm = self.algorithm
        fisher = torch.autograd.functional.hessian(self.kl, self.policy)
        fisher = fisher + algorithm.damping * torch.eye(len(fisher), dtype=torch.float64)
        direction = torch.linalg.solve(fisher, oracles.gradient(self.surrogate, self.policy))
        full = (2 * algorithm.max_kl / (direction @ fisher @ direction)).sqrt() * direction
        for attempt in range(algorithm.line_search_attempts):
            fraction = algorithm.line_search_shrink**attempt
            candidate = self.policy + fraction * full
            if self.surrogate(candidate) > self.weight.mean() and self.kl(candidate) <= algorithm.max_kl:
                return candidate, fraction
        return self.policy, 0.0


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("normalise", [True, False])
def test_gradient_is_the_plain_ones(name: str, normalise: bool) -> None:
    algorithm = configured(normalise_advantages=normalise)
    state, rollout = algorithm.init(SPACES[name], SEEDS), window(SPACES[name], SEEDS, ENVS, STEPS)
    gradient, _ = algorithm.gradient(state, rollout)
    assert gradient.critic.shape == state.critic.shape
    assert not gradient.critic.any()
    for s in range(len(SEEDS)):
        plain = Plain(algorithm, state, rollout, s)
        expected = oracles.gradient(
            lambda p, s=s, w=plain.all_weights: oracles.likelihood_loss(state.model, p, rollout, s, w), plain.policy
        )
        torch.testing.assert_close(gradient.policy[s], expected / (ENVS * STEPS))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    "options",
    [{}, {"max_kl": 0.5, "damping": 1e-3, "line_search_shrink": 0.6}, {"normalise_advantages": False}],
    ids=str,
)
def test_the_step_is_the_plain_one(name: str, options: dict) -> None:
    """Conjugate gradient is left to converge here; large steps make the search backtrack."""
    algorithm = configured(cg_iterations=500, cg_tolerance=1e-12, **options)
    state = algorithm.init(SPACES[name], SEEDS)
    for occasion in range(2):
        rollout = window(SPACES[name], SEEDS, ENVS, STEPS, occasion)
        learned, metrics = algorithm.update(state, rollout)
        policy = learned.policy
        for s in range(len(SEEDS)):
            plain = Plain(algorithm, state, rollout, s)
            expected, fraction = plain.step()
            torch.testing.assert_close(policy[s], expected, rtol=1e-5, atol=1e-7)
            torch.testing.assert_close(metrics["step_fraction"][s].item(), fraction)
            torch.testing.assert_close(metrics["kl"][s], plain.kl(policy[s]), rtol=1e-5, atol=1e-9)
            assert metrics["cg_residual"][s] <= 1e-12
        state = learned


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_accepted_step_is_within_the_bound_and_better(name: str, dtype: str) -> None:
    """Of twenty seeds with a single attempt each, some are accepted, and the others keep their policy bit for bit."""
    algorithm = configured(dtype=dtype, max_kl=0.05, damping=1e-3, line_search_attempts=1, cg_iterations=10)
    seeds = list(range(20))
    state, rollout = algorithm.init(SPACES[name], seeds), window(SPACES[name], seeds, ENVS, STEPS)
    learned, metrics = algorithm.update(state, rollout)
    old, new = state.policy, learned.policy
    accepted = metrics["accepted"].bool()
    assert 0 < accepted.sum() < 20
    assert torch.equal(new[~accepted], old[~accepted])
    assert not metrics["kl"][~accepted].any()
    assert not metrics["step_fraction"][~accepted].any()
    for s in accepted.nonzero().squeeze(1).tolist():
        plain = Plain(algorithm, state, rollout, s)
        assert plain.kl(new[s].double()) <= algorithm.max_kl * (1 + 1e-4)
        assert plain.surrogate(new[s].double()) > plain.weight.mean()


def test_without_advantage_the_policy_stays_and_the_critic_learns() -> None:
    algorithm = configured(trace=1.0, discount=1.0)
    state, rollout = algorithm.init(SPACES["Box"], SEEDS), window(SPACES["Box"], SEEDS, ENVS, STEPS)
    critic = torch.zeros_like(state.critic)
    critic[:, -1] = 1.0  # Worth one everywhere, and every episode is truncated: nothing comes as a surprise.
    state = state._replace(critic=critic)
    rollout = rollout._replace(reward=torch.zeros_like(rollout.reward), terminated=torch.zeros_like(rollout.terminated))
    learned, metrics = algorithm.update(state, rollout)
    assert torch.equal(learned.policy, state.policy)
    assert not torch.cat([metrics[name] for name in ("accepted", "kl", "step_fraction", "gradient_norm")]).any()


def test_the_critic_is_fitted_after_the_step_to_advantage_plus_value() -> None:
    algorithm = configured(critic_epochs=3, critic_learning_rate=0.02, critic_minibatch=40)
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), window(SPACES["Discrete"], SEEDS, ENVS, STEPS)
    samples = algorithm.samples(state, rollout)
    learned, metrics = algorithm.update(state, rollout)
    fit = fit_critic(state, samples, learning_rate=0.02, epochs=3, minibatch=40)
    assert torch.equal(learned.critic, fit.critic)
    assert torch.equal(metrics["value_loss"], fit.loss)
    for s, critic in enumerate(state.critic):
        value = oracles.values(state.model, critic, rollout, s)
        target = oracles.advantages(rollout, s, value, DISCOUNT, algorithm.trace) + value[:, :-1]
        torch.testing.assert_close(samples.value_target[s][samples.mask[s].bool()], target[rollout.valid[s]])


def test_every_metric_is_told() -> None:
    algorithm = configured()
    state, rollout = algorithm.init(SPACES["Discrete"], SEEDS), window(SPACES["Discrete"], SEEDS, ENVS, STEPS)
    _, metrics = algorithm.update(state, rollout)
    assert set(metrics) == METRICS
    for s in range(len(SEEDS)):
        plain = Plain(algorithm, state, rollout, s)
        outputs = oracles.outputs(plain.model.policy, plain.policy, plain.observation)
        torch.testing.assert_close(metrics["entropy"][s], oracles.entropy(plain.model.distribution, outputs).mean())
        policy_gradient = algorithm.gradient(state, rollout)[0].policy
        torch.testing.assert_close(metrics["gradient_norm"][s], policy_gradient[s].norm())


def test_it_asks_for_a_window_and_says_what_it_estimates() -> None:
    algorithm = configured(trace=0.5)
    assert algorithm.plan(algorithm.init(SPACES["Discrete"], SEEDS)) == Steps(ENVS, STEPS)
    assert algorithm.target == Target(state_weighting="undiscounted", bootstrap=0.5, normalised=True)
