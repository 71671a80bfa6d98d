"""``make bench``: training speed beside other libraries, on one core.

Every contestant is a process of its own on the same core and a single thread. A pair is measured alternately, so that a
drift of the machine's speed reaches both; a ratio is that of the medians. It prints a table, writes docs/bench/README.md
and runs/bench.json (in pytest-benchmark's format: ``pytest-benchmark compare``), and fails only where a ratio is under
half of its aim.

BASE=REVISION measures another revision beside this one; JAX=PYTHON uses another interpreter for the JAX contestant.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROUNDS = int(os.environ.get("ROUNDS", "5"))
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ONE_THREAD["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class Pair(NamedTuple):
    """What is compared, and what the ratio should be."""

    work: str
    ours: str
    beside: str
    theirs: str
    aim: float


PAIRS = [
    Pair("actor-critic 8 × 16, CartPole, 10 seeds", "actor-critic", "jax", "actor-critic", 1.5),
    Pair("the same, CartPole, 10 seeds", "actor-critic", "sb3", "actor-critic", 60),
    Pair("TRPO 8 × 256, CartPole, 10 seeds", "trpo", "sb3", "trpo", 12),
    Pair("`reinforce`, CartPole", "reinforce", "base", "reinforce", 8),
    Pair("`reinforce-baseline`, CartPole", "reinforce-baseline", "base", "reinforce-baseline", 8),
    Pair("evaluation, short episodes", "evaluation, short episodes", "base", "evaluation, short episodes", 10),
    Pair("evaluation, 500 steps", "evaluation, 500 steps", "base", "evaluation, 500 steps", 4),
    Pair("actor-critic, Acrobot", "actor-critic Acrobot", "base", "actor-critic Acrobot", 2),
    Pair("actor-critic, Pendulum", "actor-critic Pendulum", "base", "actor-critic Pendulum", 2),
    Pair("actor-critic, HalfCheetah", "actor-critic HalfCheetah", "ours", "within steps of HalfCheetah", 0.92),
    Pair("the same actions, HalfCheetah", "actor-critic HalfCheetah", "ours", "steps alone, HalfCheetah", 0.92),
    Pair("actor-critic, LunarLander", "actor-critic LunarLander", "ours", "within steps of LunarLander", 0.9),
    Pair("the same actions, LunarLander", "actor-critic LunarLander", "ours", "steps alone, LunarLander", 0.9),
    Pair("1 seed beside 10", "1 seed", "ours", "actor-critic", 0.8),
    Pair("100 seeds beside 10", "100 seeds", "ours", "actor-critic", 0.9),
    Pair("1000 seeds beside 10", "1000 seeds", "ours", "actor-critic", 0.9),
]
NAMES = {
    "ours": "own",
    "sb3": "Stable-Baselines3",
    "jax": "JAX + gymnax",
    "base": f"revision {os.environ.get('BASE', '')}",
}


class Contestant:
    """A process that answers with steps per second."""

    def __init__(self, script, python=sys.executable, root=None):
        path = {"PYTHONPATH": str(root / ".dev")} if root else {}
        self.process = subprocess.Popen(
            [python, str(HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE_THREAD, **path},
        )
        self.rows = json.loads(self.process.stdout.readline() or "[]")

    def measure(self, row):
        self.process.stdin.write(row + "\n")
        self.process.stdin.flush()
        if not (answer := self.process.stdout.readline()):
            raise EOFError
        return json.loads(answer)


def contestants(place):
    """Those that can be had; the others are named in a line."""
    found = {"ours": Contestant("ours.py"), "sb3": Contestant("sb3.py")}
    python = os.environ.get("JAX", sys.executable)
    if subprocess.run([python, "-c", "import jax, gymnax, optax"], capture_output=True, check=False).returncode == 0:
        found["jax"] = Contestant("jax_a2c.py", python)
    else:
        print("without JAX and gymnax, which are not installed: pip install 'pgsuite[jax]'")
    if base := os.environ.get("BASE"):
        tree = Path(place) / "base"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), base], cwd=ROOT, check=True)
        found["base"] = Contestant("ours.py", root=tree)
    else:
        print("without another revision: name one, BASE=main make bench")
    return {name: one for name, one in found.items() if one.rows}


def compared(found):
    """Measure every pair; the first round of each warms up and does not count."""
    rows = []
    for pair in PAIRS:
        if pair.beside not in found or pair.theirs not in found[pair.beside].rows:
            continue
        ours, theirs = found["ours"], found[pair.beside]
        try:
            measured = [(ours.measure(pair.ours), theirs.measure(pair.theirs)) for _ in range(ROUNDS + 1)][1:]
        except EOFError:
            print(f"{pair.work}: left out, {NAMES[pair.beside]} has died")
            continue
        mine, other = (statistics.median(side) for side in zip(*measured, strict=True))
        rows.append((pair, mine, other, measured))
        print(f"{pair.work:45} {mine:12,.0f} {other:12,.0f} {mine / other:8.2f}  (aim {pair.aim:g})", flush=True)
    return rows


def table(rows):
    lines = ["| work | steps/s | beside | steps/s | ratio | aim |", "|---|---|---|---|---|---|"]
    for pair, mine, other, _ in rows:
        beside = NAMES[pair.beside] + (f", {pair.theirs}" if pair.beside == "ours" else "")
        lines.append(f"| {pair.work} | {mine:,.0f} | {beside} | {other:,.0f} | {mine / other:.2f} | {pair.aim:g} |")
    return "\n".join(lines)


def benchmarks(rows):
    """What pytest-benchmark writes: seconds of a thousand steps."""
    for pair, _, _, measured in rows:
        for contestant, name, rates in zip(
            ("ours", pair.beside), (pair.ours, pair.theirs), zip(*measured, strict=True), strict=True
        ):
            seconds = sorted(1000 / rate for rate in rates)
            quartiles = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else seconds * 3
            yield {
                "group": pair.work,
                "name": f"{contestant}[{name}]",
                "fullname": f"tests/bench/run.py::{contestant}[{name}]",
                "params": None,
                "param": None,
                "extra_info": {},
                "options": {"rounds": len(seconds), "timer": "perf_counter", "warmup": True},
                "stats": {
                    "min": seconds[0],
                    "max": seconds[-1],
                    "mean": statistics.fmean(seconds),
                    "stddev": statistics.stdev(seconds) if len(seconds) > 1 else 0.0,
                    "rounds": len(seconds),
                    "median": statistics.median(seconds),
                    "iqr": quartiles[2] - quartiles[0],
                    "q1": quartiles[0],
                    "q3": quartiles[2],
                    "iqr_outliers": 0,
                    "stddev_outliers": 0,
                    "outliers": "0;0",
                    "ld15iqr": seconds[0],
                    "hd15iqr": seconds[-1],
                    "ops": 1 / statistics.fmean(seconds),
                    "total": sum(seconds),
                    "iterations": 1,
                },
            }


def machine():
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    wide = "AVX-512" if features.get("avx512f") else "AVX2" if features.get("avx2") else "no AVX2"
    limits = [
        name
        for name in ("NPY_DISABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY", "NUMBA_CPU_NAME", "OPENBLAS_CORETYPE")
        if name in os.environ
    ]
    limited = f", limited by {', '.join(f'{name}={os.environ[name]}' for name in limits)}" if limits else ""
    return f"{binding.get_host_cpu_name()} ({wide}{limited}), Python {platform.python_version()}"


def main():
    with tempfile.TemporaryDirectory() as place:
        found = contestants(place)
        rows = compared(found)
        if "base" in found:
            found["base"].process.kill()
            subprocess.run(["git", "worktree", "remove", "--force", str(Path(place) / "base")], cwd=ROOT, check=True)
    for one in found.values():
        one.process.kill()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "numba", "stable-baselines3"))
    text = (
        (HERE / "README.in.md")
        .read_text()
        .format(table=table(rows), machine=machine(), libraries=libraries, rounds=ROUNDS)
    )
    (ROOT / "docs" / "bench" / "README.md").write_text(text)
    saved = ROOT / "runs" / "bench.json"
    saved.parent.mkdir(exist_ok=True)
    saved.write_text(
        json.dumps(
            {
                "machine_info": {"node": "", "machine": platform.machine(), "cpu": machine()},
                "commit_info": {"id": "unknown", "dirty": False},
                "benchmarks": list(benchmarks(rows)),
                "datetime": datetime.now(UTC).isoformat(),
                "version": version("pytest-benchmark"),
            },
            indent=1,
        )
    )
    slow = [pair.work for pair, mine, other, _ in rows if mine / other < pair.aim / 2]
    if slow:
        sys.exit(f"under half of the aim: {'; '.join(slow)}")


if __name__ == "__main__":
    main()
