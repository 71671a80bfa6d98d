"""Measure how often the audit catches each planted fault on each model, and how often it alarms falsely.

    python tests/suites/audit/audit_rates.py measure --repetitions 40      # goes on where it stopped
    python tests/suites/audit/audit_rates.py measure --only faults --repetitions 10
    python tests/suites/audit/audit_rates.py tables                  # docs/audit/detection.md from the measurements

Every line of ``docs/audit/rates.csv`` is one (fault or algorithm, model, seed): the tests that failed, empty for none.
A fault's policies are tried until one shows it; a correct algorithm is audited whole. The multiplicity is that of the
default audit, so a line is what the default audit would have said of this model.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from faults import FAULTS  # noqa: E402

from pgsuite.algorithms.registry import ALGORITHMS  # noqa: E402
from pgsuite.results.store.audit import judge  # noqa: E402
from pgsuite.suites.audit.models import MODELS  # noqa: E402
from pgsuite.suites.audit.run import BATCHES, AuditJob, lacking_gradient, run_job  # noqa: E402

AUDITED = [name for name in ALGORITHMS if not lacking_gradient(name)]

TESTS = 900
"""Tests of a default audit of the four algorithms, rounded up."""
FOLDER = HERE.parents[2] / "docs" / "audit"
FIELDS = ("subject", "model", "seed", "batches", "failed")


class Trial(NamedTuple):
    """One line to measure."""

    subject: str
    """A fault, or an algorithm."""
    model: str
    seed: int
    batches: int


def measure(trial: Trial) -> dict[str, object]:
    """Audit one subject on one model."""
    fault = trial.subject in FAULTS
    reference = f"{HERE / 'faults.py'}:{FAULTS[trial.subject]}" if fault else trial.subject
    failed: set[str] = set()
    for policy in MODELS[trial.model].policies:
        found = run_job(AuditJob(reference, trial.model, policy, trial.seed, trial.batches))
        for case in found.cases:
            failed |= set(judge(case, TESTS))
        failed |= {"update" for update in found.updates if update["departures"]}
        if fault and failed:
            break
    return {**trial._asdict(), "failed": " ".join(sorted(failed))}


def trials(only: str, repetitions: int, batches: int, first_seed: int) -> Iterator[Trial]:
    """All that is asked for, seed by seed."""
    subjects = [*(FAULTS if only != "alarms" else ()), *(AUDITED if only != "faults" else ())]
    for seed in range(first_seed, first_seed + repetitions):
        for subject in subjects:
            for model in MODELS:
                yield Trial(subject, model, seed, batches)


def read(file: Path) -> list[dict[str, str]]:
    """What has been measured."""
    if not file.is_file():
        return []
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def run(file: Path, asked: list[Trial], workers: int) -> None:
    """Measure what is missing; every result is written as it comes."""
    done = {(row["subject"], row["model"], int(row["seed"]), int(row["batches"])) for row in read(file)}
    left = [trial for trial in asked if trial not in done]
    print(f"{len(asked) - len(left)} of {len(asked)} are there already", flush=True)
    new = not file.is_file()
    with file.open("a", newline="") as stream, ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        writer = csv.DictWriter(stream, FIELDS)
        if new:
            writer.writeheader()
        for count, future in enumerate(as_completed([pool.submit(measure, trial) for trial in left]), 1):
            writer.writerow(future.result())
            stream.flush()
            if count % 100 == 0:
                print(f"{count} of {len(left)}", flush=True)


def tables(file: Path, out: Path) -> None:
    """Write the tables fault × model → detection rate, and the false alarms, as Markdown."""
    rows = read(file)
    models = [model for model in MODELS if any(row["model"] == model for row in rows)]
    lines = [
        "# Detection rates and false alarms",
        "",
        f"Written by `python {Path(__file__).name} tables`; see README.md.",
    ]
    lines += ["", f"| fault | {' | '.join(models)} | any model |", f"|---|{'---:|' * (len(models) + 1)}"]
    for fault in FAULTS:
        mine = [row for row in rows if row["subject"] == fault]
        if not mine:
            continue
        cells = [rate([bool(row["failed"]) for row in mine if row["model"] == model]) for model in models]
        seeds = {row["seed"] for row in mine}
        caught = [any(row["failed"] for row in mine if row["seed"] == seed) for seed in seeds]
        lines.append(f"| {fault} | {' | '.join(cells)} | {rate(caught)} (n = {len(seeds)}) |")
    lines += ["", "## False alarms", "", "| algorithm | audits | alarms |", "|---|---:|---:|"]
    for algorithm in AUDITED:
        mine = [row for row in rows if row["subject"] == algorithm]
        alarms = [f"{row['model']} (seed {row['seed']}): {row['failed']}" for row in mine if row["failed"]]
        text = f"{len(alarms)}" + (f": {'; '.join(alarms)}" if alarms else "")
        lines.append(f"| {algorithm} | {len({row['seed'] for row in mine})} | {text} |")
    out.write_text("\n".join(lines) + "\n")
    print(f"wrote {out}")


def rate(found: list[bool]) -> str:
    """A share, or a dash where nothing was measured."""
    return f"{sum(found) / len(found):.2f}".removesuffix(".00") if found else "–"


def main() -> None:
    """Parse and do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "tables"))
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("--only", choices=("faults", "alarms", "all"), default="all")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    file = given.folder / "rates.csv"
    if given.what == "measure":
        run(file, list(trials(given.only, given.repetitions, given.batches, given.first_seed)), given.workers)
    tables(file, given.folder / "detection.md")


if __name__ == "__main__":
    main()
