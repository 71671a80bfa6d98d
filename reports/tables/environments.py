"""One row per algorithm and environment, and what every pair of algorithms can be said to differ by."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from ...results.statistics.bootstrap import MEANINGFUL
from ...results.statistics.comparison import Comparison
from ...results.statistics.differences import TOO_FEW, needed
from ...results.statistics.scores import possible
from ..catalogue import environments_caption, pairs_caption
from ..notation import NOTHING, common_decimals, distinctly, fixed, interval, p_value, percent, si, signed
from .table import FILES, PAPER, TERMINAL, Column, Entry, Table, algorithm, number, text

_SCORE_PLACES = 2
_BETTER = {"x better": ("x", "y"), "y better": ("y", "x")}


def environment_table(comparison: Comparison, refusals: Collection[tuple[str, str]] = frozenset()) -> Table:
    """Return, score and area under the curve of every algorithm on every environment, with verdicts.

    Args:
        comparison: what is compared.
        refusals: labels and environments of what is not applicable.
    """
    level = f"[{percent(comparison.level)}]"
    table = comparison.environments_table
    columns = (
        Column("environment", numeric=False),
        Column("algorithm", numeric=False),
        Column("steps", explanation="budget of a run in environment steps", media=PAPER),
        Column(f"final return {level}", explanation="mean over runs of the return at the last checkpoint"),
        Column("std", explanation="standard deviation of the final return over runs", media=FILES),
        Column("final score", explanation="0 is the uniform random policy, 1 the reference return", short="score"),
        Column("AUC score", explanation="mean score over the whole learning curve", short="AUC"),
        Column("runs", explanation="completed runs; one run is one seed"),
        Column(
            "shown better than",
            False,
            "by the permutation test of each pair, after Holm's correction over all pairs and environments",
            media=FILES,
        ),
        Column("shown better than", media=TERMINAL, short="beats"),
    )
    beaten, unbeaten = _verdicts(comparison.pairs)
    rows = []
    for env, own in table.groupby("env", sort=False):
        places = common_decimals(own["final_return_mean"])
        for record in own.to_dict("records"):
            key = (str(env), str(record["label"]))
            runs = int(record["runs"])
            counted = distinctly(runs, comparison.distinct(str(record["label"]), str(env), runs))
            rows.append(_row(record, places, beaten[key], len(own) - 1, counted, strong=key in unbeaten))
        rows += [_inapplicable(columns, label, place) for label, place in refusals if place == env]
    few = bool(table["runs"].between(1, MEANINGFUL - 1).any())
    caption = environments_caption(comparison.level, bounded=_bounded(comparison.frame, table["env"]), few=few)
    return Table("environments", "Per environment", caption, columns, tuple(rows), headings=2)


def _inapplicable(columns: Sequence[Column], label: str, env: str) -> tuple[Entry, ...]:
    """The row of an algorithm that cannot act in an environment."""
    rest = (text("") for _ in columns[4:])
    return (text(env), algorithm(label), text(""), Entry("not applicable", tone="muted"), *rest)


def _bounded(frame: pd.DataFrame, environments: "pd.Series[str]") -> dict[str, bool]:
    """Whether the possible returns of each environment are known, and all runs lie within them."""
    return {str(env): _within(frame[frame["env"] == env]) for env in environments.unique()}


def _within(cell: pd.DataFrame) -> bool:
    ends, _ = possible(cell)
    return ends is not None and bool(cell["return_mean"].dropna().between(*ends).all())


def _row(
    record: Any, places: int, better_than: list[str], others: int, counted: str, *, strong: bool
) -> tuple[Entry, ...]:
    mean, runs = record["final_return_mean"], int(record["runs"])
    scores = (record["final_score_mean"], record["auc_score_mean"])
    return (
        text(record["env"]),
        algorithm(str(record["label"])),
        number(record["budget"], si(record["budget"])),
        number(
            mean,
            fixed(mean, places),
            interval(record["final_return_low"], record["final_return_high"], places),
            strong=strong,
        ),
        number(record["final_return_std"], fixed(record["final_return_std"], places)),
        *(number(score, fixed(score, _SCORE_PLACES)) for score in scores),
        number(runs, counted, tone="" if runs else "bad"),
        text("all others" if len(better_than) == others > 1 else ", ".join(better_than)),
        number(len(better_than), f"{len(better_than)} of {others}" if better_than else NOTHING),
    )


def _verdicts(pairs: pd.DataFrame) -> tuple[dict[tuple[str, str], list[str]], set[tuple[str, str]]]:
    """Whom each algorithm is shown to beat on each environment, and who beats somebody and is beaten by nobody."""
    better: dict[tuple[str, str], list[str]] = defaultdict(list)
    losers = set()
    for pair in pairs.to_dict("records"):
        if pair["verdict"] in _BETTER:
            winner, loser = (str(pair[side]) for side in _BETTER[pair["verdict"]])
            better[str(pair["env"]), winner].append(loser)
            losers.add((str(pair["env"]), loser))
    return better, set(better) - losers


def pairs_table(comparison: Comparison) -> Table:
    """The tests of every pair on every environment."""
    columns = (
        Column("environment", numeric=False),
        Column("x", numeric=False),
        Column("y", numeric=False),
        Column("verdict", numeric=False),
        Column(f"x − y [{percent(comparison.level)}]", explanation="difference of mean final returns, Welch interval"),
        Column("Welch p", explanation="Welch's t test, after Holm's correction"),
        Column("permutation p", explanation="permutation test, after Holm's correction"),
        Column("effect size", explanation="Hedges' g: the difference in standard deviations"),
        Column(
            "detectable", explanation="smallest true difference in return that these runs find with probability 0.9"
        ),
        Column("runs x, y", numeric=False),
    )
    rows = []
    for _, own in comparison.pairs.groupby("env", sort=False):
        places = common_decimals([*own["difference"], *own["detectable"]])
        rows += [_pair(pair, places) for pair in own.to_dict("records")]
    tests = len(comparison.pairs)
    lost = (comparison.pairs["permutation_p"].notna() & (comparison.pairs["verdict"] == TOO_FEW)).any()
    caption = pairs_caption(comparison.level, (tests, needed(tests, comparison.level)) if lost else None)
    return Table("pairs", "Pairwise tests", caption, columns, tuple(rows), headings=3)


def _pair(pair: Any, places: int) -> tuple[Entry, ...]:
    verdict = str(pair["verdict"])
    winner = str(pair[_BETTER[verdict][0]]) if verdict in _BETTER else ""
    bounds = interval(pair["low"], pair["high"], places)
    return (
        text(pair["env"]),
        algorithm(str(pair["x"])),
        algorithm(str(pair["y"])),
        Entry(f"{winner} better" if winner else verdict, winner or f"~{verdict}", tone="good" if winner else "muted"),
        number(pair["difference"], signed(pair["difference"], places), bounds),
        number(pair["welch_holm"], p_value(pair["welch_holm"])),
        number(pair["permutation_holm"], p_value(pair["permutation_holm"])),
        number(pair["effect_size"], signed(pair["effect_size"], 2)),
        number(pair["detectable"], fixed(pair["detectable"], places)),
        Entry(f"{pair['runs_x']}, {pair['runs_y']}", float(min(pair["runs_x"], pair["runs_y"]))),
    )
