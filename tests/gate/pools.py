"""Run the pools that the gate is measured on: `python tests/gate/pools.py`, an hour on two cores, resumable.

Every cell of `quick` with many seeds, and the same cells with each planted fault and each harmless change. The runs go
to runs/gate; what is needed of them, two numbers a run, is written to docs/check/pools.json. `pools.py audits` writes which
faults the gradient audit sees, to docs/check/audits.json.
"""

import inspect
import json
import runpy
import sys
from pathlib import Path

from rich.console import Console

from pgsuite.results.store.atomic import write_json, write_text
from pgsuite.results.store.bank import read_run
from pgsuite.suites.audit.run import plan_audit, run_audit
from pgsuite.suites.check.pairing import Scale
from pgsuite.suites.files import read_suite
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OUT = ROOT / "runs" / "gate"
POOLS = ROOT / "docs" / "check" / "pools.json"
AUDITS = ROOT / "docs" / "check" / "audits.json"
SUITE = "quick"
SEEDS = {"algorithms": 320, "faults": 80, "harmless": 160}
PREFIX = {"Reinforce": "reinforce", "Baseline": "reinforce-baseline", "Critic": "actor-critic", "TRPO": "trpo"}


def variants(module):
    """Name, base algorithm and first docstring line of every class of a file of variants."""
    found = {}
    for name, value in runpy.run_path(str(HERE / f"{module}.py"), run_name=module).items():
        if inspect.isclass(value) and value.__module__ == module and not name.startswith("_"):
            prefix = max((p for p in PREFIX if name.startswith(p)), key=len)
            found[name] = (PREFIX[prefix], inspect.getdoc(value).splitlines()[0])
    return found


def write(pools):
    """Write what is needed of the runs: by kind, variant and environment the scores of its seeds, from 0 on."""
    lines = [json.dumps(pool) for pool in pools]
    text = '{"suite": "quick", "pools": [\n' + ",\n".join(lines) + "\n]}\n"
    POOLS.parent.mkdir(exist_ok=True)
    write_text(POOLS, text)


def scores(kind, planned, base, what):
    """Area under the curve and final score of every run of a cell; a diverged run is worth 0 from there on."""
    runs = {seed: read_run(planned.store, seed) for seed in planned.seeds}
    scale = Scale.of(planned.record["anchors"], list(runs.values()))
    return {
        "kind": kind,
        "variant": planned.cell.algorithm,
        "env": planned.cell.environment.name,
        "base": base,
        "what": what,
        "auc": [round(scale.score(run, "auc"), 4) for run in runs.values()],
        "final": [round(scale.score(run, "final"), 4) for run in runs.values()],
        "diverged": [seed for seed, run in runs.items() if run.status == "diverged"],
    }


def audit():
    """Write which faults the gradient audit sees by itself."""
    found = {}
    for name in variants("faults"):
        judged = run_audit(plan_audit([f"{HERE / 'faults'}.py:{name}"], ()))
        found[name] = not judged["passes"]
        print(name, "departs" if found[name] else "follows", flush=True)
        write_json(AUDITS, found)


def main():
    if "audits" in sys.argv:
        audit()
        return
    _, quick = read_suite(SUITE)
    suites, told = {"algorithms": quick}, {}
    for module in ("faults", "harmless"):
        told |= variants(module)
        tables = {
            name: {"class": f"{HERE / module}.py:{name}", **quick["algorithms"][base]}
            for name, (base, _) in variants(module).items()
        }
        suites[module] = {**quick, "algorithms": tables}
    pools = []
    for kind, data in suites.items():
        suite = parse_suite({**data, "name": kind}, kind)
        planned = plan_cells(suite, OUT / kind, seeds=range(SEEDS[kind]))
        outcome = run_cells(planned, OUT / kind, console=Console(stderr=True))
        if outcome.interruption:
            raise SystemExit(130)
        for failure in outcome.failures:
            print(kind, failure.cell.name, failure.reason)
        pools += [
            scores(kind, cell, *told.get(cell.cell.algorithm, (cell.cell.algorithm, "")))
            for cell in planned
            if not cell.missing()
        ]
    write(pools)


if __name__ == "__main__":
    main()
