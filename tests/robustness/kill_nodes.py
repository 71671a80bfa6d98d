"""Kill the machines of a Ray cluster: `python tests/robustness/kill_nodes.py`, a minute for each repetition.

A cluster of three nodes on this machine, of which the head does no work. A part of the suite `quick` is run on it while
each node but the head is killed at a moment drawn by a seed: SIGKILL to all of its processes at once, and after a while
another node comes. So is the driver, which is started again. Then every run is compared, bit for bit, with one of local
processes that nobody killed. The table goes to docs/robustness/kill-nodes.md.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
from ray.cluster_utils import Cluster

if __package__:
    from .kill import DOCS, bits, finished
else:
    from kill import DOCS, bits, finished

_POLL = 0.05
_TRIALS = 5
_MEMORY = 80 * 2**20
"""Bytes of a node's object store."""
_PLAIN = {"include_log_monitor": False, "no_monitor": True}
"""Without what reads logs and scales a cluster, of which nothing is asked."""
WITHIN = 8.0
"""Seconds within which the next kill comes."""
COMES_AFTER = 3.0
"""Seconds after which there is another node in place of a lost one."""


class Repetition(NamedTuple):
    """What became of one."""

    kills: int
    """Nodes that were killed."""
    restarts: int
    """How often the driver was killed and started again."""
    given_again: int
    """Jobs that were lost with their node and given to another one."""
    lost: int
    """Runs that are not there in the end."""
    differing: int
    """Runs whose bits are not those of the local run."""
    seconds: float


@contextmanager
def cluster_of(nodes: int, **arguments: Any) -> Iterator[Any]:
    """A cluster on this machine: a head that does no work, and nodes of one CPU each."""
    head = {"num_cpus": 0, "object_store_memory": _MEMORY, **_PLAIN, **arguments}
    found = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(nodes):
            add_node(found)
        yield found
    finally:
        found.shutdown()


def add_node(cluster: Any, **arguments: Any) -> Any:
    """Let another node join, of one CPU; one that a busy machine is too slow for is tried again."""
    for trial in range(_TRIALS):
        try:
            return cluster.add_node(num_cpus=1, object_store_memory=_MEMORY, **arguments)
        except Exception:  # Ray raises nothing more particular
            if trial == _TRIALS - 1:
                raise
    return None


def kill_node(cluster: Any, node: Any) -> None:
    """Kill all processes of a node at once, as when its power goes."""
    (raylet,) = node.all_processes["raylet"]
    for number in [raylet.process.pid, *_descendants(raylet.process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    raylet.process.wait()
    cluster.worker_nodes.discard(node)


def _descendants(number: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = parents.get(number, []).copy()
    for child in found:
        found += parents.get(child, [])
    return found


def start(arguments: list[str], log: Path, **surroundings: str) -> subprocess.Popen[bytes]:
    """Run `pgsuite run` in a session of its own, its output in a file."""
    environment = {**os.environ, "COLUMNS": "200", **surroundings}
    command = [sys.executable, "-m", "pgsuite.cli", "run", *arguments, "--no-report"]
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)


def repeat(
    cluster: Any, command: list[str], out: Path, expected: dict[str, str], rng: random.Random, within: float = WITHIN
) -> Repetition:
    """Run the command on a cluster while its nodes and the driver are killed, and compare what is there in the end.

    The first kill comes when a job has begun, each within some seconds of what was before.
    """
    begun, log = time.monotonic(), out.with_suffix(".log")
    arguments = [*command, "--on", "ray", "--out", str(out)]
    driver, restarts, kills = start(arguments, log, RAY_ADDRESS=cluster.address), 0, 0
    victims: list[Any] = [*cluster.worker_nodes, None]
    rng.shuffle(victims)
    for victim in victims:
        while driver.poll() is None and b"  started  " not in log.read_bytes():
            time.sleep(_POLL)
        end = time.monotonic() + rng.random() * within
        while driver.poll() is None and time.monotonic() < end:
            time.sleep(_POLL)
        if driver.poll() is None and victim is None:
            os.kill(driver.pid, signal.SIGKILL)
            driver.wait()
            driver, restarts = start(arguments, log, RAY_ADDRESS=cluster.address), restarts + 1
        elif driver.poll() is None:
            kill_node(cluster, victim)
            kills += 1
            time.sleep(COMES_AFTER)
            add_node(cluster)
    code = driver.wait(timeout=1200)
    if code:
        raise SystemExit(f"the driver ended with exit code {code}:\n{log.read_text()}")
    found = finished(bits(out))
    return Repetition(
        kills,
        restarts,
        log.read_text().count("and given to another one"),
        len(expected.keys() - found.keys()),
        sum(found[run] != expected.get(run) for run in found),
        time.monotonic() - begun,
    )


def table(done: list[Repetition], command: list[str], runs: int, options: argparse.Namespace) -> str:
    """What is committed."""
    rows = [
        ("repetitions", len(done)),
        ("nodes killed", sum(one.kills for one in done)),
        ("drivers killed and started again", sum(one.restarts for one in done)),
        ("jobs lost with their node and given to another one", sum(one.given_again for one in done)),
        ("runs in all", runs * len(done)),
        ("runs lost", sum(one.lost for one in done)),
        ("runs whose bits differ from those of the local run", sum(one.differing for one in done)),
    ]
    given = f"--repetitions {len(done)} --seed {options.seed} --steps {options.steps}"
    lines = [
        "# Machines of a cluster killed at random",
        "",
        f"`python tests/robustness/kill_nodes.py {given}`:",
        f"`pgsuite run {' '.join(command)} --on ray` ({runs} runs) on a Ray cluster of three nodes on one",
        "machine of two cores. The two that work are killed once each (SIGKILL to all processes of a node), at random,",
        "and so is the driver, which is started again. Bits are of every column but the wall time and of every array",
        "of the snapshot but the seconds, against local processes that nobody killed.",
        "A node is not killed where the suite came to its end before.",
        "",
        "| | |",
        "| --- | ---: |",
        *(f"| {what} | {count} |" for what, count in rows),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the repetitions and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=150_000, help="budget of every run")
    parser.add_argument("--seeds", default="0-3")
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    command = ["quick", "--steps", str(options.steps), "--seeds", options.seeds]
    with tempfile.TemporaryDirectory() as folder, cluster_of(2) as cluster:
        place = Path(folder)
        if start([*command, "--out", str(place / "local")], place / "local.log").wait():
            raise SystemExit((place / "local.log").read_text())
        expected = finished(bits(place / "local"))
        print(f"{len(expected)} runs", flush=True)
        done: list[Repetition] = []
        for number in range(options.repetitions):
            rng = random.Random(f"{options.seed}/{number}")
            done.append(repeat(cluster, command, place / f"out-{number}", expected, rng))
            print(number, done[-1], flush=True)
            options.docs.mkdir(parents=True, exist_ok=True)
            (options.docs / "kill-nodes.md").write_text(table(done, command, len(expected), options))


if __name__ == "__main__":
    main()
