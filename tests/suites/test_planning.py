"""From a suite to cells: which there are, what their results depend on, what is still to be done."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pgsuite.errors import UsageError
from pgsuite.results.store import closure
from pgsuite.results.store.curve import CurveRow
from pgsuite.suites.planning import plan
from pgsuite.suites.schema import parse_suite

SUITE = {
    "name": "mine",
    "description": "",
    "seeds": "0-2",
    "evaluation": {"checkpoints": 2, "episodes": 2},
    "environments": {"CartPole-v1": {"steps": 200}, "Acrobot-v1": {"steps": 300}},
    "algorithms": {"reinforce": {"num_envs": 2}, "trpo": {}},
}


def planned(out, *, suite=SUITE, **options):
    return plan(parse_suite(suite, "test"), out, **options)


def fingerprint(out, **changed):
    """Of REINFORCE on CartPole under one change of the suite."""
    return planned(out, suite={**SUITE, **changed})[0].cell.fingerprint


def test_cells_are_environments_times_algorithms(tmp_path):
    cells = [p.cell for p in planned(tmp_path)]
    assert [c.name for c in cells] == [
        "reinforce on CartPole-v1",
        "trpo on CartPole-v1",
        "reinforce on Acrobot-v1",
        "trpo on Acrobot-v1",
    ]
    assert [c.steps for c in cells] == [200, 200, 300, 300]
    assert cells[0].options == {"num_envs": 2}


def test_a_part_of_a_suite(tmp_path):
    some = planned(tmp_path, algorithms=["trpo"], environments=["Acrobot-v1"], seeds=[7, 3], steps=50)
    assert [(p.cell.name, p.cell.steps, p.seeds) for p in some] == [("trpo on Acrobot-v1", 50, (7, 3))]


def test_what_the_suite_does_not_list(tmp_path):
    (p,) = planned(tmp_path, algorithms=["actor-critic"], environments=["Pendulum-v1"], steps=50)
    assert p.cell.name == "actor-critic on Pendulum-v1"
    with pytest.raises(UsageError, match=r"'Pendulum-v1' is not in suite mine.*CartPole-v1, Acrobot-v1.*--steps"):
        planned(tmp_path, environments=["Pendulum-v1"])


def test_the_fingerprint_is_repeatable_and_blind_to_seeds_and_names(tmp_path):
    same = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == same
    assert fingerprint(tmp_path, seeds="0-9") == same
    assert fingerprint(tmp_path, name="other", description="another") == same
    assert fingerprint(tmp_path, environments={"CartPole-v1": {"steps": 200}}) == same
    assert fingerprint(tmp_path, algorithms={"reinforce": {"num_envs": 2, "discount": 0.99}}) == same  # the default
    assert fingerprint(tmp_path, algorithms={"renamed": {"class": "reinforce", "num_envs": 2}}) == same


@pytest.mark.parametrize(
    "changed",
    [
        {"algorithms": {"reinforce": {"num_envs": 3}}},
        {"algorithms": {"reinforce": {"num_envs": 2, "environments": {"CartPole-v1": {"discount": 0.9}}}}},
        {"algorithms": {"reinforce-baseline": {"num_envs": 2}}},
        {"environments": {"CartPole-v1": {"steps": 201}}},
        {"environments": {"CartPole-v1": {"steps": 200, "backend": "gymnasium"}}},
        {"environments": {"CartPole-v1": {"steps": 200, "options": {"max_episode_steps": 20}}}},
        {"environments": {"CartPole-v0": {"steps": 200}}},
        {"evaluation": {"checkpoints": 3, "episodes": 2}},
        {"evaluation": {"checkpoints": 2, "episodes": 3}},
        {"evaluation": {"checkpoints": 2, "episodes": 2, "deterministic": True}},
    ],
)
@pytest.mark.filterwarnings("ignore:.*out of date.*")
def test_what_the_results_depend_on_changes_the_fingerprint(changed, tmp_path):
    assert fingerprint(tmp_path, **changed) != fingerprint(tmp_path)


@pytest.fixture
def source_copy(tmp_path, monkeypatch):
    """The package's source, read from a copy that a test may change."""
    copy = tmp_path / "pgsuite"
    for folder in ("", "algorithms", "envs", "envs/classic", "suites", "results"):
        (copy / folder).mkdir(parents=True)
        for file in (closure.PACKAGE.folder / folder).glob("*.py"):
            shutil.copy(file, copy / folder)
    monkeypatch.setattr(closure, "PACKAGE", closure.Home("pgsuite", copy))
    return copy


@pytest.mark.parametrize(
    ("file", "invalidated"),
    [
        ("algorithms/trpo.py", {"trpo"}),
        ("algorithms/trust_region.py", {"trpo"}),
        ("algorithms/reinforce.py", {"reinforce"}),
        ("algorithms/distributions.py", {"reinforce", "trpo"}),
        ("algorithms/actor_critic.py", set()),
        ("suites/collection.py", {"reinforce", "trpo"}),
        ("suites/display.py", set()),
        ("results/store/fingerprint.py", set()),
    ],
)
def test_a_changed_source_invalidates_its_cells_alone(file, invalidated, source_copy, tmp_path):
    before = {p.cell.name: p.cell.fingerprint for p in planned(tmp_path)}
    changed = source_copy / file
    changed.write_text(changed.read_text() + "\n# a comment\n")
    assert {p.cell.name: p.cell.fingerprint for p in planned(tmp_path)} == before
    changed.write_text(changed.read_text() + "\nCHANGED = True\n")
    after = {p.cell.name: p.cell.fingerprint for p in planned(tmp_path)}
    assert {name.split()[0] for name in before if after[name] != before[name]} == invalidated


def test_an_environments_source_counts_too(source_copy, tmp_path):
    before = fingerprint(tmp_path)
    cartpole = source_copy / "envs/classic/cartpole.py"
    cartpole.write_text(cartpole.read_text() + "\nCHANGED = True\n")
    assert fingerprint(tmp_path) != before


def test_a_users_algorithm_counts_by_its_file(tmp_path):
    file = tmp_path / "mine.py"
    code = "from dataclasses import dataclass\nfrom pgsuite.algorithms import Reinforce\n"
    code += "@dataclass(frozen=True, kw_only=True)\nclass Mine(Reinforce):\n    factor: float = 1.0\n"
    file.write_text(code)
    reference = f"{file}:Mine"
    (first, *_) = planned(tmp_path, algorithms=[reference])
    assert first.cell.algorithm == "Mine"
    assert first.record["configuration"]["factor"] == 1.0
    file.write_text(code + "    def other(self): return 2\n")
    (second, *_) = planned(tmp_path, algorithms=[reference])
    assert second.cell.fingerprint != first.cell.fingerprint


def test_missing_are_the_seeds_without_a_finished_run(tmp_path):
    (p, *_) = planned(tmp_path, seeds=[4, 0, 1, 2, 3])
    assert p.missing() == [4, 0, 1, 2, 3]
    p.store.create(p.record)
    row = CurveRow(0, 0, 0, 1.0, 0.0, 2, 1.0, 2, 0, 0.0, {})
    for seed, status in {0: "complete", 1: "partial", 2: "diverged"}.items():
        p.store.write_checkpoint(seed, [row], {"status": status, "diverged_at": 5}, {"x": np.zeros(1)}, {})
    Path(p.store.path / "seed-3.parquet").write_bytes(b"broken")
    assert p.missing() == [4, 1, 3]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"algorithms": {"reinforc": {}}}, r"unknown algorithm 'reinforc': did you mean 'reinforce'\?.*trpo"),
        ({"algorithms": {"reinforce": {"learning_rat": 1.0}}}, r"'learning_rat': did you mean 'learning_rate'"),
        ({"algorithms": {"reinforce": {"discount": 1.5}}}, r"discount = 1.5: .*less than or equal to 1"),
        ({"algorithms": {"reinforce": {"num_envs": "two"}}}, r"num_envs = 'two': .*integer"),
        ({"algorithms": {"a": {"class": "no_such_module:A"}}}, r"no_such_module.*cannot be imported"),
        ({"algorithms": {"a": {"class": "nowhere.py:A"}}}, r"nowhere.py.*no file"),
        ({"algorithms": {"a": {"class": "math:sqrt"}}}, r"math:sqrt.*derive a frozen dataclass from PolicyGradient"),
        ({"environments": {"CartPol-v1": {"steps": 1}}}, r"unknown environment 'CartPol-v1': did you mean CartPole-v1"),
        ({"environments": {"CartPole-v1": {"steps": 1, "options": {"x": 1}}}}, r"CartPole-v1.*arguments.*'x'"),
        ({"environments": {"Pendulum-v1": {"steps": 1, "backend": "envpool", "options": {"g": 1}}}}, r"gymnasium"),
        ({"modules": ["no_such_module"]}, r"module 'no_such_module', named by the suite, cannot be imported"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(changed, message, tmp_path):
    with pytest.raises(UsageError, match=message) as error:
        planned(tmp_path, suite={**SUITE, **changed})
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_depends_on_nothing_it_could_have_chosen(tmp_path):
    """Registering an algorithm, or editing Acrobot, leaves CartPole's results valid."""
    from pgsuite.results.store.fingerprint import source_modules
    from pgsuite.suites.planning import DISPATCHERS, LEARNER

    modules = source_modules("pgsuite.algorithms.trpo", LEARNER, "pgsuite.envs.classic.cartpole", without=DISPATCHERS)
    assert {"pgsuite.algorithms.trust_region", "pgsuite.suites.collection"} <= set(modules)
    others = ("registry", "acrobot", "envpool", "gymnasium_backend", "reinforce", "actor_critic", "planning", "cli")
    assert not [name for name in modules if name.endswith(others)]


def test_a_budget_below_the_checkpoints_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"budget of 1 steps is less than the 2 checkpoints"):
        planned(tmp_path, steps=1)


def test_two_algorithms_of_one_name_are_refused(tmp_path):
    for folder in "xy":
        (tmp_path / folder).mkdir()
        source = "from pgsuite.algorithms import Reinforce\n\n\nclass Mine(Reinforce):\n    pass\n"
        (tmp_path / folder / "mine.py").write_text(source)
    with pytest.raises(UsageError, match=r"2 algorithms are called 'Mine'"):
        planned(tmp_path, algorithms=[f"{tmp_path}/{folder}/mine.py:Mine" for folder in "xy"])
