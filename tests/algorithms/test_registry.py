"""Finding an algorithm by name, by module and by file, and what is said when there is none."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pgsuite.algorithms import TRPO, ActorCritic, Reinforce, ReinforceBaseline, registry
from pgsuite.algorithms.registry import ALGORITHMS, available, build, load_class, locate
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


def test_an_installed_algorithm_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = [
        EntryPoint("theirs", "pgsuite.algorithms.trpo:TRPO", "pgsuite.algorithms"),
        EntryPoint("reinforce", "pgsuite.algorithms.trpo:TRPO", "pgsuite.algorithms"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [e for e in installed if e.group == group])
    assert set(available()) == {*ALGORITHMS, "theirs"}
    assert load_class("theirs") is TRPO
    assert load_class("reinforce") is Reinforce, "ours win"
    assert "theirs" in refusal("thiers")


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
    methods = "\n".join(f"    {m} = None" for m in ("init", "plan", "actor", "behaviour", "gradient", "update"))
    own_file.write_text(f"class Complete:\n{methods}\n")
    assert "is not a dataclass" in refusal(f"{own_file}:Complete")


def test_a_file_that_is_missing_or_broken(tmp_path: Path) -> None:
    assert f"no file {tmp_path}/none.py" in refusal(f"{tmp_path}/none.py:Own")
    (tmp_path / "broken.py").write_text("1 / 0")
    assert "cannot be imported: ZeroDivisionError: division by zero" in refusal(f"{tmp_path}/broken.py:Own")
