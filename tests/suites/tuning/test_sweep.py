"""A sweep that is really run: the bits of its runs, what joins what, failures as points, and what is refused."""

import json
import re

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import load_file

from pgsuite.errors import UsageError
from pgsuite.results import load
from pgsuite.results.store.store import CellStore
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import Outcome, run_cells
from pgsuite.suites.scheduling.interface import Failure
from pgsuite.suites.schema import load_suite
from pgsuite.suites.tuning import sweep as sweep_module
from pgsuite.suites.tuning.sweep import FILE, Sweep, SweepRequest, fresh_seeds
from pgsuite.suites.tuning.values import parse_values

SUITE = """
name = "mine"
description = ""
seeds = "0-1"
[evaluation]
checkpoints = 2
episodes = 2
[environments."CartPole-v1"]
steps = 400
[environments."Pendulum-v1"]
steps = 400
[algorithms.actor-critic]
num_envs = 2
trace = 0.5
[algorithms.actor-critic.environments."Pendulum-v1"]
trace = 0.9
[algorithms.reinforce]
num_envs = 2
"""
MINE = """
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    fate: str = "learns"

    def update(self, state, rollout):
        if self.fate == "raises":
            raise RuntimeError("no luck")
        learned, metrics = super().update(state, rollout)
        return learned, {**metrics, "loss": metrics["loss"] + (float("nan") if self.fate == "diverges" else 0)}
"""
CONSOLE = Console(quiet=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "mine.toml").write_text(SUITE)
    (folder / "mine.py").write_text(MINE)
    return folder


def asked(place, out, *values, **changes):
    given = {"algorithms": ("actor-critic",), **changes}
    return SweepRequest(suite=str(place / "mine.toml"), out=out, values=parse_values(values), **given)


def swept(request):
    found, outcome = Sweep(request).carry_out(workers=1, console=CONSOLE)
    return found, outcome


@pytest.fixture(scope="module")
def first(place):
    return swept(asked(place, place / "out", "trace=0.1..0.9:3", "entropy_weight=0.01"))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("seed-*")}


def test_every_value_and_the_suites_own_is_a_row(first):
    runs = first[0].runs
    assert not first[1].failures
    assert len(runs) == 2 * (4 + 2) * 2 - 2 - 2  # the own trace is among the values on both environments
    trace = runs[runs.hyperparameter == "trace"]
    assert sorted(trace[trace.environment == "CartPole-v1"].value.unique()) == ["0.1", "0.5", "0.9"]
    own = trace[trace.suite_setting].drop_duplicates("environment").set_index("environment")
    assert dict(own.value) == {"CartPole-v1": "0.5", "Pendulum-v1": "0.9"}
    assert own.asked.all()
    entropy = runs[runs.hyperparameter == "entropy_weight"].drop_duplicates(["environment", "value"])
    assert list(entropy[entropy.suite_setting].asked) == [False, False]
    assert set(runs.seed) == {1000, 1001}
    assert (runs.status == "complete").all()


def test_the_numbers_are_those_of_the_results_folder(first, place):
    row = first[0].runs.query("value == '0.1' and environment == 'CartPole-v1' and seed == 1001").iloc[0]
    curve = load(place / "out/runs").query(
        "algorithm == 'actor-critic#trace=0.1' and env == 'CartPole-v1' and seed == 1001"
    )
    assert row.final_return == curve.return_mean.iloc[-1]
    assert row.final_score == curve.score.iloc[-1]
    assert row.auc_score == pytest.approx(np.trapezoid(curve.score, curve.env_steps) / 400)


def test_a_run_has_the_bits_of_the_same_setting_run_alone(first, place, tmp_path):
    """The suite's own, one that trained beside others, and one whose exception gave way."""
    text = SUITE.replace("trace = 0.5", "trace = 0.1").replace("trace = 0.9", "trace = 0.1")
    (tmp_path / "alone.toml").write_text(text)
    for suite, cell in ((place / "mine.toml", "actor-critic"), (tmp_path / "alone.toml", "actor-critic#trace=0.1")):
        planned = plan_cells(load_suite(str(suite)), tmp_path / cell, algorithms=["actor-critic"], seeds=[1001])
        run_cells(planned, tmp_path / cell, workers=1, console=CONSOLE)
        for one in planned:
            there = CellStore(place / "out/runs", cell, one.cell.environment.name, one.cell.fingerprint)
            weights, alone = (load_file(store.path / "seed-1001.safetensors") for store in (there, one.store))
            assert weights.keys() == alone.keys()
            learned = [name for name in alone if name.startswith(("state.", "behaviour."))]
            assert len(learned) > 5
            assert all(np.array_equal(weights[name], alone[name]) for name in learned)
            ours, theirs = (store.read_curve(1001)[0] for store in (there, one.store))
            assert ours.drop(columns="wall_time").equals(theirs.drop(columns="wall_time"))


def test_more_values_and_seeds_join_what_is_there(place, tmp_path, first):
    out = tmp_path / "out"
    narrow = {"environments": ("CartPole-v1",)}
    swept(asked(place, out, "trace=0.1,0.5", **narrow))
    before = files(out)
    found, _ = swept(asked(place, out, "trace=0.7", "discount=0.9", seeds=(1001, 1005), **narrow))
    after = files(out)
    assert {name: after[name] for name in before} == before
    counts = found.runs.groupby(["hyperparameter", "value"]).seed.apply(set)
    assert counts["trace", "0.1"] == {1000, 1001}
    assert counts["trace", "0.5"] == {1000, 1001, 1005}  # the suite's own is run with everything
    assert counts["trace", "0.7"] == {1001, 1005}
    assert counts["discount", "0.9"] == {1001, 1005}
    assert found.axes[0].values == (0.1, 0.5, 0.7)
    again, outcome = swept(asked(place, out, "trace=0.7,0.1,0.5", seeds=(1000,), **narrow))
    assert not outcome.failures
    assert again.runs.query("hyperparameter == 'trace' and value == '0.7'").seed.tolist() == [1000, 1001, 1005]


def test_what_ran_by_another_budget_is_told_and_left_out(place, tmp_path):
    narrow = {"environments": ("CartPole-v1",)}
    swept(asked(place, tmp_path, "trace=0.1,0.5", **narrow))
    found, _ = swept(asked(place, tmp_path, "trace=0.7", steps=200, **narrow))
    assert set(found.runs.value) == {"0.5", "0.7"}
    assert set(found.runs.steps) == {200}
    assert found.notes == (
        "actor-critic#trace=0.1 on CartPole-v1: run by other code, settings or budgets, and not shown",
    )


def test_other_values_in_another_environment_lack_nothing(place, tmp_path):
    swept(asked(place, tmp_path, "trace=0.1", environments=("CartPole-v1",)))
    found, _ = swept(asked(place, tmp_path, "trace=0.7", environments=("Pendulum-v1",)))
    values = found.runs.groupby("environment").value.apply(set)
    assert values.to_dict() == {"CartPole-v1": {"0.1", "0.5"}, "Pendulum-v1": {"0.7", "0.9"}}
    assert list(found.environments) == ["CartPole-v1", "Pendulum-v1"]
    assert not found.notes


def test_what_diverges_or_fails_is_a_point(place, tmp_path, monkeypatch):
    mine = f"{place / 'mine.py'}:Mine"
    request = asked(
        place, tmp_path, "fate=raises,diverges", "learning_rate=0.1", algorithms=(mine,), environments=("CartPole-v1",)
    )
    found, outcome = swept(request)
    fates = found.runs.drop_duplicates("value").set_index("value").status
    assert fates["raises"] == "failed"
    assert fates["diverges"] == "diverged"
    assert fates["learns"] == fates["0.1"] == "complete"
    assert [failure.cell.algorithm for failure in outcome.failures] == ["Mine#fate=raises"]
    assert "no luck" in found.runs.query("value == 'raises'").reason.iloc[0]
    again, _ = swept(asked(place, tmp_path, "fate=learns", algorithms=(mine,), environments=("CartPole-v1",)))
    assert (again.runs.query("value == 'raises'").status == "failed").all()  # as a command before found

    def killed(planned, *_, **__):
        """A run that is killed says nothing of its setting."""
        return Outcome([Failure(p.cell, "killed", passing=True) for p in planned])

    monkeypatch.setattr(sweep_module, "run_trials", killed)
    last, _ = swept(asked(place, tmp_path, "fate=raises", algorithms=(mine,), environments=("CartPole-v1",)))
    assert (last.runs.query("value == 'raises'").status == "missing").all()
    assert (last.runs.query("value == 'diverges'").status == "diverged").all()


@pytest.mark.parametrize(
    ("values", "algorithms", "reason"),
    [
        (["max_kl=1,2"], ("actor-critic",), "algorithm 'actor-critic' has no option 'max_kl'"),
        (["trace=0.1,0.2"], ("actor-critic", "reinforce"), "algorithm 'reinforce' has no option 'trace'"),
        (["trace=0.1,1.5"], ("actor-critic",), "ActorCritic.trace = 1.5: input should be less than or equal to 1"),
        (["num_envs=0,2"], ("actor-critic",), "ActorCritic.num_envs = 0: input should be greater than or equal to 1"),
        (["num_envs=two"], ("actor-critic",), "ActorCritic.num_envs = 'two': input should be a valid integer"),
        (["base.trace=0.1"], ("actor-critic",), "algorithm 'actor-critic' has no option 'base'"),
        ([], ("actor-critic",), "no hyperparameter is named: write NAME=LOW..HIGH:log:COUNT"),
        (["trace=0.1"], ("actor",), "did you mean 'actor-critic'?"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(values, algorithms, reason, place, tmp_path):
    with pytest.raises(UsageError, match=re.escape(reason)):
        Sweep(asked(place, tmp_path / "out", *values, algorithms=algorithms))
    assert not (tmp_path / "out").exists()


def test_what_is_said_beforehand(place, tmp_path):
    sweep = Sweep(asked(place, tmp_path, "trace=0.1,0.5", "num_steps=4,8", environments=("CartPole-v1", "Pendulum-v1")))
    lines = sweep.announcement
    assert lines[0] == (
        "mine: one hyperparameter at a time, all else as the suite has it; 2 runs of each setting on seeds 1000-1001"
    )
    assert lines[1].split(None, 2)[2] == "0.1, 0.5; the suite has 0.5 on CartPole-v1, 0.9 on Pendulum-v1"
    assert lines[2].split(None, 2)[2] == "4, 8; the suite has 16"
    assert lines[4].split() == ["CartPole-v1", "400", "4", "8", "3,200"]
    assert lines[5].split() == ["Pendulum-v1", "400", "5", "10", "4,000"]
    assert lines[6] == "18 runs, 7,200 environment steps, less what is there already"
    assert not sweep.caution


def test_seeds_that_the_suite_reports_are_cautioned_against(place, tmp_path):
    sweep = Sweep(asked(place, tmp_path, "trace=0.1", seeds=(1, 1000)))
    assert sweep.caution.startswith("suite mine reports seeds 1: a value that is chosen by this sweep")


def test_by_default_seeds_are_fresh(place):
    suite = load_suite(str(place / "mine.toml"))
    assert fresh_seeds(suite) == (1000, 1001)
    tuned = suite.model_copy(update={"seeds": (1001, 3, 4), "tuning": suite.tuning})
    assert fresh_seeds(tuned) == (1000, 1002, 1003)


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ("learning_rate=0.5,0.6,0.7", True),  # as its class declares
        ("num_envs=1,10,100", True),
        ("num_envs=1,2,3", False),
        ("entropy_weight=0,0.1,1", False),
        ("num_envs=2..9:log:3", True),
        ("hidden=[8],[16]", False),
    ],
)
def test_which_values_lie_on_a_logarithmic_scale(values, log, place, tmp_path):
    assert Sweep(asked(place, tmp_path, values)).axes[0].log is log


def test_a_damaged_record_of_what_was_asked_for(place, tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"asked": [{"algorithm": "x"}]}))
    with pytest.raises(UsageError, match=r"sweep.json cannot be read: .*; delete it, and sweep again what it said"):
        Sweep(asked(place, tmp_path, "trace=0.1"))
