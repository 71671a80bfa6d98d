"""Which hyperparameters a class of Stable-Baselines3 has, by its signature, and what a suite file says for them."""

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, NamedTuple

from ...errors import UsageError, brief

_THE_SUITES = frozenset(
    ("self", "policy", "env", "seed", "device", "verbose", "tensorboard_log", "stats_window_size", "_init_setup_model")
)
"""Arguments that no suite file gives: what they are follows from the run."""
_LINEAR = "lin_"


class Schedule:
    """Stands for what falls to 0 over the budget, written ``lin_0.001``."""


_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list",
    dict: "a table",
    Schedule: "a schedule such as 'lin_0.001'",
}
"""Types of hyperparameters that TOML has, in its words."""


class Parameter(NamedTuple):
    """A hyperparameter of the library."""

    kinds: tuple[type, ...]
    """Types that it may have."""
    default: Any


@cache
def parameters(library: type[Any]) -> Mapping[str, Parameter]:
    """The hyperparameters that a file can give, in the signature's order.

    Those of a parent are among them, where a class passes them on by ``**kwargs``.
    """
    found: dict[str, Parameter] = {}
    for one in library.__mro__:
        if "__init__" not in vars(one):
            continue
        signature = _signature(vars(one)["__init__"])
        for name, parameter in signature.parameters.items():
            if name in _THE_SUITES | found.keys() or parameter.default is inspect.Parameter.empty:
                continue
            annotation = parameter.annotation
            known = annotation is not inspect.Parameter.empty and not isinstance(annotation, str)
            if kinds := _plain(annotation if known else type(parameter.default)):
                own = () if isinstance(parameter.default, kinds) else (type(parameter.default),)
                found[name] = Parameter((*kinds, *own), parameter.default)
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in signature.parameters.values()):
            break
    return found


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # what is imported for type checkers alone
        return inspect.signature(function)


def _plain(annotation: Any) -> tuple[type, ...]:
    """The types of an annotation that TOML has; none where it takes nothing but objects."""
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    kinds = [typing.get_origin(one) or one for one in (typing.get_args(annotation) if union else (annotation,))]
    kinds = [Schedule if kind is Callable else kind for kind in kinds]
    plain = tuple(kind for kind in kinds if kind in _TYPES)
    return (*plain, NoneType) if plain and NoneType in kinds else plain


def check(owner: str, name: str, value: Any, kinds: tuple[type, ...]) -> None:
    """Refuse a value of another type.

    Raises:
        UsageError: naming the hyperparameter, and what its owner takes.
    """
    if not _is_one_of(value, kinds):
        wanted = " or ".join(_TYPES[kind] for kind in kinds if kind is not NoneType)
        raise UsageError(f"{name} = {brief(value)}: {owner} takes {wanted}")


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) and float in kinds:
        return True
    if isinstance(value, str) and Schedule in kinds:
        return str in kinds or _slope(value) is not None
    return isinstance(value, tuple(list if kind is tuple else kind for kind in kinds) + kinds)


def _slope(value: str) -> float | None:
    """What a schedule begins with; None where it is none."""
    try:
        return float(value.removeprefix(_LINEAR)) if value.startswith(_LINEAR) else None
    except ValueError:
        return None


def as_taken(value: Any) -> Any:
    """What the library takes for a value of a file: a list is a tuple, and ``lin_0.001`` falls from there to 0."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and (start := _slope(value)) is not None:
        return partial(_share, start)
    return value


def _share(start: float, remaining: float) -> float:
    return start * remaining


def written(kinds: tuple[type, ...]) -> str:
    """The types of a hyperparameter as an annotation."""
    names = {NoneType: "None", Schedule: "'lin_…'", tuple: "list"}
    return " | ".join(names.get(kind, kind.__name__) for kind in kinds)


def meanings(library: type[Any]) -> dict[str, str]:
    """What the docstrings of the library say of its parameters, each on one line."""
    found: dict[str, str] = {}
    for one in library.__mro__:
        for name, meaning in re.findall(r":param (\w+):\s*(.*?)(?=\n\s*:|\Z)", one.__doc__ or "", re.DOTALL):
            found.setdefault(name, " ".join(meaning.split()))
    return found
