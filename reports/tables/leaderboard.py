"""The leaderboard: aggregates over all environments, best first, each with its interval."""

import math
from collections.abc import Collection
from typing import Any

import pandas as pd

from ...results.statistics.bootstrap import MEANINGFUL
from ...results.statistics.comparison import Comparison
from ..catalogue import AGGREGATES, STATISTICS, leaderboard_caption, ranks_caption
from ..notation import distinctly, fixed, interval, percent
from .table import EVERYWHERE, FILES, PAGE, Column, Entry, Table, algorithm, number

_PLACES = 2


def leaderboard(comparison: Comparison, statistic: str, refusals: Collection[tuple[str, str]] = frozenset()) -> Table:
    """One row per algorithm, by falling IQM, or by mean rank where no environment has anchors.

    Those that lack an environment come last, unranked.

    Args:
        comparison: what is compared.
        statistic: ``final`` or ``auc``.
        refusals: labels and environments of what is not applicable.
    """
    board = comparison.leaderboard[comparison.leaderboard["statistic"] == statistic]
    if board[board["metric"] == "iqm"]["estimate"].isna().all() and board["estimate"].notna().any():
        return _by_rank(comparison, board, statistic, refusals)
    level = f"[{percent(comparison.level)}]"
    scale = _scale(board[board["metric"] == "iqm"])
    columns = [Column("algorithm", numeric=False)]
    for metric, (title, explanation, _) in AGGREGATES.items():
        media = EVERYWHERE if metric in {"iqm", "optimality_gap"} else FILES
        columns.append(Column(f"{title} {level}", explanation=explanation, media=media, short=title))
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
        Column(
            f"mean rank {level}",
            explanation="average rank by return over environments, in runs drawn at random; 1 is best",
            short="mean rank",
        )
    )
    columns.append(Column("runs", explanation="fewest completed runs on an environment"))
    columns.append(Column("environments", explanation="environments that enter the row", media=FILES))
    nobody = _lacked_by_all(board)
    less = {label: _less(own, nobody) for label, own in _lacking(board).items()}
    rows = [
        _row(comparison, str(label), own, less[str(label)], refusals)
        for label, own in board.groupby("label", sort=False)
    ]
    rows.sort(key=lambda row: (bool(less[row[0].series]), -_sortable(row[1])))
    return Table(
        f"leaderboard-{statistic}",
        STATISTICS[statistic].title.capitalize(),
        _caption(comparison, board, statistic, refusals),
        tuple(columns),
        tuple(rows),
    )


def _by_rank(
    comparison: Comparison, board: pd.DataFrame, statistic: str, refusals: Collection[tuple[str, str]]
) -> Table:
    """The leaderboard in returns, whose order needs no anchors."""
    level = f"[{percent(comparison.level)}]"
    columns = (
        Column("algorithm", numeric=False),
        Column(
            f"mean rank {level}",
            explanation="average rank by return over environments, in runs drawn at random; 1 is best",
        ),
        Column(
            f"better than the next {level}",
            explanation="probability that a run has a higher return than one of the algorithm in the row below",
        ),
        Column("runs", explanation="fewest completed runs on an environment"),
        Column("environments", explanation="environments that enter the row", media=FILES),
    )
    ranks = board[board["metric"] == "rank"].sort_values("estimate", kind="stable", na_position="last")
    every = comparison.improvement
    chances = {(p["x"], p["y"]): p for p in every[every["statistic"] == statistic].to_dict("records")}
    records = ranks.to_dict("records")
    rows = []
    for record, below in zip(records, [*records[1:], None], strict=True):
        label = str(record["label"])
        chance = chances.get((label, below["label"])) if below and below["estimate"] > 0 else None
        rows.append(
            (
                algorithm(label),
                _with_interval(record, "estimate"),
                _with_interval(chance, "probability") if chance else number(math.nan, ""),
                _runs(comparison, label, int(record["runs"])),
                _environments(label, int(record["environments"]), tuple(record["lacking"]), refusals),
            )
        )
    return Table(
        f"leaderboard-{statistic}",
        STATISTICS[statistic].ranked,
        ranks_caption(statistic, comparison.level, comparison.replicates, few=_few(board)),
        columns,
        tuple(rows),
    )


def _with_interval(record: Any, name: str) -> Entry:
    return number(record[name], fixed(record[name], 2), interval(record["low"], record["high"], 2))


def _runs(comparison: Comparison, label: str, runs: int) -> Entry:
    """The fewest runs on an environment, and how many of them differ where some do not."""
    table = comparison.environments_table
    own = table[(table["label"] == label) & (table["runs"] > 0)]
    distinct = [comparison.distinct(label, env, n) for env, n in zip(own["env"], own["runs"], strict=True)]
    return number(runs, distinctly(runs, min([runs, *distinct])), tone="" if runs else "bad")


def _environments(label: str, count: int, lacking: tuple[str, ...], refusals: Collection[tuple[str, str]]) -> Entry:
    """How many environments enter a row; it is a fault only if one is lacking that the algorithm can act in."""
    missing = any((label, env) not in refusals for env in lacking)
    return number(count, f"{count} of {count + len(lacking)}", tone="bad" if missing else "")


def _row(
    comparison: Comparison,
    label: str,
    own: pd.DataFrame,
    lacking: tuple[str, ...],
    refusals: Collection[tuple[str, str]],
) -> tuple[Entry, ...]:
    of: dict[str, Any] = {str(record["metric"]): record for record in own.to_dict("records")}
    cells = {metric: _estimate(of[metric]) for metric in AGGREGATES}
    iqm = of["iqm"]
    bar = Entry("")
    if math.isfinite(iqm["estimate"]):
        bar = Entry("", float(iqm["estimate"]), series=label, bar=(iqm["low"], iqm["estimate"], iqm["high"]))
    return (
        algorithm(label),
        cells["iqm"],
        bar,
        *(cells[metric] for metric in list(AGGREGATES)[1:]),
        _estimate(of["rank"]),
        _runs(comparison, label, int(iqm["runs"])),
        _environments(label, int(iqm["environments"]), lacking, refusals),
    )


def _estimate(record: Any) -> Entry:
    estimate = float(record["estimate"])
    return number(estimate, fixed(estimate, _PLACES), interval(record["low"], record["high"], _PLACES))


def _sortable(cell: Entry) -> float:
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


def _caption(comparison: Comparison, board: pd.DataFrame, statistic: str, refusals: Collection[tuple[str, str]]) -> str:
    nobody = _lacked_by_all(board)

    def named(label: str, env: str) -> str:
        return f"{env} (not applicable)" if (label, env) in refusals else env

    less = {label: ", ".join(named(label, env) for env in _less(own, nobody)) for label, own in _lacking(board).items()}
    lacking = {"": ", ".join(nobody)} | {label: own for label, own in less.items() if own}
    return leaderboard_caption(statistic, comparison.level, comparison.replicates, few=_few(board), lacking=lacking)


def _few(board: pd.DataFrame) -> bool:
    return bool(board["runs"].between(1, MEANINGFUL - 1).any())
