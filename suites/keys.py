"""What a key of a suite file is that no table has: the one that was meant, or the table where it belongs."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "name": ("title", "suite", "suite_name"),
    "description": ("desc", "about", "comment"),
    "seeds": ("seed", "n_seeds", "num_seeds", "random_seed"),
    "modules": ("module", "import", "imports", "packages"),
    "environments": ("environment", "env", "envs", "tasks"),
    "algorithms": ("algorithm", "algo", "algos", "agent", "agents", "learners"),
    "evaluation": ("eval", "evaluate", "evaluations", "protocol"),
    "checkpoints": ("evaluations", "n_evaluations", "num_evaluations", "points", "eval_points"),
    "episodes": ("n_eval_episodes", "eval_episodes", "num_episodes", "n_episodes", "repeats"),
    "deterministic": ("greedy", "mode", "stochastic", "deterministic_eval"),
    "steps": (
        "budget",
        "timesteps",
        "total_timesteps",
        "n_timesteps",
        "num_steps",
        "total_steps",
        "env_steps",
        "frames",
    ),
    "options": ("kwargs", "env_kwargs", "args", "arguments", "config", "parameters", "params", "make_kwargs"),
    "id": ("env_id", "env_name", "gym_id", "environment_id"),
    "anchors": ("score_anchors", "normalisation", "normalization"),
    "random": ("random_return", "random_score", "minimum", "low"),
    "reference": ("expert", "human", "reference_return", "reference_score", "maximum", "high"),
    "source": ("sources", "origin", "reference_source", "random_source"),
    "margin": ("threshold", "tolerance"),
    "until": ("expires", "expiry", "end"),
    "cell": ("cells",),
}
"""What others call a key of ours."""
_WITHIN = {"max_episode_steps": "options", "render_mode": "options"}
"""Keys that belong into a table of the table they are found in."""


def unknown_key(root: type[BaseModel], location: tuple[int | str, ...], value: Any) -> str:
    """One line on a key that its table does not have: what was meant, where it belongs, what is allowed.

    Args:
        root: the model of the whole file.
        location: of the key, as pydantic gives it: table by table, the key last.
        value: what the key holds.
    """
    *tables, last = location
    key, place = str(last), tuple(map(str, tables))
    levels = dict(_levels(root))
    level = _level(place, levels)
    fields = levels[level]
    allowed = f"allowed are {', '.join(fields)}"
    written = ".".join((*place, key))
    elsewhere = {_header(other): names for other, names in levels.items() if other != level}
    if near := _synonym(key, fields):
        return f"unknown key {written!r}: did you mean {_shown(near, value)}? {allowed}"
    if (inner := _WITHIN.get(key)) in fields:
        return f"unknown key {written!r}: it is an argument of the environment, {inner} = {{ {key} = ... }}; {allowed}"
    if where := next((header for header, names in elsewhere.items() if key in names), ""):
        return f"unknown key {written!r}: it is a key of {where}; {allowed}"
    if close := get_close_matches(key.lower().replace("-", "_"), fields, n=1):
        return f"unknown key {written!r}: did you mean {_shown(close[0], value)}? {allowed}"
    for header, names in elsewhere.items():
        if near := _synonym(key, names):
            return f"unknown key {written!r}: did you mean {near!r} of {header}? {allowed}"
    return f"unknown key {written!r}: {allowed}"


def _synonym(key: str, names: list[str]) -> str | None:
    """The one of some keys that a name of others stands for."""
    word = key.lower().replace("-", "_")
    return next((name for name in names if word in SYNONYMS.get(name, ())), None)


def _shown(key: str, value: Any) -> str:
    """A key as it would be written: a table by its header, with the name of what is in it where there is one."""
    if isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in value.values()):
        inner = str(next(iter(value)))
        return f"[{key}.{inner if inner.replace('-', '').replace('_', '').isalnum() else _quoted(inner)}]"
    return repr(key)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _header(level: tuple[str, ...]) -> str:
    return f"[{'.'.join(level)}]" if level else "the file itself, before its first table"


def _level(place: tuple[str, ...], levels: Mapping[tuple[str, ...], Any]) -> tuple[str, ...]:
    """The kind of table that a place is: names that the user chose and numbers in a list stand for any."""
    fitting = [
        level
        for level in levels
        if len(level) == len(place)
        and all(kind in (part, "NAME") or kind.startswith("[") for kind, part in zip(level, place, strict=True))
    ]
    return fitting[0] if fitting else ()


def _levels(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """All tables of a file by where they are, each with its keys; those that take any key are left out."""
    if model.model_config.get("extra") != "allow":
        yield place, [field.alias or name for name, field in model.model_fields.items()]
    for name, field in model.model_fields.items():
        for inner, by in _models(field.annotation):
            yield from _levels(inner, (*place, name, *by))


def _models(annotation: Any) -> Iterator[tuple[type[BaseModel], tuple[str, ...]]]:
    """The tables that a field's type holds, each with what comes between: a name, or a number in a list."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ()
    elif origin in (Union, UnionType):
        for one in arguments:
            yield from _models(one)
    elif origin is dict:
        for one, by in _models(arguments[1]):
            yield one, ("NAME", *by)
    elif origin is tuple:
        for one, by in _models(arguments[0]):
            yield one, ("[]", *by)
