"""Products in registers against numpy's, and the claim that a number's bits depend on its row and its column alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgsuite.algorithms.matrices import (
    Product,
    add_product,
    add_product_of_flipped,
    matrix,
    multiply_flipped,
    product,
)
from pgsuite.compiling import compiles
from pgsuite.errors import UsageError
from pgsuite.kernels import kernel

ROWS = "real[:, ::1], real[:, ::1], real[:, ::1], boolean"
narrow, wide = Product(16), Product(64)


@kernel(ROWS)
def by_rows(a, b, out, add):
    if add:
        add_product(a, b, out)
    else:
        product(a, b, out)


@kernel(ROWS)
def transposed(flipped, b, out, add):
    if add:
        add_product_of_flipped(flipped, b, out)
    else:
        multiply_flipped(flipped.T, b, out[:, : b.shape[1]], False)


@kernel(ROWS)
def in_narrow_registers(a, b, out, add):
    narrow(a, b, out, add)


@kernel(ROWS)
def in_wide_registers(a, b, out, add):
    wide(a, b, out, add)


@kernel("real[::1], int64, int64, int64, real[:, ::1]")
def read(memory, start, rows, columns, out):
    out[:] = matrix(memory, start, rows, columns)


SIZES = st.integers(0, 40)
each_precision = pytest.mark.parametrize("real", [np.float32, np.float64])


def whole_numbers(seed, *shape):
    """Numbers whose products and sums have no rounding."""
    return np.random.default_rng(seed).integers(-8, 9, shape).astype(np.float64)


def some(real, *shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(real)


def made(kernel_of, a, b):
    out = np.full((len(a), b.shape[1]), np.nan, a.dtype)
    kernel_of(a, b, out, False)
    return out


@each_precision
@settings(max_examples=60, deadline=None)
@given(rows=SIZES, inner=SIZES, columns=st.integers(0, 70), add=st.booleans(), flipped=st.booleans())
def test_a_product_is_numpys(real, rows, inner, columns, add, flipped):
    a, b = whole_numbers(1, rows, inner).astype(real), whole_numbers(2, inner, columns).astype(real)
    before = whole_numbers(3, rows, columns + 3).astype(real)
    out = before.copy()
    if flipped:
        transposed(np.ascontiguousarray(a.T), b, out, add)
    else:
        by_rows(a, b, out, add)
    np.testing.assert_array_equal(out[:, :columns], a @ b + (before[:, :columns] if add else 0))
    np.testing.assert_array_equal(out[:, columns:], before[:, columns:], err_msg="what lies beside it")


@each_precision
@pytest.mark.parametrize("shape", [(128, 64, 64), (8, 64, 2), (13, 17, 23), (5, 376, 33)], ids=str)
def test_a_number_depends_on_its_row_and_its_column_alone(real, shape):
    rows, inner, columns = shape
    a, b = some(real, rows, inner), some(real, inner, columns)
    whole = made(by_rows, a, b)
    flipped, out = np.ascontiguousarray(a.T), np.empty_like(whole)
    transposed(flipped, b, out, False)
    np.testing.assert_array_equal(out, whole)
    for first, last in [(0, 1), (1, 4), (0, rows // 2), (rows // 2, rows)]:
        np.testing.assert_array_equal(made(by_rows, a[first:last].copy(), b), whole[first:last])
    for first, last in [(0, 1), (1, 2), (0, columns // 2), (columns // 2, columns)]:
        np.testing.assert_array_equal(made(by_rows, a, b[:, first:last].copy()), whole[:, first:last])


@each_precision
@pytest.mark.parametrize("shape", [(128, 64, 64), (13, 17, 47), (3, 9, 1)], ids=str)
def test_it_does_not_depend_on_the_width_of_registers(real, shape):
    rows, inner, columns = shape
    a, b = some(real, rows, inner), some(real, inner, columns)
    ours = made(by_rows, a, b)
    np.testing.assert_array_equal(made(in_narrow_registers, a, b), ours)
    np.testing.assert_array_equal(made(in_wide_registers, a, b), ours)


def test_what_is_no_number_stays_where_it_is():
    a, b = some(np.float32, 9, 5), some(np.float32, 5, 35)
    a[3, 2], b[1, 20] = np.nan, np.inf
    out = made(by_rows, a, b)
    expected = np.zeros((9, 35), bool)
    expected[3] = expected[:, 20] = True
    np.testing.assert_array_equal(~np.isfinite(out), expected)


def test_a_product_is_added_when_it_is_whole():
    """So that long sums are sums of blocks: one at a time, ones beside 2²⁴ would be lost."""
    a, b, out = np.ones((1, 4), np.float32), np.ones((4, 1), np.float32), np.full((1, 1), 2**24, np.float32)
    by_rows(a, b, out, True)
    assert out[0, 0] == 2**24 + 4


@kernel
def any_product(a, b, out):
    product(a, b, out)


@pytest.mark.parametrize("wrong", ["every second column", "transposed", "another precision"])
def test_what_compiled_code_would_misread_is_refused(wrong):
    a, b, out = some(np.float32, 4, 4), some(np.float32, 4, 4), np.empty((4, 4), np.float32)
    match wrong:
        case "every second column":
            a, b = a[:, ::2], b[:2]
        case "transposed":
            b = b.T
        case _:
            out = out.astype(np.float64)
    if not compiles():
        any_product(a, b, out)
        np.testing.assert_allclose(out, a @ b, rtol=1e-5, atol=1e-6)
        return
    with pytest.raises(UsageError, match=r"any_product .* cannot be compiled: multiply .* takes"):
        any_product(a, b, out)


def test_compiled_code_is_found_by_the_size_of_registers():
    assert len({*narrow.content} & {*wide.content}) == 1  # the file


@each_precision
def test_a_matrix_lies_where_it_is_said_to(real):
    memory, out = np.arange(20).astype(real), np.empty((3, 4), real)
    read(memory, 5, 3, 4, out)
    np.testing.assert_array_equal(out, np.arange(5, 17).reshape(3, 4))
