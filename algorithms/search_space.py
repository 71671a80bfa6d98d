"""Where a search for hyperparameters looks: declared beside a field's type and range, in its annotation.

    learning_rate: Annotated[Positive, log_range(1e-4, 3e-2)] = 1e-3
    num_steps: Annotated[Count, choices(8, 16, 32)] = 16

It changes no result, and no fingerprint: fingerprints leave annotations out.
"""

from dataclasses import dataclass
from typing import Any, get_type_hints


@dataclass(frozen=True)
class Range:
    """An interval, drawn from evenly; of whole numbers where both ends are."""

    low: float
    high: float
    log: bool = False
    """Whether the logarithm is what is even."""

    @property
    def whole(self) -> bool:
        """Whether it is of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def __str__(self) -> str:
        return f"{self.low} to {self.high}{', logarithmic' if self.log else ''}"


@dataclass(frozen=True)
class Choices:
    """Some values, each as likely."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


Searched = Range | Choices
"""What a search draws a hyperparameter from."""


def log_range(low: float, high: float) -> Range:
    """Declare an interval whose logarithm is drawn from evenly: of what is told by its order of magnitude."""
    return Range(low, high, log=True)


def linear_range(low: float, high: float) -> Range:
    """Declare an interval that is drawn from evenly; of whole numbers where both ends are."""
    return Range(low, high)


def choices(*values: Any) -> Choices:
    """Declare values that are drawn from, each as likely."""
    return Choices(values)


DECLARING = ("log_range", "linear_range", "choices")
"""Names of the functions that declare."""


def declared_space(algorithm: type[Any]) -> dict[str, Searched]:
    """Return what an algorithm's class declares, by the name of the field."""
    try:
        hints = get_type_hints(algorithm, include_extras=True)
    except (NameError, TypeError):  # annotations of another library, which are text and need not mean anything
        return {}
    found = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {name: one for name, metadata in found.items() for one in metadata if isinstance(one, Searched)}
