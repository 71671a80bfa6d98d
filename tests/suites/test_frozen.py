"""What is frozen when, in a whole run: acting, learning and evaluating go by the statistics of their own moment."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pgsuite.algorithms.registry import load_class

from ..algorithms.rollouts import GRADIENTS

QUIET = {"normalise_observations": True, "initial_log_std": -14.0}
"""A policy whose noise cannot be seen: what it does is what its network says."""

every_algorithm = pytest.mark.parametrize("algorithm", GRADIENTS)


def standardised(seen: list[np.ndarray], observation: torch.Tensor) -> torch.Tensor:
    """Observations ``(1, ..., O)`` in deviations from the mean of what was seen before, by numpy."""
    if not seen:
        return observation.double()
    before = np.concatenate(seen)
    return torch.from_numpy(np.clip((observation.double().numpy() - before.mean(0)) / before.std(0), -10, 10))


@every_algorithm
def test_a_rollout_is_acted_by_the_statistics_of_those_before(algorithm, small_cell, train, monkeypatch):
    """The actions taken are those of the policy without normalisation, shown observations standardised by hand."""
    found = load_class(algorithm)
    update, seen, compared = found.update, [], []

    def listening(self, state, rollout):
        plain, shown = replace(self, normalise_observations=False), standardised(seen, rollout.observation)
        noise = torch.zeros(*rollout.action.shape[:2], 1, dtype=torch.float64)
        steps, actor = range(rollout.action.shape[2]), plain.actor(plain.behaviour(state))
        mode = [actor(shown[:, :, t], noise).sample for t in steps]
        torch.testing.assert_close(
            rollout.action[rollout.valid], torch.stack(mode, 2)[rollout.valid], rtol=1e-4, atol=1e-4
        )
        compared.append(len(seen))
        seen.append(rollout.observation[:, :, :-1][rollout.valid].double().numpy())
        return update(self, state, rollout)

    monkeypatch.setattr(found, "update", listening)
    train(small_cell(algorithm, "Pendulum-v1", steps=1900, dtype="float64", **QUIET), [3])
    assert len(compared) > 3


@every_algorithm
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_a_policy_is_evaluated_and_kept_with_the_statistics_it_was_trained_on(
    algorithm, env, small_cell, train, memory
):
    """A checkpoint's normaliser has seen exactly the steps that its policy was trained on, the state's all of them."""
    saved = []

    class Listening(memory):
        def save(self, seed, rows, facts, tensors):
            super().save(seed, rows, facts, tensors)
            saved.append(rows[-1].trained_steps)
            assert tensors["behaviour.observation.seen"][0] == tensors["behaviour_steps"][0] == saved[-1]
            assert tensors["state.observation.seen"][0] == tensors["steps"][0]

    train(small_cell(algorithm, env, steps=1900, checkpoints=5, normalise_observations=True), [3, 7], Listening())
    assert len(set(saved)) > 2
