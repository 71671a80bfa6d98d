"""Jobs on a Ray cluster: what is said, what fails and is not tried again, and who is refused. `kill_nodes` kills."""

import io
import json
import os
import sys

import pytest
from rich.console import Console

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
import ray
from ray.cluster_utils import Cluster

from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.scheduling.shards import shares
from pgsuite.suites.schema import parse_suite

ALGORITHMS = """
import os, signal
from dataclasses import dataclass
from pathlib import Path
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Notes(Reinforce):
    folder: str = ""
    def update(self, state, rollout):
        Path(self.folder, f"tried-{os.getpid()}").touch()
        if self.folder.endswith("raises"):
            raise RuntimeError("no luck")
        if self.folder.endswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().update(state, rollout)
"""
MEMORY = 80 * 2**20


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head that does no work, a node like this machine, and one that has another numpy."""
    odd = tmp_path_factory.mktemp("odd")
    (odd / "numpy-0.0.7.dist-info").mkdir()
    (odd / "numpy-0.0.7.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.7\n")
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY})
    odd_path = os.pathsep.join([str(odd), *filter(None, sys.path)])
    found.odd = found.add_node(num_cpus=1, object_store_memory=MEMORY, env_vars={"PYTHONPATH": odd_path})
    ray.init(found.address, logging_level="ERROR", log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run cells of CartPole and return how they ended and what was said."""
    (tmp_path / "mine.py").write_text(ALGORITHMS)
    monkeypatch.chdir(tmp_path)

    def run(*names, on="ray", out="out", seeds="0-1", steps=200, shard=None, **options):
        algorithms = {}
        for name in names:
            (tmp_path / name).mkdir(exist_ok=True)
            own = {"class": "mine.py:Notes", "folder": str(tmp_path / name)} if name != "reinforce" else {}
            algorithms[name] = {"num_envs": 2, **own}
        data = {
            "name": "test",
            "description": "",
            "seeds": seeds,
            "evaluation": {"checkpoints": 2, "episodes": 1},
            "environments": {"CartPole-v1": {"steps": steps}},
            "algorithms": algorithms,
        }
        planned = plan_cells(parse_suite(data, "test"), tmp_path / out)
        planned = shares(planned, shard) if shard else planned
        said = io.StringIO()
        outcome = run_cells(planned, tmp_path / out, on=on, console=Console(file=said, width=300), **options)
        return {f.cell.algorithm: f for f in outcome.failures}, said.getvalue(), planned

    return run


def test_the_odd_node_is_refused_by_name_or_allowed_and_recorded(cluster, run):
    failures, said, planned = run("reinforce")
    assert "numpy 0.0.7 instead of" in said
    assert f"({cluster.odd.node_id[:8]}): numpy 0.0.7" in said
    reason = failures["reinforce"].reason
    assert reason.startswith("no machine of the cluster can do it: ")
    assert reason.endswith("allow for it with --mixed")
    assert planned[0].missing() == [0, 1]
    failures, _, planned = run("reinforce", mixed=True, seeds="0")
    assert not failures
    provenance = planned[0].store.read_curve(0)[1]["provenance"]
    assert provenance["mixed"]["numpy"]["here"] == "0.0.7"
    assert "KEY" not in json.dumps(provenance).upper()
    cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    failures, said, planned = run("reinforce", "fine", "raises", "dies", workers=2)
    assert failures.keys() == {"raises", "dies"}
    assert "numpy 0.0.7 instead of" in said, "and the others go on"
    assert failures["raises"].reason == "RuntimeError: no luck"
    assert failures["raises"].place.endswith("mine.py:13")
    assert "Traceback" in failures["raises"].details
    assert "its worker process died (signal SIGKILL" in failures["dies"].reason
    for name in ("raises", "dies"):
        assert len([*planned[0].store.path.parent.parent.joinpath(name).glob("tried-*")]) <= 2, "not tried again"
    assert "mixed" not in planned[1].store.read_curve(0)[1]["provenance"]
