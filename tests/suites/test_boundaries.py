"""Where a run stops: at its budget to the step, and where its numbers are no numbers."""

import numpy as np
import pytest
import torch

from pgsuite.algorithms.registry import ALGORITHMS, load_class

from ..algorithms.rollouts import GRADIENTS


@pytest.mark.parametrize(("steps", "taken"), [(600, 600), (599, 600), (601, 1200), (1200, 1200)])
def test_no_rollout_begins_once_the_budget_is_used(steps, taken, small_cell, train):
    """Rounds of three Pendulum episodes, 600 steps each."""
    run = train(small_cell("reinforce", "Pendulum-v1", steps=steps, checkpoints=1), [1])
    assert run.tensors[1]["steps"][0] == taken == 600 * run.rows[1][-1].updates


@pytest.mark.parametrize("algorithm", GRADIENTS)
def test_a_loss_that_is_no_number_ends_a_run(algorithm, small_cell, train, monkeypatch):
    """Also where the parameters are finite: they are those from before the step, and its neighbour goes on."""
    cell = small_cell(algorithm, steps=600)
    alone = train(cell, [3]).bits(3)
    found = load_class(algorithm)
    update, before = found.update, {}

    def poisoned(self, state, rollout):
        learned, metrics = update(self, state, rollout)
        sick = (state.seeds == 7) & (state.updates == 2)
        if sick.any():
            before["updates"] = int(state.updates[sick])
        return learned, {**metrics, "loss": torch.where(sick, torch.nan, metrics["loss"])}

    monkeypatch.setattr(found, "update", poisoned)
    run = train(cell, [7, 3])
    assert run.facts[7]["status"] == "diverged"
    assert run.facts[7]["diverged_at"] == run.tensors[7]["steps"][0] > 0
    assert run.tensors[7]["state.updates"][0] == before["updates"] == 2
    assert np.isfinite(run.rows[7][-1].return_mean)
    assert run.bits(3) == alone


class OnceNotFinite:
    """A policy whose tenth action in training, where there are three environments, is not finite."""

    called = 0

    def __init__(self, actor):
        self.actor = actor

    def __getattr__(self, name):
        return getattr(self.actor, name)

    def __call__(self, observation, noise):
        action = self.actor(observation, noise)
        OnceNotFinite.called += observation.shape[1] == 3
        if OnceNotFinite.called == 10 and observation.shape[1] == 3:
            return action._replace(finite=np.zeros_like(action.finite))
        return action


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_action_that_is_no_number_ends_a_run(algorithm, small_cell, train, monkeypatch):
    """Also where loss and parameters are finite."""
    found = load_class(algorithm)
    act = found.actor
    monkeypatch.setattr(OnceNotFinite, "called", 0)
    monkeypatch.setattr(found, "actor", lambda self, *given: OnceNotFinite(act(self, *given)))
    run = train(small_cell(algorithm, steps=600), [7])
    assert OnceNotFinite.called >= 10
    assert run.facts[7]["status"] == "diverged"
    assert run.facts[7]["diverged_at"] == run.tensors[7]["steps"][0] > 0
    assert len(run.rows[7]) < 4


@pytest.mark.parametrize(("checkpoint", "first", "last"), [(0, 0, 0), (2, 400, 599), (3, 600, 640)])
def test_an_evaluation_that_is_no_number_ends_a_run(checkpoint, first, last, small_cell, train, monkeypatch):
    """At the steps done by then; its neighbour goes on."""
    from pgsuite.suites import training

    cell = small_cell("actor-critic", steps=600, checkpoints=3)
    alone, evaluate = train(cell, [3]).bits(3), training.evaluate

    def poisoned(actor, environment, protocol, seeds, index):
        episodes = evaluate(actor, environment, protocol, seeds, index)
        if index == checkpoint:
            episodes.returns[seeds.index(7), 1] = np.nan
        return episodes

    monkeypatch.setattr(training, "evaluate", poisoned)
    run = train(cell, [7, 3])
    assert run.facts[7]["status"] == "diverged"
    assert first <= run.facts[7]["diverged_at"] == run.tensors[7]["steps"][0] <= last
    assert [row.checkpoint for row in run.rows[7] if np.isfinite(row.return_mean)] == list(range(checkpoint))
    assert run.bits(3) == alone


def test_a_row_tells_its_evaluation(small_cell, train, monkeypatch):
    """Pendulum pays less than nothing in each of its 200 steps: returns are no lengths."""
    from pgsuite.suites import training

    evaluate, heard = training.evaluate, []

    def listening(*given):
        heard.append(evaluate(*given))
        return heard[-1]

    monkeypatch.setattr(training, "evaluate", listening)
    rows = train(small_cell("actor-critic", "Pendulum-v1", steps=300, checkpoints=2), [1]).rows[1]
    for row, episodes in zip(rows, heard, strict=True):
        returns = episodes.returns[0].tolist()
        mean = sum(returns) / 2
        assert row.return_mean == pytest.approx(mean)
        assert row.return_std == pytest.approx(abs(returns[0] - mean))
        assert (row.episodes, row.length_mean, row.eval_steps) == (2, 200, 400)


def test_speed_is_that_of_all_runs_that_train_together(small_cell, train):
    run = train(small_cell("actor-critic"), [1, 2, 3])
    for seed in (1, 2, 3):
        steps, seconds = int(run.tensors[seed]["steps"][0]), run.rows[seed][-1].wall_time
        assert run.facts[seed]["steps_per_second"] == pytest.approx(3 * steps / seconds)
