"""One update on one rollout, by Stable-Baselines3 and by ours with its equal of `docs/parity/hyperparameters.md`.

A batch is the whole window here, so that it does not matter who shuffles how.
"""

from typing import NamedTuple

import gymnasium as gym
import numpy as np
import pytest
import torch

from pgsuite.algorithms import Rollout, Spaces
from pgsuite.algorithms.adam import clip_gradient
from pgsuite.algorithms.registry import build
from pgsuite.algorithms.returns import generalised_advantage

sb3 = pytest.importorskip("stable_baselines3")
contrib = pytest.importorskip("sb3_contrib")

ENVS, STEPS, HIDDEN, ACTIONS = 4, 50, (8, 6), 2
OBSERVATION = gym.spaces.Box(-np.inf, np.inf, (3,), np.float32)
SPACES = {"Discrete": gym.spaces.Discrete(3), "Box": gym.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)}
NETWORK = {"net_arch": list(HIDDEN), "optimizer_kwargs": {"eps": 1e-8}}
each_space = pytest.mark.parametrize("space", SPACES)


class Stub(gym.Env):
    """Gives a model its spaces."""

    def __init__(self, action_space):
        self.observation_space, self.action_space = OBSERVATION, action_space

    def reset(self, *, seed=None, options=None):
        return np.zeros(3, np.float32), {}


class Pair(NamedTuple):
    """The same policy, critic and rollout on both sides."""

    theirs: object
    ours: object
    state: object
    rollout: Rollout


def transposed(x: torch.Tensor) -> torch.Tensor:
    return x.mT if x.ndim == 2 else x


def pair(space: str, theirs, ours, options, *, moved: float = 0.0) -> Pair:
    """A model of each, and a window whose last steps end episodes in some of the environments.

    Log-probabilities of those who acted differ by ``moved``, so that ratios are not all 1.
    """
    action_space = SPACES[space]
    envs = [lambda: Stub(action_space)] * ENVS
    model = theirs("MlpPolicy", sb3.common.vec_env.DummyVecEnv(envs), n_steps=STEPS, seed=0, device="cpu", **options)
    usual = {"num_envs": ENVS, "num_steps": STEPS, "hidden": HIDDEN, "hidden_gain": 2**0.5}
    algorithm = build(ours[0], usual | ours[1])
    state = algorithm.init(Spaces(OBSERVATION, action_space), [0])
    random = torch.Generator().manual_seed(1)
    state = state._replace(policy=state.policy + 0.2 * torch.randn(state.policy.shape, generator=random))
    copy_parameters(state, model.policy)
    rollout = draw(model, action_space, moved)
    return Pair(model, algorithm, state, rollout)


def their_parts(policy) -> dict[str, list[torch.nn.Parameter]]:
    """Their parameters in our order; a matrix of theirs is the transpose of ours."""
    extractor = policy.mlp_extractor
    log_std = [policy.log_std] if hasattr(policy, "log_std") else []
    return {
        "policy": [*extractor.policy_net.parameters(), *policy.action_net.parameters(), *log_std],
        "critic": [*extractor.value_net.parameters(), *policy.value_net.parameters()],
    }


def flat(parts, gradient: bool = False) -> torch.Tensor:
    values = [part.grad if gradient else part.detach() for part in parts]
    return torch.cat([transposed(value).flatten() for value in values])


def copy_parameters(state, policy) -> None:
    """Give their policy the parameters of ours."""
    for name, parts in their_parts(policy).items():
        start = 0
        for part in parts:
            values = getattr(state, name)[0, start : start + part.numel()]
            part.data = transposed(values.view(transposed(part).shape)).clone()
            start += part.numel()


def draw(model, action_space, moved: float) -> Rollout:
    """Fill their buffer, and return the same as our rollout."""
    random = np.random.default_rng(0)
    seen = random.standard_normal((ENVS, STEPS + 1, 3), dtype=np.float32)
    discrete = isinstance(action_space, gym.spaces.Discrete)
    action = (
        random.integers(3, size=(ENVS, STEPS))
        if discrete
        else random.standard_normal((ENVS, STEPS, ACTIONS), dtype=np.float32)
    )
    reward = random.normal(1.0, 2.0, (ENVS, STEPS)).astype(np.float32)
    terminated = np.zeros((ENVS, STEPS), np.bool_)
    terminated[:2, -1] = True
    buffer = model.rollout_buffer
    log_probs = []
    for t in range(STEPS):
        taken = torch.from_numpy(action[:, t])
        value, log_prob, _ = model.policy.evaluate_actions(torch.from_numpy(seen[:, t]), taken)
        log_prob = (log_prob + torch.from_numpy(random.normal(0.0, moved, ENVS))).float().detach()
        began = np.full(ENVS, t == 0)
        buffer.add(seen[:, t], action[:, t], reward[:, t], began, value.detach(), log_prob)
        log_probs.append(log_prob)
    last = model.policy.predict_values(torch.from_numpy(seen[:, -1])).detach()
    buffer.compute_returns_and_advantage(last, terminated[:, -1])
    never = torch.zeros(1, ENVS, STEPS, dtype=torch.bool)
    return Rollout(
        observation=torch.from_numpy(seen)[None],
        action=torch.from_numpy(action)[None],
        log_prob=torch.stack(log_probs, 1)[None],
        reward=torch.from_numpy(reward)[None].double(),
        terminated=torch.from_numpy(terminated)[None],
        truncated=never,
        valid=~never,
        time=torch.arange(STEPS).expand(1, ENVS, STEPS),
        progress=torch.zeros(1, dtype=torch.float64),
        complete=False,
    )


def train(model) -> None:
    """Their update, of what the buffer holds."""
    model._logger = sb3.common.logger.configure(format_strings=[])
    model.train()


@each_space
@pytest.mark.parametrize("standardised", [False, True])
def test_a2c(space, standardised):
    theirs = {"use_rms_prop": False, "vf_coef": 0.25, "ent_coef": 0.03, "gae_lambda": 0.9, "max_grad_norm": 0.3}
    ours = {"value_weight": 0.5, "entropy_weight": 0.03, "trace": 0.9, "max_gradient_norm": 0.3}
    model, algorithm, state, rollout = pair(
        space,
        sb3.A2C,
        ("actor-critic", {**ours, "normalise_advantages": standardised}),
        {**theirs, "normalize_advantage": standardised, "policy_kwargs": NETWORK},
    )
    train(model)
    gradient, _ = algorithm.gradient_of(state, algorithm.samples(state, rollout))
    compare_gradients(model, algorithm, gradient, unbiased=standardised)


@each_space
def test_ppo(space):
    theirs = {"vf_coef": 0.25, "ent_coef": 0.03, "clip_range": 0.15, "max_grad_norm": 1e9}
    ours = {"value_weight": 0.5, "entropy_weight": 0.03, "clip_range": 0.15, "max_gradient_norm": 1e9, "epochs": 1}
    model, algorithm, state, rollout = pair(
        space,
        sb3.PPO,
        ("ppo", {**ours, "minibatch": ENVS * STEPS, "normalised_over": "window"}),
        {**theirs, "n_epochs": 1, "batch_size": ENVS * STEPS, "policy_kwargs": NETWORK},
        moved=0.2,
    )
    train(model)
    gradient, _ = algorithm.gradient_of(state, algorithm.samples(state, rollout))
    compare_gradients(model, algorithm, gradient, unbiased=True)


def compare_gradients(model, algorithm, gradient, *, unbiased: bool) -> None:
    """Hold their clipped gradient to ours; their standardised advantages are by √(1 - 1/B) shorter."""
    clipped, _ = clip_gradient(gradient, algorithm.max_gradient_norm)
    parts = their_parts(model.policy)
    tolerance = 1 / (ENVS * STEPS) if unbiased else 1e-4
    for name in ("policy", "critic"):
        found, expected = getattr(clipped, name)[0], flat(parts[name], gradient=True)
        assert (found - expected).norm() < tolerance * expected.norm()


@each_space
def test_trpo(space):
    """A Gaussian's KL is the mean over action dimensions there: bound and damping are as many times as large here."""
    dimensions = ACTIONS if space == "Box" else 1
    model, algorithm, state, rollout = pair(
        space,
        contrib.TRPO,
        ("trpo", {"max_kl": 0.02 * dimensions, "damping": 0.1 * dimensions, "critic_minibatch": ENVS * STEPS}),
        {"target_kl": 0.02, "cg_damping": 0.1, "batch_size": ENVS * STEPS, "policy_kwargs": NETWORK},
    )
    train(model)
    learned, metrics = algorithm.update(state, rollout)
    assert metrics["accepted"].all()
    parts = their_parts(model.policy)
    step, their_step = learned.policy[0] - state.policy[0], flat(parts["policy"]) - state.policy[0]
    assert (step - their_step).norm() < 0.01 * their_step.norm()
    moved, their_move = learned.critic[0] - state.critic[0], flat(parts["critic"]) - state.critic[0]
    assert (moved - their_move).norm() < 0.01 * their_move.norm()


def test_advantages():
    """Their buffer's advantages are ours, after an end and after none."""
    model, algorithm, state, rollout = pair(
        "Discrete", sb3.PPO, ("ppo", {}), {"batch_size": STEPS, "policy_kwargs": NETWORK}
    )
    value = algorithm.experience(state, rollout).value
    found = generalised_advantage(rollout.reward.float(), value, rollout.terminated, rollout.truncated, 0.99, 0.95)
    np.testing.assert_allclose(found[0].numpy(), model.rollout_buffer.advantages.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_initial_weights_have_the_same_singular_values(activation):
    """Orthogonal matrices have one singular value, the gain."""
    chosen = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[activation]
    model = sb3.PPO("MlpPolicy", Stub(SPACES["Box"]), policy_kwargs={"net_arch": list(HIDDEN), "activation_fn": chosen})
    algorithm = build("ppo", {"hidden": HIDDEN, "activation": activation, "hidden_gain": 2**0.5})
    state = algorithm.init(Spaces(OBSERVATION, SPACES["Box"]), [0])
    for name, parts in their_parts(model.policy).items():
        start = 0
        for part in parts:
            own = getattr(state, name)[0, start : start + part.numel()].view(transposed(part).shape)
            start += part.numel()
            if part.ndim == 2:
                torch.testing.assert_close(torch.linalg.svdvals(own), torch.linalg.svdvals(part.detach()))
            else:
                torch.testing.assert_close(own, part.detach())
