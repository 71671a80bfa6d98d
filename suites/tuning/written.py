"""A suite as a TOML file: the one that was searched, with the settings that were found and the seeds that were seen."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ...results.tuned import Tuned
from ...wording import written_seeds
from ..schema import AlgorithmTable, Suite, TuningTable


def tuned_suite(suite: Suite, tables: Mapping[str, AlgorithmTable], tuned: Tuned, seeds: Sequence[int]) -> Suite:
    """Return a suite with these tables for the algorithms that were searched for, and the search on record.

    Args:
        suite: the one that was searched.
        tables: of the algorithms for which a setting was found.
        tuned: the search.
        seeds: all that it saw; a search that is on record already adds its own.
    """
    before = suite.tuning.seeds if suite.tuning else ()
    own = suite.tuning.algorithms or tuple(suite.algorithms) if suite.tuning else ()
    tuning = TuningTable.model_construct(
        seeds=tuple(sorted({*before, *seeds})),
        algorithms=tuple(dict.fromkeys([*own, *tables])),
        sentence=tuned.sentence,
    )
    name = suite.name if suite.name.endswith("-tuned") else f"{suite.name}-tuned"
    return suite.model_copy(update={"name": name, "algorithms": {**suite.algorithms, **tables}, "tuning": tuning})


def written(suite: Suite) -> str:
    """Return a suite as TOML; `schema.parse_suite` reads the same from it."""
    tree = suite.model_dump(by_alias=True, exclude_unset=True)
    sections: dict[tuple[str, ...], Any] = {
        (name,): tree.pop(name) for name in ("evaluation", "check", "tuning") if tree.get(name)
    }
    sections |= {("environments", name): table for name, table in tree.pop("environments").items()}
    for name, table in tree.pop("algorithms").items():
        exceptions = table.pop("environments", {})
        sections["algorithms", name] = table
        sections |= {("algorithms", name, "environments", env): own for env, own in exceptions.items()}
    return "\n\n".join(_section(place, table) for place, table in [((), tree), *sections.items()]) + "\n"


def _section(place: tuple[str, ...], table: Mapping[str, Any]) -> str:
    header = [f"[{'.'.join(map(_key, place))}]"] if place else []
    return "\n".join([*header, *(f"{_key(key)} = {_value(key, one)}" for key, one in table.items() if one is not None)])


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _value(key: str, value: Any) -> str:
    match value:
        case tuple() if key == "seeds":
            return _text(written_seeds(value))
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case Mapping():
            inner = ", ".join(f"{_key(key)} = {_value('', one)}" for key, one in value.items() if one is not None)
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            return f"[{', '.join(_value('', one) for one in value)}]"
        case date():
            return value.isoformat()
    return repr(value)


def _text(text: str) -> str:
    """A basic string; JSON escapes what TOML wants escaped, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
