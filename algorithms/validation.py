"""Checks of a configuration's fields against their annotations, which carry type and range; errors name both."""

from dataclasses import fields
from functools import cache
from typing import Annotated, Any, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ..errors import UsageError

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
            place = f"{type(configuration).__name__}.{name} = {value!r}"
            raise UsageError(f"{place}: {reason[0].lower() + reason[1:]}") from None
