"""Checks of what an algorithm is given and gives; errors name the algorithm, the thing and what is allowed.

A configuration's fields are checked against their annotations, which carry type and range.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from torch import Tensor

from ..errors import PgsuiteError, UsageError, brief

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


@cache
def _adapters(configuration: type[Any]) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(configuration, include_extras=True)
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    return {f.name: TypeAdapter(hints[f.name], config=strict) for f in fields(configuration)}


def validate(configuration: Any) -> None:
    """Check every field of a frozen dataclass against its annotation; a list becomes a tuple.

    Raises:
        UsageError: naming the class, the field, the value and what is allowed.
    """
    for name, adapter in _adapters(configuration.__class__).items():
        value = getattr(configuration, name)
        value = tuple(value) if isinstance(value, list) else value
        try:
            object.__setattr__(configuration, name, adapter.validate_python(value))
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            place = f"{type(configuration).__name__}.{name} = {brief(value)}"
            raise UsageError(f"{place}: {reason[0].lower() + reason[1:]}") from None


def check_metrics(algorithm: Any, metrics: Any, seeds: int) -> None:
    """Hold an update's diagnostics to what is made of them: by name, one real number ``(S,)`` for every seed.

    Args:
        algorithm: whose update gave them; its class is named.
        metrics: what it gave.
        seeds: S.

    Raises:
        PgsuiteError: naming the algorithm, the metric, and what it is.
    """
    owner = f"algorithm {type(algorithm).__name__}"
    if not isinstance(metrics, Mapping):
        raise PgsuiteError(f"{owner}: the metrics of its update are {_kind(metrics)}, not a mapping of name to tensor")
    for name, metric in metrics.items():
        fits = isinstance(metric, Tensor) and metric.shape == (seeds,)
        if fits and isinstance(name, str) and not (metric.is_complex() or metric.requires_grad):
            continue
        raise PgsuiteError(
            f"{owner}: its metric {name!r} is {_kind(metric)}, not a tensor of one number for each of {seeds} seeds, "
            f"of shape ({seeds},)"
        )


def _kind(thing: Any) -> str:
    if not isinstance(thing, Tensor):
        return f"of type {type(thing).__name__}"
    gradient = " that requires a gradient (detach it)" if thing.requires_grad else ""
    return f"a {str(thing.dtype).removeprefix('torch.')} tensor of shape {tuple(thing.shape)}{gradient}"
