"""What Ray costs: the suite `quick` on a local cluster of two CPUs beside local processes, in turn.

`python tests/bench/on_ray.py` on a quiet machine of two cores. Both are timed from the first job that begins to the
last one that ends, so that starting Ray, or the server of workers, is no part of it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def seconds(command: list[str]) -> float:
    """Run a command and return the seconds between the first job's begin and the last one's end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    begun, ended = 0.0, 0.0
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            begun = begun or ("  started  " in line) * time.monotonic()
            ended = time.monotonic() if "  finished  " in line else ended
    if process.returncode:
        raise SystemExit(process.returncode)
    return ended - begun


def main() -> None:
    """Time both in turn, and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="budget of every run; that of the suite by default")
    options = parser.parse_args()
    run = [sys.executable, "-m", "pgsuite.cli", "run", "quick", "--no-report", "--workers", "2"]
    run += ["--steps", str(options.steps)] if options.steps else []
    found: dict[str, list[float]] = {"local": [], "ray": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for on, times in found.items():
                times.append(seconds([*run, "--on", on, "--out", str(Path(folder, f"{on}-{number}"))]))
                print(f"{on:5} {times[-1]:6.1f} s", flush=True)
    local, ray = (statistics.median(times) for times in found.values())
    print(f"median {local:.1f} s on local processes, {ray:.1f} s on Ray: {ray / local - 1:+.1%}")


if __name__ == "__main__":
    main()
