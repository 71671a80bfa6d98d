"""The closure over small packages made for the purpose, whose answers can be read off by eye."""

import sys
import textwrap

import pytest

from pgsuite.errors import UsageError
from pgsuite.results.store import closure as closure_module
from pgsuite.results.store.closure import Home
from pgsuite.results.store.fingerprint import source_definitions, source_hash


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "somewhere" / "checkout"
    folder.mkdir(parents=True)
    monkeypatch.setattr(closure_module, "PACKAGE", Home("pkg", folder))
    return folder


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    closure_module._programs.clear()  # two edits may fall into one tick of the file system's clock


PACKAGE = {
    "__init__.py": "VERSION = 1",
    "leaf.py": "import json\nONE = 1\nTWO = ONE + 1\ndef load(): return json.loads('1')",
    "algorithms/__init__.py": """
        from .trpo import TRPO
        from .reinforce import Reinforce as R
        from .adam import step
        DEFAULT = 1
    """,
    "algorithms/trpo.py": "from . import adam\nclass TRPO:\n    def go(self): return adam.step(1)",
    "algorithms/reinforce.py": "from .adam import step as s\nclass Reinforce:\n    go = s",
    "algorithms/adam.py": "RATE = 0.1\ndef step(x): return x * RATE\ndef other(): ...",
    "lazy/__init__.py": """
        TABLE = {"One": ".one:One", "Two": "pkg.lazy.two:Two", "Three": "three", "Four": "four"}
        def __getattr__(name): return load(TABLE[name])
        def load(name): ...
    """,
    "lazy/one.py": "class One: ...",
    "lazy/two.py": "class Two: ...",
    "lazy/three.py": "ANY = 3",
    "lazy/four.py": "Four = 4",
    "stars.py": "from .leaf import *\nfrom math import *",
}
ADAM = {"algorithms.adam:step", "algorithms.adam:RATE"}
LEAF = {"leaf:ONE", "leaf:TWO", "leaf:load"}


@pytest.mark.parametrize(
    ("code", "definitions"),
    [
        ("import numpy as np\nX = np.zeros(2)", set()),
        ("from pkg.leaf import ONE\nX = ONE", {"leaf:ONE"}),
        ("from .leaf import TWO as two\nX = two", {"leaf:TWO", "leaf:ONE"}),
        ("from .leaf import ONE, TWO\nX = 1", set()),
        ("import pkg.leaf\nX = pkg.leaf.ONE", {"leaf:ONE"}),
        ("import pkg.leaf as other\nX = other.ONE.real", {"leaf:ONE"}),
        ("from . import leaf\nX = leaf.load()", {"leaf:load"}),
        ("import pkg\nX = pkg.algorithms.adam.step", ADAM),
        ("import pkg.nothing.deep\nX = pkg.nothing.deep.f", {"!__init__:*", "__init__:VERSION"}),
        ("from . import leaf\nX = getattr(leaf, 'O' + 'NE')", {"leaf:*"} | LEAF),
        ("from .leaf import made_at_run_time\nX = made_at_run_time", {"leaf:*"} | LEAF),
        ("from .algorithms import TRPO\nX = TRPO", ADAM | {"algorithms.trpo:TRPO"}),
        ("from .algorithms import R\nX = R()", ADAM | {"algorithms.reinforce:Reinforce"}),
        ("from .algorithms import adam\nX = adam.RATE", {"algorithms.adam:RATE"}),
        ("from . import algorithms\nX = algorithms.step", ADAM),
        ("from .algorithms import DEFAULT\nX = DEFAULT", {"algorithms:DEFAULT"}),
        ("from .lazy import One\nX = One", {"lazy.one:One"}),
        ("from . import lazy\nX = lazy.Two", {"lazy.two:Two"}),
        ("from .lazy import Three\nX = Three.ANY", {"lazy.three:ANY"}),
        ("from .lazy import Four\nX = Four", {"lazy.four:Four"}),
        ("from .stars import ONE\nX = ONE", {"leaf:ONE"}),
        ("from .stars import *\nX = load, cos", {"leaf:load"}),
        ("def X():\n    from .leaf import ONE\n    return ONE", {"leaf:ONE"}),
        ("def X():\n    import pkg.leaf as here\n    return here.ONE", {"leaf:ONE"}),
        ("class X:\n    from .leaf import ONE", {"leaf:ONE"}),
        ("try:\n    from .leaf import ONE\nexcept ImportError:\n    ONE = 0\nX = ONE", {"leaf:ONE", "cases:ONE"}),
        ("import json\nif json:\n    def f(): return 1\nelse:\n    def f(): return 2\nX = f", {"cases:f"}),
        ("def f(): return Y\nX = f\nY = 2", {"cases:f", "cases:Y"}),
        ("def a(): return b()\ndef b(): return a()\nX = a", {"cases:a", "cases:b"}),
        ("from .leaf import ONE\ndef X(): return [ONE for _ in range(2)]", {"leaf:ONE"}),
        # A name of the function's own is not the module's.
        ("from .leaf import ONE\ndef X(ONE): return ONE", set()),
        ("from .leaf import ONE\ndef X():\n    for ONE in (): ...\n    return ONE", set()),
        ("from .leaf import ONE\ndef X(): return [ONE for ONE in (1,)]", set()),
        ("from .leaf import ONE\nX = lambda ONE: ONE", set()),
        ("from .leaf import ONE\ndef X():\n    def inner(): return ONE\n    ONE = 1\n    return inner", set()),
        ("from .leaf import ONE\ndef X():\n    if (ONE := 1): return ONE", set()),
        ("from .leaf import ONE\ndef X(v):\n    match v:\n        case [ONE, *_]: return ONE", set()),
        ("from .leaf import ONE\ndef X():\n    try: ...\n    except E as ONE: return ONE", set()),
        ("from .leaf import ONE\ndef X():\n    del ONE", set()),
        # But here it is.
        ("from .leaf import ONE\ndef X(ONE=ONE): return ONE", {"leaf:ONE"}),
        ("from .leaf import ONE\ndef X(): return [ONE for ONE in ONE]", {"leaf:ONE"}),
        ("ONE = 1\ndef X():\n    global ONE\n    ONE = 2", {"cases:ONE"}),
        ("from .leaf import ONE\nclass X:\n    ONE = ONE", {"leaf:ONE"}),
        ("from .leaf import ONE\ndef X(a): return [0 for a[ONE] in a]", {"leaf:ONE"}),
        ("from .leaf import ONE\nclass X:\n    ONE = 2\n    def f(self): return ONE", {"leaf:ONE"}),
        ("from .leaf import ONE\ndef X(v):\n    match v:\n        case ONE.real: return 1", {"leaf:ONE"}),
        ("from .leaf import load\n@load\ndef X(): ...", {"leaf:load", "cases:!"}),
        ("from .leaf import load\nX = f'{load()}'", {"leaf:load"}),
        # An annotation is no text, but the class's methods may run; a protocol has none.
        ("from .algorithms import TRPO\ndef X(a: TRPO): return a.go()", ADAM | {"algorithms.trpo:TRPO"}),
        ("from .algorithms import R\ndef X() -> 'list[R]': ...", ADAM | {"algorithms.reinforce:Reinforce"}),
        ("from .algorithms import R, TRPO\nA = R | None\ndef X(a: A): ...", ADAM | {"algorithms.reinforce:Reinforce"}),
        ("from .leaf import ONE\ndef X(a: Annotated[int, ONE]): ...", set()),
        ("from typing import Protocol\nclass P(Protocol):\n    def f(self): ...\ndef X(p: P): ...", set()),
        # What the module does besides.
        ("from .leaf import load\nload()\nX = 1", {"cases:!", "leaf:load"}),
        ("from .leaf import load\nif __name__ == '__main__':\n    load()\nX = 1", set()),
        ("import typing\nfrom .leaf import load\nif typing.TYPE_CHECKING:\n    load()\nX = 1", set()),
        ("from .leaf import load\ndef f(): load()\nX = 1", set()),
        ("from .leaf import load\n@load\ndef f(): ...\nX = 1", {"cases:!", "cases:f", "leaf:load"}),
        ("from .leaf import load\nT = {}\nT['a'] = load\nX = 1", {"cases:!", "cases:T", "leaf:load"}),
    ],
)
def test_what_a_definition_is_made_of(package, code, definitions):
    write(package, {**PACKAGE, "cases.py": code})
    expected = {name if name.startswith("!") else f"pkg.{name}" for name in definitions}
    expected = {name.replace("!__init__", "pkg").replace("pkg.__init__", "pkg") for name in expected}
    assert set(source_definitions("pkg.cases:X")) == {"pkg.cases:X"} | expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"m.py": "def f(): return g()\ndef g(): return 1"}, {"m.py": "def f(): return h()\ndef h(): return 1"}),
        ({"m.py": "def f(): return g()\ndef g(): return 1"}, {"m.py": "def g(): return 1\ndef f(): return g()"}),
        ({"m.py": "def f(): return g()\ndef g(): return 1"}, {"m.py": "from .n import g\ndef f(): return g()"}),
        ({"m.py": "from .n import g\ndef f(): return g()"}, {"m.py": "from . import n\ndef f(): return n.g()"}),
        ({"m.py": "from .n import g\ndef f(): return g()"}, {"m.py": "from .n import g as h\ndef f(): return h()"}),
        ({"m.py": "from .n import g\ndef f(): return g()"}, {"m.py": "def f():\n    from .n import g\n    return g()"}),
        ({"m.py": "from .n import g\ndef f(): return g()"}, {"m.py": "import pkg.n\ndef f(): return pkg.n.g()"}),
        ({"m.py": "from .n import g as f"}, {"m.py": "def f(): return 1"}),
        (
            {"m.py": "def f(): return f() + g()\ndef g(): return f()"},
            {"m.py": "def x(): return f()\ndef f(): return f() + x()"},
        ),
        (
            {"m.py": "class f:\n    def g(self): return f()"},
            {"m.py": "class h:\n    def g(self): return h()\nf = 0", "r": "h"},
        ),
        (
            {"m.py": "def g(): return 1\nclass f:\n    g = 2\n    def h(self): return g()"},
            {"m.py": "def k(): return 1\nclass f:\n    g = 2\n    def h(self): return k()"},
        ),
        ({"m.py": "from numpy import zeros\nf = zeros(2)"}, {"m.py": "import numpy as np\nf = np.zeros(2)"}),
        ({"m.py": "import numpy as np\nf = np.linalg.qr"}, {"m.py": "from numpy.linalg import qr\nf = qr"}),
        ({"m.py": "def f(x): return x"}, {"m.py": "def f(x: int) -> 'int': return x"}),
        ({"m.py": "def f(x):\n    y = x\n    return y"}, {"m.py": "def f(x):\n    y: int = x\n    return y"}),
        ({"m.py": "f = 1"}, {"m.py": "f: int = 1"}),
        (
            {"m.py": "def f():\n    raise ValueError('a')"},
            {"m.py": "def f():\n    raise ValueError(f'b {f}') from None"},
        ),
        ({"m.py": "def f(x):\n    assert x"}, {"m.py": "def f(x):\n    assert x, 'why'"}),
        (
            {"m.py": "import dataclasses\n@dataclasses.dataclass\nclass f:\n    a: int = 1"},
            {"m.py": "from dataclasses import dataclass as d\n@d\nclass f:\n    a: 'float' = 1"},
        ),
        (
            {"m.py": "from typing import NamedTuple\nclass f(NamedTuple):\n    a: int"},
            {"m.py": "from typing import NamedTuple\nclass f(NamedTuple):\n    a: float"},
        ),
        ({"m.py": "def f(): return 1"}, {"m.py": "def f():\n    '''Doc.'''\n    pass\n    return (1)"}),
        ({"m.py": "f = 1"}, {"m.py": "import json\nclass A: ...\ndef g(): return f\nf = 1"}),
        ({"m.py": "from .n import g\nf = g"}, {"m.py": "from .i import g\nf = g", "i.py": "from .n import g"}),
        (
            {"m.py": "from .n import g\nf = g"},
            {"m.py": "from .l import z\nf = z", "l.py": "T = {'z': '.n:g'}\ndef __getattr__(name): return T[name]"},
        ),
        (
            {"m.py": "def f(x): return C"},
            {"m.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    C = 1\ndef f(x): return C"},
        ),
    ],
)
def test_what_changes_nothing(package, before, after):
    shared = {"n.py": "def g(): return 1"}
    hashes = []
    for files in (before, after):
        root = files.pop("r", "f") if "r" in files else "f"
        write(package, {**shared, **files})
        hashes.append(source_hash(f"pkg.m:{root}"))
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from .n import a, b\nf = a() - b()", "from .n import b as a, a as b\nf = a() - b()"),
        ("from .n import a\nf = a", "from .n import b\nf = b"),
        ("from .n import a, same\nf = a, same", "from .n import a\nf = a, a"),
        ("from .n import a, b\nf = a() - b() + a()", "from .n import a, b\nf = a() - b() + b()"),
        ("from .n import a as f", "from .n import a as f\ndef f(): return 3"),
        ("from .n import a\nf = a", "from .n import a\nf = a\nfrom .n import b as a"),
        ("from numpy import zeros\nf = zeros", "from numpy import ones as zeros\nf = zeros"),
        ("def f(x): return x + 1", "def f(x): return x + 2"),
        ("def f(x): return x + 1", "def f(x): return x - 1"),
        ("def f(x): return x + 1", "def f(x): return x + 1.0"),
        ("def f(x, y=1): return x", "def f(x, y=2): return x"),
        ("def f(x, y): return x", "def f(y, x): return x"),
        ("def f(x, y): return x", "def f(x, *, y): return x"),
        ("def f(x): return x", "def f(y): return y"),
        ("def f(x): return x", "async def f(x): return x"),
        ("def f():\n    raise ValueError('a')", "def f():\n    raise KeyError('a')"),
        ("def f(x):\n    assert x", "def f(x):\n    assert not x"),
        ("f = f'{1}a'", "f = f'{1}b'"),
        ("f = f'{1:2}'", "f = f'{1:3}'"),
        ("f = 'a'", "f = b'a'"),
        ("f = 1", "f = True"),
        ("f = 1", "f = 1\nf += 1"),
        ("f = []", "f = []\nf.append(1)"),
        ("class f:\n    a: int = 1", "class f:\n    a: int = 2"),
        ("class f:\n    a: int\n    b: int", "class f:\n    b: int\n    a: int"),
        ("class f:\n    a: int = 1", "class f:\n    a = 1"),
        ("class f:\n    a: int = 1", "class f:\n    a: 'ClassVar[int]' = 1"),
        ("class f:\n    def a(self): ...", "class f:\n    def b(self): ..."),
        ("@dataclass(frozen=True)\nclass f: ...", "@dataclass(frozen=False)\nclass f: ..."),
        ("@dataclass\nclass f: ...", "class f: ..."),
        ("class f(A): ...", "class f(B): ..."),
        (
            "import pydantic\nclass f(pydantic.BaseModel):\n    a: int",
            "import pydantic\nclass f(pydantic.BaseModel):\n    a: float",
        ),
        ("import plum\n@plum.dispatch\ndef f(a: int): ...", "import plum\n@plum.dispatch\ndef f(a: float): ..."),
        ("if C:\n    f = 1\nelse:\n    f = 2", "if C:\n    f = 2\nelse:\n    f = 1"),
        (
            "try:\n    from .n import a as f\nexcept E:\n    from .n import b as f",
            "try:\n    from .n import b as f\nexcept E:\n    from .n import a as f",
        ),
        ("def f(x): return [y for y in x if y]", "def f(x): return [y for y in x if not y]"),
        ("def f(x):\n    import numpy as m\n    return m.pi", "def f(x):\n    import math as m\n    return m.pi"),
        (
            "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    return g",
            "def f():\n    x = 1\n    def g():\n        x = 2\n    return g",
        ),
        ("x = 1\ndef f():\n    global x\n    x = 2", "x = 1\ndef f():\n    x = 2"),
        (
            "from .n import Kind\ndef f(k: Kind): return k.value()",
            "from .n import Other\ndef f(k: Other): return k.value()",
        ),
    ],
)
def test_what_changes_the_hash(package, before, after):
    neighbours = {
        "n.py": """
            def a(): return 1
            def b(): return 2
            def same(): return 1
            class Kind:
                def value(self): return 1
            class Other:
                def value(self): return 2
        """
    }
    hashes = []
    for code in (before, after):
        write(package, {**neighbours, "m.py": code})
        hashes.append(source_hash("pkg.m:f"))
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize(
    "code",
    [
        "f = (y := 3) + sum(z := i for i in range(3))",
        "def f(*a, b=(lambda: 0), **c):\n    return {k: v for k, v in c.items() for _ in a if (w := k)}, w",
        "class f:\n    class g(dict, metaclass=type):\n        def h(self): return super().get(__class__)",
        "def f(x):\n    match x:\n        case {'a': [1, *r], **q} | A(r, q=q): return r\n        case _: return x",
        "def f():\n    global q\n    q = 1\n    del q",
        "async def f(x):\n    async with x as y:\n        return [z async for z in y], await y",
        "for f in range(3):\n    pass\nelse:\n    f = 2",
        "with open('x') as f: ...",
        "f, *g = 1, 2\n[f.a, g[0]] = 3, 4\nf.x: int = 1",
        "__all__ = ['f']\n__all__ += ['g']\nf = __name__",
        "try:\n    import f\nexcept* (A, B) as e:\n    f = e\nfinally:\n    del e",
        "from . import m\nfrom .m import f",
        "from .m import *\nf = f",
        "import m.m, m.n as f",
        "f = " + " + ".join(["1"] * 3000),
        "f = '\\ud800'",
        "def f(x: 'not [ python'): ...",
        "\ufeff# a byte order mark\nf = 1",
    ],
)
def test_odd_code_is_hashed(package, code):
    write(package, {"m.py": code})
    assert source_hash("pkg.m:f") == source_hash("pkg.m:f")


if sys.version_info >= (3, 12):  # an older Python cannot read them

    @pytest.mark.parametrize(
        "code", ["def f[T: int](x: T): return T", "class f[T](list[T]): ...", "type f[T] = list[T]"]
    )
    def test_type_parameters_are_local(package, code):
        write(package, {"m.py": f"T = 1\n{code}"})
        assert source_definitions("pkg.m:f") == ("pkg.m:f",)


def test_moving_a_definition_and_renaming_its_module_changes_nothing(package):
    write(package, {"a.py": "from .b import g, K\ndef f(): return g(K)", "b.py": "K = 2\ndef g(x): return x + K"})
    before = source_hash("pkg.a:f")
    write(
        package,
        {"x/y.py": "from ..z import *\ndef f(): return gg(K)", "z.py": "from .w import K\ndef gg(x): return x + K"},
    )
    write(package, {"w.py": "K = 2"})
    assert source_hash("pkg.x.y:f") == before


def test_what_is_left_out_counts_as_nothing_and_must_exist(package):
    files = {
        "m.py": "from .n import g\ndef f(): return g(), 1",
        "n.py": "from .o import h\ndef g(): return h()\nloud()",
    }
    write(package, {**files, "o.py": "def h(): return 1"})
    before = source_hash("pkg.m:f", without=["pkg.n:g"])
    assert source_definitions("pkg.m:f", without=["pkg.n:g"]) == ("pkg.m:f",)
    write(package, {"n.py": "def g(): return 'other'\nlouder()"})
    assert source_hash("pkg.m:f", without=["pkg.n:g"]) == before
    assert source_hash("pkg.m:f") != before
    write(package, {"m.py": "from .n import g\ndef f(): return g(), 2"})
    assert source_hash("pkg.m:f", without=["pkg.n:g"]) != before
    with pytest.raises(LookupError, match=r"pkg\.n:gone does not exist"):
        source_hash("pkg.m:f", without=["pkg.n:gone"])


def test_one_value_of_a_table(package):
    table = "def a(): return 1\ndef b(): return 2\nT: dict = {'A-v1': a, 'B-v1': b}"
    write(package, {"m.py": table, "i.py": "from .m import T"})
    one = source_hash("pkg.i:T[A-v1]")
    assert source_definitions("pkg.i:T[A-v1]") == ("pkg.m:T[A-v1]", "pkg.m:a")
    write(package, {"m.py": table.replace("2", "3").replace("}", ", 'C-v1': 0}")})
    assert source_hash("pkg.i:T[A-v1]") == one
    write(package, {"m.py": table.replace("return 1", "return 4")})
    assert source_hash("pkg.i:T[A-v1]") != one
    write(package, {"m.py": "T = dict(made='elsewhere')"})
    assert source_definitions("pkg.i:T[A-v1]") == ("pkg.m:T",)


def test_effects_count_wherever_something_came_from_and_in_their_order(package):
    files = {"m.py": "from .n import g\ndef f(): return g()", "n.py": "import numpy\ndef g(): return 1"}
    write(package, files)
    quiet = source_hash("pkg.m:f")
    write(package, {"n.py": files["n.py"] + "\nnumpy.seterr(all='raise')\nnumpy.other()"})
    loud = source_hash("pkg.m:f")
    write(package, {"n.py": files["n.py"] + "\nnumpy.other()\nnumpy.seterr(all='raise')"})
    assert len({quiet, loud, source_hash("pkg.m:f")}) == 3
    write(package, {**files, "o.py": "import numpy\nnumpy.seterr(all='raise')\ndef h(): ..."})
    assert source_hash("pkg.m:f") == quiet
    write(package, {"m.py": "from . import o\n" + files["m.py"]})  # imported for its effect alone
    assert source_hash("pkg.m:f") != quiet


def test_a_users_file_brings_the_package_and_its_neighbours(package, tmp_path):
    write(package, PACKAGE)
    files = {
        "mine/algorithm.py": """
            import torch, nets.deep
            from pkg.algorithms import R
            import support as s
            class Mine(R):
                def f(self): return torch.zeros(s.size(), nets.deep.DEPTH)
            class Other: ...
        """,
        "mine/support.py": "from nets import wide\ndef size(): return wide.WIDTH",
        "mine/nets/__init__.py": "",
        "mine/nets/deep.py": "from . import shared\nDEPTH = shared.ONE",
        "mine/nets/wide.py": "WIDTH = 3",
        "mine/nets/shared.py": "ONE = 1",
        "mine/stranger.py": "",
    }
    write(tmp_path, files)
    found = set(source_definitions(f"{tmp_path}/mine/algorithm.py:Mine"))
    own = {"algorithm:Mine", "support:size", "nets.wide:WIDTH", "nets.deep:DEPTH", "nets.shared:ONE"}
    assert found == own | {"pkg.algorithms.reinforce:Reinforce"} | {f"pkg.{name}" for name in ADAM}
    assert "algorithm:Other" in source_definitions(f"{tmp_path}/mine/algorithm.py")


def test_a_whole_module_brings_what_it_does_and_what_it_imports_of_its_own(package, tmp_path, monkeypatch):
    files = {
        "site/theirs/__init__.py": "from . import cart\nfrom .pole import Pole\nimport gymnasium as g\ng.register('x')",
        "site/theirs/cart.py": "MASS = 1",
        "site/theirs/pole.py": "class Pole: ...\nclass Unused: ...",
        "site/theirs/stranger.py": "X = 1",
    }
    write(tmp_path, files)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    expected = {"theirs:*", "theirs:!", "theirs.cart:*", "theirs.cart:MASS", "theirs.pole:Pole"}
    assert set(source_definitions("theirs")) == expected


def test_a_module_of_another_installed_package_brings_its_own_package_only(package, tmp_path, monkeypatch):
    write(package, PACKAGE)
    files = {
        "site/theirs/__init__.py": "raise RuntimeError('imported')",
        "site/theirs/method.py": """
            import unrelated
            from .deep import core
            from pkg.leaf import ONE
            class M:
                parts = unrelated.X, core.Y, ONE
        """,
        "site/theirs/deep/core.py": "Y = 1",
        "site/unrelated.py": "X = 1",
        "site/single.py": "def f(): ...\nraise RuntimeError('imported')",
    }
    write(tmp_path, files)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert set(source_definitions("theirs.method:M")) == {"theirs.method:M", "theirs.deep.core:Y", "pkg.leaf:ONE"}
    assert set(source_definitions("single:f")) == {"single:f", "single:!"}
    assert set(source_definitions("single:made_at_run_time")) == {"single:*", "single:!", "single:f"}


@pytest.mark.parametrize("root", ["pkg.absent:A", "pkg.absent", "no_such_package.module:A", "absent/file.py"])
def test_a_root_that_does_not_exist_is_named(package, root):
    with pytest.raises(UsageError, match=rf"{root.partition(':')[0]} does not exist"):
        source_hash(root)


def test_a_file_that_is_not_python_is_named_with_its_line(package, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ndef f(:\n")
    with pytest.raises(UsageError, match=r"broken\.py, line 2"):
        source_hash(f"{path}:f")
    path.write_bytes(b"x = '\0'")
    with pytest.raises(UsageError, match=r"broken\.py.*correct the file"):
        source_hash(f"{path}:f")


def test_an_edit_is_seen_by_the_same_process(package):
    write(package, {"m.py": "from .n import g\nf = g", "n.py": "def __getattr__(name): ..."})
    first = source_definitions("pkg.m:f")
    (package / "n.py").write_text("g = 1")
    second = source_definitions("pkg.m:f")
    (package / "n.py").unlink()
    (package / "n").mkdir()
    (package / "n/__init__.py").write_text("from .deep import g")
    (package / "n/deep.py").write_text("g = 2")
    third = source_definitions("pkg.m:f")
    assert "pkg.n:*" in first
    assert second == ("pkg.m:f", "pkg.n:g")
    assert third == ("pkg.m:f", "pkg.n.deep:g")
