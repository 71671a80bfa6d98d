"""An audit of the gradients as a part of the report: the outcome, its tables, and every departure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..errors import UsageError
from ..results.store.audit import BiasVariance, read_audit
from .catalogue import AUDIT, AUDITED_UPDATES
from .tables.audit import audit_summary, audit_update_summary, verdict
from .tables.table import EVERYWHERE, FILES, Cell, Column, Table, algorithm, number, text

_WORDS = ("algorithm", "model", "verdict")
_ONLY_FILES = frozenset({"batches", "SNR", "J", "critic"})
"""Columns for which a terminal has no room."""


class AuditSection(NamedTuple):
    """What a report says of an audit."""

    verdict: str
    """The outcome in one sentence."""
    passes: bool
    tables: tuple[Table, ...]
    departures: tuple[str, ...]
    """One line for every departure from a declared target."""
    bias_variance: Mapping[str, tuple[BiasVariance, ...]]
    """Algorithm -> what λ trades, of those that have one."""


def read_section(path: Path) -> AuditSection:
    """Read what ``pgsuite audit --json`` wrote.

    Raises:
        UsageError: it is no audit of this version.
    """
    audit = read_audit(path)
    try:
        return audit_section(audit)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UsageError(f"{path} is damaged: write it again with `pgsuite audit --json {path}`") from error


def audit_section(audit: dict[str, Any]) -> AuditSection:
    """Say what an audit found."""
    updates = audit_update_summary(audit)
    tables = [_table("audit", "Gradients against the exact gradient", AUDIT, audit_summary(audit))]
    if len(updates):
        tables.append(_table("audit-updates", "What an update brings", AUDITED_UPDATES, updates))
    departures = [f"{name}: {line}" for name, found in audit["algorithms"].items() for line in found["departures"]]
    points = {
        name: tuple(BiasVariance(**{key: _number(value) for key, value in point.items()}) for point in curve)
        for name, found in audit["algorithms"].items()
        if (curve := found["bias_variance"])
    }
    return AuditSection(verdict(audit), bool(audit["passes"]), tuple(tables), tuple(departures), points)


def _number(value: Any) -> float:
    """What is not finite is null in the file."""
    return float("nan") if value is None else float(value)


def _table(name: str, title: str, caption: str, rows: pd.DataFrame) -> Table:
    columns = tuple(
        Column(title, numeric=title not in _WORDS, media=FILES if title in _ONLY_FILES else EVERYWHERE)
        for title in map(str, rows.columns)
    )
    cells = tuple(tuple(_cell(str(column), value) for column, value in row.items()) for row in rows.to_dict("records"))
    return Table(name, title, caption, columns, cells, headings=2)


def _cell(column: str, value: Any) -> Cell:
    """A cell as the summary writes it, sorted by the number that it begins with."""
    written = str(value)
    if column == "algorithm":
        return algorithm(written)
    if column in _WORDS:
        return text(written, tone={"departs": "bad", "follows": "good"}.get(written, ""))
    try:
        return number(float(written.replace("–", " ").split()[0].rstrip("°")), written)
    except (ValueError, IndexError):
        return text(written)
