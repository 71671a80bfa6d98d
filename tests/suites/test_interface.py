"""The training loop and the interface: plans that differ, memory, actors of one's own, and answers that are wrong."""

from pathlib import Path

import numpy as np
import pytest

from pgsuite.algorithms import Episodes
from pgsuite.errors import PgsuiteError
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import replay
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

from .learners import RepeatsItself

LEARNERS = Path(__file__).with_name("learners.py")


def learner(name):
    return f"{LEARNERS}:{name}"


def test_plans_per_seed_are_each_seeds_own(small_cell, train):
    cell = small_cell(learner("PlanPerSeed"), num_envs=4, steps=400)
    together = train(cell, [3, 4, 6])
    for seed in (3, 4, 6):
        assert train(cell, [seed]).bits(seed) == together.bits(seed)


@pytest.mark.parametrize("name", ["PlanPerSeed", "Remembers"])
def test_what_differs_by_seed_or_is_remembered_is_resumed(name, small_cell, train, memory):
    cell = small_cell(learner(name), num_envs=4, steps=400)
    whole = train(cell, [3, 4])
    stopped = memory(stop_after=3)
    with pytest.raises(KeyboardInterrupt):
        train(cell, [3, 4], stopped)
    stopped.stop_after = None
    train(cell, [3, 4], stopped)
    assert [stopped.bits(seed) for seed in (3, 4)] == [whole.bits(seed) for seed in (3, 4)]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("TooFewPlans", "TooFewPlans: in the plan, there are 1 plans for 2 seeds"),
        ("NoPlan", r"NoPlan: in the plan, \(4, 16\) is neither Steps nor Episodes"),
        ("NoEnvironments", "NoEnvironments: in the plan, num_envs is 0"),
        ("NoOccasion", "NoOccasion: in the plan, occasion is -1: it is None, or a whole number of at least 0"),
        (
            "MemoryNotSeedFirst",
            r"MemoryNotSeedFirst: in the state of its init, memory\.table is torch\.float32 \(7, 1\)",
        ),
        ("MemoryGrows", r"MemoryGrows: in the state of its update, memory\.table became torch\.float32 \(2, 6\)"),
        ("MemoryChangesType", r"MemoryChangesType: in the state of its update, memory\.table became torch\.float64"),
    ],
)
def test_a_wrong_answer_is_one_line_that_names_the_algorithm(name, says, small_cell, train):
    with pytest.raises(PgsuiteError, match=says) as error:
        train(small_cell(learner(name), num_envs=2), [1, 2])
    assert "\n" not in str(error.value)


def test_rounds_of_one_occasion_are_one_round_for_one_policy(small_cell, train, monkeypatch):
    """Whatever has been collected between them, and to the bit; those of other occasions, or of none, are others."""
    heard, update = [], RepeatsItself.update

    def listening(self, state, rollout):
        heard.append((self.plan(state), rollout))
        return update(self, state, rollout)

    monkeypatch.setattr(RepeatsItself, "update", listening)
    train(small_cell(learner("RepeatsItself"), "Pendulum-v1", steps=9000, checkpoints=1), [3])
    same = {}
    for plan, rollout in heard:
        same.setdefault(plan, []).append(rollout.reward.numpy().tobytes())
    for plan, rewards in same.items():
        kept = isinstance(plan, Episodes) and (plan.occasion is not None)
        assert len(set(rewards)) == (1 if kept else len(rewards)) < len(rewards) + (not kept)
    assert len({rewards[0] for rewards in same.values()}) == len(same)


def test_memory_is_saved_and_what_is_heavy_only_while_a_run_goes_on(small_cell, train, memory):
    cell = small_cell(learner("Remembers"), steps=400)
    finished = train(cell, [5]).tensors[5]
    steps = finished["state.memory.seen.steps"]
    assert steps.tolist() == finished["steps"].tolist()
    assert finished["state.memory.seen.reward"].tolist() == steps.tolist(), "every step of CartPole is worth 1"
    assert not [name for name in finished if "buffer" in name]
    stopped = memory(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        train(cell, [5], stopped)
    partial = stopped.tensors[5]
    assert partial["state.memory.buffer"].sum() == partial["state.memory.seen.steps"].sum() > 0


def test_memory_belongs_to_its_seed(small_cell, train):
    cell = small_cell(learner("Remembers"), steps=400)
    assert train(cell, [5]).bits(5) == train(cell, [2, 5]).bits(5)


def test_evaluation_plays_the_algorithms_own_actor(small_cell, train):
    """Always pushing left, the pole falls after 8 to 11 steps, 9.3 on average."""
    cell = small_cell(learner("PlaysZero"), steps=300)
    rows = [row for run in (train(cell, list(range(20))),) for rows in run.rows.values() for row in rows]
    returns = np.array([row.return_mean for row in rows])
    assert returns.mean() == pytest.approx(9.3, abs=0.3)
    assert ((returns >= 8) & (returns <= 11)).all()


def test_a_replay_plays_the_algorithms_own_actor(tmp_path):
    suite = {
        "name": "small",
        "description": "of the test",
        "seeds": "0-1",
        "evaluation": {"checkpoints": 2, "episodes": 5},
        "environments": {"CartPole-v1": {"steps": 300}},
        "algorithms": {"zero": {"class": learner("PlaysZero")}},
    }
    planned = plan_cells(parse_suite(suite, "test"), tmp_path)
    assert not run_cells(planned, tmp_path, workers=1).failures
    for seed in (0, 1):
        policy = open_policy(find_cell(tmp_path, "zero", "CartPole-v1"), seed, algorithm=learner("PlaysZero"))
        again = replay(policy)
        assert again.differences == []
        assert again.episodes.lengths.max() <= 11
