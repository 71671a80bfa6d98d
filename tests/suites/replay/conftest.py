"""Small real results whose policies are stored, and copies of their cells with another record."""

import json
import shutil

import pytest

from pgsuite.results import CellStore
from pgsuite.results.store.digest import sealed_table
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.replay.policies import find_cell
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

ENVIRONMENTS = {
    "CartPole-v1": {"steps": 400},
    "Acrobot-v1": {"steps": 600, "backend": "envpool"},
    "Pendulum-v1": {"steps": 400, "backend": "envpool"},
    "MountainCar-v0": {"steps": 400, "backend": "gymnasium", "options": {"max_episode_steps": 50}},
    "MountainCarContinuous-v0": {"steps": 400},
}


@pytest.fixture(scope="session")
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
    planned = plan_cells(parse_suite(suite, "test"), out)
    assert not run_cells(planned, out, workers=1).failures
    return out


def cell(results, algorithm="trpo", env="CartPole-v1"):
    return find_cell(results, algorithm, env)


@pytest.fixture
def copied(tmp_path):
    """A copy of a cell whose record has been changed."""

    def copy(store, change):
        folder = tmp_path / store.path.name
        shutil.copytree(store.path, folder)
        record = json.loads((folder / "cell.json").read_text())
        change(record)
        (folder / "cell.json").write_text(json.dumps(sealed_table(record)))
        return CellStore.open(folder)

    return copy
