"""The judgement of an audit, and its file: which estimators depart from what they declare.

A record is one case (model × policy × variant) with the p-values of its tests. Cases whose first sample looked
suspicious were drawn again with fresh seeds, and only that second sample is judged; the others pass. So the p-values
judged are honest ones, and Bonferroni's correction over **all** tests of the audit bounds the chance of any false
alarm by α.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import UsageError
from .atomic import finite, write_json
from .digest import check_table, sealed_table
from .reading import read_json

ALPHA = 0.001
"""Chance of any false alarm in a whole audit, at most."""
FORMAT = 3
"""Since 3 intervals are tables; an audit is made again in a minute, so that earlier ones are not read."""

MEANINGS = {
    "finite": "the gradient is not finite",
    "exact": "the mean gradient is not the exact one",
    "reference": "the mean gradient is not that of the declared estimator on the same batches",
    "critic": "the critic's gradient has the wrong mean",
    "variance": "the variance exceeds that of the declared estimator",
}
"""Tests by name, and what is wrong where one fails."""


def count_tests(records: Sequence[dict[str, Any]]) -> int:
    """Return the number of tests that may raise an alarm."""
    return sum(len(record["p_values"]) for record in records)


def judge(record: dict[str, Any], tests: int) -> list[str]:
    """Return the names of the tests that a case fails among ``tests`` in all."""
    if not _final(record):
        return []
    return [name for name, p in record["p_values"].items() if p * tests < ALPHA]


def adjusted(record: dict[str, Any], tests: int) -> float:
    """Return the case's smallest p-value after Bonferroni's correction; 1 for a case that was not drawn again."""
    return min(1.0, min(record["p_values"].values()) * tests) if _final(record) else 1.0


def _final(record: dict[str, Any]) -> bool:
    """Whether a case may depart: it was drawn again, or a gradient was not finite, which needs no second look."""
    return "screened" in record or "finite" in record["p_values"]


def assemble(
    algorithms: dict[str, dict[str, Any]], *, seed: int, batches: int, seconds: float, versions: dict[str, str]
) -> dict[str, Any]:
    """Return the audit as one tree, as JSON has it, judged.

    Args:
        algorithms: name to ``cases``, ``updates`` and ``bias_variance``, lists of records.
        seed: of the audit.
        batches: asked for.
        seconds: wall time.
        versions: of what was audited with.
    """
    tests = sum(count_tests(found["cases"]) for found in algorithms.values())
    judged = {}
    for name, found in algorithms.items():
        cases = [
            {**case, "adjusted_p": adjusted(case, tests), "departures": judge(case, tests)} for case in found["cases"]
        ]
        departures = [departure_line(case) for case in cases if case["departures"]]
        departures += [
            f"{', '.join(part for part in (update['model'], update['policy'], update['variant']) if part)}: {text}"
            for update in found["updates"]
            for text in update["departures"]
        ]
        driven = all(update.get("driven", True) for update in found["updates"])
        judged[name] = {**found, "cases": cases, "passes": not departures, "departures": departures, "driven": driven}
    return {
        "format": FORMAT,
        "alpha": ALPHA,
        "tests": tests,
        "seed": seed,
        "batches": batches,
        "seconds": seconds,
        "versions": versions,
        "passes": all(found["passes"] for found in judged.values()),
        "algorithms": finite(judged),
    }


def departure_line(case: dict[str, Any]) -> str:
    """Return one line on a case that departs."""
    where = ", ".join(part for part in (case["model"], case["policy"], case["variant"]) if part)
    return f"{where}: " + "; ".join(MEANINGS[name] for name in case["departures"])


class BiasVariance(NamedTuple):
    """What λ trades at one error of the critic, relative to the length of the exact gradient."""

    trace: float
    critic_error: float
    """Share of the values' root mean square."""
    bias: float
    bias_error: float
    """Standard error of the mean gradient."""
    exact_bias: float
    noise: float
    """Standard deviation of one batch."""


def write_audit(path: Path, audit: dict[str, Any]) -> None:
    """Write an audit as JSON.

    Raises:
        UsageError: if its folder does not exist.
        PgsuiteError: if it cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    write_json(path, sealed_table(audit))


def read_audit(path: Path) -> dict[str, Any]:
    """Read what `write_audit` wrote.

    Raises:
        UsageError: if it is no such file.
    """
    try:
        audit = read_json(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the audit {path}: {reason}; write one with `pgsuite audit --json`") from error
    if not isinstance(audit, dict) or not isinstance(audit.get("algorithms"), dict) or audit.get("format") != FORMAT:
        raise UsageError(f"{path} is no audit of this version: write one with `pgsuite audit --json {path}`")
    try:
        return check_table(audit, required=True)
    except ValueError as error:
        raise UsageError(f"{path} is damaged, {error}: write it again with `pgsuite audit --json {path}`") from error


def departures_of(audit: Mapping[str, Any]) -> list[str]:
    """Return every departure from a declared target, a line each."""
    return [line for found in audit["algorithms"].values() for line in found["departures"]]
