"""The probability that one algorithm's run beats another's, as a matrix."""

import math

import pandas as pd

from ...results.statistics.bootstrap import MEANINGFUL
from ...results.statistics.comparison import Comparison
from ...wording import plural
from ..catalogue import STATISTICS, improvement_caption
from ..notation import fixed, interval
from .table import Column, Entry, Table, algorithm, number

_PLACES = 2


def improvement_table(comparison: Comparison, statistic: str) -> Table:
    """P(row > column) for every ordered pair of algorithms.

    Args:
        comparison: what is compared.
        statistic: ``final`` or ``auc``.
    """
    every = comparison.improvement
    pairs = {(str(pair["x"]), str(pair["y"])): pair for _, pair in every[every["statistic"] == statistic].iterrows()}
    columns = [Column("row better than", numeric=False), *(Column(label) for label in comparison.algorithms)]
    rows = [
        (algorithm(x), *(_cell(pairs.get((x, y)), same=x == y) for y in comparison.algorithms))
        for x in comparison.algorithms
    ]
    few = any(0 < min(pair["runs_x"], pair["runs_y"]) < MEANINGFUL for pair in pairs.values())
    return Table(
        f"improvement-{statistic}",
        STATISTICS[statistic].title.capitalize(),
        improvement_caption(comparison.level, _runs(list(pairs.values())), few=few),
        tuple(columns),
        tuple(rows),
        sortable=False,
    )


def _cell(pair: "pd.Series | None", *, same: bool) -> Entry:
    if same:
        return Entry("", tone="same")
    if pair is None or not math.isfinite(pair["probability"]):
        return number(math.nan, "")
    p = float(pair["probability"])
    return number(p, fixed(p, _PLACES), interval(pair["low"], pair["high"], _PLACES), tone=f"p{round(10 * p)}")


def _runs(pairs: "list[pd.Series]") -> str:
    numbers = sorted({int(pair[side]) for pair in pairs for side in ("runs_x", "runs_y")})
    few, most = (numbers[0], numbers[-1]) if numbers else (0, 0)
    return plural(most, "run") if few == most else f"{few} to {plural(most, 'run')}"
