"""How fast both arms train, measured in turn on one core."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from ...results.checked import Speed
from ...results.statistics.metrics import mean_interval
from .arms import Arm
from .sides import Key

ROUNDS, SEEDS = 7, 10
SECONDS = 0.6
"""Of each measurement; the first one of an arm is thrown away."""


def compare_speed(
    candidate: Arm, baseline: Arm, keys: Sequence[Key], margin: float, on_round: Callable[[], None]
) -> dict[Key, Speed]:
    """Measure cells in both arms alternately, the one that begins changing from round to round.

    A round's ratio is one datum; its logarithm's mean has a t interval over the rounds. Cells that are too slow to be
    measured so are left out.
    """
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    found = {}
    for key in keys:
        logarithms = []
        for arm in (baseline, candidate):
            _measure(arm, key, core, SECONDS / 3)
        for n in range(ROUNDS):
            order = (baseline, candidate) if n % 2 else (candidate, baseline)
            rates = {arm.name: _measure(arm, key, core, SECONDS) for arm in order}
            if min(rates.values()) > 0:
                logarithms.append(np.log(rates["candidate"] / rates["baseline"]))
            on_round()
        if len(logarithms) < 3:  # its updates take longer than a measurement
            continue
        ratio, low, high = np.exp([float(np.mean(logarithms)), *mean_interval(logarithms)]).tolist()
        found[key] = Speed((ratio, low, high), margin, len(logarithms))
    return found


def _measure(arm: Arm, key: Key, core: int | None, seconds: float) -> float:
    return float(arm.ask("speed", cell=arm.cells[key].number, seeds=SEEDS, seconds=seconds, core=core))
