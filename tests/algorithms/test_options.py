"""Options read from an algorithm's source: the same that its class has, or none where the text does not tell."""

from dataclasses import fields
from pathlib import Path

import pytest

from pgsuite.algorithms.options import declared_options
from pgsuite.algorithms.registry import ALGORITHMS, load_class, locate

OWN = '''
from dataclasses import dataclass, field
import typing, typing as t
from typing import ClassVar
import pgsuite.algorithms as ours
from pgsuite.algorithms import ActorCritic as Base, Reinforce, TRPO
from somewhere import Strange

@dataclass(frozen=True, kw_only=True)
class Own(Base):
    """A field more, and one with another default."""
    kinds: ClassVar[tuple[str, ...]] = ("a",)
    other: typing.ClassVar[int] = 3
    renamed: t.ClassVar[int] = 3
    plain = 3
    sparkle: float = 0.5
    num_steps: int = 8
    marks: tuple[int, ...] = field(default=())

@dataclass(frozen=True, kw_only=True)
class Grandchild(Own):
    last: int = 1

class Forgot(Reinforce):
    """Has no decorator, so that its annotation is no field."""
    sparkle: float = 0.5

@dataclass(frozen=True)
class OfAnAttribute(ours.TRPO):
    last: int = 1

@dataclass
class OfAStranger(Strange):
    last: int = 1

@keep
@dataclass
class Decorated(TRPO):
    pass

@dataclass
class Conditional(TRPO):
    if True:
        sparkle: float = 0.5

class Circle(Circle):
    pass

Assigned = TRPO
'''


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_ours_are_read_as_they_are(name: str) -> None:
    assert declared_options(locate(name)) == [field.name for field in fields(load_class(name))]


def test_a_users_are_read_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.partition("\n@dataclass(frozen=True)\n")[0].replace("from somewhere import Strange", ""))
    for name in ("Own", "Grandchild"):
        found = declared_options(locate(f"{file}:{name}"))
        assert found == [field.name for field in fields(load_class(f"{file}:{name}"))]
    assert "sparkle" not in declared_options(locate(f"{file}:Forgot"))


@pytest.mark.parametrize(
    "name", ["OfAnAttribute", "OfAStranger", "Decorated", "Conditional", "Circle", "Assigned", "Absent"]
)
def test_what_the_text_does_not_tell_is_not_guessed(name: str, own: str) -> None:
    assert declared_options(locate(f"{own}:{name}")) is None


@pytest.mark.parametrize("text", [b"class Own(:", b"\xff\0"])
def test_a_broken_file_is_left_for_its_import_to_tell(text: bytes, own: str) -> None:
    Path(own).write_bytes(text)
    assert declared_options(locate(f"{own}:Own")) is None


def test_a_module_of_others_is_not_looked_for() -> None:
    """Looking for it would import its parents."""
    assert declared_options(locate("somewhere.algorithms:Theirs")) is None
