"""From a suite to cells: which there are, what their results depend on, what is still to be done."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from pgsuite import envs
from pgsuite.errors import UsageError
from pgsuite.results.store import closure
from pgsuite.results.store.curve import CurveRow
from pgsuite.results.store.fingerprint import source_definitions
from pgsuite.suites.planning import NOT_COMPUTING, plan_cells, source_roots
from pgsuite.suites.running import ENVIRONMENT_FACTS
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
    return plan_cells(parse_suite(suite, "test"), out, **options)


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
    rows = [CurveRow(k, steps, steps, 1.0, 0.0, 2, 1.0, 2, 0, 0.0, {}) for k, steps in enumerate(p.cell.grid)]
    last = len(rows) - 1
    for seed, status in {0: "complete", 1: "partial", 2: "diverged"}.items():
        tensors = {"checkpoint": np.array([last]), "diverged_at": np.array([5 if status == "diverged" else -1])}
        p.store.write_checkpoint(seed, rows, {"status": status, "diverged_at": 5}, tensors, {})
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
    """Registering an algorithm, or editing Acrobot, leaves CartPole's results valid; `test_invalidation` has more."""
    (_, trpo, *_) = planned(tmp_path)
    roots = source_roots(trpo.cell, envs.describe("CartPole-v1"))
    names = source_definitions(*roots, without=NOT_COMPUTING)
    assert {"pgsuite.algorithms.trust_region:line_search", "pgsuite.suites.collection:Collector"} <= set(names)
    modules = {name.partition(":")[0] for name in names}
    others = ("registry", "acrobot", "envpool_backend", "gymnasium_backend", "reinforce", "actor_critic", "planning")
    assert not [name for name in modules if name.endswith((*others, "display", "workers", "store.store", "errors"))]


ENVIRONMENT = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv

FORCE = 10.0

class Strong(CartPoleEnv):
    def __init__(self, **options):
        super().__init__(**options)
        self.force_mag = FORCE

def make_strong(**options):
    return Strong(**options)

def unrelated():
    return 1

gymnasium.register("tests/Strong-v0", entry_point="{module}:{entry}", max_episode_steps=10)
"""


@pytest.mark.parametrize("entry", ["Strong", "make_strong"])
def test_a_users_environment_counts_by_what_makes_it_and_by_the_suites_modules(entry, tmp_path, monkeypatch):
    module = f"tests_strong_{entry}"
    file, code = tmp_path / f"{module}.py", ENVIRONMENT.replace("{module}", module).replace("{entry}", entry)
    monkeypatch.syspath_prepend(str(tmp_path))

    def hash_of(code, *modules):
        file.write_text(code)
        closure._programs.clear()
        suite = {**SUITE, "modules": list(modules), "environments": {"tests/Strong-v0": {"steps": 200}}}
        return planned(tmp_path / "out", suite=suite)[0].cell.fingerprint

    try:
        named = hash_of(code, module)
        assert hash_of(code.replace("10.0", "20.0"), module) != named
        assert hash_of(code + "\nX = 1", module) != named  # all of a module that a suite names
        made = hash_of(code)
        assert hash_of(code.replace("10.0", "20.0")) != made
        assert hash_of(code.replace("return Strong(**options)", "return Strong()")) != made or entry == "Strong"
        assert hash_of(code.replace("return 1", "return 2")) == made
    finally:
        gymnasium.registry.pop("tests/Strong-v0", None)


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


def named(tmp_path, **tables):
    """The one cell of REINFORCE on each environment table."""
    suite = {**SUITE, "environments": tables, "algorithms": {"reinforce": {"num_envs": 2}}}
    return {p.cell.environment.name: p for p in planned(tmp_path, suite=suite)}


OWN = {"random": 1.0, "reference": 9.0, "source": "by hand"}


def test_one_environment_under_several_names(tmp_path):
    short = {"id": "CartPole-v1", "steps": 200, "options": {"max_episode_steps": 20}}
    cells = named(
        tmp_path, short=short, longer={**short, "options": {"max_episode_steps": 30}}, usual={**short, "options": {}}
    )
    assert [p.cell.name for p in cells.values()] == ["reinforce on short", "reinforce on longer", "reinforce on usual"]
    assert [p.store.env for p in cells.values()] == ["short", "longer", "usual"]
    assert [p.record["environment"]["id"] for p in cells.values()] == ["CartPole-v1"] * 3
    assert len({p.cell.fingerprint for p in cells.values()}) == 3
    (plain,) = named(tmp_path, **{"CartPole-v1": {"steps": 200}}).values()
    assert plain.cell.fingerprint == cells["usual"].cell.fingerprint  # a name changes no number
    some = planned(
        tmp_path, suite={**SUITE, "environments": {"short": short}}, environments=["short"], algorithms=["trpo"]
    )
    assert [p.cell.name for p in some] == ["trpo on short"]


def test_an_ids_anchors_are_for_the_task_that_it_names(tmp_path):
    base = {"id": "CartPole-v1", "steps": 200}
    cells = named(
        tmp_path,
        usual=base,
        said={**base, "options": {"max_episode_steps": 500}},  # as it is registered
        short={**base, "options": {"max_episode_steps": 20}},
        own={**base, "options": {"max_episode_steps": 20}, "anchors": OWN},
        mine={**base, "anchors": OWN},
    )
    anchors = {name: p.record["anchors"] for name, p in cells.items()}
    known = {"random": 22.25, "reference": 500.0}
    declared = {"random": 1.0, "reference": 9.0}
    assert anchors == {"usual": known, "said": known, "short": None, "own": declared, "mine": declared}
    assert cells["own"].record["anchors_source"] == "by hand"
    notes = {name: p.notes for name, p in cells.items() if p.notes}
    assert [*notes] == ["short"]
    assert notes["short"] == tuple(cells["short"].record["environment_notes"])
    assert "short is CartPole-v1 with other max_episode_steps" in notes["short"][0]


def test_anchors_that_come_later_are_taken_into_the_record(tmp_path):
    before = named(tmp_path, **{"CartPole-v1": {"steps": 200}})["CartPole-v1"]
    after = named(tmp_path, **{"CartPole-v1": {"steps": 200, "anchors": OWN}})["CartPole-v1"]
    assert before.store.path == after.store.path
    before.store.create(before.record)
    for p, expected in ((after, {"random": 1.0, "reference": 9.0}), (before, {"random": 22.25, "reference": 500.0})):
        p.store.amend({name: p.record.get(name) for name in ENVIRONMENT_FACTS})
        found = p.store.record()
        assert found["anchors"] == expected
        assert found.get("anchors_source") == p.record.get("anchors_source")
        assert {name: found[name] for name in ("steps", "fingerprint")} == {
            "steps": 200,
            "fingerprint": p.cell.fingerprint,
        }
