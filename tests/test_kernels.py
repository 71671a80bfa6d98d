"""Compiled functions: found again by what they are made of, never stale, the same uncompiled."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pgsuite import compiling, kernels
from pgsuite.addresses import Pointer
from pgsuite.compiling import compiles
from pgsuite.errors import UsageError
from pgsuite.kernels import kernel, linked

INNER = """
from pgsuite.kernels import kernel

FACTOR = 2.0


@kernel
def inner(x):
    return FACTOR * x
"""
OUTER = """
from pgsuite.kernels import kernel
from {module} import inner


@kernel("float64[::1]")
def outer(x):
    return inner(x[0]) + 1
"""
CALL = "import numpy as np; from outer import outer; print(outer(np.array([3.0])))"


def run(place: Path, code: str, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NUMBA_CACHE_DIR": str(place / "cache"), **environment},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.fixture
def place(tmp_path):
    (tmp_path / "inner.py").write_text(INNER)
    (tmp_path / "outer.py").write_text(OUTER.format(module="inner"))
    return tmp_path


def kept(place: Path) -> set[str]:
    return {file.name for file in place.rglob("*.nbi")}


def test_a_callee_or_a_constant_that_changes_in_another_file_is_seen(place):
    """numba alone would go on with what it compiled before: it looks at the caller's file."""
    assert run(place, CALL) == "7.0"
    (place / "inner.py").write_text(INNER.replace("FACTOR * x", "FACTOR * x * x"))
    assert run(place, CALL) == "19.0"
    (place / "inner.py").write_text(INNER.replace("2.0", "5.0"))
    assert run(place, CALL) == "16.0"


def test_the_next_process_loads_what_was_compiled(place):
    run(place, CALL)
    before = kept(place)
    assert {name.partition("-")[0] for name in before} == {"outer"}, "what it calls is in it"
    assert (
        run(place, f"{CALL}; from outer import outer; print(sum(outer.prepared().stats.cache_hits.values()))")
        == "7.0\n1"
    )
    (place / "inner.py").write_text("# a comment moves every line\n" + INNER)
    assert run(place, CALL) == "7.0"
    assert kept(place) == before


def test_no_variable_of_numbas_leads_to_a_stale_kernel(place):
    """One puts another cache in place of ours, others change how it compiles."""
    for value in ("5.0", "7.0"):
        (place / "inner.py").write_text(INNER.replace("2.0", value))
        for _ in range(2):
            found = run(place, CALL, NUMBA_CACHE_LOCATOR_CLASSES="InTreeCacheLocator,UserProvidedCacheLocator")
            assert float(found) == 3 * float(value) + 1
    before = kept(place)
    run(place, CALL, NUMBA_CACHE_LOCATOR_CLASSES="InTreeCacheLocator", NUMBA_LOOP_VECTORIZE="0")
    assert len(kept(place)) == len(before) + 1
    late = "import os; from inner import inner; inner(1.0); os.environ['NUMBA_SLP_VECTORIZE'] = '1'; "
    before = kept(place)
    run(place, late + CALL + "; assert os.environ['NUMBA_SLP_VECTORIZE'] == '1'")
    assert {name.partition("-")[0] for name in kept(place) - before} == {"inner"}, "outer is as without the variable"
    (place / "inner.py").write_text(INNER.replace("2.0", "9.0"))
    loaded_before = "import numba; numba.njit(lambda: 1)(); import inner; inner.inner(1.0); "
    asked = f"{loaded_before}print(numba.config.DISABLE_INTEL_SVML)"
    assert run(place, asked, NUMBA_DISABLE_INTEL_SVML="0") == "1", "as it was when it compiled"


LINKED = """
from pgsuite.kernels import linked

FACTOR = 2.0


@linked("real[::1], {made}")
def inner(x, made):
    made[0] = FACTOR * x[0]
"""
CALLER = """
import numpy as np
from pgsuite.kernels import kernel
from inner import inner


@kernel("real[::1], real[::1]")
def outer(x, made):
    inner(x, made)
    made[0] += 1


for real in (np.float32, np.float64):
    made = np.zeros(1, real)
    outer(np.array([3.1], real), made)
    hits = [sum(each.prepared(real).stats.cache_hits.values()) for each in (inner, outer)]
    print(made[0], *hits)
"""


def test_a_linked_kernel_is_compiled_once_and_never_stale(place):
    """Its callers are kept without it: they must find it again, and not one that it was."""

    def printed(text):
        (place / "inner.py").write_text(text)
        return run(place, "import caller").split()

    (place / "caller.py").write_text(CALLER)
    text = LINKED.format(made="real[::1]")
    in_float32 = str(np.float32(2) * np.float32(3.1) + np.float32(1))
    assert printed(text) == [in_float32, "0", "0", "7.2", "0", "0"]
    assert printed(text) == [in_float32, "1", "1", "7.2", "1", "1"], "the next process loads both"
    assert printed(text.replace("FACTOR *", "-FACTOR *"))[3:] == ["-5.2", "0", "0"]
    assert printed(text.replace("2.0", "5.0"))[3:] == ["16.5", "0", "0"]
    assert printed(LINKED.format(made="real[:]"))[3:] == ["7.2", "0", "0"], "called in another way"
    for file in place.rglob("inner-*.nbc"):
        file.unlink()
    assert printed(text)[3:] == ["7.2", "0", "1"], "compiled anew beneath a caller that is kept"


def test_a_variable_that_changes_meanwhile_parts_no_kernel_from_what_it_calls(place):
    """Its caller would have another key, and look for a symbol that nobody has: a null pointer."""
    (place / "inner.py").write_text(LINKED.format(made="real[::1]"))
    (place / "caller.py").write_text(CALLER)
    first = "import numpy as np; from inner import inner; inner(np.ones(1), np.ones(1)); "
    changed = "import os; os.environ['NUMBA_OPT'] = '1'; "
    for code in (changed + "import caller", "import caller", first + changed + "import caller"):
        assert run(place, code).split()[3] == "7.2"
    asked = "; import numba; print(int(numba.config.OPT))"
    assert run(place, first + changed + "import caller" + asked, NUMBA_CACHE_DIR=str(place / "anew")).endswith("\n3")


ALONE = """
import os, sys
import numpy as np
from pgsuite.kernels import kernel


@kernel
def total(x):
    return x.sum()


total.key
if "changed" in sys.argv:
    os.environ["NUMBA_OPT"] = "0"
total(np.ones(8))
(code,) = total.prepared().inspect_asm().values()
print(len(code))
"""


def test_a_kernel_of_no_types_is_compiled_as_its_key_says_whenever_it_is_called(place):
    """Of those that a user writes; the next process would load what another way of compiling has left."""
    (place / "alone.py").write_text(ALONE)
    compiled = run(place, "sys.argv.append('changed'); import alone")
    assert compiled == run(place, "import alone", NUMBA_CACHE_DIR=str(place / "anew"))
    assert compiled != run(place, "import alone", NUMBA_OPT="0")


def test_the_environment_is_untouched_where_it_tells_numba_the_same(tmp_path):
    """Other threads read it, and start processes with it."""
    code = (
        "import os; from pgsuite import compiling; compiling.made_by()\n"
        "kind = type(os.environ); kind.__setitem__ = kind.__delitem__ = lambda *_: exit('touched')\n"
        "with compiling._as_told(): print(os.environ['NUMBA_OPT'])"
    )
    assert run(tmp_path, code, NUMBA_OPT="2") == "2"


TASK = """
import numpy as np
from pgsuite.addresses import Pointer
from pgsuite.kernels import kernel
from inner import inner

ROWS = Pointer("none(float64[::1], float64[::1])")


@kernel
def helper(x, made):
    inner(x, made)


@kernel("int64[::1], float64[::1], float64[::1]")
def outer(functions, x, made):
    function = ROWS(functions[0])
    function(x, made)


made = np.zeros(1)
outer(np.array([ROWS.of(helper)]), np.array([3.5]), made)
print(made[0])
"""


def test_what_is_called_through_a_pointer_may_call_linked_kernels(place):
    """As a user's environment may call any kernel."""
    (place / "inner.py").write_text(LINKED.format(made="real[::1]"))
    (place / "task.py").write_text(TASK)
    for _ in range(2):
        assert run(place, "import task") == "7.0"


BOTH = """
import numpy as np
from pgsuite.addresses import Pointer
from pgsuite.kernels import kernel

ROW = Pointer("float64(float64[::1])")


@kernel
def first(x):
    return x[0] + 1


@kernel("int64[::1], float64[::1], float64[::1]")
def outer(functions, x, made):
    made[0] = ROW(functions[0])(x)


x, made = np.array([3.5]), np.zeros(1)
outer(np.array([ROW.of(first)]), x, made)
print(made[0], first(x), sum(first.prepared().stats.cache_hits.values()))
"""


def test_what_both_python_and_kernels_call_is_kept_in_both_forms(place):
    (place / "both.py").write_text(BOTH)
    assert run(place, "import both") == "4.5 4.5 0"
    before = {file: file.stat().st_mtime_ns for file in place.rglob("*.nb[ic]")}
    assert run(place, "import both") == "4.5 4.5 1"
    assert {file: file.stat().st_mtime_ns for file in place.rglob("*.nb[ic]")} == before


def test_a_function_that_is_linked_no_longer_or_now_is_another_to_its_callers(place):
    """A caller that is kept would jump to where nothing is."""
    text = LINKED.format(made="real[::1]")
    (place / "caller.py").write_text(CALLER.replace("each in (inner, outer)", "each in (outer,)"))
    for given in (text, text.replace("@linked(", "@kernel(").replace("import linked", "import kernel"), text):
        (place / "inner.py").write_text(given)
        assert run(place, "import caller").split()[2:3] == ["7.2"]


def test_a_kernel_that_was_used_can_be_pickled():
    @kernel("real[::1]")
    def first(x):
        return x[0]

    assert first(np.array([2.0])) == 2.0
    assert not {"_made_of", "form"} & first.__getstate__().keys()
    assert first.__getstate__()["_versions"] == {}


@linked("real[::1], int64, real[::1]")
def add_to(x, count, made):
    made[0] += x[0] + count


@linked("real[::1]")
def refuse(x):
    if x[0] > 0:
        raise ValueError("a positive number")


@linked("real[::1]")
def returning(x):
    return x[0]


def called(*arguments):
    """A kernel that calls a linked one with such arguments, from names x (float32), y (float64), i (int64 numbers)."""
    space = {"__name__": __name__, "kernel": kernel, "add_to": add_to, "returning": returning}
    signature = "real[::1], float64[::1], int64[::1]"
    exec(f"@kernel({signature!r})\ndef calling(x, y, i): {arguments[0]}", space)
    return space["calling"]


@pytest.mark.parametrize(
    "call",
    [
        "add_to(x, 1)",
        "add_to(x, 1, x, x)",
        "add_to(1, 1, x)",
        "add_to(x, 1.5, x)",
        "add_to(i, 1, i)",
        "add_to(y, 1, y)",
        "add_to(x[::2], 1, x)",
        "returning(x)",
    ],
)
@pytest.mark.skipif(not compiles(), reason="uncompiled, Python calls them as they are")
def test_a_linked_kernel_refuses_what_it_cannot_take(call):
    with pytest.raises(UsageError, match=r"takes|returns something"):
        called(call)(np.ones(2, np.float32), np.ones(2), np.ones(2, np.int64))


def test_a_linked_kernel_takes_what_becomes_its_types_safely():
    x = np.ones(2, np.float32)
    called("add_to(x, True, x)")(x, np.ones(2), np.ones(2, np.int64))
    assert x.tolist() == [3.0, 1.0]


def test_the_error_of_a_linked_kernel_is_its_callers():
    @kernel("real[::1]")
    def asking(x):
        refuse(x)
        x[0] = 7

    x = np.array([-1.0])
    asking(x)
    assert x[0] == 7
    with pytest.raises(ValueError, match="a positive number"):
        asking(x)


RAISING = """
from pgsuite.kernels import kernel


@kernel
def inner(x):
    if x > 2:
        raise ValueError("too large", x)
    return 2 * x


@kernel
def outer(x):
    return inner(x) + 1


@kernel
def other(x):
    return inner(x + 1)
"""
TRIED = """
from raising import other, outer
for function, x in ((outer, 1.0), (other, 1.0), (outer, 5.0), (other, 3.0)):
    try:
        print(function(x))
    except ValueError as error:
        print(error.args)
"""


def test_what_is_raised_within_callers_says_with_what(place):
    """Numba keeps such an error's numbers where only functions of their own have a place for it."""
    (place / "raising.py").write_text(RAISING)
    for _ in ("compiled", "loaded"):
        assert run(place, TRIED).splitlines() == ["3.0", "4.0", "('too large', 5.0)", "('too large', 4.0)"]


ROWS = Pointer("none(float64[::1], float64[::1])")


@linked("real[::1], real[::1]")
def größe(x, made):
    made[0] = 2 * x[0]


def test_an_edit_of_the_package_while_it_runs_changes_no_key(monkeypatch):
    """A caller with the key of another code would be loaded, and look for symbols that nobody has: a null pointer."""

    def key():
        @kernel
        def calling(functions, x, made):
            größe(x, made)
            ROWS(functions[0])(x, made)

        return calling.key

    before = key()
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"edited")
    assert key() == before


def test_a_kernel_whose_caller_names_no_precision_has_both():
    @kernel
    def twice(x, made):
        größe(x, made)

    for real in (np.float32, np.float64):
        made = np.zeros(1, real)
        twice(np.array([1.5], real), made)
        assert made[0] == 3.0


def test_a_damaged_entry_is_compiled_anew(place):
    run(place, CALL)
    for file in (*place.rglob("*.nbc"), *place.rglob("*.nbi")):
        file.write_bytes(file.read_bytes()[:50])
    assert run(place, CALL) == "7.0"


def test_a_file_loads_by_path_and_then_by_import(place):
    by_path = (
        "import importlib.util as u; s = u.spec_from_file_location('elsewhere', sys.path[0] + '/inner.py'); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.inner(3.0))"
    )
    assert run(place, by_path) == "6.0"
    assert run(place, "from inner import inner; print(inner(3.0))") == "6.0"
    assert run(place, by_path) == "6.0"


def test_where_nothing_can_be_written_another_folder_is_taken(place):
    (place / "file").write_text("")
    folder = run(
        place,
        "from pgsuite.caching import cache_folder; print(cache_folder('kernels'))",
        NUMBA_CACHE_DIR=str(place / "file"),
        XDG_CACHE_HOME=str(place / "file"),
        HOME=str(place / "file"),
        TMPDIR=str(place),
    )
    assert Path(folder).parent == place


def test_flags_of_kernels_are_those_of_numba():
    compilers, numba = compiling._compilers(), compiling.load_numba()
    theirs = numba.core.compiler.Flags()
    theirs.nrt, theirs.error_model = True, "numpy"
    assert len({compiler.__name__ for compiler in compilers}) == 2
    made = []

    class Seen(compilers[0]):
        def compile_extra(self, function):
            made.append(self.state.flags)
            return super().compile_extra(function)

    numba.njit(pipeline_class=Seen)(lambda x: x + 1)(1)
    ours = made[0]
    assert type(ours) is not type(theirs)
    plain = type(theirs)(ours)
    assert (ours, hash(ours)) == (plain, hash(plain))
    assert ours != theirs
    assert plain.values() == ours.values()


def test_what_starts_fast_loads_no_numba(place):
    run(place, "import pgsuite.envs, pgsuite.cli; assert 'numba' not in sys.modules and 'llvmlite' not in sys.modules")


def test_division_by_zero_and_contraction_are_as_documented():
    @kernel
    def divided(x, y):
        return x / y

    assert divided(1.0, 0.0) == np.inf

    @kernel
    def multiplied_and_added(x, y, z):
        return x * y + z

    x = 1 + 2.0**-30
    assert multiplied_and_added(x, x, -1 - 2.0**-29) == pytest.approx(2.0**-60), "one rounding, not two"


def plain(x):
    return x


def test_plain_python_in_a_kernel_is_named():
    @kernel
    def calls(x):
        return plain(x)

    with pytest.raises(UsageError, match=r"calls .*calls plain, which is plain Python: decorate it with @kernel"):
        calls(1.0)


def test_recursion_is_named():
    def calling(argument):
        @kernel
        def halved(x):
            return x if x < 1 else called(x / 2)

        called = argument or halved
        return halved

    for first in (calling(None), calling(calling(None))):
        with pytest.raises(UsageError, match=r"halved .*calls itself, which kernels cannot: write it as a loop"):
            first(5.0)


def test_what_numba_cannot_type_is_said_in_one_line():
    @kernel
    def odd(x):
        return x.colour

    with pytest.raises(UsageError, match=r"(?s)odd .*cannot be compiled: Unknown attribute 'colour'") as error:
        Pointer("float64(float64[::1])").of(odd)
    assert "\n" not in str(error.value)


def test_arguments_of_another_layout_are_refused():
    @kernel("real[:, ::1]")
    def total(x):
        return x.sum()

    kernels.ENTRIES.pop()
    assert total(np.ones((2, 3), np.float32)) == 6
    assert total(np.ones((2, 3))) == 6
    with pytest.raises(TypeError, match="No matching definition"):
        total(np.ones((3, 2)).T)


TRAINED = """
import numpy as np, torch
from pgsuite.suites.cells import Cell, Environment, Evaluation
from pgsuite.suites.training import TrainingLoop
class Sink:
    tensors = {}
    def load(self, seed): pass
    def progress(self, *news): pass
    def save(self, seed, rows, facts, tensors): self.tensors[seed] = dict(tensors)
for algorithm, env, options in [
    ("actor-critic", "CartPole-v1", {"num_envs": 2, "num_steps": 5, "normalise_observations": True}),
    ("reinforce-baseline", "CartPole-v1", {"num_envs": 2, "critic_epochs": 1}),
    ("trpo", "Pendulum-v1", {"num_envs": 2, "num_steps": 9, "cg_iterations": 3, "critic_epochs": 1}),
]:
    sink, options = Sink(), options | {"hidden": (3,), "dtype": "float64"}
    cell = Cell(suite="", algorithm=algorithm, reference=algorithm, options=options, environment=Environment(id=env),
                steps=20, evaluation=Evaluation(checkpoints=1, episodes=1))
    TrainingLoop().train(cell, [3], sink)
    print(*np.concatenate([sink.tensors[3][name].ravel() for name in ("state.policy", "state.critic")]))
"""


def test_uncompiled_it_is_the_same(tmp_path):
    (tmp_path / "trained.py").write_text(TRAINED)
    cache = os.environ.get("NUMBA_CACHE_DIR", "")
    found = [run(tmp_path, "import trained", NUMBA_CACHE_DIR=cache, NUMBA_DISABLE_JIT=off) for off in ("0", "1")]
    compiled, uncompiled = ([np.fromstring(line, sep=" ") for line in text.splitlines()] for text in found)
    assert len(compiled) == 3
    for ours, plainly in zip(compiled, uncompiled, strict=True):
        assert len(ours) > 10
        np.testing.assert_allclose(ours, plainly, rtol=1e-9, atol=1e-12)


def test_numba_is_set_up_before_anything_of_it_is_loaded(tmp_path):
    """Also where the first kernel of a process has products in it, which are built with numba's own parts."""
    code = (
        "import torch; from pgsuite.algorithms.networks import Network; n = Network(inputs=2, hidden=(3,), outputs=1)\n"
        "n.evaluate(torch.zeros(1, n.size), torch.zeros(1, 4, 2))\n"
        "import numba; print(numba.config.DISABLE_INTEL_SVML)"
    )
    assert run(tmp_path, code, NUMBA_CACHE_DIR=os.environ.get("NUMBA_CACHE_DIR", "")) == "1"


def test_dot_products_of_kernels_run_on_one_thread(tmp_path):
    code = (
        "from threadpoolctl import threadpool_info; from pgsuite.suites.process import single_thread; import torch; "
        "from pgsuite.algorithms.adam import norm\n"
        "with single_thread():\n"
        "    norm(torch.ones(1, 4))\n"
        "    pools = threadpool_info()\n"
        "assert sum('scipy.libs' in pool['filepath'] for pool in pools) == 1, pools\n"
        "assert {pool['num_threads'] for pool in pools} == {1}, pools"
    )
    run(tmp_path, code, NUMBA_CACHE_DIR=os.environ.get("NUMBA_CACHE_DIR", ""))
