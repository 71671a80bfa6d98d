"""Jobs on a Ray cluster: what is said, what fails and is not tried again, and who is refused. `kill_nodes` kills."""

import io
import json
import os
import signal
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
import ray
from ray.cluster_utils import Cluster

from pgsuite.errors import PassingTrouble
from pgsuite.results import read_manifest
from pgsuite.results.store.places import place_of
from pgsuite.suites import running
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.scheduling import alike, places
from pgsuite.suites.scheduling import ray as module
from pgsuite.suites.scheduling.shards import shares
from pgsuite.suites.schema import parse_suite

from ...objects import served

ALGORITHMS = """
import os, signal, time
from dataclasses import dataclass
from pathlib import Path
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Notes(Reinforce):
    folder: str = ""
    def update(self, state, rollout):
        print("printed there")
        Path(self.folder, f"tried-{os.getpid()}").touch()
        if self.folder.endswith("stalls"):
            time.sleep(1000)
        if self.folder.endswith("raises"):
            raise RuntimeError("no luck")
        if self.folder.endswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().update(state, rollout)
"""
MEMORY = 80 * 2**20
PLAIN_HEAD = {"include_log_monitor": False, "no_monitor": True}
"""Without what reads logs and scales a cluster, of which nothing is asked."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head that does no work, a node like this machine, and one that has another torch.

    For another numpy, kernels would be compiled anew.
    """
    odd = tmp_path_factory.mktemp("odd")
    (odd / "torch-0.0.7.dist-info").mkdir()
    (odd / "torch-0.0.7.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.0.7\n")
    head = {"num_cpus": 0, "object_store_memory": MEMORY, **PLAIN_HEAD}
    found = Cluster(initialize_head=True, head_node_args=head)
    odd_path = os.pathsep.join([str(odd), *filter(None, sys.path)])
    found.odd = found.add_node(num_cpus=1, object_store_memory=MEMORY, env_vars={"PYTHONPATH": odd_path})
    ray.init(found.address, logging_level="ERROR", log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture(scope="module")
def objects():
    """A server of objects."""
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def larger(cluster, objects):
    """The same with another node, which is like this machine and finds the server."""
    cluster.add_node(num_cpus=1, object_store_memory=MEMORY, env_vars=objects.environment)
    return cluster


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run cells of CartPole and return how they ended and what was said."""
    (tmp_path / "mine.py").write_text(ALGORITHMS)
    monkeypatch.chdir(tmp_path)

    def run(*names, on="ray", out="out", seeds="0-1", steps=200, shard=None, interrupted=False, **options):
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
        place = place_of(out) if "://" in out else tmp_path / out
        planned = plan_cells(parse_suite(data, "test"), place)
        planned = shares(planned, shard) if shard else planned
        said = io.StringIO()
        outcome = run_cells(planned, place, on=on, console=Console(file=said, width=300), **options)
        assert bool(outcome.interruption) == interrupted
        return {f.cell.algorithm: f for f in outcome.failures}, said.getvalue(), planned

    return run


def test_the_odd_node_is_refused_by_name_or_allowed_and_recorded(cluster, run):
    failures, said, planned = run("reinforce")
    assert "torch 0.0.7 instead of" in said
    assert f"({cluster.odd.node_id[:8]}): torch 0.0.7" in said
    reason = failures["reinforce"].reason
    assert reason.startswith("no machine of the cluster can do it: ")
    assert reason.endswith("allow for it with --mixed")
    assert planned[0].missing() == [0, 1]
    failures, _, planned = run("reinforce", mixed=True, seeds="0")
    assert not failures
    provenance = planned[0].store.read_curve(0)[1]["provenance"]
    assert provenance["mixed"]["torch"]["here"] == "0.0.7"
    assert "KEY" not in json.dumps(provenance).upper()


def test_the_others_go_on_and_what_fails_there_is_not_tried_again(larger, run):
    failures, said, planned = run("reinforce", "fine", "raises", "dies", workers=2)
    assert failures.keys() == {"raises", "dies"}
    assert "torch 0.0.7 instead of" in said, "and the others go on"
    assert "note: fine on CartPole-v1: it prints: printed there" in said
    assert failures["raises"].reason == "RuntimeError: no luck"
    assert failures["raises"].place.endswith("mine.py:16")
    assert "Traceback" in failures["raises"].details
    assert "its worker process died (signal SIGKILL" in failures["dies"].reason
    for name in ("raises", "dies"):
        assert len([*planned[0].store.path.parent.parent.joinpath(name).glob("tried-*")]) <= 2, "not tried again"
    assert "mixed" not in planned[1].store.read_curve(0)[1]["provenance"]


def test_a_stalled_job_is_ended_and_the_others_are_finished_at_a_url(larger, run, objects, monkeypatch):
    """What the command's own process computes with is nobody's measure: it may have loaded anything."""
    monkeypatch.setattr(alike, "processor", lambda: {"BLAS": "another one"})
    failures, _, planned = run("stalls", "fine", out=f"s3://{objects.bucket()}/out", seeds="0", stall_limit=10.0)
    assert failures.keys() == {"stalls"}
    assert failures["stalls"].reason.startswith("no step of an environment, update or evaluation for 10 s, the stall")
    assert failures["stalls"].place.endswith("mine.py:14")
    assert failures["stalls"].passing
    assert [p.missing() for p in planned] == [[0], []]
    assert "the stall limit" in read_manifest(planned[0].store.path.parent).cells[0].reason


def test_ctrl_c_lets_tasks_save_what_they_have(larger, run):
    def press(*_):
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background shells ignore it
    try:
        _, _, planned = run("reinforce", steps=500_000_000, seeds="0", on_rows=press, interrupted=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert planned[0].store.seeds() == {0: "partial"}


def test_a_cluster_that_is_lost_is_one_line_and_failures_until_then_are_kept(larger, run, monkeypatch, tmp_path):
    make, finish, made = module._letters, running._Listening.finish, []
    monkeypatch.setattr(module, "_letters", lambda: made.append(make()) or made[0])

    def finished(self, job, failure):
        finish(self, job, failure)
        ray.kill(made[0])

    monkeypatch.setattr(running._Listening, "finish", finished)
    with pytest.raises(PassingTrouble, match=r"^the head node .* is lost, or what collects news there \(Actor.*again"):
        run("raises", "fine", workers=1)
    assert read_manifest(tmp_path / "out").cells[0].reason.startswith("RuntimeError: no luck")


def test_a_head_node_that_is_silent_is_lost():
    head = SimpleNamespace(silence=SimpleNamespace(look=lambda: None, seconds=41.0), machines={})
    with pytest.raises(PassingTrouble, match="the head node"), module._loss_told():
        module.RayWorkers(head, None, 600.0, mixed=False)._mind_the_cluster(None, {}, None)


def test_cpus_are_those_of_machines_that_may_be_given_work(larger):
    with places.workers_at("ray", None, 600.0) as workers:
        assert workers.count == 2
        workers._refuse(larger.odd.node_id, "odd", "why", SimpleNamespace(note=lambda _: None))
        assert workers.count == 1
        assert str(workers) == "1 CPU of a Ray cluster"
