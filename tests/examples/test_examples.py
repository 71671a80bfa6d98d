"""The algorithms of docs/examples: public names only, and each what its paper says."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pgsuite
from pgsuite import algorithms
from pgsuite.algorithms import Reinforce, Samples, State, discounted_returns
from pgsuite.algorithms.registry import build
from pgsuite.algorithms.trees import named_tensors
from pgsuite.suites.cells import Cell, Environment, Evaluation
from pgsuite.suites.training import TrainingLoop

from ..algorithms.rollouts import SPACES, episodes, window
from ..suites.conftest import Memory

FOLDER = Path(pgsuite.__file__).parent / "docs" / "examples"
EXAMPLES = {
    f"{FOLDER / 'ppo.py'}:PPO": {"num_envs": 3, "num_steps": 20, "minibatch": 16, "epochs": 2},
    f"{FOLDER / 'npg.py'}:NPG": {"num_envs": 3, "num_steps": 45, "critic_epochs": 2},
    f"{FOLDER / 'rloo.py'}:RLOO": {"num_envs": 3},
    f"{FOLDER / 'keep_or_roll_back.py'}:KeepOrRollBack": {"every": 2, "episodes": 3},
}
PPO, NPG, RLOO, KEEP = EXAMPLES
every_example = pytest.mark.parametrize("reference", EXAMPLES, ids=lambda reference: reference.rpartition(":")[2])


def cell(reference: str, env: str = "CartPole-v1", *, steps: int = 900, **options: Any) -> Cell:
    return Cell(
        suite="test",
        algorithm="example",
        reference=reference,
        options={**EXAMPLES[reference], **options},
        environment=Environment(id=env),
        steps=steps,
        evaluation=Evaluation(checkpoints=3, episodes=2),
    )


def train(here: Cell, seeds: list[int], memory: Memory | None = None) -> Memory:
    memory = memory or Memory()
    TrainingLoop().train(here, seeds, memory)
    return memory


@every_example
def test_it_imports_public_names_only(reference):
    tree = ast.parse(Path(reference.rpartition(":")[0]).read_text())
    ours = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "pgsuite" in (node.module or "")]
    assert [node.module for node in ours] == ["pgsuite.algorithms"]
    assert {alias.name for alias in ours[0].names} <= set(dir(algorithms))


@every_example
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_no_run_feels_another(reference, env):
    here = cell(reference, env)
    together = train(here, [3, 7, 1])
    assert train(here, [7]).bits(7) == together.bits(7)
    assert together.facts[7]["status"] == "complete"


@every_example
def test_it_goes_on_after_an_interruption(reference):
    here = cell(reference)
    cut = Memory(stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        train(here, [3, 7], cut)
    cut.stop_after = None
    resumed, straight = train(here, [3, 7], cut), train(here, [3, 7])
    assert {seed: resumed.bits(seed) for seed in (3, 7)} == {seed: straight.bits(seed) for seed in (3, 7)}


def torch_surrogate(distribution: Any, outputs: torch.Tensor, samples: Samples, epsilon: float) -> torch.Tensor:
    """Equation 7 of the paper, sample by sample, for Discrete actions."""
    total = torch.zeros(len(outputs), dtype=outputs.dtype)
    for s, b in np.ndindex(*samples.weight.shape):
        if samples.mask[s, b]:
            log_prob = torch.distributions.Categorical(logits=outputs[s, b]).log_prob(samples.action[s, b])
            ratio, advantage = torch.exp(log_prob - samples.log_prob[s, b]), samples.weight[s, b]
            total[s] = total[s] + min(ratio * advantage, ratio.clip(1 - epsilon, 1 + epsilon) * advantage)
    return total


def test_ppo_ascends_the_clipped_surrogate():
    algorithm = build(PPO, {"num_envs": 2, "num_steps": 9, "dtype": "float64"})
    state = algorithm.init(SPACES["Discrete"], [1, 2])
    rollout = window(SPACES["Discrete"], [1, 2], 2, 9)
    rollout = rollout._replace(log_prob=-1.2 + 0.3 * rollout.reward.sin())
    samples = algorithm.samples(state, rollout)
    outputs = torch.randn(2, 18, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    ours = algorithm.policy_loss(state.model.distribution, outputs, samples)
    theirs = -torch_surrogate(state.model.distribution, outputs, samples, 0.2) / 18
    torch.testing.assert_close(ours, theirs)
    slopes = [torch.autograd.grad(loss.sum(), outputs, retain_graph=True)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*slopes)
    assert (slopes[0] == 0).all(-1).any(), "some samples are clipped"


def test_rloo_leaves_each_episode_out_of_its_own_baseline():
    algorithm = build(RLOO, {"num_envs": 3, "discount": 0.9, "dtype": "float64"})
    state, rollout = algorithm.init(SPACES["Box"], [5]), episodes(SPACES["Box"], [5], 3)
    samples = algorithm.samples(state, rollout)
    lengths = rollout.valid[0].sum(1).tolist()
    returns = [sum(0.9**t * float(rollout.reward[0, n, t]) for t in range(length)) for n, length in enumerate(lengths)]
    expected = [returns[n] - np.mean(returns[:n] + returns[n + 1 :]) for n in range(3)]
    weight = samples.weight[0][samples.mask[0] == 1].tolist()
    assert weight == pytest.approx([w for w, length in zip(expected, lengths, strict=True) for _ in range(length)])
    assert returns == pytest.approx(discounted_returns(rollout.reward, rollout.done, 0.9)[0, :, 0].tolist())


def test_npg_takes_trpos_whole_step_unchecked():
    options = {"num_envs": 2, "num_steps": 64, "dtype": "float64", "cg_iterations": 50, "damping": 0.0}
    algorithm = build(NPG, options | {"max_kl": 1e-8})
    state = algorithm.init(SPACES["Box"], [1, 2])
    _, metrics = algorithm.update(state, window(SPACES["Box"], [1, 2], 2, 64))
    assert metrics["step_fraction"].tolist() == [1.0, 1.0]
    torch.testing.assert_close(metrics["kl"], torch.full((2,), 1e-8, dtype=torch.float64), rtol=0.02, atol=0.0)
    far, metrics = build(NPG, options | {"max_kl": 5.0}).update(state, window(SPACES["Box"], [1, 2], 2, 64))
    assert not torch.equal(far.policy, state.policy), "a step that a line search would refuse is taken"
    assert (metrics["accepted"] == 1).all()


def test_switched_off_it_is_its_base():
    """No decision within the budget: the same learner, whose incumbent is what it began with."""
    base = {"num_envs": 8, "num_steps": 16}
    wrapped = train(cell(KEEP, every=1000), [2])
    alone = Memory()
    plain = cell(KEEP)
    plain = type(plain)(**{**plain.__dict__, "reference": "actor-critic", "options": base})
    TrainingLoop().train(plain, [2], alone)
    for name in ("state.policy", "state.critic", "state.optimisers.policy.first"):
        assert np.array_equal(wrapped.tensors[2][name], alone.tensors[2][name])
    first, last = wrapped.rows[2][0], wrapped.rows[2][-1]
    assert first.trained_steps == 0 < last.env_steps
    assert np.array_equal(
        wrapped.tensors[2]["behaviour.parameters"], wrapped.tensors[2]["state.memory.incumbent.policy"]
    )


class Judged:
    """A wrapper at its decision, on given returns."""

    def __init__(self, before: list[float], after: list[float]) -> None:
        self.algorithm = build(KEEP, {"every": 1, "episodes": 2})
        seeds = list(range(len(before)))
        start = self.algorithm.init(SPACES["Discrete"], seeds)
        training = window(SPACES["Discrete"], seeds, 8, 16)
        self.start = start
        self.trained, _ = self.algorithm.update(start, training)
        asked, _ = self.algorithm.update(self.trained, self.round(before))
        self.decided, self.metrics = self.algorithm.update(asked, self.round(after))

    def round(self, returns: list[float]) -> Any:
        played = episodes(SPACES["Discrete"], list(range(len(returns))), 2)
        reward = torch.zeros_like(played.reward)
        reward[:, :, 0] = torch.tensor(returns, dtype=reward.dtype).unsqueeze(1)
        return played._replace(reward=reward)


def test_it_keeps_what_is_better_and_rolls_back_the_rest():
    it = Judged(before=[1.0, 1.0, 1.0], after=[2.0, 0.5, 1.0])
    assert it.metrics["kept"].tolist() == [1.0, 0.0, 0.0]
    inner = ("policy", "critic", "optimisers.policy.first", "optimisers.critic.steps", "observation.mean")
    for name in inner:
        decided, trained, start = (dict(named_tensors(state))[name] for state in (it.decided, it.trained, it.start))
        assert torch.equal(decided[0], trained[0])
        assert torch.equal(decided[1:], start[1:])
    assert it.decided.updates.tolist() == it.trained.updates.tolist(), "streams never go back"
    incumbent: State = it.decided.memory["incumbent"]
    assert torch.equal(incumbent.policy, it.decided.policy)


def test_its_episodes_are_played_apart_and_count():
    algorithm = build(KEEP, {"every": 1, "episodes": 2})
    state = algorithm.init(SPACES["Discrete"], [0, 1])
    assert {plan.stream for plan in algorithm.plan(state)} == {"training"}
    trained, _ = algorithm.update(state, window(SPACES["Discrete"], [0, 1], 8, 16))
    assert [(type(plan).__name__, plan.num_envs) for plan in algorithm.plan(trained)] == [("Episodes", 2)] * 2
    assert torch.equal(algorithm.behaviour(trained).parameters, state.policy), "first the incumbent"
    run = train(cell(KEEP, every=1, episodes=5, steps=600), [4])
    assert run.steps >= 600
    assert run.rows[4][-1].updates < 600 // 128, "profiling took a share of the budget"


def test_an_algorithm_that_is_no_gradient_estimator_is_run(tmp_path):
    assert not isinstance(build(KEEP, {}), Reinforce)
    assert not hasattr(build(KEEP, {}), "gradient")
