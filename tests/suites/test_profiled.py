"""Reward profiling in whole runs: what is counted, what is common, what never falls, and what it depends on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pgsuite.algorithms import Profiled
from pgsuite.algorithms.registry import build, load_class
from pgsuite.errors import UsageError
from pgsuite.results.store.store import CellStore
from pgsuite.suites.audit.run import plan_audit
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import replay
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import check_names, parse_suite

from ..algorithms.rollouts import GRADIENTS, fitting
from .conftest import SMALL
from .oracle import exact_returns

ORACLE = f"{Path(__file__).with_name('oracle.py')}:Oracle"


@pytest.fixture
def heard(monkeypatch):
    """Every state and rollout that a profiled algorithm is given, with what it makes of them."""
    calls, update = [], Profiled.update

    def listening(self, state, rollout):
        learned, metrics = update(self, state, rollout)
        calls.append((self, state, rollout, learned, metrics))
        return learned, metrics

    monkeypatch.setattr(Profiled, "update", listening)
    return calls


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("base", GRADIENTS)
def test_switched_off_it_is_its_base(base, env, small_cell, train):
    """Curve, weights, optimisers, normalisers and counts, bit for bit."""
    options = {**SMALL.get(base, {}), "normalise_observations": True}
    alone = train(small_cell(base, env, normalise_observations=True), [3, 7])
    around = train(small_cell("profiled", env, base={"class": base, **options}, every=10_000), [3, 7])
    for seed in (3, 7):
        expected = alone.bits(seed)
        assert {name: bits for name, bits in around.bits(seed).items() if "profiling" not in name} == expected


@pytest.mark.parametrize("base", ["reinforce", "trpo"])
@pytest.mark.parametrize(
    "options", [{"paired": False}, {"deterministic": True}, {"accept": "random", "rollback": "policy"}]
)
def test_no_run_feels_another(base, options, small_cell, train, memory):
    table = {"class": base, **SMALL[base], "normalise_observations": True}
    cell = small_cell("profiled", base=table, every=60, episodes=2, variant="mix-up", **options)
    together = train(cell, [3, 7, 1])
    assert train(cell, [7]).bits(7) == together.bits(7)
    cut = memory(stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        train(cell, [3, 7, 1], cut)
    cut.stop_after = None
    resumed = train(cell, [3, 7, 1], cut)
    assert [resumed.bits(seed) for seed in (3, 7, 1)] == [together.bits(seed) for seed in (3, 7, 1)]


def test_every_step_counts_and_those_of_training_are_told(small_cell, train, heard):
    run = train(small_cell("profiled", steps=2000, checkpoints=4, every=100, episodes=2), [5])
    training = profiling = 0
    for _, _, rollout, _, metrics in heard:
        steps = int(rollout.valid.sum())
        if "profiling_steps" in metrics:
            assert metrics["profiling_steps"].tolist() == [steps]
            profiling += steps
        else:
            training += steps
    assert profiling > 200
    assert run.tensors[5]["steps"][0] == training + profiling == run.steps
    assert run.tensors[5]["training_steps"][0] == training
    for row in run.rows[5][1:]:
        assert 0 < row.metrics["training_steps"] < row.trained_steps <= row.env_steps
    assert "training_steps" not in train(small_cell("reinforce", steps=300), [5]).rows[5][-1].metrics, "all of them"


def test_what_is_evaluated_is_the_incumbent(small_cell, train, heard):
    run = train(small_cell("profiled", steps=1500, checkpoints=5, every=100, episodes=2), [5])
    incumbents = [learned.memory["profiling"].incumbent.policy for *_, learned, _ in heard]
    assert any(np.array_equal(run.tensors[5]["behaviour.parameters"], policy) for policy in incumbents)
    assert not [name for name in run.tensors[5] if "profiling" in name], "a finished run has no use for it"


def rounds(heard) -> list[list]:
    """The rollouts of each round, candidate by candidate."""
    played = [rollout for _, state, rollout, *_ in heard if state.memory["profiling"].turn.any()]
    return [played[n : n + 2] for n in range(0, len(played) - 1, 2)]


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", "pgsuite/Corridor-v0"])
def test_paired_candidates_meet_the_same_luck(paired, env, small_cell, train, heard):
    """A mixture that is all incumbent: two candidates that are one policy."""
    options = {"variant": "mix-up", "mix": 0.0, "every": 50, "episodes": 3, "paired": paired}
    train(small_cell("profiled", env, steps=8000, **options), [5])
    pairs = rounds(heard)
    assert len(pairs) > 2
    alike = [
        all(torch.equal(getattr(one, part), getattr(other, part)) for part in ("observation", "action", "reward"))
        for one, other in pairs
    ]
    assert alike == [paired] * len(pairs)
    beginnings = {one.observation[:, :, 0].numpy().tobytes() for one, _ in pairs}
    assert len(beginnings) == len(pairs) or env == "pgsuite/Corridor-v0", "every round has its own"


def test_the_mode_is_played_where_that_is_asked_for(small_cell, train, heard):
    train(small_cell("profiled", "Pendulum-v1", steps=3000, every=50, episodes=2, deterministic=True), [5])
    for algorithm, state, rollout, *_ in heard:
        noise = torch.zeros(*rollout.action.shape[:2], 1)
        mode = algorithm.actor(algorithm.behaviour(state))(rollout.observation[:, :, 0], noise)
        assert torch.equal(mode.sample, rollout.action[:, :, 0]) == bool(state.memory["profiling"].turn.any())


@pytest.mark.parametrize("model", ["pgsuite/Corridor-v0", "pgsuite/TwoState-v0"])
@pytest.mark.parametrize("variant", ["lookback", "mix-up", "three-points"])
def test_where_the_exact_return_decides_it_never_falls(model, variant, small_cell, train, heard):
    """A base that learns so rashly that its own return falls time and again."""
    base = {"class": "reinforce", "learning_rate": 0.3, "num_envs": 2, "hidden": ()}
    options = {"base": base, "every": 20, "episodes": 1, "variant": variant, "model": model}
    train(replace(small_cell("reinforce", model, steps=6000), reference=ORACLE, options=options), range(5))
    offered, returns = [], {seed: [] for seed in range(5)}
    for algorithm, state, _, learned, metrics in heard:
        if "accepted" not in metrics:
            continue
        profile = learned.memory["profiling"]
        values = exact_returns(model, algorithm.base.evaluated(profile.incumbent))
        for row, seed in enumerate(state.seeds.tolist()):
            if not metrics["accepted"][row].isnan():
                returns[seed].append(float(values[row]))
                offered.append(float(metrics["difference"][row]))
    assert min(map(len, returns.values())) > 20
    assert min(offered) < -0.2, "some updates were worse, and refused"
    for curve in returns.values():
        assert np.diff(curve).min() >= -1e-9
        assert curve[-1] > curve[0] + 0.5


def suite(**algorithms):
    return parse_suite(
        {
            "name": "small",
            "description": "of the test",
            "seeds": "0-1",
            "evaluation": {"checkpoints": 2, "episodes": 3},
            "environments": {"CartPole-v1": {"steps": 600}},
            "algorithms": algorithms,
        },
        "test",
    )


BASE_FILE = """
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce


@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    learning_rate: float = 0.02
"""


def test_a_cell_depends_on_its_base_and_on_no_other(tmp_path):
    (tmp_path / "mine.py").write_text(BASE_FILE)
    mine = f"{tmp_path / 'mine.py'}:Mine"

    def fingerprints():
        tables = {"mine": {"class": mine}, "ppo": {"class": "ppo"}, "default": {}, "other": {"learning_rate": 0.03}}
        asked = suite(**{name: {"class": "profiled", "base": base} for name, base in tables.items()}, reinforce={})
        return {p.cell.algorithm: p.cell.fingerprint for p in plan_cells(asked, tmp_path)}

    before = fingerprints()
    assert len(set(before.values())) == 5
    (tmp_path / "mine.py").write_text(BASE_FILE + "\n    def plan(self, state):\n        return super().plan(state)\n")
    after = fingerprints()
    assert {name for name in before if after[name] != before[name]} == {"mine"}


def test_two_bases_with_the_same_fields_are_two_cells(tmp_path):
    copies = {}
    for name in ("One", "Two"):
        (tmp_path / f"{name}.py").write_text(BASE_FILE.replace("Mine", name))
        copies[name] = {"class": "profiled", "base": {"class": f"{tmp_path / name}.py:{name}"}}
    assert len({p.cell.fingerprint for p in plan_cells(suite(**copies), tmp_path)}) == 2


@pytest.mark.parametrize(
    ("base", "says"),
    [
        (
            {"class": "ppo", "epoch": 3},
            "algorithms.look: algorithm 'profiled', base: algorithm 'ppo' has no option 'epoch'",
        ),
        (
            {"class": "pppo"},
            "algorithms.look: algorithm 'profiled', base: unknown algorithm 'pppo': did you mean 'ppo'",
        ),
        ({"learning_rat": 0.1}, "algorithm 'reinforce' has no option 'learning_rat': did you mean 'learning_rate'"),
        ({"class": "no/such/file.py:Mine"}, "algorithms.look: algorithm 'profiled', base: .*there is no file"),
    ],
)
def test_a_misspelt_base_is_told_before_anything_is_imported(base, says):
    with pytest.raises(UsageError, match=says) as error:
        check_names(suite(look={"class": "profiled", "base": base}))
    assert "\n" not in str(error.value)


def test_an_environments_own_table_changes_the_suites():
    over = {"environments": {"CartPole-v1": {"base": {"epochs": 7}}}}
    table = {"class": "profiled", "base": {"class": "ppo", "minibatch": 64}, **over}
    assert suite(look=table).options("look", "CartPole-v1")["base"] == {"class": "ppo", "minibatch": 64, "epochs": 7}
    over["environments"]["CartPole-v1"]["base"] = {"class": "trpo"}
    assert suite(look=table).options("look", "CartPole-v1")["base"] == {"class": "trpo"}


def test_its_policy_is_replayed_and_a_strangers_base_is_not_imported(tmp_path):
    (tmp_path / "mine.py").write_text(BASE_FILE)
    out, mine = tmp_path / "out", f"{tmp_path / 'mine.py'}:Mine"
    tables = {"look": {"class": "trpo", "num_steps": 25, "num_envs": 4}, "own": {"class": mine}}
    asked = suite(**{name: {"class": "profiled", "every": 100, "base": base} for name, base in tables.items()})
    assert not run_cells(plan_cells(asked, out), out, workers=1).failures
    assert replay(open_policy(find_cell(out, "look", None), 1)).differences == []
    own = find_cell(out, "own", None)
    for options in ({}, {"algorithm": "pgsuite.algorithms.profiled:Profiled"}):
        with pytest.raises(UsageError, match=r"mine\.py:Mine' among its algorithm's options, .*trust=True"):
            open_policy(own, 0, **options)
    assert replay(open_policy(own, 0, trust=True)).differences == []
    assert isinstance(own, CellStore)


def test_the_audit_refuses_it_in_one_line_and_leaves_it_out():
    with pytest.raises(UsageError, match="profiled cannot be audited: it has no gradient and no target") as error:
        plan_audit(["profiled"], ["chain"])
    assert "\n" not in str(error.value)
    assert {job.algorithm for job in plan_audit([], ["chain"])} == set(GRADIENTS)


def test_its_options_are_written_in_a_table():
    """The settings of these tests reach the algorithm within."""
    options = fitting("profiled", {"num_envs": 3, "every": 7})
    assert build("profiled", options) == Profiled(every=7, base=load_class("reinforce")(num_envs=3))
