"""Packed calls of linked kernels: what was packed arrives, of either precision, in this process and the next."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pgsuite
from pgsuite.addresses import Prepared
from pgsuite.compiling import compiles
from pgsuite.kernels import kernel, linked

compiled = pytest.mark.skipif(not compiles(), reason="about machine code")


@linked(
    "real[::1], real[:, :, ::1], int64, float64, float32, boolean, int32, boolean[:, ::1], real[:, ::1], int64[::1]"
)
def tell(x, cube, whole, double, single, flag, short, flags, nothing, out):
    x[0], x[1], x[2], x[3] = double, single, cube[1, 2, 3], cube.itemsize
    out[0], out[1], out[2], out[3] = whole, short, flags.sum(), 1 if flag else 0
    out[4], out[5] = 100 * cube.shape[0] + 10 * cube.shape[1] + cube.shape[2], 10 * len(nothing) + nothing.shape[1]


TELL = Prepared(tell)


@kernel("int64[::1], real[::1]")
def tell_all(packed, like):
    TELL(packed, like)


def given(real, whole=-7, flag=True):
    cube, flags = np.arange(24, dtype=real).reshape(2, 3, 4), np.array([[True, False], [True, True]])
    nothing, out = np.empty((3, 0), real), np.zeros(6, np.int64)
    return np.zeros(4, real), cube, whole, -0.1, np.float32(0.1), flag, np.int32(-3), flags, nothing, out


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize(("whole", "flag"), [(-7, True), (2**62 + 1, np.False_), (-(2**63), np.True_)])
def test_every_argument_arrives(real, whole, flag):
    """Of both precisions in one process: what is compiled second must not call what was compiled first."""
    x, *rest = arguments = given(real, whole, flag)
    tell_all(TELL.of(arguments), x)
    assert x.tolist() == [real(-0.1), real(np.float32(0.1)), 23, np.dtype(real).itemsize]
    assert rest[-1].tolist() == [whole, -3, 3, bool(flag), 234, 30]


@compiled
@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, np.asfortranarray(np.zeros((2, 3, 4)))),
        (1, np.zeros((2, 3, 8))[:, :, ::2]),
        (1, np.zeros((2, 12))),
        (1, np.zeros((2, 3, 4), np.float32)),
        (1, np.zeros((2, 3, 4), ">f8")),
        (7, np.ones((2, 2), np.uint8)),
        (0, np.broadcast_to(np.float64(0), 1)),
    ],
    ids=["order", "steps", "dimensions", "precision", "bytes", "no booleans", "read-only"],
)
def test_other_arrays_are_refused(place, value):
    arguments = list(given(np.float64))
    arguments[place] = value
    with pytest.raises(TypeError, match=r"tell .* takes"):
        TELL.of(tuple(arguments))


@pytest.mark.parametrize("arguments", [given(np.float32)[:-1], (*given(np.float32), 1)], ids=["less", "more"])
@compiled
def test_as_many_as_it_takes(arguments):
    with pytest.raises(TypeError, match="takes 10 arguments, not"):
        TELL.of(arguments)


@compiled
@pytest.mark.parametrize(
    ("place", "value"), [(2, "7"), (2, 1.9), (3, None), (5, 0.5), (1, [[[0.0]]]), (4, np.zeros(2))]
)
def test_what_is_no_number_or_array_is_refused(place, value):
    arguments = list(given(np.float64))
    arguments[place] = value
    with pytest.raises(TypeError, match=r"tell .* takes"):
        TELL.of(tuple(arguments))


@linked("float64[::1]")
def refuse(x):
    if x[0] > 0:
        raise ValueError("positive")
    x[0] = 5


REFUSE = Prepared(refuse)


@kernel("int64[::1], float64[::1]")
def refuse_then_tell(packed, told):
    told[0] = 1
    REFUSE(packed, told)
    told[0] = 2


def test_an_error_within_ends_the_caller_too():
    x, told = np.array([-1.0]), np.zeros(1)
    refuse_then_tell(REFUSE.of((x,)), told)
    assert (x[0], told[0]) == (5, 2)
    with pytest.raises(ValueError, match="positive"):
        refuse_then_tell(REFUSE.of((x,)), told)
    assert told[0] == 1


def test_a_pack_serves_many_calls_and_sees_what_is_written_between():
    x = np.array([-1.0])
    packed = REFUSE.of((x,))
    for _ in range(3):
        x[0] = -2
        refuse_then_tell(packed, np.zeros(1))
        assert x[0] == 5


CALLEE = """
from pgsuite.kernels import linked
@linked("real[::1]")
def callee(x):
    x[0] = {value} * x.itemsize
@linked("float64[::1]")
def plain(x):
    x[0] += 1
"""
CALLER = """
import sys
import numpy as np
from callee import callee, plain
from pgsuite.addresses import Prepared
from pgsuite.kernels import kernel
CALLEE = Prepared(callee)
@kernel("int64[::1], real[::1], float64[::1]")
def caller(packed, like, counted):
    CALLEE(packed, like)
    plain(counted)
for real in sys.argv[1:]:
    x, counted = np.zeros(1, real), np.zeros(1)
    caller(CALLEE.of((x,)), x, counted)
    print(int(x[0]), int(counted[0]), sum(caller.prepared(x.dtype).stats.cache_hits.values()))
"""


@compiled
@pytest.mark.parametrize("first", ["float32 float64", "float64 float32"])
def test_the_next_process_loads_it_and_never_a_stale_one(first, tmp_path):
    def run(*reals, value=1):
        (tmp_path / "callee.py").write_text(CALLEE.format(value=value))
        (tmp_path / "caller.py").write_text(CALLER)
        root = Path(pgsuite.__file__).parent / ".dev"
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        made = subprocess.run(
            [sys.executable, "caller.py", *reals], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        return [tuple(map(int, line.split())) for line in made.stdout.splitlines()]

    wide = {"float32": 4, "float64": 8}
    assert run(*first.split()) == [(wide[real], 1, 0) for real in first.split()]
    for real in wide:
        assert run(real) == [(wide[real], 1, 1)]
    assert run("float32", value=3) == [(12, 1, 0)], "a change of what is called"
