"""The algorithms of docs/examples: public names only, and each what its paper says."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pgsuite
from pgsuite import algorithms
from pgsuite.algorithms import Reinforce, State
from pgsuite.algorithms.registry import ALGORITHMS, build
from pgsuite.algorithms.trees import named_tensors
from pgsuite.suites.cells import Cell, Environment, Evaluation
from pgsuite.suites.training import TrainingLoop

from ..algorithms.rollouts import SPACES, episodes, window
from ..suites.conftest import Memory

FOLDER = Path(pgsuite.__file__).parent / "docs" / "examples"
EXAMPLES = {
    f"{FOLDER / 'keep_or_roll_back.py'}:KeepOrRollBack": {"every": 2, "episodes": 3},
}
(KEEP,) = EXAMPLES
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


@pytest.mark.parametrize("address", [*ALGORITHMS.values()])
def test_what_ours_are_made_of_is_public(address):
    """A user's algorithm can be written as ours are."""
    module = address.partition(":")[0].removeprefix("pgsuite.").replace(".", "/")
    tree = ast.parse((Path(pgsuite.__file__).parent / f"{module}.py").read_text())
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    assert {alias.name for node in inner for alias in node.names} <= set(dir(algorithms))


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
