"""What a check found: the verdict on every cell, the evidence for it, and what follows for whoever asked."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal, NamedTuple

from .statistics.gate import Look, Verdict
from .store.atomic import write_json

Tier = Literal["spaces", "source", "bits", "audit", "runs", "curves", "speed"]
"""What decided: spaces, same source, same bits, the gradient audit, runs that failed, learning curves, speed."""
Outcome = Verdict | Literal["not applicable"]
"""A verdict, or that there is nothing to decide: an algorithm cannot act in an environment."""
NAN = float("nan")
Interval = tuple[float, float, float]
"""Estimate, and the ends of its interval of level .95."""
UNKNOWN: Interval = (NAN, NAN, NAN)


class Band(NamedTuple):
    """The mean curve of an arm, by checkpoint, with its interval of level .95."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Diagnostic(NamedTuple):
    """What an algorithm says of itself, the mean over checkpoints and seeds, where the arms differ."""

    name: str
    baseline: float
    candidate: float
    p: float
    """Of a paired t test, two-sided, times the number of diagnostics that were compared."""


@dataclass(frozen=True)
class Speed:
    """How fast the candidate trains, beside the baseline on the same core in the same minute."""

    ratio: Interval
    """Candidate's environment steps per second over the baseline's."""
    margin: float
    rounds: int

    @property
    def slower(self) -> bool:
        """Whether it is slower by more than the margin, whatever chance did."""
        return self.ratio[2] < 1 - self.margin


@dataclass(frozen=True, kw_only=True)
class CheckedCell:
    """An algorithm on an environment, decided as far as it can be."""

    algorithm: str
    env: str
    verdict: Outcome
    tier: Tier
    reason: str = ""
    """In a few words, where the verdict does not say it."""
    seeds: int = 0
    """Pairs of runs that were looked at."""
    seconds: float = 0.0
    """From the beginning of the check until it was decided."""
    difference: Interval = UNKNOWN
    """Of the metric, candidate less baseline, in score units."""
    other: Interval = UNKNOWN
    """The same of the metric that was not tested: the final score, or the area under the curve."""
    tail: tuple[float, float] = (NAN, NAN)
    """Mean score of the worst quarter of runs, baseline's and candidate's."""
    diverged: tuple[int, int] = (0, 0)
    """Runs that diverged, the baseline's and the candidate's."""
    correlation: float = NAN
    """Of a seed's two scores."""
    sign_flip_p: float = NAN
    """One-sided, that the candidate is worse, on the pairs of the difference."""
    detectable: float = NAN
    """Smallest drop that would have been found in four of five cases."""
    excluded: float = NAN
    """Smallest drop that can be excluded."""
    margin: float = NAN
    """Drop that has to be excluded before it passes."""
    would_decide: int | None = None
    """Pairs with which it would pass if all stayed as it is; None where no number would."""
    looks: tuple[Look, ...] = ()
    steps: tuple[int, ...] = ()
    """Checkpoints of the curves, in environment steps."""
    curves: tuple[Band, Band] | None = None
    """Returns of the baseline and of the candidate."""
    diagnostics: tuple[Diagnostic, ...] = ()
    speed: Speed | None = None
    ran: tuple[str, str] = ("", "")
    """The file and the fingerprint of what the baseline and the candidate ran."""
    waiver: str = ""
    """Why its verdict does not count."""

    @property
    def name(self) -> str:
        """How a message names it."""
        return f"{self.algorithm} on {self.env}"

    @property
    def counts(self) -> Outcome:
        """The verdict as far as it concerns the exit code."""
        return "passed" if self.waiver else self.verdict

    @property
    def is_skipped(self) -> bool:
        """Whether it says nothing for or against the candidate: open, waived, or not applicable."""
        return self.counts in ("open", "not applicable") or bool(self.waiver)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """All cells of a check."""

    suite: str
    baseline: str
    """What the candidate was compared with, in words."""
    candidate: str
    margin: float
    """Largest drop that a cell may pass with; see `CheckedCell.margin`."""
    metric: str
    cells: tuple[CheckedCell, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    """What whoever reads the verdict has to know."""
    departures: dict[str, list[str]] = field(default_factory=dict)
    """What the audit found in the candidate alone, by algorithm."""
    audited: tuple[str, ...] = ()
    """Algorithms whose gradients were audited."""
    open_is_ok: bool = False

    @property
    def verdict(self) -> Verdict:
        """The worst of all cells', in the order regressed, open, passed, improved, identical."""
        found = {cell.counts for cell in self.cells}
        order: tuple[Verdict, ...] = ("regressed", "open", "passed", "improved")
        return next((verdict for verdict in order if verdict in found), "identical")

    @property
    def exit_code(self) -> int:
        """0 passed, identical or improved; 1 regressed; 3 open."""
        if self.verdict == "open":
            return 0 if self.open_is_ok else 3
        return 1 if self.verdict == "regressed" else 0

    @property
    def ok(self) -> bool:
        """Whether nothing became worse, as far as could be seen."""
        return self.exit_code == 0

    def lines(self) -> Iterator[str]:
        """What has to be said of single cells, a line each."""
        for cell in self.cells:
            if text := explained(cell):
                yield f"{cell.name}: {text}"

    @property
    def _waived(self) -> bool:
        return any(cell.waiver and cell.verdict in ("regressed", "open") for cell in self.cells)

    @property
    def _skips(self) -> bool:
        return any(cell.verdict == "not applicable" for cell in self.cells)

    @property
    def headline(self) -> str:
        """The outcome in one sentence."""
        named = [cell.name for cell in self.cells if cell.counts == self.verdict]
        every = len(named) == sum(cell.verdict != "not applicable" for cell in self.cells)
        return {
            "regressed": f"regressed: {', '.join(named)}",
            "open": f"open: {', '.join(named)}",
            "passed": "passed: no cell is worse by the margin" + ", but for those that are waived" * self._waived,
            "improved": f"improved: {', '.join(named)}" + "; the others are identical" * (not every),
            "identical": f"identical: every cell {'that applies ' * self._skips}computes the same, bit for bit",
        }[self.verdict]

    def __str__(self) -> str:
        """Headline and explanations: what a failed assertion shows."""
        return "\n".join([self.headline, *self.lines(), *self.notes])


def explained(cell: CheckedCell) -> str:
    """What a verdict on a cell rests on, where the table does not say it; empty where it does."""
    parts = []
    if cell.verdict == "regressed":
        drop = f", {cell.difference[0]:+.3f} of score" if math.isfinite(cell.difference[0]) else ""
        parts.append(f"regressed ({cell.reason}{drop})")
    elif cell.verdict == "improved":
        parts.append(f"improved by {cell.difference[0]:.3f} of score")
    elif cell.verdict == "open":
        parts.append(f"open: {_what_is_lacking(cell)}")
    elif cell.verdict == "not applicable":
        parts.append(f"not applicable: {cell.reason}")
    if cell.speed is not None and cell.speed.slower and cell.tier != "speed":
        parts.append(f"trains at {cell.speed.ratio[0]:.0%} of the baseline's speed")
    if cell.waiver:
        parts.append(f"waived: {cell.waiver}")
    return "; ".join(parts)


def _what_is_lacking(cell: CheckedCell) -> str:
    if cell.reason:
        return cell.reason
    found = f"a drop above {cell.excluded:.2f} is excluded so far, one of {cell.detectable:.2f} would have been found"
    if cell.would_decide is None:
        return f"{found}; with this difference no number of seeds would let it pass"
    return f"{found}; about {max(cell.would_decide, cell.seeds + 1)} seeds would decide if it stays as it is"


def write_checked(path: Path, checked: Checked) -> None:
    """Write all that a check found as JSON; what is not finite is null."""
    content = {
        "kind": "pgsuite check",
        "version": 1,
        "verdict": checked.verdict,
        "exit_code": checked.exit_code,
        **{f.name: getattr(checked, f.name) for f in fields(checked) if f.name != "cells"},
        "cells": [{"name": cell.name, **asdict(cell)} for cell in checked.cells],
    }
    write_json(path, content)
