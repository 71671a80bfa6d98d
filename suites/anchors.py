"""Score anchors that a user declares: in a suite's environment table, or in a file beside imported results."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import UsageError

LARGEST_FILE = 2**20
"""Bytes of a file of anchors; a line per environment is some kilobytes."""


class AnchorsTable(BaseModel):
    """``anchors = { random = 22.3, reference = 500.0, source = "..." }``: the returns that a score puts at 0 and 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    random: Annotated[float, Field(allow_inf_nan=False)]
    """Mean return of the uniform random policy."""
    reference: Annotated[float, Field(allow_inf_nan=False)]
    """A known good return, above it."""
    source: Annotated[str, Field(min_length=1, max_length=500)]
    """Where they are from."""

    @model_validator(mode="after")
    def _in_order(self) -> "AnchorsTable":
        if not self.random < self.reference:
            raise ValueError(f"the reference, {self.reference:g}, must lie above the random return, {self.random:g}")
        return self

    @property
    def record(self) -> dict[str, Any]:
        """What a cell's record holds of them."""
        return {"anchors": {"random": self.random, "reference": self.reference}, "anchors_source": self.source}


def known_anchors(env: str) -> AnchorsTable | None:
    """The anchors that pgsuite itself has for an environment; None where it has none."""
    from ..envs.anchors import anchors  # environments are not loaded to answer a typo in a suite

    known = anchors(env)
    if known is None:
        return None
    source = f"random: {known.random_source}; reference: {known.reference_source}"
    return AnchorsTable(random=float(known.random), reference=float(known.reference), source=source[:500])


def read_anchors(path: Path) -> dict[str, AnchorsTable]:
    """The anchors of a file by environment: TOML with ``["ID"]`` tables, or the same as JSON.

    Raises:
        UsageError: naming the file, the environment, the key and what is allowed.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE).decode()
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a file of anchors") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no {path.suffix[1:].upper() or 'TOML'}: {str(error)[:100]}; correct it") from None
    if not isinstance(data, dict) or not data:
        raise UsageError(f'{path} holds no anchors; it should hold ["ID"] with random, reference and source')
    found = {}
    for env, entry in data.items():
        try:
            found[str(env)] = AnchorsTable.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, (env, *first["loc"])))
            message = first["msg"].removeprefix("Value error, ")
            raise UsageError(f"{path}, {key}: {message}; give random, reference and source") from None
    return found
