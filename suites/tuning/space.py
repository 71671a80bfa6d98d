"""Search spaces: what an algorithm's class declares, or what a TOML file says instead, as Optuna's distributions.

    [trpo]
    max_kl = { low = 0.003, high = 0.05, log = true }     # a range
    num_steps = [64, 128, 256]                            # choices
    trace = true                                          # as its class declares it

    [profiled.base]                                       # hyperparameters of an inner algorithm
    learning_rate = { low = 0.001, high = 0.01, log = true }

An algorithm that has a table is searched for over what it lists, and nothing else.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...algorithms.registry import load_class
from ...algorithms.search_space import Choices, Range, Searched, declared_space
from ...errors import UsageError, brief

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Space = dict[str, Searched]
"""By hyperparameter; one of an inner algorithm has its table's name and a dot before its own."""
_RANGE = {"low", "high", "log"}
_FORM = "write a list of values, { low = ..., high = ..., log = true }, or true for what its class declares"
_DIGITS = 3
"""Significant digits of a number that is drawn from a range: what is run is what is written down."""


def read_spaces(file: Path) -> dict[str, Any]:
    """Return the tables of a file of search spaces, by algorithm.

    Raises:
        UsageError: it cannot be read, is not TOML, or holds something else than tables.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the search spaces {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{file}: {name} = {brief(table)}: it is to be a table, [{name}], of hyperparameters")
    return tables


def space_of(algorithm: str, reference: str, table: Mapping[str, Any] | None, source: str) -> Space:
    """Return the search space of an algorithm.

    Args:
        algorithm: its name in the suite.
        reference: its class's name or address.
        table: what a file says of it; None for what its class declares.
        source: the file, for messages.

    Raises:
        UsageError: nothing is declared, or what is written is no space.
    """
    declared = declared_space(load_class(reference))
    if table is None and not declared:
        raise UsageError(
            f"algorithm {algorithm!r} declares no search space: give it a table [{algorithm}] in a file, --space FILE"
        )
    if table is None:
        return declared
    found = dict(_entries(table, declared, f"{source}: {algorithm}", ""))
    if not found:
        raise UsageError(f"{source}: the table [{algorithm}] names no hyperparameter")
    return found


def _entries(
    table: Mapping[str, Any], declared: Mapping[str, Searched], place: str, prefix: str
) -> Iterator[tuple[str, Searched]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and not value.keys() & _RANGE:
            yield from _entries(value, declared, place, f"{name}.")
        else:
            yield name, _searched(f"{place}.{name}", value, declared.get(name))


def _searched(place: str, value: Any, declared: Searched | None) -> Searched:
    match value:
        case True if declared is not None:
            return declared
        case True:
            raise UsageError(f"{place} = true: its class declares no search space for it; {_FORM.partition(', or')[0]}")
        case list() if value:
            if len({_encoded(one) for one in value}) < len(value):
                raise UsageError(f"{place} = {brief(value)}: a value is there twice")
            return Choices(tuple(value))
        case {"low": int() | float() as low, "high": int() | float() as high, **rest} if set(rest) <= {"log"}:
            log = rest.get("log", False)
            if not isinstance(log, bool) or isinstance(low, bool) or isinstance(high, bool):
                raise UsageError(f"{place} = {brief(value)}: {_FORM}")
            if not low < high or (log and low <= 0):
                above = ", and low is above 0 where it is logarithmic" if log else ""
                raise UsageError(f"{place} = {brief(value)}: low is below high{above}")
            return Range(low, high, log)
    raise UsageError(f"{place} = {brief(value)}: {_FORM}")


def some_setting(space: Space) -> dict[str, Any]:
    """Return one of the settings of a space."""
    return {name: one.values[0] if isinstance(one, Choices) else one.low for name, one in space.items()}


def distribution(searched: Searched) -> "BaseDistribution":
    """Return what Optuna draws from."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(searched, Choices):
        return CategoricalDistribution([_encoded(value) for value in searched.values])
    if searched.whole:
        return IntDistribution(int(searched.low), int(searched.high), log=searched.log)
    return FloatDistribution(searched.low, searched.high, log=searched.log)


def rounded(value: Any, searched: Searched) -> Any:
    """Return a number from a range with few digits, still within it; anything else as it is."""
    if isinstance(searched, Choices) or searched.whole:
        return value
    return min(max(float(f"{value:.{_DIGITS}g}"), searched.low), searched.high)


def decoded(value: Any, searched: Searched) -> Any:
    """Return the hyperparameter's value that stands for one of Optuna's."""
    if isinstance(searched, Choices):
        return next(one for one in searched.values if _encoded(one) == value)
    return value


def _encoded(value: Any) -> Any:
    """A choice as Optuna stores it: lists and tables are text there."""
    return value if isinstance(value, None | bool | int | float | str) else json.dumps(value)


def with_settings(options: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an algorithm's options with settings in place of its own; dotted ones go into the inner tables."""
    merged = dict(options)
    for name, value in settings.items():
        own, dot, inner = name.partition(".")
        table = merged.get(own, {})
        merged[own] = with_settings(table if isinstance(table, Mapping) else {}, {inner: value}) if dot else value
    return merged


def without(options: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return an algorithm's options without some, of which dotted ones are in the inner tables."""
    left = {}
    for key, value in options.items():
        inner = {name.partition(".")[2]: None for name in names if name.startswith(f"{key}.")}
        if key in names:
            continue
        left[key] = without(value, inner) if inner and isinstance(value, Mapping) else value
    return left
