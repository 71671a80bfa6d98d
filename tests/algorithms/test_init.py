"""The package's front door: names are there, torch is not loaded for them."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import pgsuite.algorithms

FRONT_DOOR = Path(pgsuite.algorithms.__file__)
FOLDER = FRONT_DOOR.parent
Homes = dict[str, tuple[str, str]]
"""Name to the module that defines it and what it is called there."""


def for_type_checkers() -> Homes:
    """What the block under ``TYPE_CHECKING`` imports, each ``X as X``, which is how a name is passed on."""
    (block,) = (
        node for node in ast.parse(FRONT_DOOR.read_text()).body if isinstance(node, ast.If) and names(node.test)
    )
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.level == 1
        for alias in node.names:
            assert alias.asname == alias.name
            found[alias.name] = (f"pgsuite.algorithms.{node.module}", alias.name)
    return found


def names(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def at_run_time() -> Homes:
    """What the table that names are looked up in says."""
    (table,) = (
        node.value
        for node in ast.parse(FRONT_DOOR.read_text()).body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["_HOMES"]
    )
    homes = ast.literal_eval(table)
    return {name: tuple(home.split(":")) for name, home in homes.items()}


def defined_in(module: str) -> set[str]:
    """Names that a module's own text defines at its top: classes, functions and constants, not imports."""
    found = set()
    for node in ast.parse((FOLDER / f"{module.rpartition('.')[2]}.py").read_text()).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef():
                found.add(node.name)
            case ast.Assign():
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name()):
                found.add(node.target.id)
    return found


def test_a_type_checker_sees_what_is_there_at_run_time() -> None:
    assert for_type_checkers() == at_run_time()
    assert sorted(at_run_time()) == dir(pgsuite.algorithms)
    assert {"ActorCritic", "PolicyGradient", "Rollout", "Spaces", "State"} <= set(at_run_time())


@pytest.mark.parametrize("name", at_run_time())
def test_a_name_is_what_its_home_defines(name: str) -> None:
    module, there = at_run_time()[name]
    assert there == name
    assert name in defined_in(module), "passed on from a module that has it from another"
    assert getattr(pgsuite.algorithms, name) is getattr(importlib.import_module(module), name)


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match=r"module 'pgsuite\.algorithms' has no attribute 'Ppo'"):
        _ = pgsuite.algorithms.Ppo


def test_knowing_the_algorithms_does_not_load_torch() -> None:
    script = (
        "import sys; from pgsuite.algorithms.registry import available, locate;"
        "available(); locate('trpo'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
