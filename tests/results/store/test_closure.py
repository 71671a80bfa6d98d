"""The closure over a small package made for the purpose, whose answers can be read off by eye."""

import textwrap

import pytest

from pgsuite.errors import UsageError
from pgsuite.results.store import closure as closure_module
from pgsuite.results.store.closure import Home, closure

PACKAGE = {
    "__init__.py": "VERSION = 1",
    "errors.py": "class Oops(Exception): ...",
    "leaf.py": "import json, torch",
    "algorithms/__init__.py": """
        from .trpo import TRPO
        from .reinforce import Reinforce as R
        DEFAULT = 1
    """,
    "algorithms/trpo.py": "from ..errors import Oops\nfrom . import adam\nclass TRPO: ...",
    "algorithms/reinforce.py": "from .adam import step\nclass Reinforce: ...",
    "algorithms/adam.py": "def step(): ...",
    "lazy/__init__.py": """
        TABLE = {"One": ".one:One", "Two": "pkg.lazy.two:Two", "Three": "three"}
        def __getattr__(name): ...
    """,
    "lazy/one.py": "",
    "lazy/two.py": "",
    "lazy/three.py": "",
    "nested.py": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from .leaf import nothing
        else:
            from .errors import Oops
        def later():
            from .algorithms import R
    """,
    "circular.py": "from . import circular\nfrom .circular2 import x",
    "circular2.py": "from .circular import y",
    "cases.py": "",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "somewhere" / "checkout"
    write(folder, PACKAGE)
    monkeypatch.setattr(closure_module, "PACKAGE", Home("pkg", folder))
    return folder


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


TRPO = {"algorithms.trpo", "algorithms.adam", "errors"}
REINFORCE = {"algorithms.reinforce", "algorithms.adam"}


@pytest.mark.parametrize(
    ("statement", "modules"),
    [
        ("import json, numpy", set()),
        ("import pkg.leaf", {"leaf"}),
        ("import pkg.leaf as other", {"leaf"}),
        ("from pkg.leaf import a, b", {"leaf"}),
        ("from . import leaf", {"leaf"}),
        ("from pkg.algorithms.trpo import TRPO", TRPO),
        ("from pkg.algorithms import TRPO", TRPO),
        ("from .algorithms import R", REINFORCE),
        ("from .algorithms import adam", {"algorithms.adam"}),
        ("from .algorithms import DEFAULT", {"algorithms"} | TRPO | REINFORCE),
        ("from .algorithms import *", {"algorithms"} | TRPO | REINFORCE),
        ("from . import algorithms", {"algorithms"} | TRPO | REINFORCE),
        ("from .lazy import One", {"lazy.one"}),
        ("from .lazy import Two", {"lazy.two"}),
        ("from .lazy import Three", {"lazy.three"}),
        ("from .lazy import Unknown", {"lazy", "lazy.one", "lazy.two", "lazy.three"}),
        ("def f():\n    from .leaf import a", {"leaf"}),
        ("try:\n    from .leaf import a\nexcept ImportError:\n    from .errors import a", {"leaf", "errors"}),
    ],
)
def test_what_an_import_brings(package, statement, modules):
    (package / "cases.py").write_text(statement)
    assert set(closure("pkg.cases")) == {"pkg.cases"} | {f"pkg.{name}" for name in modules}


def test_imports_for_type_checkers_are_not_followed(package):
    names = {"nested", "errors", "algorithms.reinforce", "algorithms.adam"}
    assert set(closure("pkg.nested")) == {f"pkg.{name}" for name in names}


def test_circles_end(package):
    assert list(closure("pkg.circular")) == ["pkg.circular", "pkg.circular2"]


def test_roots_are_united_and_sorted(package):
    assert list(closure("pkg.leaf", "pkg.errors")) == ["pkg.errors", "pkg.leaf"]


def test_a_users_file_brings_the_package_and_its_neighbours(package, tmp_path):
    files = {
        "mine/algorithm.py": "import torch, nets.deep\nfrom pkg.algorithms import R\nimport support",
        "mine/support.py": "from nets import wide",
        "mine/nets/__init__.py": "",
        "mine/nets/deep.py": "from . import shared",
        "mine/nets/wide.py": "",
        "mine/nets/shared.py": "",
        "mine/stranger.py": "",
    }
    write(tmp_path, files)
    found = set(closure(str(tmp_path / "mine" / "algorithm.py")))
    nets = {"nets.deep", "nets.wide", "nets.shared"}
    assert found == {"algorithm", "support", "pkg.algorithms.reinforce", "pkg.algorithms.adam"} | nets


def test_a_module_of_another_installed_package_brings_its_own_package_only(package, tmp_path, monkeypatch):
    files = {
        "site/theirs/__init__.py": "raise RuntimeError('imported')",
        "site/theirs/method.py": "import unrelated\nfrom .deep import core\nfrom pkg.leaf import a",
        "site/theirs/deep/core.py": "",
        "site/unrelated.py": "",
        "site/single.py": "raise RuntimeError('imported')",
    }
    write(tmp_path, files)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert set(closure("theirs.method")) == {"theirs.method", "theirs.deep.core", "pkg.leaf"}
    assert set(closure("single")) == {"single"}


@pytest.mark.parametrize("root", ["pkg.absent", "no_such_package.module", "absent/file.py"])
def test_a_root_that_does_not_exist_is_named(package, root):
    with pytest.raises(UsageError, match=rf"{root} does not exist"):
        closure(root)


def test_a_file_that_is_not_python_is_named_with_its_line(package, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ndef f(:\n")
    with pytest.raises(UsageError, match=r"broken\.py, line 2"):
        closure(str(path))


def test_an_edit_is_seen_by_the_same_process(package):
    assert "pkg.leaf" not in closure("pkg.cases")
    (package / "cases.py").write_text("from . import leaf")
    assert "pkg.leaf" in closure("pkg.cases")
