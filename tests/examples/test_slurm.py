"""The batch scripts, run with stand-ins for Slurm and Ray that write down how they were called."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import pgsuite
from pgsuite.suites.scheduling.shards import Shard, parse_shard

# a suite that is over once every node is up: a job that ends before ends its nodes, too
NODES_UP = 'eval until [ $(grep -c ^ray.start "$CALLS") -eq 3 ]; do sleep 0.05; done'
SCRIPTS = Path(pgsuite.__file__).parent / "docs" / "cluster"
STUBS = {
    "scontrol": 'printf "node-1\\nnode-2\\nnode-3\\n"',
    # without its options, what it is to start
    "srun": 'while [[ "$1" == --* ]]; do shift; done; exec "$@"',
    # a node stays until it is ended; the head answers when it has been asked twice
    "ray": '[[ "$1" == start ]] && exec sleep 60; n=$(grep -c "ray status" "$CALLS"); [[ "$n" -gt 2 ]]',
    "pgsuite": 'echo "RAY_ADDRESS=${RAY_ADDRESS:-}" >> "$CALLS"; trap "exit 143" TERM; $DRIVER',
}


@pytest.fixture
def submit(tmp_path):
    """Start a script as a batch system does; what is called goes to the file ``calls``."""
    for name, does in STUBS.items():
        stub = tmp_path / name
        stub.write_text(f'#!/bin/bash\necho "{name} $*" >> "$CALLS"\n{does}\n')
        stub.chmod(0o755)
    (tmp_path / "calls").touch()

    def start(script, *arguments, driver="true", **variables):
        return subprocess.Popen(
            ["bash", str(SCRIPTS / script), *arguments],
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "CALLS": str(tmp_path / "calls"),
                "DRIVER": driver,
                "PAUSE": "0",
                "SLURM_JOB_ID": "123456",
                "SLURM_JOB_NODELIST": "node-[1-3]",
                "SLURM_CPUS_PER_TASK": "8",
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


def calls(folder, program):
    return [line for line in (folder / "calls").read_text().splitlines() if line.startswith(program)]


def test_ray_is_started_on_every_node_once_and_the_suite_runs_on_it(submit, tmp_path):
    job = submit("slurm-ray.sh", "mujoco", "--out", "/shared/my results", driver=NODES_UP)
    said, _ = job.communicate(timeout=60)
    assert (job.returncode, said) == (0, "")
    head, *others = calls(tmp_path, "srun")
    assert "--nodelist=node-1 ray start --head --block" in head
    assert "--node-ip-address=node-1 --port=23456 --num-cpus=8" in head
    assert sorted(others) == [
        f"srun --nodes=1 --ntasks=1 --cpus-per-task=8 --nodelist={node} "
        "ray start --block --address=node-1:23456 --num-cpus=8"
        for node in ("node-2", "node-3")
    ]
    assert calls(tmp_path, "pgsuite") == ["pgsuite run mujoco --out /shared/my results --on ray"]
    assert calls(tmp_path, "RAY_ADDRESS") == ["RAY_ADDRESS=node-1:23456"]
    order = (tmp_path / "calls").read_text()
    assert order.index("ray status") < order.index("nodelist=node-2"), "others join a head that answers"


@pytest.mark.parametrize("code", [1, 2, 143])
def test_the_jobs_exit_code_is_that_of_the_suite(code, submit):
    job = submit("slurm-ray.sh", "mujoco", driver=f"exit {code}")
    job.communicate(timeout=60)
    assert job.returncode == code


def test_a_node_that_lost_the_signal_to_end_is_told_again(submit, tmp_path):
    """As bash may lose one that comes while it starts a program."""
    deaf_once = '[[ "$1" == start ]] && { trap "trap - TERM" TERM; for _ in $(seq 600); do sleep 0.1; done; }; true'
    (tmp_path / "ray").write_text(f"#!/bin/bash\n{deaf_once}\n")
    job = submit("slurm-ray.sh", "mujoco")
    job.communicate(timeout=30)  # which waits for all that have its output
    assert job.returncode == 0


def test_the_signal_before_the_time_limit_reaches_the_suite_and_nobody_is_left(submit, tmp_path):
    job = submit("slurm-ray.sh", "mujoco", driver="eval while true; do sleep 0.1; done")
    deadline = time.monotonic() + 60
    while not calls(tmp_path, "RAY_ADDRESS") and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(job.pid, signal.SIGTERM)
    job.communicate(timeout=60)  # which waits for all that have its output
    assert job.returncode == 143


def test_a_head_that_does_not_answer_is_said(submit, tmp_path):
    (tmp_path / "ray").write_text('#!/bin/bash\n[[ "$1" == start ]] && exec sleep 60; exit 1\n')
    job = submit("slurm-ray.sh", "mujoco")
    said, _ = job.communicate(timeout=60)
    assert (job.returncode, said) == (1, "the head on node-1:23456 does not answer\n")
    assert calls(tmp_path, "pgsuite") == []


def test_an_array_has_every_shard_also_when_some_are_done_again(submit, tmp_path):
    for number in (*range(1, 11), 3):
        job = submit("slurm-array.sh", "mujoco", SLURM_ARRAY_TASK_ID=str(number))
        job.communicate(timeout=60)
        assert job.returncode == 0
    done = [line.split() for line in calls(tmp_path, "pgsuite")]
    assert all(line[:4] == ["pgsuite", "run", "mujoco", "--shard"] for line in done)
    assert calls(tmp_path, "srun")[0].startswith("srun --cpus-per-task=8 pgsuite run")
    assert all(line[5:] == ["--workers", "8"] for line in done)
    assert {parse_shard(line[4]) for line in done} == {Shard(number, 10) for number in range(1, 11)}
    (directive,) = [line for line in (SCRIPTS / "slurm-array.sh").read_text().splitlines() if "#SBATCH --array" in line]
    assert directive.endswith("=1-10")
