"""By which rules imported runs were measured: those that they show themselves, or those of other results."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...envs.anchors import possible_returns
from ...errors import UsageError
from ...results.store.folders import FoundCell, read_folder
from ...results.store.places import Place
from ...results.store.protocol import Grid, check_protocol
from ..anchors import AnchorsTable
from .placing import MARK
from .problems import Problems
from .runs import ImportedRun, check_common_grid, read_at


class Rules(NamedTuple):
    """How the runs of an environment were measured."""

    record: Mapping[str, Any]
    """``steps``, ``protocol``, ``anchors`` and, where known, ``environment``."""
    runs: list[ImportedRun]


def evaluation_rules(
    runs: Sequence[ImportedRun],
    declared: AnchorsTable | None,
    *,
    episodes: int | None = None,
    deterministic: bool | None = None,
) -> Rules:
    """The rules that evaluations show: a common grid, and how many episodes were averaged.

    Args:
        runs: all on an environment.
        declared: its anchors.
        episodes: as the user states them, where the files do not say.
        deterministic: whether the mode of the policy was played, which no file says.

    Raises:
        UsageError: the runs have no common grid.
    """
    checked = check_common_grid(runs)
    grid = [row.env_steps for row in max(checked, key=lambda run: len(run.rows)).rows]
    counts = {row.episodes for run in checked for row in run.rows}
    protocol = {
        "kind": "evaluation",
        "source": f"{MARK}: evaluations",
        "checkpoints": len(grid) - (grid[0] == 0),
        "episodes": (counts.pop() or episodes) if len(counts) == 1 else None,
        "deterministic": deterministic,
        "grid": hashlib.sha256(repr(grid).encode()).hexdigest()[:12],
    }
    return Rules(_record(runs[0].env, grid[-1], protocol, declared), checked)


def training_rules(
    runs: Sequence[ImportedRun], declared: AnchorsTable | None, *, steps: int | None, checkpoints: int, window: int
) -> Rules:
    """The rules by which training episodes were put on a grid.

    Args:
        runs: all on an environment, on the grid.
        declared: its anchors.
        steps: budget; None for that of the complete runs.
        checkpoints: points of the grid.
        window: episodes averaged at a point.
    """
    budget = max(run.rows[-1].env_steps for run in runs if run.complete) if steps is None else steps
    protocol = {
        "kind": "training",
        "source": f"{MARK}: training episodes",
        "checkpoints": checkpoints,
        "episodes": window,
        "deterministic": None,
    }
    return Rules(_record(runs[0].env, budget, protocol, declared), list(runs))


def score_rules(runs: Sequence[ImportedRun], declared: AnchorsTable | None, steps: int | None) -> Rules:
    """The rules of a score per run: no grid, and steps only where the user says them.

    Args:
        runs: all on a task.
        declared: what makes scores of returns; None for numbers that are scores already.
        steps: that the runs were trained for.
    """
    scale = declared or AnchorsTable(
        random=0.0, reference=1.0, source="the scores themselves, normalised by their maker"
    )
    protocol = {"kind": "scores", "source": f"{MARK}: scores", "episodes": None, "deterministic": None}
    return Rules({"steps": steps, "protocol": protocol, **scale.record}, list(runs))


def rules_like(folder: Place, env: str, runs: Sequence[ImportedRun], *, grid: Grid = "same") -> Rules:
    """The rules of other results, whose grid these runs must have, or are put on where it is to be common.

    On a common grid a run reads its last evaluation up to every point, lacks the points before its first, and is
    complete where it ends at most half of its last stretch before the budget.

    Raises:
        UsageError: the folder has no complete run of the environment, or the runs have another grid or other episodes.
    """
    cells = [cell for cell in read_folder(folder).begun() if cell.store.env == env]
    points = next((points for cell in cells if (points := _grid(cell))), None)
    if points is None:
        raise UsageError(f"{folder} has no complete run on {env} to take the rules from; import {env} without --like")
    check_protocol([(str(cell.store.path), env, cell.record) for cell in cells])
    record = cells[0].record
    episodes = record.get("protocol", {}).get("episodes")
    if grid == "common":
        runs = [_read_like(run, points) for run in runs]
    problems = Problems()
    for run in runs:
        with problems.collected():
            if grid == "same":
                _check_points(run, points, folder)
            if other := next((row.episodes for row in run.rows if row.episodes not in (0, episodes)), None):
                raise UsageError(
                    f"{run.name} averages {other} episodes where {folder} averages {episodes}; "
                    "evaluate it like that, or leave --like out"
                )
    problems.check()
    kept: dict[str, Any] = {
        name: record[name]
        for name in ("steps", "protocol", "anchors", "possible_returns", "environment")
        if name in record
    }
    marked = [run._replace(complete=bool(run.rows) and run.rows[-1].env_steps == points[-1]) for run in runs]
    return Rules({"anchors": None, "declared_like": folder.name, **kept}, marked)


def _check_points(run: ImportedRun, points: Sequence[int], folder: Place) -> None:
    here = [row.env_steps for row in run.rows]
    if here != points[: len(here)]:
        wrong = next((k for k, point in enumerate(here[: len(points)]) if point != points[k]), len(points))
        place_of = f"{here[wrong]} where {folder} has {points[wrong]}" if wrong < len(points) else "too many points"
        raise UsageError(
            f"{run.name} has {place_of}; put it on that grid with --grid common, or evaluate it at env_steps "
            f"{', '.join(map(str, points[:3]))}, ... {points[-1]}, or leave --like out"
        )


def _read_like(run: ImportedRun, points: Sequence[int]) -> ImportedRun:
    steps = [row.env_steps for row in run.rows]
    reach = steps[-1] + (steps[-1] - steps[-2]) / 2 if len(steps) > 1 else steps[-1]
    rows = read_at(run.rows, [point for point in points if point <= reach])
    if not rows:
        raise UsageError(f"{run.name} has no evaluation up to {points[-1]} steps; leave it or --like out")
    return run._replace(rows=rows)


def _grid(cell: FoundCell) -> list[int] | None:
    for seed in sorted({*cell.asked} & {*cell.there}):
        curve, facts = cell.store.read_columns(seed)
        if facts["status"] == "complete":
            return [int(point) for point in curve["env_steps"]]
    return None


def _record(env: str, steps: int, protocol: Mapping[str, Any], declared: AnchorsTable | None) -> dict[str, Any]:
    scale = {"possible_returns": possible_returns(env), **(declared.record if declared else {"anchors": None})}
    return {"steps": steps, "protocol": dict(protocol), **scale}
