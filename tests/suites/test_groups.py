"""Rounds in groups: what the episodes of a group share, what is their own, in training on every backend."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pgsuite.algorithms import Episodes
from pgsuite.algorithms.model import Action
from pgsuite.algorithms.rloo import RLOO
from pgsuite.envs import make
from pgsuite.suites.cells import Environment
from pgsuite.suites.collection import Collector

GROUP, GROUPS = 3, 4
BACKENDS = [
    ("CartPole-v1", "compiled"),
    ("Pendulum-v1", "compiled"),
    ("CartPole-v1", "envpool"),
    ("Pendulum-v1", "envpool"),
    ("CartPole-v1", "gymnasium"),
    ("Pendulum-v1", "gymnasium"),
]
CHANCE = [("pgsuite/Chain-v0", "numpy"), ("pgsuite/Chain-v0", "gymnasium"), ("FrozenLake-v1", "gymnasium")]
"""Whose steps are drawn, not only their starts."""


@pytest.fixture
def rounds(small_cell, train, monkeypatch):
    """Train a seed in groups; all that the updates were given, and the run."""
    heard = []
    update = RLOO.update

    def listening(self, state, rollout):
        heard.append(rollout)
        return update(self, state, rollout)

    monkeypatch.setattr(RLOO, "update", listening)

    def run(env, backend, seeds=(1,), **options):
        cell = small_cell("rloo", env, num_envs=GROUP * GROUPS, group_size=GROUP, hidden=(4,), **options)
        cell = replace(cell, environment=Environment(id=env, backend=backend))
        heard.clear()
        return train(cell, seeds), heard

    return run


@pytest.mark.parametrize(("env", "backend"), BACKENDS)
def test_groups_begin_alike_and_act_on_their_own(env, backend, rounds):
    run, heard = rounds(env, backend, steps=1_000 if env == "CartPole-v1" else 12_000, checkpoints=1)
    assert len(heard) > 2
    starts = torch.cat([rollout.observation[0, :, 0].unflatten(0, (GROUPS, GROUP)) for rollout in heard])
    assert torch.equal(starts, starts[:, :1].expand_as(starts)), "a group begins in one state"
    assert len(starts[:, 0].unique(dim=0)) == len(starts), "no two groups do, of a round or of two"
    for rollout in heard:
        first = rollout.action[0].flatten(1)[:, :5].unflatten(0, (GROUPS, GROUP))
        assert (first != first[:, :1]).any()
        played = rollout.observation[0, :, 1:].flatten(1).unflatten(0, (GROUPS, GROUP))
        assert (played != played[:, :1]).any()
        assert rollout.complete
        assert (rollout.done & rollout.valid).sum() == GROUP * GROUPS
    assert int(run.tensors[1]["steps"][0]) == sum(int(rollout.valid.sum()) for rollout in heard), "all steps count"


@pytest.mark.parametrize(("env", "backend"), [*BACKENDS, *CHANCE])
def test_alike_is_the_environments_chance_as_well(env, backend):
    """Whoever of a group acts alike meets the same, to the end; another group, something else."""
    seeds, plan = [10, 11], Episodes(GROUP * GROUPS, group=GROUP)
    words = np.random.default_rng(0).integers(2**31, size=(len(seeds), GROUPS)).repeat(GROUP, axis=1)

    def open_members(first, count):
        return make(env, len(seeds) * count, list(range(len(seeds) * count)), backend=backend)

    collector = Collector(seeds, open_members)
    played = [
        collector.collect(plan, always(env), Still(), np.arange(2), np.zeros(2, np.int64), torch.zeros(2), words)[0]
        for _ in range(2)
    ]
    for field in ("observation", "reward", "terminated", "truncated", "valid"):
        first, again = (getattr(rollout, field).unflatten(1, (GROUPS, GROUP)) for rollout in played)
        np.testing.assert_array_equal(first, first[:, :, :1].expand_as(first))
        np.testing.assert_array_equal(first, again, "the same streams again, the same rounds")
    seen = played[0].observation.flatten(2)[:, ::GROUP].flatten(0, 1)
    assert len(seen.unique(dim=0)) > 1
    collector.close()


class Still:
    """Noise that nobody listens to."""

    stretch = 16

    def draw(self, steps, wanted):
        return torch.zeros(len(wanted), steps, 1, 1)


def always(env):
    """An actor whose action is one and the same."""
    space = make(env, 1, [0]).action_space
    shape, dtype = space.shape, space.dtype

    def act(observation, noise):
        chosen = np.zeros((*observation.shape[:2], *shape), dtype)
        sample = torch.from_numpy(chosen)
        finite = np.ones(len(observation), bool)
        return Action(sample, chosen, finite, torch.zeros(observation.shape[:2]))

    return act


@pytest.mark.parametrize(("env", "backend"), [*BACKENDS[:4], CHANCE[0]])
def test_company_changes_no_group(env, backend, rounds):
    def bits(seeds):
        run, _ = rounds(env, backend, seeds, steps=600, checkpoints=2)
        return run.bits(3)

    assert bits([3]) == bits([7, 3, 1])


def test_rounds_do_not_depend_on_where_a_run_was_interrupted(small_cell, train, memory):
    options = {"num_envs": GROUP * GROUPS, "group_size": GROUP, "checkpoints": 4}
    straight = train(small_cell("rloo", **options), [3])
    cut = memory(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(small_cell("rloo", **options), [3], cut)
    cut.stop_after = None
    assert train(small_cell("rloo", **options), [3], cut).bits(3) == straight.bits(3)
