"""A sweep: how runs end with a hyperparameter at several values, all else as the suite has it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

COLUMNS = (
    *("algorithm", "hyperparameter", "value", "suite_setting", "asked", "cell", "environment", "steps", "seed"),
    *("status", "final_return", "final_score", "auc_return", "auc_score", "lowest", "highest", "reason"),
)
"""Of a sweep's runs, a row each."""


class Axis(NamedTuple):
    """A hyperparameter of an algorithm, and where it was tried."""

    algorithm: str
    name: str
    values: tuple[Any, ...]
    """In order: ascending where they are numbers."""
    log: bool
    """Whether they lie on a logarithmic scale."""
    own: Mapping[str, Any]
    """What the suite has, by environment."""

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return all(is_number(one) for one in (*self.values, *self.own.values()))


class Swept(NamedTuple):
    """What is there of a sweep, of this command and those before it in the same folder."""

    suite: str
    axes: tuple[Axis, ...]
    environments: Mapping[str, int]
    """Steps of a run by environment, in the suite's order."""
    runs: pd.DataFrame
    """A row per run, `COLUMNS`. ``value`` is the text of a value; ``asked`` says whether it is one of those that were
    asked for, or there as the suite's own alone; ``cell`` is what the setting is called in the results. ``status`` is
    complete, diverged, failed or missing; numbers are NaN where there is none. ``lowest`` and ``highest`` are the
    possible scores, or returns where the environment has no anchors."""
    notes: tuple[str, ...] = ()
    """What is not shown, and why."""


def is_number(value: Any) -> bool:
    """Whether a hyperparameter's value is a number, and no switch."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def spelled(value: Any) -> str:
    """Return a hyperparameter's value as it is written on a command line."""
    if isinstance(value, bool | list | tuple | dict) or value is None:
        return json.dumps(value, default=str)
    return short if isinstance(value, float) and float(short := f"{value:g}") == value else str(value)
