"""Finding an algorithm by name, by module and by file, and what is said when there is none."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pgsuite.algorithms import (
    GRPO,
    NPG,
    PPO,
    RLOO,
    TRPO,
    ActorCritic,
    Profiled,
    Reinforce,
    ReinforceBaseline,
    registry,
)
from pgsuite.algorithms.registry import ALGORITHMS, SHIPPED, available, build, load_class, locate
from pgsuite.algorithms.synonyms import SYNONYMS
from pgsuite.errors import UsageError

OWN = '''
"""A user's own algorithm, in a file of their own."""
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce
from pgsuite.algorithms.validation import Share


@dataclass(frozen=True, kw_only=True)
class Own(Reinforce):
    """REINFORCE with a field more."""

    sparkle: Share = 0.5


class Plain:
    """Has nothing."""


def not_a_class():
    """Is a function."""
'''


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def refusal(reference: str, **options: object) -> str:
    with pytest.raises(UsageError) as error:
        build(reference, options)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_names() -> None:
    assert {name: load_class(name) for name in ALGORITHMS} == {
        "reinforce": Reinforce,
        "reinforce-baseline": ReinforceBaseline,
        "actor-critic": ActorCritic,
        "trpo": TRPO,
        "ppo": PPO,
        "npg": NPG,
        "rloo": RLOO,
        "grpo": GRPO,
        "profiled": Profiled,
    }


def test_options_configure() -> None:
    assert build("trpo", {"max_kl": 0.02, "hidden": [32]}) == TRPO(max_kl=0.02, hidden=(32,))


def test_a_module_and_a_file(own_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_class("pgsuite.algorithms.trpo:TRPO") is TRPO
    own = build(f"{own_file}:Own", {"sparkle": 0.25})
    assert isinstance(own, Reinforce)
    assert own.sparkle == 0.25
    monkeypatch.chdir(own_file.parent)
    assert locate("own.py:Own") == (str(own_file), "Own")
    assert load_class("own.py:Own").__name__ == "Own"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Pretend that packages with these entry points are installed."""

    def pretend(**entries: str | list[str]) -> None:
        found = [
            EntryPoint(name.replace("_", "-"), value, "pgsuite.algorithms")
            for name, values in entries.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        monkeypatch.setattr(registry, "entry_points", lambda group: [e for e in found if e.group == group])
        registry.installed.cache_clear()

    yield pretend
    registry.installed.cache_clear()


def test_an_installed_algorithm_is_known_by_its_name(install: Callable[..., None]) -> None:
    install(theirs="pgsuite.algorithms.trpo:TRPO", extra="pgsuite.algorithms.trpo:TRPO [all]")
    assert set(available()) == {*SHIPPED, "theirs", "extra"}
    assert load_class("theirs") is load_class("extra") is TRPO
    assert "theirs" in refusal("thiers")


@pytest.mark.parametrize(
    ("name", "entries", "claims"),
    [
        (
            "reinforce",
            "some.module:Better",
            ["pgsuite (pgsuite.algorithms.reinforce:Reinforce)", "some.module:Better"],
        ),
        ("theirs", ["some.module:Theirs", "another.module:Theirs"], ["some.module:Theirs", "another.module:Theirs"]),
    ],
)
def test_a_name_that_several_claim_is_refused(
    name: str, entries: str | list[str], claims: list[str], install: Callable[..., None]
) -> None:
    install(**{name: entries})
    message = refusal(name)
    assert message.startswith(f"algorithm {name!r} is claimed by {' and '.join(claims)}: ")
    assert "by its address" in message
    assert load_class("pgsuite.algorithms.reinforce:Reinforce") is Reinforce
    assert load_class("trpo") is TRPO, "other names go on"
    assert name in available()


def test_the_package_that_claims_a_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip leaves it: a folder of metadata on the path."""
    metadata = tmp_path / "better_rl-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: better-rl\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[pgsuite.algorithms]\ntrpo = better_rl:TRPO\nmine = better_rl:Mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.installed.cache_clear()
    try:
        assert "pgsuite (pgsuite.algorithms.trpo:TRPO) and better-rl (better_rl:TRPO)" in refusal("trpo")
        assert available()["mine"] == "better_rl:Mine"
    finally:
        registry.installed.cache_clear()


def test_the_same_class_installed_twice_is_one(install: Callable[..., None]) -> None:
    install(trpo="pgsuite.algorithms.trpo:TRPO", theirs=["pgsuite.algorithms.trpo:TRPO"] * 2)
    assert load_class("trpo") is load_class("theirs") is TRPO


def test_an_entry_point_without_a_class_is_named(install: Callable[..., None]) -> None:
    install(theirs="some.module")
    assert "algorithm 'theirs' is installed as 'some.module', which names no class" in refusal("theirs")


def test_an_unknown_name_is_told_what_there_is() -> None:
    message = refusal("actor-critc")
    assert "unknown algorithm 'actor-critc': did you mean 'actor-critic'?" in message
    assert all(name in message for name in ALGORITHMS)
    assert "path/to/file.py:Class" in message
    assert "did you mean" not in refusal("xyz")


def test_an_unknown_option_is_told_what_there_is() -> None:
    message = refusal("trpo", max_lk=0.1)
    assert "algorithm 'trpo' has no option 'max_lk': did you mean 'max_kl'?" in message
    assert "cg_iterations" in message
    assert "did you mean" not in refusal("reinforce", zzz=1)


def test_a_bad_value_is_told_by_the_class() -> None:
    assert refusal("trpo", max_kl=-1.0).startswith("TRPO.max_kl = -1.0: ")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("no.such.module:Class", "cannot be imported: ModuleNotFoundError: No module named 'no'"),
        ("pgsuite.algorithms.trpo:Trpo", "pgsuite.algorithms.trpo has no class 'Trpo'"),
        (
            "pgsuite.algorithms.adam:Adam",
            "lacks init, plan, behaviour, evaluated, actor, update: derive a frozen dataclass",
        ),
        ("pgsuite.algorithms.policy_gradient:PolicyGradient", "abstract"),
    ],
)
def test_a_module_without_an_algorithm(reference: str, reason: str) -> None:
    message = refusal(reference)
    assert message.startswith(f"algorithm {reference!r}")
    assert reason in message


@pytest.mark.parametrize("name", ["Plain", "not_a_class"])
def test_a_file_without_an_algorithm(own_file: Path, name: str) -> None:
    assert "derive a frozen dataclass from PolicyGradient" in refusal(f"{own_file}:{name}")


def test_an_algorithm_that_is_no_dataclass(own_file: Path) -> None:
    methods = "\n".join(f"    {m} = None" for m in registry.METHODS)
    own_file.write_text(f"class Complete:\n{methods}\n")
    assert "is not a dataclass" in refusal(f"{own_file}:Complete")


HEAD = """
from dataclasses import dataclass
from typing import ClassVar
from pgsuite.algorithms import Reinforce

"""
DECORATED = "@dataclass(frozen=True, kw_only=True)\n"


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("class Own(Reinforce):\n    sparkle: float = 0.5\n", ["sparkle", "above Own"]),
        ("class Own(Reinforce):\n    learning_rate: float = 0.5\n", ["learning_rate", "above Own"]),
        ("class Own(Reinforce):\n    learning_rate = 0.5\n", ["learning_rate of Own", "is no field there"]),
        (DECORATED + "class Own(Reinforce):\n    learning_rate = 0.5\n", ["learning_rate of Own", "is no field there"]),
        (
            f"class Base(Reinforce):\n    sparkle: float = 0.5\n{DECORATED}class Own(Base):\n    more: int = 1\n",
            ["sparkle", "above Base"],
        ),
        (
            f"class Mixed:\n    discount = 0.5\n{DECORATED}class Own(Mixed, Reinforce):\n    more: int = 1\n",
            ["discount of Mixed", "is no field there"],
        ),
        (
            f"class Mixed:\n    discount: float = 0.5\n{DECORATED}class Own(Mixed, Reinforce):\n    more: int = 1\n",
            ["discount of Mixed", "is no field there"],
        ),
        (
            "class Own(Reinforce):\n    @property\n    def discount(self):\n        return 0.5\n",
            ["discount of Own", "is no field there"],
        ),
    ],
    ids=[
        "new",
        "annotated",
        "bare",
        "bare and decorated",
        "in between",
        "mixed in",
        "mixed in with a type",
        "property",
    ],
)
def test_a_field_that_would_be_ignored_is_refused(source: str, parts: list[str], own_file: Path) -> None:
    """Each would run with the defaults of REINFORCE, and nothing would say so."""
    own_file.write_text(HEAD + source)
    message = refusal(f"{own_file}:Own")
    assert "would ignore" in message
    assert "@dataclass(frozen=True, kw_only=True)" in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "source",
    [
        "class Own(Reinforce):\n    def plan(self, state):\n        return super().plan(state)\n",
        "class Own(Reinforce):\n    kind: ClassVar[str] = 'own'\n",
        "class Own(Reinforce):\n    kind: 'ClassVar[str]' = 'own'\n    other = 3\n",
        "import typing as t\nclass Own(Reinforce):\n    kind: 't.ClassVar[str]' = 'own'\n    plain: ClassVar = 3\n",
        DECORATED + "class Own(Reinforce):\n    learning_rate: float = 1e-2\n",
        f"class Mixed:\n    name: str = 'own'\n{DECORATED}class Own(Reinforce, Mixed):\n    more: int = 1\n",
        f"class Mixed:\n    discount = 0.5\n{DECORATED}class Own(Reinforce, Mixed):\n    more: int = 1\n",
    ],
    ids=["methods", "class variable", "quoted", "renamed", "decorated", "mixed in", "behind the field"],
)
def test_a_class_that_ignores_no_field_runs(source: str, own_file: Path) -> None:
    own_file.write_text(HEAD + source)
    own = build(f"{own_file}:Own", {"discount": 0.9})
    assert type(own).__name__ == "Own"
    assert (own.discount, own.learning_rate) == (0.9, 1e-2)


def test_a_dataclass_that_can_be_changed_is_refused(own_file: Path) -> None:
    methods = "\n".join(f"    def {m}(self): ..." for m in registry.METHODS)
    own_file.write_text(f"{HEAD}@dataclass\nclass Own:\n    more: int = 1\n{methods}\n")
    message = refusal(f"{own_file}:Own")
    assert "can be changed while it trains: write @dataclass(frozen=True, kw_only=True) above Own" in message


def test_a_file_that_is_missing_or_broken(tmp_path: Path) -> None:
    assert f"no file {tmp_path}/none.py" in refusal(f"{tmp_path}/none.py:Own")
    (tmp_path / "broken.py").write_text("1 / 0")
    assert "cannot be imported: ZeroDivisionError: division by zero" in refusal(f"{tmp_path}/broken.py:Own")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (
            "@dataclass(frozen=True, kw_only=True)\nclass Mine(PolicyGradient):\n"
            "    target = plan = samples = policy_loss = update = optimisers = None\n",
            ":Mine",
            "is abstract: it has yet to define has_critic",
        ),
        (
            "@dataclass\nclass Mine(Reinforce):\n    pass\n",
            ":Mine",
            r"non-frozen dataclass from a frozen one \(in .*own.py:4",
        ),
        ("", "", "names a file: name its class too, .*own.py:Class; it has none that is an algorithm"),
        (
            "from abc import ABC\nclass One(Reinforce): pass\nclass Two(One): pass\nclass _Own(One): pass\n"
            "class Settings(ABC): pass\nclass Alone: pass\n",
            "",
            "names a file: name its class too, .*own.py:One or .*own.py:Two$",
        ),
        ("class Mine(Reinforce): pass\n", ":Mime", "has no class 'Mime': it has Mine$"),
    ],
)
def test_what_a_new_file_lacks_is_said_with_the_remedy(text, name, words, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        f"from dataclasses import dataclass\nfrom pgsuite.algorithms import PolicyGradient, Reinforce\n\n{text}"
    )
    with pytest.raises(UsageError, match=words):
        load_class(f"{file}{name}")


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        ("lr", "did you mean 'learning_rate'"),
        ("gamma", "did you mean 'discount'"),
        ("gae_lambda", "did you mean 'trace'"),
        ("n-steps", "did you mean 'num_steps'"),
        ("kwargs", "its hyperparameters stand in its own table"),
    ],
)
def test_what_others_call_an_option(option, meant):
    with pytest.raises(UsageError, match=f"no option '{option}': {meant}"):
        build("actor-critic", {option: 1})


def test_synonyms_name_options_that_there_are():
    known = {field.name for reference in ALGORITHMS for field in fields(load_class(reference))}
    assert {name for names in SYNONYMS.values() for name in names} <= known
