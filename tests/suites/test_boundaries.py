"""Where a run stops: at its budget to the step, and where its numbers are no numbers."""

import numpy as np
import pytest
import torch

from pgsuite.algorithms.registry import ALGORITHMS, load_class


@pytest.mark.parametrize(("steps", "taken"), [(600, 600), (599, 600), (601, 1200), (1200, 1200)])
def test_no_rollout_begins_once_the_budget_is_used(steps, taken, small_cell, train):
    """Rounds of three Pendulum episodes, 600 steps each."""
    run = train(small_cell("reinforce", "Pendulum-v1", steps=steps, checkpoints=1), [1])
    assert run.tensors[1]["steps"][0] == taken == 600 * run.rows[1][-1].updates


@pytest.mark.parametrize("algorithm", ALGORITHMS)
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


def test_an_evaluation_that_is_no_number_ends_a_run(small_cell, train, monkeypatch):
    """At the steps done by then, without a row for it; its neighbour goes on."""
    from pgsuite.suites import training

    cell = small_cell("actor-critic", steps=600, checkpoints=3)
    alone, evaluate = train(cell, [3]).bits(3), training.evaluate

    def poisoned(actor, environment, protocol, seeds, checkpoint):
        episodes = evaluate(actor, environment, protocol, seeds, checkpoint)
        if checkpoint == 2:
            episodes.returns[seeds.index(7), 1] = np.nan
        return episodes

    monkeypatch.setattr(training, "evaluate", poisoned)
    run = train(cell, [7, 3])
    assert run.facts[7]["status"] == "diverged"
    assert 400 <= run.facts[7]["diverged_at"] == run.tensors[7]["steps"][0] < 600
    assert [row.checkpoint for row in run.rows[7]] == [0, 1]
    assert run.bits(3) == alone
