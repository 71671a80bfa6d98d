"""An audit of the gradients as a part of the report: the outcome, its tables, and every departure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import UsageError
from ..results.store.audit import BiasVariance, read_audit, write_audit
from .catalogue import AUDIT, AUDITED_UPDATES
from .notation import NOTHING
from .notebook import show
from .tables.table import EVERYWHERE, FILES, Column, Entry, Table, algorithm, number, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WORDS = ("algorithm", "model", "verdict")
_ONLY_FILES = frozenset({"batches", "variance", "SNR", "J", "critic"})
"""Columns for which a terminal has no room."""
_NUMBERS = ("batches", "p", "cosine", "length ratio", "variance", "SNR")
_UPDATE_COLUMNS = [
    *("predicted", "realised", "objective", "kl", "largest_kl_to_bound", "residual", "angle_to_natural"),
    *("predicted_error", "realised_error", "objective_error", "critic_error_before", "critic_error_after"),
]
_CASE_COLUMNS = ["algorithm", "model", "policy", "variant", "departs"]


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


@dataclass(frozen=True, repr=False)
class Audit:
    """What an audit found. A notebook shows the verdict and the tables; ``print`` gives the verdict."""

    data: dict[str, Any]
    """Everything, as ``pgsuite audit --json`` writes it."""

    @property
    def ok(self) -> bool:
        """Whether every estimator follows the target that it declares."""
        return bool(self.data["passes"])

    @cached_property
    def section(self) -> AuditSection:
        """What is said of it: verdict, tables, departures."""
        return audit_section(self.data)

    @property
    def departures(self) -> tuple[str, ...]:
        """One line for every departure from a declared target."""
        return self.section.departures

    @property
    def cases(self) -> pd.DataFrame:
        """`audit_cases`: one row per algorithm, model, policy and variant, with p-values and intervals."""
        return audit_cases(self.data)

    @property
    def updates(self) -> pd.DataFrame:
        """`audit_updates`: one row per algorithm, model, policy and variant of what updates do.

        ``driven`` is whether an update steps on the audited gradient, and missing where that is not looked at.
        """
        return audit_updates(self.data)

    def write(self, path: str | Path) -> Path:
        """Write it as JSON, for `pgsuite.report` and ``pgsuite report --audit``; return the path.

        Raises:
            PgsuiteError: the file cannot be written.
        """
        write_audit(Path(path), self.data)
        return Path(path)

    def plot_bias_variance(self, algorithm: str) -> "tuple[Axes, ...]":
        """Draw what λ trades in an algorithm that has one.

        Raises:
            UsageError: the algorithm has none, or was not audited on it.
        """
        from .figures.bias_variance import bias_variance_figure
        from .figures.drawing import for_pyplot

        curves = self.section.bias_variance
        if algorithm not in curves:
            raise UsageError(f"no curve over λ of {algorithm!r}: there are {', '.join(curves) or 'none'}")
        with for_pyplot():
            return tuple(bias_variance_figure(algorithm, curves[algorithm]).figure.axes)

    def __str__(self) -> str:
        return "\n".join([self.section.verdict, *self.departures])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return show(self.section.verdict, self.departures, self.section.tables)


def read_section(path: Path) -> AuditSection:
    """Read what ``pgsuite audit --json`` wrote.

    Raises:
        UsageError: it is no audit of this version.
    """
    audit = read_audit(path)
    try:
        return audit_section(audit)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
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
    """What is not finite is null in the file, and None in memory."""
    return float("nan") if value is None else float(value)


def _table(name: str, title: str, caption: str, rows: pd.DataFrame) -> Table:
    columns = tuple(
        Column(title, numeric=title not in _WORDS, media=FILES if title in _ONLY_FILES else EVERYWHERE)
        for title in map(str, rows.columns)
    )
    cells = tuple(tuple(_cell(str(column), value) for column, value in row.items()) for row in rows.to_dict("records"))
    return Table(name, title, caption, columns, cells, headings=2)


def _cell(column: str, value: Any) -> Entry:
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


def audit_cases(audit: dict[str, Any]) -> pd.DataFrame:
    """Return one row per algorithm × model × policy × variant, intervals as ``_low`` and ``_high``."""
    rows = []
    for name, found in audit["algorithms"].items():
        for case in found["cases"]:
            row = {"algorithm": name, **{key: case[key] for key in ("model", "policy", "variant", "batches", "steps")}}
            row |= {f"p_{test}": p for test, p in case["p_values"].items()}
            row |= {"adjusted_p": case["adjusted_p"], "t_squared": case["t_squared"], "drawn_again": "screened" in case}
            for quantity in ("cosine", "norm_ratio", "variance", "variance_to_declared", "variance_to_reinforce"):
                interval = case.get(quantity) or dict.fromkeys(("estimate", "low", "high"))
                row |= {quantity: interval["estimate"]}
                row |= {f"{quantity}_{end}": interval[end] for end in ("low", "high")}
            row["signal_to_noise"] = case["signal_to_noise"][0][1] if case.get("signal_to_noise") else None
            row["normalised"] = case["target"]["normalised"]
            row["departs"] = ", ".join(case["departures"])
            rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else _CASE_COLUMNS)


def audit_updates(audit: dict[str, Any]) -> pd.DataFrame:
    """Return one row per algorithm × model × policy of what updates do; means come with ``_error``."""
    rows = []
    for name, found in audit["algorithms"].items():
        for update in found["updates"]:
            row: dict[str, Any] = {"algorithm": name}
            for key, value in update.items():
                if isinstance(value, list | tuple) and key != "departures":
                    row |= {key: value[0], f"{key}_error": value[1]}
                elif key == "critic_error":
                    row |= {f"critic_error_{when}": x for when, x in value.items()}
                else:
                    row[key] = "; ".join(value) if key == "departures" else value
            rows.append(row)
    columns = ["algorithm", "model", "policy", "variant", *_UPDATE_COLUMNS, "departures"]
    return pd.DataFrame(rows).reindex(columns=list(dict.fromkeys([*columns, *(key for row in rows for key in row)])))


def audit_summary(audit: dict[str, Any]) -> pd.DataFrame:
    """Return one row of text per algorithm × model: what the terminal and the page show."""
    cases, updates = audit_cases(audit), audit_updates(audit)
    places = updates[["algorithm", "model"]].drop_duplicates()
    rows = []
    for name, model in places.itertuples(index=False):
        group = cases[(cases["algorithm"] == name) & (cases["model"] == model)]
        mine = updates[(updates["algorithm"] == name) & (updates["model"] == model)]
        departs = any(x for x in [*group["departs"], *mine["departures"]])
        row = {"algorithm": name, "model": model} | dict.fromkeys(_NUMBERS, NOTHING)
        if len(group):
            row |= _numbers(group)
        follows = "gradient follows" if False in set(mine.get("driven", ())) else "follows"
        rows.append({**row, "verdict": "departs" if departs else follows})
    return pd.DataFrame(rows)


def _numbers(group: pd.DataFrame) -> dict[str, str]:
    """Return the numbers of one line as text: `_NUMBERS`."""
    raw = group[~group["normalised"].astype(bool)]
    raw = raw if len(raw) else group
    first = raw.drop_duplicates("policy")
    numbers = (
        str(int(group["batches"].min())),
        f"{group['adjusted_p'].min():.2g}",
        _interval(_extreme(raw, raw["cosine"]), "cosine", 3),
        _interval(_extreme(raw, -(raw["norm_ratio"] - 1).abs()), "norm_ratio", 2),
        _span(first["variance_to_reinforce"], 2, kind="g"),
        _span(first["signal_to_noise"], 2),
    )
    return dict(zip(_NUMBERS, numbers, strict=True))


def audit_update_summary(audit: dict[str, Any]) -> pd.DataFrame:
    """Return one row of text per algorithm × model on what updates bring."""
    updates = audit_updates(audit)
    rows = []
    for (name, model), group in updates[updates["variant"] == ""].groupby(["algorithm", "model"], sort=False):
        if group["predicted"].isna().all():
            continue
        before, after = (group[f"critic_error_{when}"].mean() for when in ("before", "after"))
        rows.append(
            {
                "algorithm": name,
                "model": model,
                "promised": _mean(group, "predicted"),
                "realised": _mean(group, "realised"),
                "J": _mean(group, "objective"),
                "KL": f"{group['kl'].max():.2g}",
                "of bound": _span(group["largest_kl_to_bound"], 2),
                "angle": _span(group["angle_to_natural"], 0, "°"),
                "critic": NOTHING if pd.isna(before) else f"{before:.3f} → {after:.3f}",
            }
        )
    return pd.DataFrame(rows)


def _mean(group: pd.DataFrame, name: str) -> str:
    """A mean over policies with the standard error that their own errors give."""
    error = float(np.sqrt((group[f"{name}_error"].astype(float) ** 2).sum())) / len(group)
    return f"{group[name].mean():.2g} ± {error:.1g}"


def _extreme(rows: pd.DataFrame, by: "pd.Series[float]") -> Any:
    """Return the row where ``by`` is smallest; None where it is never known."""
    return rows.iloc[int(np.nanargmin(by.to_numpy(float)))] if by.notna().any() else None


def _interval(row: Any, name: str, digits: int) -> str:
    if row is None or pd.isna(row[name]):
        return NOTHING
    return f"{row[name]:.{digits}f} [{row[f'{name}_low']:.{digits}f}, {row[f'{name}_high']:.{digits}f}]"


def _span(values: "pd.Series[float]", digits: int, unit: str = "", kind: str = "f") -> str:
    known = values.dropna()
    if known.empty:
        return NOTHING
    low, high = f"{known.min():.{digits}{kind}}", f"{known.max():.{digits}{kind}}"
    return (low if low == high else f"{low}–{high}") + unit


def verdict(audit: dict[str, Any]) -> str:
    """Return the outcome in one sentence."""
    wrong = [name for name, found in audit["algorithms"].items() if not found["passes"]]
    basis = f"{audit['tests']} tests at {audit['alpha']:g} in all, {audit['seconds']:.0f} s"
    if wrong:
        return f"{', '.join(wrong)} departs from the declared target ({basis})"
    names = ", ".join(audit["algorithms"])
    return f"{names}: every gradient follows the declared target{_unaudited(audit)} ({basis})"


def _unaudited(audit: dict[str, Any]) -> str:
    """Say whose updates do not step on the gradient that was held against the exact one."""
    apart = [name for name, found in audit["algorithms"].items() if not found.get("driven", True)]
    if not apart:
        return ", and every update steps on it"
    return f"; what was audited of {', '.join(apart)} is the gradient alone, on which its update does not step"
