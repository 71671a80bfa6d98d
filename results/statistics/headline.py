"""The verdict of a comparison in one sentence, with everything that weakens it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ...wording import plural
from .bootstrap import MEANINGFUL
from .differences import NO_SPREAD, TOO_FEW, needed
from .identical import IdenticalRuns
from .leaderboard import ByLabel
from .scores import CellKey

_NAMED = 3
"""Most names that a sentence lists before it only counts them."""
_ALONE = "there is nothing to compare it with"


def headline(
    board: pd.DataFrame,
    pairs: pd.DataFrame,
    counts: Mapping[CellKey, Mapping[str, int]],
    curves: ByLabel,
    *,
    level: float,
    identical: Sequence[IdenticalRuns] = (),
) -> str:
    """Who leads, how surely, and what is missing.

    Algorithms are compared by the IQM of the final score; where no environment has anchors, by the mean rank of the
    final return. Only one with runs on every environment that counts can lead: an aggregate over fewer environments is
    an aggregate of something else.
    """
    with_runs = {env: any(found[env].scored for found in curves.values() if env in found) for env in _played(curves)}
    scored = [env for env, anchored in with_runs.items() if anchored]
    measure = _SCORE if scored else _RANK
    table = board[(board["statistic"] == "final") & (board["metric"] == measure.metric)].set_index("label")
    remarks = [_unanchored([env for env, anchored in with_runs.items() if not anchored])] if scored else []
    if not with_runs:
        claim = "No run is complete, so there is nothing to compare"
    elif len(curves) == 1 and not scored:
        claim = f"No environment has score anchors, so {next(iter(curves))} has no score; {_ALONE}"
    elif len(curves) == 1:
        claim = f"{table.index[0]} has {measure.described(table.iloc[0], curves, level)}; {_ALONE}"
    else:
        complete = table[(table["environments"] == len(scored or with_runs)) & table["estimate"].notna()]
        complete = complete.sort_values("estimate", ascending=measure.ascending, kind="stable")
        claim = _leader(complete, measure, pairs, curves, level)
        remarks.append(_incomplete([label for label in table.index if label not in complete.index]))
        remarks += [] if scored else ["no environment has score anchors, so returns are ranked"]
    return "; ".join([claim, *filter(None, [*remarks, _copies(identical), _fates(counts)])]) + "."


def _played(curves: ByLabel) -> list[str]:
    """The environments with a completed run of anyone."""
    return list(dict.fromkeys(env for found in curves.values() for env in found))


class _Measure(NamedTuple):
    """What algorithms are put in order by."""

    metric: str
    """In the leaderboard."""
    words: str
    ascending: bool
    best: str

    def described(self, row: "pd.Series[Any]", curves: ByLabel, level: float) -> str:
        """``an IQM of the final score of 0.93 (95% interval 0.90 to 0.96; 10 runs on each of 4 environments)``."""
        own = curves[str(row.name)].values()
        sizes = {len(one.seeds) for one in own if one.scored or self is _RANK}
        few = f"{'' if len(sizes) == 1 else 'at least '}{plural(row['runs'], 'run')}"
        several = f"{'' if row['environments'] == 1 else 'each of '}{plural(row['environments'], 'environment')}"
        spread = f"{100 * level:g}% interval {written(row['low'])} to {written(row['high'])}"
        if np.isnan(row["low"]):
            spread = f"too few runs for an interval, which takes {MEANINGFUL}"
        return f"{self.words} of {written(row['estimate'])} ({spread}; {few} on {several})"


_SCORE = _Measure("iqm", "an IQM of the final score", ascending=False, best="the highest score")
_RANK = _Measure("rank", "a mean rank by final return", ascending=True, best="the best rank")


def written(value: float) -> str:
    """Two decimals, or a few digits with an exponent where a number is long."""
    return f"{value:.2f}" if abs(value) < 1e6 else f"{value:.2e}".replace("e+", "e")


def _leader(complete: pd.DataFrame, measure: _Measure, pairs: pd.DataFrame, curves: ByLabel, level: float) -> str:
    """The claim about the first of the algorithms that have runs on every environment, best first."""
    if complete.empty:
        return "No algorithm has runs on every environment, so none leads"
    first = str(complete.index[0])
    described = measure.described(complete.iloc[0], curves, level)
    if len(complete) == 1:
        return f"{first} has {described}; no other algorithm has runs on every environment"
    tied = [str(label) for label in complete.index[complete["estimate"] == complete["estimate"].iloc[0]]]
    if len(tied) > 1:
        among = f"{', '.join(tied[:-1])} and {tied[-1]}"
        return f"{among} share {measure.best}: {first} has {described}, {_among(tied, pairs, level)}"
    second, behind = str(complete.index[1]), complete["estimate"].iloc[1]
    evidence = _evidence(first, second, pairs, level)
    return f"{first} leads with {described}, before {second} with {written(behind)}, {evidence}"


def _evidence(first: str, second: str, pairs: pd.DataFrame, level: float) -> str:
    """Whether the tests, environment by environment, bear out that ``first`` is before ``second``."""
    forward = pairs[(pairs["x"] == first) & (pairs["y"] == second)]["verdict"]
    backward = pairs[(pairs["x"] == second) & (pairs["y"] == first)]["verdict"]
    better = int((forward == "x better").sum() + (backward == "y better").sum())
    worse = int((forward == "y better").sum() + (backward == "x better").sum())
    verdicts = [*forward, *backward]
    tested = sum(verdict not in (TOO_FEW, NO_SPREAD) for verdict in verdicts)
    where = plural(tested, "environment")
    if not tested:
        return _untested(verdicts, pairs, level)
    if better and not worse:
        return f"and the pairwise tests support it: better on {better} of {where}, worse on none"
    if better:
        return f"but the pairwise tests are divided: better on {better} of {where}, worse on {worse}"
    if worse:
        return f"but the pairwise tests speak against it: better on none of {where}, worse on {worse}"
    return f"but the pairwise tests show no difference between the two on any of {where}"


def _among(tied: Sequence[str], pairs: pd.DataFrame, level: float) -> str:
    """Whether the tests tell those apart that share the lead."""
    if len(tied) == 2:
        return _evidence(tied[0], tied[1], pairs, level)
    own = pairs[pairs["x"].isin(tied) & pairs["y"].isin(tied)]
    if own["verdict"].isin([TOO_FEW, NO_SPREAD]).all():
        return _untested(list(own["verdict"]), pairs, level)
    found = int(own["verdict"].isin(["x better", "y better"]).sum())
    if found:
        return f"but {found} of {plural(len(own), 'pairwise test')} between them show a difference"
    return "and no pairwise test between them shows a difference"


def _untested(verdicts: Sequence[str], pairs: pd.DataFrame, level: float) -> str:
    """Why no test says anything."""
    if set(verdicts) == {NO_SPREAD}:
        return "but their runs are all alike, and without any spread nothing can be tested"
    takes = f"{needed(len(pairs), level)} of each are needed"
    if pairs["permutation_p"].notna().any():
        return f"but so few runs cannot show a difference in {plural(len(pairs), 'pairwise test')} ({takes})"
    return f"but there are too few runs to test the difference ({takes})"


def _copies(identical: Sequence[IdenticalRuns]) -> str:
    """What the number of runs must not be read without."""
    copies: Counter[CellKey] = Counter()
    for one in identical:
        copies[one.label, one.env] += len(one.seeds)
    parts = [f"{number} of {label} on {env}" for (label, env), number in copies.items()]
    return f"with identical curves, so not independent runs: {_listed(parts)}" if parts else ""


def _unanchored(environments: Sequence[str]) -> str:
    return f"without score anchors, so not in the score: {_listed(environments)}" if environments else ""


def _incomplete(labels: Sequence[str]) -> str:
    return f"without runs on every environment, so not ranked: {_listed(labels)}" if labels else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _fates(counts: Mapping[CellKey, Mapping[str, int]]) -> str:
    """``of 160 runs 3 diverged and 2 are missing, and count nowhere``."""
    words = {"diverged": "diverged", "partial": "stopped early", "damaged": "damaged", "missing": "missing"}
    total = {fate: sum(count[fate] for count in counts.values()) for fate in words}
    parts = [f"{number} {words[fate]}" for fate, number in total.items() if number]
    everything = sum(sum(count.values()) for count in counts.values())
    return f"not counted, of {plural(everything, 'run')}: {', '.join(parts)}" if parts else ""
