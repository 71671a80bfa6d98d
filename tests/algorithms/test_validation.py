"""A bad field ends in one line that names class, field and value."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
import torch

from pgsuite.algorithms.registry import load_class
from pgsuite.algorithms.validation import Count, NonNegative, Positive, Share, check_metrics, validate
from pgsuite.errors import PgsuiteError, UsageError

from .rollouts import GRADIENTS


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


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize(
    ("field", "value"), [("discount", 1.1), ("hidden", [0]), ("dtype", "float16"), ("num_envs", 0)]
)
def test_every_algorithm_is_validated(name: str, field: str, value: Any) -> None:
    found = load_class(name)
    with pytest.raises(UsageError, match=rf"^{found.__name__}\.{field} = "):
        found(**{field: value})


LOSS = {"loss": torch.zeros(3)}


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (LOSS | {"kl": 0.5}, "metric 'kl' is of type float, not a tensor of one number for each of 3 seeds"),
        (LOSS | {"kl": [0.1, 0.2, 0.3]}, "metric 'kl' is of type list"),
        (LOSS | {"kl": np.zeros(3)}, "metric 'kl' is of type ndarray"),
        (LOSS | {"kl": torch.tensor(0.5)}, "metric 'kl' is a float32 tensor of shape ()"),
        (LOSS | {"kl": torch.zeros(1)}, "metric 'kl' is a float32 tensor of shape (1,)"),
        (LOSS | {"kl": torch.zeros(3, 1, dtype=torch.float64)}, "metric 'kl' is a float64 tensor of shape (3, 1)"),
        (LOSS | {"kl": torch.zeros(2)}, "of shape (2,), not a tensor of one number for each of 3 seeds, of shape (3,)"),
        (LOSS | {"kl": torch.zeros(3, requires_grad=True)}, "requires a gradient (detach it)"),
        (LOSS | {"kl": torch.zeros(3, dtype=torch.complex64)}, "metric 'kl' is a complex64 tensor"),
        (LOSS | {7: torch.zeros(3)}, "metric 7 is a float32 tensor"),
        (None, "are of type NoneType, not a mapping"),
        (torch.zeros(3), "are a float32 tensor of shape (3,), not a mapping"),
    ],
)
def test_a_metric_that_is_not_one_number_for_every_seed_is_named(metrics: Any, reason: str) -> None:
    with pytest.raises(PgsuiteError) as refusal:
        check_metrics(Settings(), metrics, 3)
    message = str(refusal.value)
    assert message.startswith("algorithm Settings: ")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_metrics_of_any_real_type_are_taken(dtype: torch.dtype) -> None:
    check_metrics(Settings(), LOSS | {"accepted": torch.ones(3, dtype=dtype)}, 3)
    check_metrics(Settings(), {"loss": torch.full((3,), torch.nan)}, 3)
    check_metrics(Settings(), {}, 3)
