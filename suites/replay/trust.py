"""What a results folder may make this machine do: nothing that the shipped code does not do already.

A record names classes, modules and environments. Anybody may have written it, so naming code is not enough to run it.
"""

from collections.abc import Mapping
from typing import Any

from ...algorithms.registry import SHIPPED
from ...errors import UsageError
from ..named_code import inner_classes
from .spelling import Spelling


def check_code(record: Mapping[str, Any], place: str, spelling: Spelling) -> None:
    """Refuse a record that would import code which is not shipped, for a user who has not said that it may.

    Raises:
        UsageError: naming the code and what allows it.
    """
    reference = record.get("reference")
    if not _is_shipped(reference):
        how = f"give it with {spelling.algorithm}, or allow all that the folder names with {spelling.trust}"
        raise UsageError(
            f"{place} names the code {_short(reference)}, which is not imported on the word of a results folder; "
            f"if it is yours, {how}"
        )
    check_configuration(record, place, spelling)


def check_configuration(record: Mapping[str, Any], place: str, spelling: Spelling) -> None:
    """The same for all but the algorithm's own class: the algorithms among its options, and its environment.

    Raises:
        UsageError: naming the code and what allows it.
    """
    for name in inner_classes(record.get("configuration")):
        if not _is_shipped(name):
            raise UsageError(
                f"{place} names the code {_short(name)} among its algorithm's options, which is not imported on the "
                f"word of a results folder; allow all that the folder names with {spelling.trust}"
            )
    check_environment(record, place, spelling)


def _is_shipped(reference: Any) -> bool:
    return isinstance(reference, str) and (reference in SHIPPED or reference in SHIPPED.values())


def check_environment(record: Mapping[str, Any], place: str, spelling: Spelling) -> None:
    """The same for its environment: modules that register it, an id with a module, or text among its arguments.

    Raises:
        UsageError: naming the code and what allows it.
    """
    environment = record.get("environment") or {}
    modules = list(record.get("modules") or ())
    ids = [env for env in (str(record["env"]), str(environment.get("id"))) if ":" in env]
    code = modules or ids or [value for value in _leaves(environment.get("options")) if isinstance(value, str)]
    if code:
        raise UsageError(
            f"{place} names the code {_short(code[0])} for its environment, which is not imported on the word of a "
            f"results folder; allow all that the folder names with {spelling.trust}"
        )


def _leaves(value: Any) -> list[Any]:
    """All values of nested tables and lists."""
    if isinstance(value, Mapping):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _short(value: Any) -> str:
    return repr(value)[:120]
