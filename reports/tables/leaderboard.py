"""The leaderboard: aggregates over all environments, best first, each with its interval."""

import math
from typing import Any

import pandas as pd

from ...results.statistics.bootstrap import MEANINGFUL
from ...results.statistics.comparison import Comparison
from ..notation import fixed, interval, percent
from .table import EVERYWHERE, FILES, PAGE, Cell, Column, Table, algorithm, number

METRICS = {
    "iqm": ("IQM", "interquartile mean: the mean of the middle half of all runs on all environments; higher is better"),
    "mean": ("mean", "mean over all runs on all environments; higher is better"),
    "median": ("median", "median over environments of the mean over runs; higher is better"),
    "optimality_gap": (
        "optimality gap",
        "how far scores fall short of 1 on average, more than 1 not counted; lower is better",
    ),
}
STATISTICS = {
    "final": ("final score", "Score at the last checkpoint, never the best"),
    "auc": ("area under the curve", "Mean score over the whole learning curve, which rewards learning early"),
}
TOO_FEW = f"With fewer than {MEANINGFUL} runs an interval is not meaningful, so none is printed."
_PLACES = 3
_NAMED = 3
"""Most algorithms that a caption names before it only counts them."""


def leaderboard(comparison: Comparison, statistic: str) -> Table:
    """One row per algorithm, by falling IQM; those that lack an environment come last, unranked.

    Args:
        comparison: what is compared.
        statistic: ``final`` or ``auc``.
    """
    board = comparison.leaderboard[comparison.leaderboard["statistic"] == statistic]
    level = f"[{percent(comparison.level)}]"
    scale = _scale(board[board["metric"] == "iqm"])
    columns = [Column("algorithm", numeric=False)]
    for metric, (title, explanation) in METRICS.items():
        media = EVERYWHERE if metric in {"iqm", "optimality_gap"} else FILES
        columns.append(Column(f"{title} {level}", explanation=explanation, media=media))
        if metric == "iqm":
            columns.append(
                Column(
                    "IQM as a bar",
                    explanation="its interval and estimate; the two marks are 0 and 1",
                    media=PAGE,
                    scale=scale,
                )
            )
    columns.append(
        Column("mean rank", explanation="average rank by return over environments, in runs drawn at random; 1 is best")
    )
    columns.append(Column("runs", explanation="fewest completed runs on an environment"))
    columns.append(Column("environments", explanation="environments that enter the row", media=FILES))
    nobody = _lacked_by_all(board)
    rows = [_row(str(label), own, nobody) for label, own in board.groupby("label", sort=False)]
    rows.sort(key=lambda row: (row[-1].tone == "bad", -_sortable(row[1])))
    title, meaning = STATISTICS[statistic]
    return Table(
        f"leaderboard-{statistic}",
        title.capitalize(),
        _caption(comparison, board, meaning),
        tuple(columns),
        tuple(rows),
    )


def _row(label: str, own: pd.DataFrame, nobody: tuple[str, ...]) -> tuple[Cell, ...]:
    of: dict[str, Any] = {str(record["metric"]): record for record in own.to_dict("records")}
    cells = {metric: _estimate(of[metric]) for metric in METRICS}
    iqm, rank = of["iqm"], float(of["rank"]["estimate"])
    bar = Cell("")
    if math.isfinite(iqm["estimate"]):
        bar = Cell("", float(iqm["estimate"]), series=label, bar=(iqm["low"], iqm["estimate"], iqm["high"]))
    runs, environments, lacking = int(iqm["runs"]), int(iqm["environments"]), _less(tuple(iqm["lacking"]), nobody)
    return (
        algorithm(label),
        cells["iqm"],
        bar,
        *(cells[metric] for metric in list(METRICS)[1:]),
        number(rank, fixed(rank, 2)),
        number(runs, str(runs), tone="" if runs else "bad"),
        number(environments, f"{environments} of {environments + len(lacking)}", tone="bad" if lacking else ""),
    )


def _estimate(record: Any) -> Cell:
    estimate = float(record["estimate"])
    return number(estimate, fixed(estimate, _PLACES), interval(record["low"], record["high"], _PLACES))


def _sortable(cell: Cell) -> float:
    return cell.value if isinstance(cell.value, float) else -math.inf


def _scale(board: pd.DataFrame) -> tuple[float, float]:
    values = board[["estimate", "low", "high"]].to_numpy(dtype=float)
    finite = values[~pd.isna(values)]
    return (min(0.0, *finite), max(1.0, *finite)) if finite.size else (0.0, 1.0)


def _lacking(board: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The environments that each algorithm lacks."""
    return {str(label): tuple(own["lacking"].iloc[0]) for label, own in board.groupby("label", sort=False)}


def _lacked_by_all(board: pd.DataFrame) -> tuple[str, ...]:
    """The environments that nobody has a score on, which tell nobody from anybody."""
    first, *others = _lacking(board).values()
    return tuple(env for env in first if all(env in other for other in others))


def _less(environments: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(env for env in environments if env not in others)


def _caption(comparison: Comparison, board: pd.DataFrame, meaning: str) -> str:
    parts = [
        f"{meaning}; 0 is the uniform random policy, 1 the reference return.",
        f"In brackets: {percent(comparison.level)} stratified bootstrap intervals over runs ({comparison.replicates:,} "
        "replicates); “runs” is their fewest on an environment.",
    ]
    if board["runs"].between(1, MEANINGFUL - 1).any():
        parts.append(TOO_FEW)
    if nobody := _lacked_by_all(board):
        parts.append(f"Without a score or a completed run of anyone: {', '.join(nobody)}.")
    less = {label: _less(own, nobody) for label, own in _lacking(board).items()}
    lacking = [f"{label} lacks {', '.join(own)}" for label, own in less.items() if own]
    if len(lacking) > _NAMED:
        lacking = [*lacking[:_NAMED], f"and {len(lacking) - _NAMED} more"]
    if lacking:
        parts.append(f"Last, because its aggregates are over fewer environments: {'; '.join(lacking)}.")
    return " ".join(parts)
