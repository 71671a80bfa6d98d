"""What every tracker is told, whichever it is: runs with their settings, and rows of numbers against env steps."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import pandas as pd

from ...foreign import digest, key, named, plain
from ...results.store.curve import METRIC

Settings = Mapping[str, Mapping[str, Any]]
"""Hyperparameters by the fingerprint of their cell."""

NUMBERS = {
    "return_mean": "return",
    "return_std": "return_std",
    "score": "score",
    "length_mean": "length",
    "wall_time": "wall_time",
}
"""Columns of the frame and what trackers call them; the ``metric/`` columns keep their names."""


class TrackedRun(NamedTuple):
    """One seed of one algorithm on one environment. All names are the user's, or a stranger's."""

    suite: str
    algorithm: str
    env: str
    seed: int
    fingerprint: str
    status: str
    settings: Mapping[str, Any]
    """Hyperparameters."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{named(self.algorithm)} · {named(self.env)} · seed {self.seed}"

    @property
    def key(self) -> str:
        """For machines: 32 hexadecimal digits, the same whenever the run is exported."""
        identity = repr((self.algorithm, self.env, self.seed, self.fingerprint))
        return digest(identity, 32)

    @property
    def facts(self) -> dict[str, Any]:
        """Identity and hyperparameters, flat."""
        identity = {name: value for name, value in self._asdict().items() if name != "settings"}
        return identity | {key(f"settings.{name}"): value for name, value in self.settings.items()}


class Tracker(Protocol):
    """Where runs go, one after another."""

    def start(self, run: TrackedRun) -> None:
        """Begin a run, replacing an earlier export of it."""

    def log(self, env_steps: int, seconds: float, values: Mapping[str, float]) -> None:
        """Take finite numbers at a checkpoint, ``seconds`` into training."""

    def finish(self) -> None:
        """End the run."""


def export(frame: pd.DataFrame, tracker: Tracker, settings: Settings | None = None) -> int:
    """Tell a tracker every run of a frame; return their number.

    Args:
        frame: as `pgsuite.results.load` gives it; ``label`` is what its runs are called.
        tracker: where to.
        settings: hyperparameters by fingerprint.
    """
    runs = frame.groupby(["label", "env", "seed", "fingerprint"], sort=False)
    for (label, env, seed, fingerprint), rows in runs:
        first = rows.iloc[0]
        of_cell = (settings or {}).get(str(fingerprint), {})
        tracker.start(
            TrackedRun(
                plain(str(first["suite"])),
                plain(str(label)),
                plain(str(env)),
                int(str(seed)),
                str(fingerprint),
                first["status"],
                of_cell,
            )
        )
        for row in rows.sort_values("env_steps").to_dict("records"):
            seconds = float(row.get("wall_time", math.nan))
            tracker.log(int(row["env_steps"]), seconds if math.isfinite(seconds) else 0.0, numbers(row))
        tracker.finish()
    return runs.ngroups


def numbers(row: Mapping[Any, Any]) -> dict[str, float]:
    """The finite numbers of a row, by the name that trackers show, in its order."""
    named = {str(column): NUMBERS.get(str(column), str(column)) for column in row}
    chosen = {shown: row[column] for column, shown in named.items() if column in NUMBERS or column.startswith(METRIC)}
    return {key(shown): float(chosen[shown]) for shown in sorted(chosen) if math.isfinite(float(chosen[shown]))}
