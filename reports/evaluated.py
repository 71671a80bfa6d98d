"""How what is compared was evaluated: on which grid, by which episodes, by which policy. Said beside every table."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from ..results.statistics.comparison import Comparison
from ..results.store.gathering import Gathered
from ..results.store.protocol import Measured, measured

_NAMED = 4
"""Most cells that a sentence names before it only counts them."""
Cell = tuple[str, str]
"""Label and environment."""


def label(comparison: Comparison, gathered: Gathered) -> str:
    """What stands below every table of results."""
    copies = ["Runs: where some have identical curves, how many differ."] if comparison.identical else []
    return " ".join([*_episodes(_ways(comparison.frame, gathered)), *_starts(comparison.frame), *copies])


def remarks(comparison: Comparison, gathered: Gathered) -> list[str]:
    """What must be known of the evaluations before any number is read: where they differ, and on which grid."""
    ways = _ways(comparison.frame, gathered)
    said = [grid.in_words(env) for env, grid in comparison.grids.items()]
    if len(ways) > 1:
        said.append(f"Not everything was evaluated in the same way. {' '.join(_episodes(ways))}")
    uneven = [cell for words, cells in ways.items() for cell in cells if " to " in words.partition(",")[0]]
    if uneven:
        said.append(
            f"The evaluations of {_named(uneven)} average different numbers of episodes, so some are less certain "
            "than others."
        )
    return said


def scores_alone(comparison: Comparison) -> bool:
    """Whether there are runs, and nowhere a curve."""
    curves = _curves(comparison)
    return bool(curves) and not any(curves.values())


def without_curves(comparison: Comparison) -> list[str]:
    """Environments of which there is one number per run, and what therefore cannot be said of them."""
    curves = _curves(comparison)
    lacking = [env for env, there in curves.items() if not there]
    if not lacking:
        return []
    where = ", ".join(lacking[:_NAMED]) + (f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else "")
    where = where if any(curves.values()) else "any environment"
    return [
        f"There is one score per run, and no learning curve, on {where}: "
        "nothing is said there of the area under the curve, sample efficiency, or the time to a score."
    ]


def _curves(comparison: Comparison) -> dict[str, bool]:
    """Whether the completed runs of each environment have curves, which have areas."""
    table = comparison.environments_table
    areas = table[table["runs"] > 0].groupby("env", sort=False)["auc_return_mean"].count()
    return {str(env): bool(number) for env, number in areas.items()}


def _ways(frame: pd.DataFrame, gathered: Gathered) -> dict[str, list[Cell]]:
    """Which cells with completed runs were evaluated how."""
    ways: dict[str, list[Cell]] = {}
    counts: dict[Cell, set[int]] = {}
    if "episodes" in frame:
        complete = frame[frame["status"] == "complete"]
        for name, env, count in complete[["label", "env", "episodes"]].drop_duplicates().itertuples(index=False):
            counts.setdefault((name, env), set()).add(int(count))
    for member in gathered.members:
        if member.record and member.seeds("complete"):
            words = measured(member.record).in_words(counts.get((member.label, member.env), ()))
            ways.setdefault(words, []).append((member.label, member.env))
    return ways


def _episodes(ways: Mapping[str, Sequence[Cell]]) -> Iterable[str]:
    if [*ways] == [Measured("scores", None, None).in_words()]:
        return ["There is one score per run, and nobody says how it was evaluated."]
    if len(ways) == 1:
        return [f"Evaluated at each checkpoint by {next(iter(ways))}."]
    parts = [f"{_named(cells)} by {words}" for words, cells in ways.items()]
    return [f"Evaluated at each checkpoint: {'; '.join(parts)}."] if parts else []


def _named(cells: Sequence[Cell]) -> str:
    """Algorithms, with their environments where there are several."""
    environments = {env for _, env in cells}
    names = list(dict.fromkeys(name for name, _ in cells))
    if len(cells) < len(names) * len(environments):
        names = [f"{name} on {env}" for name, env in cells]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _starts(frame: pd.DataFrame) -> Iterable[str]:
    complete = frame[frame["status"] == "complete"]
    starts = complete.groupby("env", sort=False)["env_steps"].min()
    late = [f"from {start:,.0f} steps on {env}" for env, start in starts.items() if start > 0]
    if late:
        yield f"Nobody's start was evaluated there: the area under the curve is that {', '.join(late)}."
