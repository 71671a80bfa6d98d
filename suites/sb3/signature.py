"""Which hyperparameters a class of Stable-Baselines3 has, by its signature, and what a suite file says for them."""

import inspect
import math
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple

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
    list: "a list",
    dict: "a table",
    Schedule: "a schedule such as 'lin_0.001'",
}
"""Types of hyperparameters that TOML has, in its words."""
_SAME: Mapping[Any, Any] = {Callable: Schedule, Sequence: tuple, Iterable: tuple, Mapping: dict}
"""What stands for a type that TOML has not."""
_LIBRARIES = ("stable_baselines3.", "sb3_contrib.")


_AT_LEAST_1 = (
    "batch_size",
    "buffer_size",
    "cg_max_steps",
    "line_search_max_iter",
    "n_critic_updates",
    "n_epochs",
    "n_steps",
    "policy_delay",
    "train_freq",
)
"""Without which the library's own classes raise while they train, or never learn."""


class Parameter(NamedTuple):
    """A hyperparameter of the library."""

    kinds: tuple[type, ...]
    """Types that it may have."""
    default: Any = None
    choices: tuple[Any, ...] = ()
    """Values that it may have beside those of its types."""
    least: float = -math.inf
    """The smallest number with which anything is trained; of a list, of its first."""


@cache
def parameters(library: type[Any]) -> Mapping[str, Parameter]:
    """The hyperparameters that a file can give, in the signature's order.

    Those of a parent are among them, where a class passes them on by ``**kwargs``.
    """
    found = {}
    for one, name, argument in _arguments(library):
        kinds, choices = _plain(argument)
        if kinds or choices:
            fits = isinstance(argument.default, kinds) or argument.default in choices
            own = () if fits else (type(argument.default),)
            least = 1 if name in _AT_LEAST_1 and one.__module__.startswith(_LIBRARIES) else -math.inf
            found[name] = Parameter((*kinds, *own), argument.default, choices, least)
    return found


def unwritable(library: type[Any]) -> tuple[str, ...]:
    """The hyperparameters that no file can give, because they are objects."""
    return tuple(name for _, name, argument in _arguments(library) if not any(_plain(argument)))


def _arguments(library: type[Any]) -> Iterator[tuple[type[Any], str, inspect.Parameter]]:
    """The arguments with defaults that are no suite's, each once, with the class that declares it."""
    seen = set(_THE_SUITES)
    for one in library.__mro__:
        if "__init__" not in vars(one):
            continue
        signature = _signature(vars(one)["__init__"])
        for name, argument in signature.parameters.items():
            if name not in seen and argument.default is not inspect.Parameter.empty:
                yield one, name, argument
            seen.add(name)
        if not any(argument.kind is inspect.Parameter.VAR_KEYWORD for argument in signature.parameters.values()):
            break


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # what is imported for type checkers alone
        return inspect.signature(function)


def _plain(argument: inspect.Parameter) -> tuple[tuple[type, ...], tuple[Any, ...]]:
    """The types of an argument that TOML has, and the values that it lists; none where it takes objects alone."""
    known = argument.annotation is not inspect.Parameter.empty and not isinstance(argument.annotation, str)
    annotation: Any = argument.annotation if known else type(argument.default)
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    parts = typing.get_args(annotation) if union else (annotation,)
    choices = [value for one in parts if typing.get_origin(one) is Literal for value in typing.get_args(one)]
    kinds = [_SAME.get(origin := typing.get_origin(one) or one, origin) for one in parts if one is not Literal]
    plain = tuple(dict.fromkeys(kind for kind in kinds if kind in _TYPES))
    told = tuple(value for value in choices if value is not None)
    return (*plain, NoneType) if (plain or told) and (NoneType in kinds or None in choices) else plain, told


def check(owner: str, name: str, value: Any, asked: Parameter) -> None:
    """Refuse a value of another type, and a number with which nothing would be trained.

    Raises:
        UsageError: naming the hyperparameter, and what its owner takes.
    """
    listed = any(value == one and type(value) is type(one) for one in asked.choices)
    if not listed and not _is_one_of(value, asked.kinds):
        named = dict.fromkeys(_TYPES[kind] for kind in asked.kinds if kind is not NoneType)
        wanted = " or ".join([*map(repr, asked.choices), *named])
        raise UsageError(f"{name} = {brief(value)}: {owner} takes {wanted}")
    number = value[0] if isinstance(value, list | tuple) and value else value
    if isinstance(number, int | float) and (number != number or number < asked.least):
        wanted = "a number" if number != number else f"at least {asked.least:g}"
        raise UsageError(f"{name} = {brief(value)}: {owner} trains nothing with that; give {wanted}")
    if name == "gradient_steps" and value == 0:
        raise UsageError(
            f"gradient_steps = 0: {owner} trains nothing with that; give at least 1, or -1 for one a step collected"
        )


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


def as_taken(value: Any, asked: Parameter) -> Any:
    """What the library takes for a value of a file: a list may be a tuple, and ``lin_0.001`` falls from there to 0."""
    if isinstance(value, list | tuple):
        return value if type(value) in asked.kinds else tuple(value)
    if isinstance(value, str) and (start := _slope(value)) is not None:
        return partial(_share, start)
    return value


def _share(start: float, remaining: float) -> float:
    return start * remaining


def written(asked: Parameter) -> str:
    """What a hyperparameter takes as an annotation."""
    names = {NoneType: "None", Schedule: "'lin_…'", tuple: "list"}
    return " | ".join([*map(repr, asked.choices), *dict.fromkeys(names.get(k, k.__name__) for k in asked.kinds)])


def meanings(library: type[Any]) -> dict[str, str]:
    """What the docstrings of the library say of its parameters, each on one line."""
    found: dict[str, str] = {}
    for one in library.__mro__:
        for name, meaning in re.findall(r":param (\w+):\s*(.*?)(?=\n\s*:|\Z)", one.__doc__ or "", re.DOTALL):
            found.setdefault(name, " ".join(meaning.split()))
    return found
