"""A bad field ends in one line that names class, field and value."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from pgsuite.algorithms.registry import ALGORITHMS, load_class
from pgsuite.algorithms.validation import Count, NonNegative, Positive, Share, validate
from pgsuite.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Settings:
    share: Share = 0.5
    positive: Positive = 1.0
    weight: NonNegative = 0.0
    count: Count = 1
    widths: tuple[Count, ...] = ()
    limit: Positive | None = None
    kind: Literal["soft", "hard"] = "soft"
    flag: bool = False
    anything: float = 0.0

    def __post_init__(self) -> None:
        validate(self)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("share", 1.5, "less than or equal to 1"),
        ("share", -0.1, "greater than or equal to 0"),
        ("share", "half", "a valid number"),
        ("share", "0.5", "a valid number"),
        ("share", None, "a valid number"),
        ("share", float("nan"), "finite"),
        ("positive", 0, "greater than 0"),
        ("positive", float("inf"), "finite"),
        ("weight", -1.0, "greater than or equal to 0"),
        ("count", 0, "greater than or equal to 1"),
        ("count", 10**7, "less than or equal to 1000000"),
        ("count", 2.0, "a valid integer"),
        ("count", True, "a valid integer"),
        ("widths", 64, "a valid tuple"),
        ("widths", (64, 0), "greater than or equal to 1"),
        ("limit", -0.5, "greater than 0"),
        ("kind", "medium", "'soft' or 'hard'"),
        ("flag", 1, "a valid boolean"),
        ("anything", float("-inf"), "finite"),
    ],
)
def test_bad_values_are_named(field: str, value: Any, reason: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Settings(**{field: value})
    message = str(refusal.value)
    assert message.startswith(f"Settings.{field} = {value!r}: ")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("share", 0.0),
        ("share", 1.0),
        ("count", 1_000_000),
        ("limit", None),
        ("limit", 0.1),
        ("widths", ()),
        ("weight", 0.0),
    ],
)
def test_good_values_stay(field: str, value: Any) -> None:
    assert getattr(Settings(**{field: value}), field) == value


def test_what_toml_and_the_command_line_write_is_understood() -> None:
    """A list is a tuple, and a whole number a float where a float is meant: equal configurations are equal."""
    settings = Settings(widths=[64, 32], positive=2)
    assert settings.widths == (64, 32)
    assert isinstance(settings.positive, float)
    assert settings == Settings(widths=(64, 32), positive=2.0)
    assert hash(settings) == hash(Settings(widths=(64, 32), positive=2.0))


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(
    ("field", "value"), [("discount", 1.1), ("hidden", [0]), ("dtype", "float16"), ("num_envs", 0)]
)
def test_every_algorithm_is_validated(name: str, field: str, value: Any) -> None:
    found = load_class(name)
    with pytest.raises(UsageError, match=rf"^{found.__name__}\.{field} = "):
        found(**{field: value})
