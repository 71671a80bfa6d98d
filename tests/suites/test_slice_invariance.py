"""A run's curve and weights are the same bits whoever trains beside it, however it is cut up."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgsuite.algorithms.registry import ALGORITHMS
from pgsuite.results.store.store import CellStore
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

from ..algorithms.rollouts import fitting
from .conftest import SMALL
from .drifting import ACTIONS

TASKS = ["CartPole-v1", "Pendulum-v1"]
everywhere = pytest.mark.parametrize(
    ("algorithm", "env"), [(algorithm, env) for algorithm in ALGORITHMS for env in TASKS]
)


@everywhere
def test_company(algorithm, env, small_cell, train):
    cell = small_cell(algorithm, env, normalise_observations=True)
    alone = train(cell, [3]).bits(3)
    assert train(cell, range(10)).bits(3) == alone
    assert train(cell, [3, 7, 1]).bits(3) == alone


@everywhere
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    company=st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6, unique=True),
    hidden=st.sampled_from([(), (5,), (32, 32), (64, 64)]),
    num_envs=st.integers(1, 9),
    data=st.data(),
)
def test_company_property(algorithm, env, small_cell, train, company, hidden, num_envs, data):
    num_envs *= SMALL[algorithm].get("group_size", 1)
    cell = small_cell(algorithm, env, normalise_observations=True, hidden=hidden, steps=300, num_envs=num_envs)
    seed = data.draw(st.sampled_from(company))
    assert train(cell, company).bits(seed) == train(cell, [seed]).bits(seed)


@everywhere
def test_interrupted_and_resumed(algorithm, env, small_cell, train, memory):
    cell = small_cell(algorithm, env, normalise_observations=True)
    straight = train(cell, [3, 7])
    cut = memory(stop_after=5)  # in the middle of saving a checkpoint: seed 3 is one ahead of seed 7
    with pytest.raises(KeyboardInterrupt):
        train(cell, [3, 7], cut)
    assert len(cut.rows[3]) == 3
    assert cut.facts[3]["status"] == "partial"
    cut.stop_after = None
    resumed = train(cell, [3, 7], cut)
    assert resumed.bits(3) == straight.bits(3)
    assert resumed.bits(7) == straight.bits(7)


@everywhere
def test_crash_between_the_last_snapshot_and_the_word_complete(algorithm, env, small_cell, train, memory):
    cell = small_cell(algorithm, env)
    straight = train(cell, [3])
    crashed = memory()
    crashed.rows, crashed.tensors = dict(straight.rows), dict(straight.tensors)
    crashed.facts = {3: {"status": "partial"}}
    resumed = train(cell, [3], crashed)
    assert resumed.facts[3]["status"] == "complete"
    assert resumed.bits(3) == straight.bits(3)


@everywhere
def test_beside_a_seed_that_finishes_its_budget_early(algorithm, env, small_cell, train):
    """Seed 7 is done before seed 3 begins; in a window, resets make budgets end at different updates anyway."""
    cell = small_cell(algorithm, env, normalise_observations=True)
    alone = train(cell, [3]).bits(3)
    early = train(cell, [7])
    both = train(cell, [7, 3], early)
    assert both.bits(3) == alone


@everywhere
def test_beside_a_seed_that_diverges(algorithm, env, small_cell, train, monkeypatch):
    cell = small_cell(algorithm, env, normalise_observations=True, steps=2000)
    alone = train(cell, [3]).bits(3)
    poison_updates_of(7, monkeypatch, algorithm)
    both = train(cell, [7, 3])
    assert both.facts[7]["status"] == "diverged"
    assert both.facts[7]["diverged_at"] > 0
    assert both.bits(3) == alone


@everywhere
def test_a_diverged_seed_is_frozen_before_the_step(algorithm, env, small_cell, train, monkeypatch):
    cell = small_cell(algorithm, env, steps=2000)
    poison_updates_of(7, monkeypatch, algorithm)
    run = train(cell, [7])
    assert all(np.isfinite(tensor).all() for name, tensor in run.tensors[7].items())
    assert len(run.rows[7]) >= 1  # the checkpoints before it are kept


def poison_updates_of(seed, monkeypatch, algorithm):
    """Let the third update of one seed give NaN parameters."""
    from pgsuite.algorithms.registry import load_class

    found = load_class(algorithm)
    update = found.update

    def poisoned(self, state, rollout):
        learned, metrics = update(self, state, rollout)
        sick = (state.seeds == seed) & (state.updates == 2)
        policy = learned.policy.clone()
        policy[sick] = float("nan")
        return learned._replace(policy=policy), metrics

    monkeypatch.setattr(found, "update", poisoned)


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_workers(algorithm, tmp_path):
    """One worker trains the seeds together, two share them, three have one each."""
    stores = [run_with(workers, algorithm, tmp_path / str(workers)) for workers in (1, 2, 3)]
    for seed in (1, 2, 3):
        contents = [content(store, seed) for store in stores]
        assert contents[0] == contents[1] == contents[2]


def run_with(workers: int, algorithm: str, out) -> CellStore:
    suite = parse_suite(
        {
            "name": "workers",
            "description": "",
            "seeds": "1-3",
            "evaluation": {"checkpoints": 2, "episodes": 2},
            "environments": {"CartPole-v1": {"steps": 400}},
            "algorithms": {
                algorithm: fitting(
                    algorithm, {"num_envs": 2, "group_size": 2, "normalise_observations": True, "every": 50}
                )
            },
        },
        "test",
    )
    planned = plan_cells(suite, out)
    outcome = run_cells(planned, out, workers=workers)
    assert outcome.failures == []
    return planned[0].store


def content(store: CellStore, seed: int) -> tuple:
    frame, meta = store.read_curve(seed)
    tensors, _ = store.read_snapshot(seed)
    del tensors["seconds"]
    return frame.drop(columns="wall_time").to_json(), meta["status"], {k: v.tobytes() for k, v in tensors.items()}


KINDS = ["CartPole-v1", "Pendulum-v1", *ACTIONS, "pgsuite/ProbeContinuous-v0"]


@pytest.mark.parametrize("env", KINDS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_two_ten_and_sixty_four_seeds_have_the_same_bits(algorithm, env, drifting, small_cell, train):
    """Every kind of action, compiled and stepped from outside."""
    bound = "tanh" if env == "Pendulum-v1" else "clip"
    cell = small_cell(algorithm, env, steps=60, checkpoints=1, action_bound=bound, normalise_observations=True)
    everyone = train(cell, range(64))
    for seeds in ([7], [63, 0], [40, 3, 9, 22, 61, 5, 17, 33, 50, 8]):
        some = train(cell, seeds)
        for seed in seeds:
            assert some.bits(seed) == everyone.bits(seed)
