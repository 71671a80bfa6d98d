"""Some of what `kill_nodes.py` does twenty times, with an environment that takes its time."""

import os
import random
import sys

import pgsuite

from .kill import ENVIRONMENT, bits, finished
from .kill_nodes import cluster_of, repeat

SUITE = """
name = "kill"
description = "Small and slow"
seeds = "0-3"
modules = ["environment_to_kill"]
[evaluation]
checkpoints = 5
episodes = 1
[environments."kill/Walk-v0"]
steps = 400
[algorithms.reinforce]
num_envs = 2
[algorithms.actor-critic]
num_envs = 2
num_steps = 10
"""

LOST_SOON = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 4}
"""Of Ray's head: a node that is silent is lost after some seconds, of which the default is a quarter of a minute."""


def test_nodes_and_the_driver_are_lost_and_no_run_is(tmp_path, monkeypatch):
    (tmp_path / "environment_to_kill.py").write_text(ENVIRONMENT)
    (tmp_path / "kill.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*filter(None, sys.path)]))
    monkeypatch.syspath_prepend(tmp_path)  # the drivers go without
    assert pgsuite.run("kill.toml", out="local", workers=4, progress=False).ok
    expected = finished(bits(tmp_path / "local"))
    with cluster_of(2, _system_config=LOST_SOON) as cluster:
        done = repeat(cluster, ["kill.toml"], tmp_path / "out", expected, random.Random(1), within=1.5)
    said = (tmp_path / "out.log").read_text()
    assert len(expected) == 8
    assert (done.lost, done.differing, done.restarts, done.kills) == (0, 0, 1, 2), said
    assert done.given_again > 0, said
    assert "Traceback" not in said
