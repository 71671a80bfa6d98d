"""What each algorithm cost, and how its updates went."""

from typing import Any

import pandas as pd

from ...results.statistics.comparison import Comparison
from ..catalogue import COST, DIAGNOSTICS, DIAGNOSTICS_AT_THE_END, NOT_TRAINING
from ..notation import duration, mebibytes, si, significant
from .table import PAPER, Column, Entry, Table, algorithm, number, text


def cost_table(comparison: Comparison) -> Table:
    """Speed, time, memory and casualties of every algorithm on every environment."""
    tried = bool((comparison.cost.get("not_training", pd.Series(dtype=float)) > 0).any())
    columns = (
        Column("environment", numeric=False),
        Column("algorithm", numeric=False),
        Column("steps/s", explanation="environment steps per second of training, all runs of the cell together"),
        Column("wall time", explanation="mean over runs of the time that a run trained for, beside its neighbours"),
        Column("steps to threshold", explanation="median over runs; a dash where half of them never reached it"),
        Column("time to threshold", explanation="median over runs; a dash where half of them never reached it"),
        Column("reached", explanation="of the completed and diverged runs"),
        Column("peak memory", explanation="of the process that trained"),
        *([Column("not training", explanation=NOT_TRAINING)] if tried else []),
        *(Column(kind) for kind in ("completed", "diverged")),
        *(Column(kind, media=PAPER) for kind in ("partial", "damaged", "missing")),
    )
    thresholds = _by_cell(comparison.thresholds)
    rows = [
        _row(record, thresholds.get((str(record["label"]), str(record["env"])), {}), tried=tried)
        for record in comparison.cost.to_dict("records")
    ]
    return Table("cost", "Cost", COST, columns, tuple(rows), headings=2)


def _by_cell(thresholds: pd.DataFrame) -> dict[tuple[str, str], dict[Any, Any]]:
    return {(str(record["label"]), str(record["env"])): record for record in thresholds.to_dict("records")}


def _row(record: Any, threshold: Any, *, tried: bool) -> tuple[Entry, ...]:
    counts = [int(record[kind]) for kind in ("completed", "diverged", "partial", "damaged", "missing")]
    steps, runs = threshold.get("median_steps", float("nan")), int(threshold.get("runs", 0))
    return (
        text(record["env"]),
        algorithm(str(record["label"])),
        number(record["steps_per_second"], si(record["steps_per_second"])),
        number(record["wall_time"], duration(record["wall_time"])),
        number(steps, si(steps)),
        number(record["seconds_to_threshold"], duration(record["seconds_to_threshold"])),
        number(threshold["reached"] / runs, f"{threshold['reached']} of {runs}") if runs else text(""),
        number(record["peak_memory"], mebibytes(record["peak_memory"])),
        *([number(record["not_training"], f"{record['not_training']:.0%}")] if tried else []),
        number(counts[0], str(counts[0])),
        *(number(count, str(count), tone="bad" if count else "muted") for count in counts[1:]),
    )


def diagnostics_table(comparison: Comparison) -> Table:
    """Where each diagnostic stood at the end: the mean over completed runs of the last checkpoint."""
    frame = comparison.frame
    present = [name for name in DIAGNOSTICS if f"metric/{name}" in frame and frame[f"metric/{name}"].notna().any()]
    last = frame[frame["status"] == "complete"].sort_values("env_steps").groupby(["env", "label", "seed"]).last()
    means: dict[Any, Any] = (
        last[[f"metric/{name}" for name in present]].groupby(["env", "label"]).mean().T.to_dict("list")
    )
    columns = [Column("environment", numeric=False), Column("algorithm", numeric=False)]
    columns += [Column(DIAGNOSTICS[name].title, explanation=DIAGNOSTICS[name].meaning) for name in present]
    rows = [
        (text(env), algorithm(label), *map(_diagnostic, means[env, label]))
        for env in comparison.environments
        for label in comparison.algorithms
        if (env, label) in means
    ]
    return Table(
        "diagnostics", "Diagnostics at the end", DIAGNOSTICS_AT_THE_END, tuple(columns), tuple(rows), headings=2
    )


def _diagnostic(value: float) -> Entry:
    return number(value, significant(value))
