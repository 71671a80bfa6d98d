"""A stored policy plays its recorded evaluation again, and runs no code on the word of a folder."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from pgsuite.errors import PgsuiteError, UsageError
from pgsuite.results import CellStore
from pgsuite.results.store.curve import curve_rows
from pgsuite.suites.planning import plan
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import drawable, episode, reasons, replay
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

ENVIRONMENTS = {
    "CartPole-v1": {"steps": 400},
    "Acrobot-v1": {"steps": 600, "backend": "envpool"},
    "Pendulum-v1": {"steps": 400, "backend": "envpool"},
    "MountainCar-v0": {"steps": 400, "backend": "gymnasium", "options": {"max_episode_steps": 50}},
    "MountainCarContinuous-v0": {"steps": 400},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    pytest.importorskip("envpool")
    out = tmp_path_factory.mktemp("replay") / "small"
    suite = {
        "name": "small",
        "description": "of the test",
        "seeds": "0-1",
        "evaluation": {"checkpoints": 2, "episodes": 3},
        "environments": ENVIRONMENTS,
        "algorithms": {"actor-critic": {"normalise_observations": True}, "trpo": {"num_steps": 25, "num_envs": 4}},
    }
    planned = plan(parse_suite(suite, "test"), out)
    assert not run_cells(planned, out, workers=1).failures
    return out


def cell(results, algorithm="trpo", env="CartPole-v1"):
    return find_cell(results, algorithm, env)


@pytest.mark.parametrize("algorithm", ["actor-critic", "trpo"])
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_bit_equal_to_the_recorded_evaluation(algorithm, env, results):
    policy = open_policy(cell(results, algorithm, env), 1)
    assert policy.environment.backend == {"backend": "numpy", **ENVIRONMENTS[env]}["backend"]
    assert replay(policy).differences == []


def test_a_changed_weight_or_record_is_noticed(results):
    policy = open_policy(cell(results), 1)
    row = policy.row._replace(return_mean=float(np.nextafter(policy.row.return_mean, np.inf)))
    (difference,) = replay(dataclasses.replace(policy, row=row)).differences
    assert difference.startswith("return_mean ")
    other = open_policy(cell(results), 0)
    assert replay(dataclasses.replace(policy, actor=other.actor)).differences


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_an_episode_is_one_of_the_evaluation(env, results):
    policy = open_policy(cell(results, env=env), 1)
    again = replay(policy).episodes
    for number in range(3):
        played = episode(policy, number)
        assert np.cumsum(played.reward)[-1] == again.returns[0, number]
        assert len(played.action) == len(played.reward) == len(played.observation) - 1 == again.lengths[0, number]
    with pytest.raises(UsageError, match="episodes 0 to 2"):
        episode(policy, 3)


def test_reasons_name_what_differs(results, copied):
    store = copied(cell(results), lambda record: record["versions"].update(numpy="1.0", torch="1.0"))
    named = reasons(open_policy(store, 1))
    assert [reason.split(" ")[:3] for reason in named] == [["torch", "was", "1.0,"], ["numpy", "was", "1.0,"]]
    assert "code has changed" in reasons(open_policy(cell(results), 1))[0]


@pytest.mark.parametrize(("env", "backend"), [("LunarLander-v3", "gymnasium"), ("CartPole-v1", "numpy")])
def test_what_cannot_be_drawn_is_played_on_gymnasium(env, backend, results):
    policy = open_policy(cell(results), 1)
    recorded = dataclasses.replace(policy.environment, id=env, backend="envpool" if env != "CartPole-v1" else "numpy")
    shown = drawable(dataclasses.replace(policy, environment=recorded))
    assert (shown.environment.id, shown.environment.backend) == (env, backend)


def test_cells_are_found_by_folder_or_by_names(results):
    store = cell(results)
    assert find_cell(store.path, None, None).path == store.path
    with pytest.raises(UsageError, match="holds 2 such cells: choose one with -a and -e among actor-critic on Pend"):
        find_cell(results, None, "Pendulum-v1")
    with pytest.raises(UsageError, match="holds 0 such cells"):
        find_cell(results, "trpo", "Pendulum-v0")


def test_what_is_not_there_is_named(results):
    with pytest.raises(UsageError, match="no policy of seed 7: seeds that are there: 0, 1"):
        open_policy(cell(results), 7)
    with pytest.raises(UsageError, match="policy of checkpoint 2 alone, not of 1"):
        open_policy(cell(results), 1, checkpoint=1)
    assert open_policy(cell(results), 1, checkpoint=2).row.checkpoint == 2


def test_a_run_whose_last_policy_was_not_evaluated(results, copied):
    store = copied(cell(results), lambda record: None)
    frame, _ = store.read_curve(1)
    store.write_curve(1, curve_rows(frame)[:-1], {"status": "diverged", "diverged_at": 300})
    with pytest.raises(PgsuiteError, match="checkpoint 2, the run is diverged: there is nothing to replay"):
        open_policy(store, 1)


@pytest.fixture
def copied(tmp_path):
    """A copy of a cell whose record has been changed."""

    def copy(store, change):
        folder = tmp_path / store.path.name
        shutil.copytree(store.path, folder)
        record = json.loads((folder / "cell.json").read_text())
        change(record)
        (folder / "cell.json").write_text(json.dumps(record))
        return CellStore.open(folder)

    return copy


HOSTILE = """
from pathlib import Path
Path(__file__).with_name("executed").write_text("")
from dataclasses import dataclass
from pgsuite.algorithms import TRPO

@dataclass(frozen=True, kw_only=True)
class Mine(TRPO):
    pass
"""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda record, code: record.update(reference=f"{code}/hostile.py:Mine"), "hostile.py:Mine"),
        (lambda record, code: record.update(reference="hostile_of_test_replay:Mine"), "hostile_of_test_replay:Mine"),
        (lambda record, code: record.pop("reference"), "None"),
        (lambda record, code: record.update(modules=["hostile_of_test_replay"]), "hostile_of_test_replay"),
        (lambda record, code: record.update(env="hostile_of_test_replay:E-v0"), "hostile_of_test_replay:E-v0"),
        (lambda record, code: record["environment"].update(id="hostile_of_test_replay:E-v0"), "replay:E-v0"),
        (lambda record, code: record["environment"].update(options={"a": [{"b": "m:E-v0"}]}), "m:E-v0"),
    ],
)
def test_code_that_a_folder_names_is_not_imported(change, named, results, copied, tmp_path, monkeypatch):
    code = tmp_path / "code"
    code.mkdir()
    for name in ("hostile", "hostile_of_test_replay"):
        (code / f"{name}.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(str(code))
    store = copied(cell(results), lambda record: change(record, code))
    with pytest.raises(UsageError, match=r"--trust") as error:
        open_policy(store, 1)
    assert named in str(error.value)
    assert not (code / "executed").exists()


def test_code_that_the_user_names_or_trusts_is_imported(results, copied, tmp_path):
    (tmp_path / "own.py").write_text(HOSTILE)
    address = f"{tmp_path}/own.py:Mine"

    def mine(record):
        record["reference"] = address
        record["configuration"]["class"] = "Mine"

    store = copied(cell(results), mine)
    for options in ({"algorithm": address}, {"trust": True}):
        assert replay(open_policy(store, 1, **options)).differences == []
    with pytest.raises(UsageError, match=r"give it with -a"):
        open_policy(store, 1, algorithm="Mine")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record: record["configuration"].update(hidden=[999_999, 999_999]), "parameters.*expected"),
        (lambda record: record["configuration"].update({"class": "ActorCritic"}), "trpo is not ActorCritic"),
        (lambda record: record["configuration"].update(normalise_observations=True), "KeyError"),
        (lambda record: record["environment"].pop("backend"), "KeyError: 'backend'"),
        (lambda record: record["configuration"].update(learning="fast"), "no option 'learning'"),
    ],
)
def test_a_record_that_does_not_fit_its_snapshot(change, message, results, copied):
    with pytest.raises(PgsuiteError, match=message):
        open_policy(copied(cell(results), change), 1)
