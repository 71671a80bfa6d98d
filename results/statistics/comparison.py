"""Everything that a report says about a set of results, computed once.

Only completed runs enter a statistic. The others are counted beside it: a mean over survivors must not read as the
mean of all, and nothing is ever put in the place of what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pandas as pd

from ...errors import UsageError
from ..store.protocol import Grid
from .bootstrap import MEANINGFUL, REPLICATES, Bootstrap
from .cost import cost, fates, times_to_threshold
from .differences import pairs
from .efficiency import efficiency
from .grid import CommonGrid, on_common_grid
from .headline import headline
from .identical import IdenticalRuns, identical_runs
from .leaderboard import ByLabel, improvements, leaderboard, profiles
from .metrics import average, mean_interval, spread
from .scores import CellKey, Curves, Statistic, per_run, read_curves


@dataclass(frozen=True)
class Comparison:
    """The statistics of a comparison, as tidy frames."""

    frame: pd.DataFrame
    """What was compared: every run and checkpoint, on the common grid where there is one, also of runs that did not
    complete; with a column ``label``."""
    algorithms: tuple[str, ...]
    """Labels of the algorithm configurations, in order of first appearance."""
    environments: tuple[str, ...]
    """Ids of the environments, in order of first appearance."""
    level: float
    """Confidence of every interval; 1 - level bounds the chance of any false verdict."""
    replicates: int
    """Bootstrap replicates behind the percentile intervals."""
    headline: str
    """What came out, in one plain sentence."""
    leaderboard: pd.DataFrame
    """`pgsuite.results.statistics.leaderboard.leaderboard`."""
    profiles: pd.DataFrame
    """`pgsuite.results.statistics.leaderboard.profiles`."""
    improvement: pd.DataFrame
    """`pgsuite.results.statistics.leaderboard.improvements`."""
    efficiency: pd.DataFrame
    """`pgsuite.results.statistics.efficiency.efficiency`."""
    pairs: pd.DataFrame
    """`pgsuite.results.statistics.differences.pairs`."""
    thresholds: pd.DataFrame
    """`pgsuite.results.statistics.cost.times_to_threshold`."""
    cost: pd.DataFrame
    """`pgsuite.results.statistics.cost.cost`."""
    environments_table: pd.DataFrame
    """`environments_table`."""
    grids: Mapping[str, CommonGrid] = field(default_factory=dict)
    """Environment -> the grid that runs with other checkpoints were read on; empty where all had the same."""
    identical: Sequence[IdenticalRuns] = ()
    """Completed runs that are the same run under several seeds."""

    def distinct(self, label: str, env: str, runs: int) -> int:
        """How many of a cell's completed runs differ."""
        return runs - sum(len(one.seeds) - 1 for one in self.identical if (one.label, one.env) == (label, env))


def compare(
    frame: pd.DataFrame,
    asked: Mapping[CellKey, Sequence[int]] | None = None,
    damaged: Mapping[CellKey, Sequence[int]] | None = None,
    *,
    level: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
    grid: Grid = "same",
) -> Comparison:
    """Compare everything in a tidy frame.

    Args:
        frame: what `pgsuite.results.load` gives.
        asked: the seeds asked for, by label and environment; one without a run counts as missing.
        damaged: the seeds whose files cannot be read, by label and environment; they do not count as missing.
        level: confidence of the intervals, and of the verdicts together.
        replicates: bootstrap replicates.
        seed: of the bootstrap and of sampled permutation tests.
        grid: for runs with other checkpoints on an environment: an error, or read on a common grid
            (`pgsuite.results.statistics.grid`).

    Raises:
        UsageError: a bad argument, or curves that cannot be compared; the message names the runs.
    """
    if not 0.5 <= level < 1:
        raise UsageError(f"the level of the intervals must lie in [0.5, 1), such as 0.95, not {level:g}")
    if replicates < 100:
        raise UsageError(f"percentile intervals need at least 100 bootstrap replicates, not {replicates}")
    counts = fates(frame, asked or {}, damaged or {})
    if not counts:
        raise UsageError("there is no run to compare, and none was asked for; make some with `pgsuite run`")
    algorithms = tuple(dict.fromkeys(label for label, _ in counts))
    environments = tuple(dict.fromkeys(env for _, env in counts))
    frame, grids = on_common_grid(frame) if grid == "common" else (frame, {})
    cells = read_curves(frame)
    identical = identical_runs(frame[frame["status"] == "complete"])
    curves = {x: {env: cells[x, env] for env in environments if (x, env) in cells} for x in algorithms}
    bootstrap = Bootstrap(level, replicates, seed)
    board = leaderboard(curves, environments, bootstrap)
    differences = pairs(curves, environments, level=level, seed=seed)
    thresholds = times_to_threshold(frame, curves)
    return Comparison(
        frame=frame,
        algorithms=algorithms,
        environments=environments,
        level=level,
        replicates=replicates,
        headline=headline(board, differences, counts, curves, level=level, identical=identical),
        leaderboard=board,
        profiles=profiles(curves, bootstrap),
        improvement=improvements(curves, bootstrap),
        efficiency=efficiency(curves, bootstrap),
        pairs=differences,
        thresholds=thresholds,
        cost=cost(frame, thresholds, counts),
        environments_table=environments_table(curves, list(counts), level),
        grids=grids,
        identical=identical,
    )


def environments_table(curves: ByLabel, cells: Sequence[CellKey], level: float) -> pd.DataFrame:
    """One row per cell that was asked for or is there, grouped by environment.

    Columns: ``label, env, budget, runs``, then ``<statistic>_mean``, ``_std`` (n - 1 in the divisor), ``_low`` and
    ``_high`` (`mean_interval` within what is possible, NaN below `MEANINGFUL` runs) of ``final_return``,
    ``final_score``, ``auc_return`` and ``auc_score``; NaN where there is no completed run, or no curve for an area. The
    budget is NaN where nobody says the steps behind a score, too.
    """
    environments = dict.fromkeys(env for _, env in cells)
    ordered = [(label, env) for env in environments for label in curves if (label, env) in set(cells)]
    rows = []
    for label, env in ordered:
        one = curves[label].get(env)
        rows.append(
            {"label": label, "env": env, "budget": (one.env_steps[-1] or np.nan) if one else np.nan} | _row(one, level)
        )
    names = [
        f"{statistic}_{unit}_{kind}"
        for statistic in get_args(Statistic)
        for unit in ("return", "score")
        for kind in ("mean", "std", "low", "high")
    ]
    return pd.DataFrame(rows, columns=["label", "env", "budget", "runs", *names])


def _row(one: Curves | None, level: float) -> dict[str, Any]:
    if one is None:
        return {"runs": 0}
    row: dict[str, Any] = {"runs": len(one.seeds)}
    for statistic in get_args(Statistic):
        if statistic == "auc" and not one.is_curve:
            continue
        for unit, curves, within in (
            ("return", one.returns, one.possible_returns),
            ("score", one.scores, one.possible_scores),
        ):
            name, values = f"{statistic}_{unit}", per_run(one, curves, statistic)
            low, high = mean_interval(values, level, within) if values.size >= MEANINGFUL else (np.nan, np.nan)
            row |= {
                f"{name}_mean": average(values),
                f"{name}_std": spread(values),
                f"{name}_low": low,
                f"{name}_high": high,
            }
    return row
