"""How many seeds a check needs, on a terminal."""

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable

from ...errors import UsageError
from ...foreign import named, styled
from ...results.statistics.power import ALL, ANY, CAUTION, Design, seeds_needed
from ...results.statistics.scores import Curves, read_curves
from ...results.store.gathering import gather
from ..notation import NOTHING

_HEADER = ["environment", "runs", "variation", "seeds needed", "cautious", "can detect"]


def plan_seeds(folders: list[Path], drop: str, power: float, alpha: float, console: Console) -> pd.DataFrame:
    """Print how many seeds per arm find a drop, and what the seeds there are can find.

    Args:
        folders: results folders.
        drop: ``"20%"`` or ``"0.2"``, of the mean's height above the random policy.
        power: chance of finding it.
        alpha: chance of a false alarm.
        console: where to print.

    Returns:
        The table of `pgsuite.results.statistics.power.seeds_needed`.

    Raises:
        UsageError: a bad option, or a folder without completed runs.
    """
    design = Design(parse_share("--drop", drop), _open_share("--power", power), _open_share("--alpha", alpha))
    if design.alpha >= design.power:
        raise UsageError(f"--power must be above --alpha ({alpha:g}), not {power:g}")
    curves: dict[str, dict[str, Curves]] = {}
    for (label, env), found in read_curves(gather(folders).frame).items():
        curves.setdefault(label, {})[env] = found
    if not curves:
        names = ", ".join(map(str, folders))
        raise UsageError(f"no run in {names} is complete, so nothing can be planned; finish some with `pgsuite run`")
    table = seeds_needed(curves, design)
    print_seeds(table, design, console)
    return table


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


def print_seeds(table: pd.DataFrame, design: Design, console: Console) -> None:
    """The table of `seeds_needed` with its caption: algorithms as headings."""
    shown = RichTable(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption=styled(caption(design)),
        caption_justify="left",
        caption_style="dim",
    )
    for name in _HEADER:
        left = name == "environment"
        shown.add_column(name, justify="left" if left else "right", no_wrap=left)
    label = None
    for row in table.to_dict("records"):
        if row["label"] != label:
            label = row["label"]
            shown.add_row(styled(named(str(label)), "bold cyan"))
        suite = row["env"] in (ANY, ALL)
        style = "bold" if suite else ""
        env = Padding(styled(named(str(row["env"])), style), (0, 0, 0, 2))
        shown.add_row(env, *(styled(text, style) for text in [str(row["runs"]), *_numbers(row)]))
    console.print(shown)
    for row in table[table["note"] != ""].to_dict("records"):
        console.print(styled(f"{row['label']}, {row['env']}: {row['note']}"))


def _numbers(row: Mapping[Hashable, Any]) -> list[str]:
    detectable = row["detectable"]
    found = NOTHING if math.isnan(detectable) else f"{100 * detectable:.2g}%" if detectable <= 1 else "> 100%"
    variation = NOTHING if math.isnan(row["variation"]) else f"{row['variation']:.2g}"
    counts = [NOTHING if math.isnan(row[name]) else f"{row[name]:.0f}" for name in ("needed", "cautious")]
    return [variation, *counts, found]
