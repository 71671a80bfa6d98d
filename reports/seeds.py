"""How many seeds a check needs: worked out from results, and as a table."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..errors import UsageError
from ..results.statistics.power import ALL, ANY, CAUTION, Design, seeds_needed
from ..results.statistics.scores import Curves, read_curves
from ..results.store.gathering import gather
from ..results.store.places import Place
from .notation import NOTHING
from .notebook import show
from .tables.table import Column, Entry, Table, number, text

_COLUMNS = ("runs", "variation", "seeds needed", "cautious", "can detect")


@dataclass(frozen=True, repr=False)
class SeedPlan:
    """What `plan` worked out. A notebook shows it as a table."""

    design: Design
    """What is to be found, and with which chances."""
    frame: pd.DataFrame
    """`pgsuite.results.statistics.power.seeds_needed`: one row per algorithm and environment, ``needed`` among them."""
    damaged: tuple[str, ...] = ()
    """One line for every file that cannot be read, and whose run is left out."""
    refusals: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Why an algorithm cannot act in an environment, by label and environment: no number of seeds helps."""

    @property
    def table(self) -> Table:
        """The same as a table of a report."""
        columns = (Column("algorithm", numeric=False), Column("environment", numeric=False), *map(Column, _COLUMNS))
        rows = [_row(row) for row in self.frame.to_dict("records")]
        rows += [_inapplicable(label, env) for label, env in self.refusals]
        labels = list(dict.fromkeys(row[0].text for row in rows))
        rows.sort(key=lambda row: labels.index(row[0].text))
        return Table("seeds", "Seeds", caption(self.design), columns, tuple(rows), headings=2)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of single rows and of what is left out, a line each."""
        noted = self.frame[self.frame["note"] != ""].to_dict("records")
        refused = [f"{label}, {env}: not applicable: {reason}" for (label, env), reason in self.refusals.items()]
        return (*(f"{row['label']}, {row['env']}: {row['note']}" for row in noted), *refused, *self.damaged)

    def __repr__(self) -> str:
        return f"SeedPlan({self.design})\n{self.frame}"

    def _repr_html_(self) -> str:
        share = f"{100 * self.design.drop:g}%"
        return show(f"Seeds that a drop of {share} takes", self.notes, [self.table])


def plan(*paths: str | Place, drop: float | str = 0.2, power: float = 0.9, alpha: float = 0.05) -> SeedPlan:
    """Tell how many seeds per arm find a drop, and what the seeds there are can find.

    Args:
        *paths: results folders, or URLs of these.
        drop: of the mean's height above the random policy, as 0.2 or ``"20%"``.
        power: chance of finding it.
        alpha: chance of a false alarm.

    Raises:
        UsageError: a bad option, or a folder without completed runs.
    """
    design = Design(parse_share("--drop", str(drop)), _open_share("--power", power), _open_share("--alpha", alpha))
    if design.alpha >= design.power:
        raise UsageError(f"--power must be above --alpha ({alpha:g}), not {power:g}")
    curves: dict[str, dict[str, Curves]] = {}
    gathered = gather(paths)
    for (label, env), found in read_curves(gathered.frame).items():
        curves.setdefault(label, {})[env] = found
    if not curves:
        names = ", ".join(map(str, paths))
        raise UsageError(f"no run in {names} is complete, so nothing can be planned; finish some with `pgsuite run`")
    return SeedPlan(design, seeds_needed(curves, design), gathered.damaged, gathered.refusals)


def parse_share(option: str, text: str) -> float:
    """``20%`` or ``0.2`` as 0.2.

    Raises:
        UsageError: it is no share between 0 and 1.
    """
    try:
        value = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        raise UsageError(f"{option} must be a share such as 20% or 0.2, not {text!r}") from None
    if not 0 < value <= 1:
        raise UsageError(f"{option} must be a share above 0 and at most 1, such as 20% or 0.2, not {text!r}")
    return value


def _open_share(option: str, value: float) -> float:
    if not 0 < value < 1:
        raise UsageError(f"{option} must lie between 0 and 1, not {value:g}")
    return value


def caption(design: Design) -> str:
    """What the numbers mean."""
    return (
        f"Seeds needed: per arm, so that a one-sided t test at alpha {design.alpha:g} finds a drop of "
        f"{100 * design.drop:g}% of the mean's height above the random policy (without anchors: of its size) "
        f"with probability {design.power:g}; at least 5. Variation: standard deviation over runs / that height. "
        f"Cautious: the same with the upper {100 * CAUTION:.0f}% confidence limit of the spread, which so few runs "
        "estimate badly. Can detect: the drop that as many runs per arm as there are would find. "
        f"“{ANY}”: a drop on whichever one, each tested at alpha / environments. "
        f"“{ALL}”: a drop of the mean score over environments."
    )


def _row(row: Mapping[Hashable, Any]) -> tuple[Entry, ...]:
    whole = row["env"] in (ANY, ALL)
    return (text(row["label"]), text(row["env"]), *(entry._replace(strong=whole) for entry in _numbers(row)))


def _inapplicable(label: str, env: str) -> tuple[Entry, ...]:
    """The row of an algorithm that cannot act in an environment."""
    return (text(label), text(env), text("not applicable", tone="muted"), *(text("") for _ in _COLUMNS[1:]))


def _numbers(row: Mapping[Hashable, Any]) -> list[Entry]:
    detectable = row["detectable"]
    found = NOTHING if math.isnan(detectable) else f"{100 * detectable:.2g}%" if detectable <= 1 else "> 100%"
    variation = NOTHING if math.isnan(row["variation"]) else f"{row['variation']:.2g}"
    counts = [NOTHING if math.isnan(row[name]) else f"{row[name]:.0f}" for name in ("needed", "cautious")]
    values = (row["runs"], row["variation"], row["needed"], row["cautious"], detectable)
    written = (str(row["runs"]), variation, *counts, found)
    return [number(float(value), shown) for value, shown in zip(values, written, strict=True)]
