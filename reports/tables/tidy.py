"""Every table of a comparison as tidy CSV and Parquet, for whatever a reader wants to do next."""

from pathlib import Path

import pandas as pd

from ...results.statistics.comparison import Comparison

TABLES = {
    "leaderboard": "leaderboard",
    "profiles": "profiles",
    "improvement": "improvement",
    "efficiency": "efficiency",
    "pairs": "pairs",
    "thresholds": "thresholds",
    "cost": "cost",
    "environments": "environments_table",
    "curves": "frame",
}
"""Name of the file: field of the comparison. ``curves`` has one row per run and checkpoint."""


def write_tables(comparison: Comparison, out: Path) -> list[Path]:
    """Write ``tables/<name>.csv`` and ``tables/<name>.parquet``; several names in one cell are joined by ``;``."""
    folder = out / "tables"
    folder.mkdir(exist_ok=True)
    paths = []
    for name, field in TABLES.items():
        frame = flat(getattr(comparison, field))
        csv, parquet = folder / f"{name}.csv", folder / f"{name}.parquet"
        frame.to_csv(csv, index=False, lineterminator="\n")
        frame.to_parquet(parquet, index=False)
        paths += [csv, parquet]
    return paths


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with tuples as text."""
    flattened = frame.copy(deep=False)
    for name in frame.columns:
        if frame[name].map(lambda item: isinstance(item, tuple | list)).any():
            flattened[name] = frame[name].map(lambda items: ";".join(map(str, items)))
    return flattened
