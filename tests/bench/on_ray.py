"""What Ray costs: the suite `quick` on a local cluster of two CPUs beside local processes, in turn.

`python tests/bench/on_ray.py` on a machine of two cores. Both are timed from the first job that begins to the last one
that ends, so that starting Ray, or the server of workers, is no part of it: by the clock, which tells something on a quiet
machine, and by the seconds of a processor that all processes of the command take, Ray's own among them.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


_MARK = "PGSUITE_BENCH"
"""Variable of the environment by which the processes of a command are known."""


class Cost(NamedTuple):
    """Seconds since some moment."""

    clock: float
    processor: float


def now(mark: str) -> Cost:
    """The clock, and what the processes of a command have used, with those that they started and that have ended."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{_MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
    return Cost(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"))


def cost(command: list[str]) -> Cost:
    """Run a command and return what it took between the first job's begin and the last one's end."""
    mark = secrets.token_hex(6)
    environment = {**os.environ, _MARK: mark}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    begun = ended = None
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if begun is None and "  started  " in line:
                begun = now(mark)
            if "  finished  " in line:
                ended = now(mark)
    if process.returncode or begun is None or ended is None:
        raise SystemExit(process.returncode or 1)
    return Cost(*(after - before for before, after in zip(begun, ended, strict=True)))


def main() -> None:
    """Time both in turn, and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="budget of every run; that of the suite by default")
    options = parser.parse_args()
    run = [sys.executable, "-m", "pgsuite.cli", "run", "quick", "--no-report", "--workers", "2"]
    run += ["--steps", str(options.steps)] if options.steps else []
    found: dict[str, list[Cost]] = {"local": [], "ray": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for on, costs in found.items():
                costs.append(cost([*run, "--on", on, "--out", str(Path(folder, f"{on}-{number}"))]))
                print(f"{on:5} {costs[-1].clock:6.1f} s, {costs[-1].processor:6.1f} s of a processor", flush=True)
    for name in Cost._fields:
        local, ray = (statistics.median(getattr(one, name) for one in costs) for costs in found.values())
        print(f"median by the {name}: {local:.1f} s on local processes, {ray:.1f} s on Ray: {ray / local - 1:+.1%}")


if __name__ == "__main__":
    main()
