"""Whether results were measured by the same rules, and in words by which."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from ...errors import UsageError

Grid = Literal["same", "common"]
"""Of runs on an environment: budget, checkpoints and evaluation must be the same, or each run is read on a common grid
(`pgsuite.results.statistics.grid`) and every table says how each was evaluated."""
Kind = Literal["evaluation", "training", "scores"]
"""What returns are of: fresh evaluation episodes, the episodes of training itself, or one number per run."""
ALLOWED: dict[Grid, tuple[str, ...]] = {"same": ("grid",), "common": ("grid", "budget", "evaluation")}
"""Rules that may differ where curves are read later: those then see, and say, where grids differ."""
_COMMON = "put them side by side with --grid common"
_WAYS_OUT = {
    "budget": f"run both by one suite file, or {_COMMON}",
    "grid": f"evaluate both at the same steps, or {_COMMON}",
    "evaluation": f"evaluate both in the same way, or {_COMMON}, which says of each how it was evaluated",
    "anchors": "a score would mean two things: give both the same anchors, or report them apart",
    "task": "these are two tasks: run both by one suite file, or report them apart",
}


class Measured(NamedTuple):
    """How the returns of a cell were measured, as far as its record says."""

    kind: Kind
    episodes: int | None
    """Evaluation episodes at a checkpoint, or training episodes averaged at most; None where nobody says."""
    deterministic: bool | None
    """Whether the mode of the policy was played; None where nobody says."""

    def in_words(self, counts: Collection[int] = ()) -> str:
        """``10 fresh evaluation episodes, stochastic policy``.

        Args:
            counts: of the episodes that its curves show, where they do.
        """
        policy = {True: ", mode of the policy", False: ", stochastic policy", None: ""}[self.deterministic]
        if self.kind == "scores":
            return "one score per run"
        if self.kind == "training":
            return f"training episodes, the last {self.episodes or 'few'} averaged{policy}"
        shown = sorted({count for count in [*counts] or [self.episodes or 0] if count > 0})
        number = " to ".join(map(str, dict.fromkeys([shown[0], shown[-1]]))) if shown else "an unknown number of"
        return f"{number} fresh evaluation episode{'' if shown == [1] else 's'}{policy or ', policy mode unknown'}"


def measured(record: Mapping[str, Any]) -> Measured:
    """What a record's ``protocol`` says: ``kind`` (evaluation where it says none), ``episodes``, ``deterministic``."""
    protocol = record.get("protocol") or {}
    kind, episodes, deterministic = (protocol.get(name) for name in Measured._fields)
    return Measured(
        next((known for known in get_args(Kind) if known == kind), "evaluation"),
        episodes if type(episodes) is int else None,
        deterministic if isinstance(deterministic, bool) else None,
    )


def check_protocol(cells: Sequence[tuple[str, str, Mapping[str, Any]]], *, allowing: Collection[str] = ()) -> None:
    """Refuse cells of one environment whose budget, grid, evaluation, anchors or task differ.

    Args:
        cells: where each is, its environment, and its record. What a record does not say is not compared.
        allowing: which of these may differ.

    Raises:
        UsageError: naming both places, the environment, the difference and the way out.
    """
    first: dict[str, list[tuple[str, Mapping[str, Any], dict[str, str]]]] = {}
    for place, env, record in cells:
        rules = {name: words for name, words in _rules(record).items() if name not in allowing}
        for other_place, first_record, other in first.setdefault(env, []):
            for name in (name for name in rules if name in other and rules[name] != other[name]):
                where = f"{other_place} and {place}" if place != other_place else f"cells of {place}"
                steps = _first_steps(first_record, record) if name == "budget" else ""
                raise UsageError(
                    f"{where} cannot be compared on {env}: their {name} differs, {other[name]} against {rules[name]}"
                    f"{steps}; {_WAYS_OUT[name]}"
                )
        first[env].append((place, record, rules))


def _first_steps(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Where the checkpoints of two records first differ, as far as they lie evenly; empty where that is not known."""
    counts = [(record.get("protocol") or {}).get("checkpoints") for record in (one, other)]
    ends = [record.get("steps") for record in (one, other)]
    if not all(isinstance(number, int) and number > 0 for number in (*counts, *ends)):
        return ""
    steps = [round(end / count) for end, count in zip(ends, counts, strict=True)]  # type: ignore[operator]
    return f", with first checkpoints after {steps[0]:,} and {steps[1]:,} steps" if steps[0] != steps[1] else ""


def _rules(record: Mapping[str, Any]) -> dict[str, str]:
    """What must agree, in words, as far as a record says it."""
    rules = {}
    if record.get("steps") is not None:
        rules["budget"] = f"{record['steps']} environment steps"
    if "protocol" in record:
        rules["evaluation"] = measured(record).in_words()
        own = record["protocol"].get("grid")
        rules["grid"] = f"{record['protocol'].get('checkpoints')} checkpoints" + (f" ({own})" if own else "")
    if "anchors" in record:
        rules["anchors"] = json.dumps(record["anchors"], sort_keys=True) if record["anchors"] else "none"
    if "environment" in record:
        task = {name: record["environment"].get(name) for name in ("options", "max_episode_steps")}
        if (env_id := record["environment"].get("id")) not in (None, record.get("env")):
            task["id"] = env_id
        rules["task"] = json.dumps(task, sort_keys=True)
    return rules
