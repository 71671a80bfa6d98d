"""Whether results were measured by the same rules."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ...errors import UsageError

Horizon = Literal["error", "common"]
"""For budgets that differ on an environment: an error, or curves cut to what they have in common."""


def check_protocol(cells: Sequence[tuple[str, str, Mapping[str, Any]]], *, horizon: Horizon = "error") -> None:
    """Refuse cells of one environment whose budget, evaluation, anchors or task differ.

    Args:
        cells: where each is, its environment, and its record. What a record does not say is not compared.
        horizon: ``common`` where curves will be cut to their common length: then budgets may differ.

    Raises:
        UsageError: naming both places, the environment and the difference.
    """
    first: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for place, env, record in cells:
        rules = _rules(record)
        for other_place, other in first.setdefault(env, []):
            for name in rules.keys() & other.keys():
                if rules[name] == other[name] or (name == "budget" and horizon == "common"):
                    continue
                where = f"{other_place} and {place}" if place != other_place else f"cells of {place}"
                cut = "; --horizon common cuts curves to the shortest" if name == "budget" else ""
                raise UsageError(
                    f"{where} cannot be compared on {env}: their {name} differs, {other[name]} against {rules[name]}; "
                    f"run both by one suite file, or report them apart{cut}"
                )
        first[env].append((place, rules))


def _rules(record: Mapping[str, Any]) -> dict[str, str]:
    """What must agree, in words, as far as a record says it."""
    rules = {}
    if "steps" in record:
        rules["budget"] = f"{record['steps']} environment steps"
    if "protocol" in record:
        rules["evaluation"] = json.dumps(record["protocol"], sort_keys=True)
    if "anchors" in record:
        rules["anchors"] = json.dumps(record["anchors"], sort_keys=True) if record["anchors"] else "none"
    if "environment" in record:
        task = {name: record["environment"].get(name) for name in ("options", "max_episode_steps")}
        rules["task"] = json.dumps(task, sort_keys=True)
    return rules
