"""The verdict of a comparison in one sentence, with everything that weakens it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .bootstrap import MEANINGFUL
from .differences import TOO_FEW, needed
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
) -> str:
    """Who leads by the IQM of the final score, how surely, and what is missing.

    Only an algorithm with runs on every environment that has anchors and runs can lead: an aggregate over fewer
    environments is an aggregate of something else.
    """
    with_runs = {env: any(found[env].scored for found in curves.values() if env in found) for env in _played(curves)}
    scored = [env for env, anchored in with_runs.items() if anchored]
    iqms = board[(board["statistic"] == "final") & (board["metric"] == "iqm")].set_index("label")
    remarks = [_unanchored([env for env, anchored in with_runs.items() if not anchored])] if scored else []
    if not with_runs:
        claim = "No run is complete, so there is nothing to compare"
    elif not scored and len(curves) == 1:
        claim = f"No environment has score anchors, so {next(iter(curves))} has no score; {_ALONE}"
    elif not scored:
        claim = f"No environment has score anchors, so no algorithm leads over all of them{_tested(pairs, level)}"
    elif len(curves) == 1:
        claim = f"{iqms.index[0]} has {_described(iqms.iloc[0], curves, level)}; {_ALONE}"
    else:
        complete = iqms[iqms["environments"] == len(scored)].sort_values("estimate", ascending=False, kind="stable")
        claim = _leader(complete, pairs, curves, level)
        remarks.append(_incomplete([label for label in iqms.index if label not in complete.index]))
    return "; ".join([claim, *filter(None, [*remarks, _fates(counts)])]) + "."


def _played(curves: ByLabel) -> list[str]:
    """The environments with a completed run of anyone."""
    return list(dict.fromkeys(env for found in curves.values() for env in found))


def _leader(complete: pd.DataFrame, pairs: pd.DataFrame, curves: ByLabel, level: float) -> str:
    """The claim about the first two of the algorithms that have runs on every environment, best first."""
    if complete.empty:
        return "No algorithm has runs on every environment, so none leads"
    first = str(complete.index[0])
    described = _described(complete.iloc[0], curves, level)
    if len(complete) == 1:
        return f"{first} has {described}; no other algorithm has runs on every environment"
    second, behind = str(complete.index[1]), complete["estimate"].iloc[1]
    evidence = _evidence(first, second, pairs, level)
    if complete["estimate"].iloc[0] == behind:
        return f"{first} and {second} share the highest score: {first} has {described}, {evidence}"
    return f"{first} leads with {described}, before {second} with {behind:.2f}, {evidence}"


def _described(row: "pd.Series[Any]", curves: ByLabel, level: float) -> str:
    """``an IQM of the final score of 0.93 (95% interval 0.90 to 0.96; 10 runs on each of 4 environments)``."""
    sizes = {len(one.seeds) for one in curves[str(row.name)].values() if one.scored}
    few = f"{'' if len(sizes) == 1 else 'at least '}{row['runs']} run{'s' if row['runs'] != 1 else ''}"
    runs = (
        f"{few} on each of {row['environments']} environments"
        if row["environments"] != 1
        else f"{few} on 1 environment"
    )
    spread = f"{100 * level:g}% interval {row['low']:.2f} to {row['high']:.2f}"
    if np.isnan(row["low"]):
        spread = f"too few runs for an interval, which takes {MEANINGFUL}"
    return f"an IQM of the final score of {row['estimate']:.2f} ({spread}; {runs})"


def _evidence(first: str, second: str, pairs: pd.DataFrame, level: float) -> str:
    """Whether the tests, environment by environment, bear out that ``first`` is before ``second``."""
    forward = pairs[(pairs["x"] == first) & (pairs["y"] == second)]["verdict"]
    backward = pairs[(pairs["x"] == second) & (pairs["y"] == first)]["verdict"]
    better = int((forward == "x better").sum() + (backward == "y better").sum())
    worse = int((forward == "y better").sum() + (backward == "x better").sum())
    tested = int((forward != TOO_FEW).sum() + (backward != TOO_FEW).sum())
    where = f"{tested} environment{'s' if tested != 1 else ''}"
    if not tested:
        takes = f"{needed(len(pairs), level)} of each are needed"
        if pairs["permutation_p"].notna().any():
            return f"but so few runs cannot show a difference in {len(pairs)} pairwise tests ({takes})"
        return f"but there are too few runs to test the difference ({takes})"
    if better and not worse:
        return f"and the pairwise tests support it: better on {better} of {where}, worse on none"
    if better:
        return f"but the pairwise tests are divided: better on {better} of {where}, worse on {worse}"
    if worse:
        return f"but the pairwise tests speak against it: better on none of {where}, worse on {worse}"
    return f"but the pairwise tests show no difference between the two on any of {where}"


def _tested(pairs: pd.DataFrame, level: float) -> str:
    """What the tests found where there is no aggregate to speak of, as the end of a sentence."""
    if pairs.empty:
        return ", and no two algorithms have runs on the same environment"
    tested = pairs[pairs["verdict"] != TOO_FEW]
    if tested.empty:
        return f", and there are too few runs for pairwise tests ({needed(len(pairs), level)} of each are needed)"
    found = int(tested["verdict"].isin(["x better", "y better"]).sum())
    return f": the pairwise tests show a difference in {found} of {len(tested)} comparisons of mean returns"


def _unanchored(environments: Sequence[str]) -> str:
    return f"without score anchors, so not in the score: {_listed(environments)}" if environments else ""


def _incomplete(labels: Sequence[str]) -> str:
    return f"without runs on every environment, so not ranked: {_listed(labels)}" if labels else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _fates(counts: Mapping[CellKey, Mapping[str, int]]) -> str:
    """``of 160 runs 3 diverged and 2 are missing, and count nowhere``."""
    total = {fate: sum(count[fate] for count in counts.values()) for fate in ("diverged", "partial", "missing")}
    words = {"diverged": "diverged", "partial": "stopped early", "missing": "missing"}
    parts = [f"{number} {words[fate]}" for fate, number in total.items() if number]
    everything = sum(sum(count.values()) for count in counts.values())
    return f"not counted, of {everything} runs: {', '.join(parts)}" if parts else ""
