"""Matrices as small as a network's layers, in kernels: where they lie in memory, and their products.

A product is made in tiles of the result that stay in the processor's registers. Libraries of linear algebra are made
for matrices that fill a cache: they first copy them into an order of their own, and choose their way, and with it the
last bits, by the processor, the sizes and the number of threads. Here every number of a product is one sum in the order
of the inner dimension, each term multiplied and added with one rounding where the processor can: its bits depend on its
row and its column alone. Only how many rows and columns are computed together follows the processor. Nothing is copied,
so that layers of more than some 256 units are slower than in a library.

Shapes: ``(M, K)`` times ``(K, N)``.

Source: Goto & van de Geijn (2008), "Anatomy of high-performance matrix multiplication", and Van Zee & van de Geijn
(2015), "BLIS", for the tiles.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import host
from ..kernels import Inlined, kernel, linked

SUMS = 8
"""Registers with sums: as many additions begin before the first has ended."""


class Matrix(Inlined):
    """The matrix ``(rows, columns)`` that lies in memory from ``start`` on; numba's own way to it calls a function."""

    def __call__(self, memory: NDArray[Any], start: int, rows: int, columns: int) -> NDArray[Any]:
        """Return it uncompiled."""
        return memory[start : start + rows * columns].reshape(rows, columns)

    @cached_property
    def form(self) -> Any:
        """The same for numba."""
        types: Any = importlib.import_module("numba.core.types")
        extending: Any = importlib.import_module("numba.extending")

        def matrix_of(_context: Any, memory: Any, _start: Any, _rows: Any, _columns: Any) -> Any:
            if (memory.ndim, memory.layout) != (1, "C"):
                return None  # for numba, which says that there is no such function
            index = types.intp
            return types.Array(memory.dtype, 2, "C")(memory, index, index, index), _build_matrix

        return extending.intrinsic(matrix_of)


def _build_matrix(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Build the array, of which nobody counts references."""
    arrays: Any = importlib.import_module("numba.np.arrayobj")
    memory = context.make_array(signature.args[0])(context, builder, arguments[0])
    made = context.make_array(signature.return_type)(context, builder)
    _, start, rows, columns = arguments
    strides = [builder.mul(columns, memory.itemsize), memory.itemsize]
    data = builder.gep(memory.data, [start])
    arrays.populate_array(made, data, [rows, columns], strides, memory.itemsize, meminfo=None)
    return made._getvalue()


class Product(Inlined):
    """Writes a product, or adds it to what is there, tile by tile; in LLVM's language, as numba has no vectors."""

    def __init__(self, register: int | None = None) -> None:
        """Make the product of a processor whose vector registers hold so many bytes; None for the one at hand."""
        self._register = register

    def __call__(self, a: NDArray[Any], b: NDArray[Any], out: NDArray[Any], add: bool) -> None:
        """Do so uncompiled, with the same sums but for their rounding."""
        total = np.zeros_like(out)
        for k in range(a.shape[1]):
            total += a[:, k, None] * b[k]
        out[:] = out + total if add else total

    @property
    def content(self) -> Iterator[bytes]:
        """The size of registers, too, where it is given; compiled code is found by the processor anyway."""
        yield from super().content
        yield repr(self._register).encode()

    @cached_property
    def form(self) -> Any:
        """The same for numba.

        The rows of ``b`` and ``out``, and the rows of ``a`` or its columns, lie side by side; ``out`` may be the first
        columns of something wider.
        """
        types: Any = importlib.import_module("numba.core.types")
        extending: Any = importlib.import_module("numba.extending")

        def product_of(_context: Any, a: Any, b: Any, out: Any, add: Any) -> Any:
            layouts = a.layout in "CF" and b.layout == "C" and out.layout in "CA"
            if not layouts or {a.ndim, b.ndim, out.ndim} != {2} or not a.dtype == b.dtype == out.dtype:
                return None  # for numba, which says that there is no such function
            return types.void(a, b, out, add), partial(_build_product, self._register or _register())

        return extending.intrinsic(product_of)


def _register() -> int:
    """Bytes of a vector register of this processor."""
    features = host()["features"].split(",")
    return 64 if "avx512f" in features else 32 if "avx" in features else 16


def _build_product(register: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Build the loops over tiles: columns by two registers, then by one, by half of one …; rows by several."""
    matrices = [_Operand(context, builder, *each) for each in zip(signature.args[:3], arguments[:3], strict=True)]
    number, out = context.get_value_type(signature.args[0].dtype), matrices[2]
    registers = register // context.get_abi_sizeof(number)

    def strip(column: Any, wide: int) -> None:
        """Build all rows of some columns."""
        high = SUMS // max(1, wide // registers)
        shape = partial(_build_tile, context, builder, matrices, arguments[3])
        _loops(builder, out.rows, (high, 1), lambda row, high: shape((row, column), (high, wide), number))

    _loops(builder, out.columns, [2 * registers >> n for n in range((2 * registers).bit_length())], strip)
    return context.get_dummy_value()


def _build_tile(
    context: Any, builder: Any, matrices: Any, add: Any, place: Any, shape: tuple[int, int], number: Any
) -> None:
    """Build one tile: its sums grow in registers, along the inner dimension."""
    cgutils: Any = importlib.import_module("numba.core.cgutils")
    ir: Any = importlib.import_module("llvmlite.ir")
    (a, b, out), (row, column), (high, wide) = matrices, place, shape
    size, vector = context.get_abi_sizeof(number), ir.VectorType(number, wide)
    zero, rows = ir.Constant(vector, None), [builder.add(row, row.type(n)) for n in range(high)]
    term = ir.FunctionType(vector, [vector] * 3)
    multiply_and_add = cgutils.get_or_insert_function(builder.module, term, f"llvm.fmuladd.v{wide}f{8 * size}")

    sums = [cgutils.alloca_once(builder, vector) for _ in rows]
    for one in sums:
        builder.store(zero, one)
    with cgutils.for_range(builder, a.columns) as inner:
        right = builder.load(b.at(inner.index, column, vector), align=size)
        for n, one in zip(rows, sums, strict=True):
            left = _repeated(builder, builder.load(a.at(n, inner.index, number)), vector)
            builder.store(builder.call(multiply_and_add, [left, right, builder.load(one)]), one)
    for n, one in zip(rows, sums, strict=True):
        there, total = out.at(n, column, vector), builder.load(one)
        sum_of_both = builder.fadd(builder.load(there, align=size), total)
        builder.store(builder.select(add, sum_of_both, total), there, align=size)


class _Operand:
    """A matrix among the arguments."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        cgutils: Any = importlib.import_module("numba.core.cgutils")
        array = context.make_array(kind)(context, builder, value)
        self._builder, self._data = builder, builder.bitcast(array.data, cgutils.voidptr_t)
        self.rows, self.columns = cgutils.unpack_tuple(builder, array.shape, 2)
        self._strides = cgutils.unpack_tuple(builder, array.strides, 2)
        size = context.get_abi_sizeof(context.get_value_type(kind.dtype))
        self._strides[0 if kind.layout == "F" else 1] = self.rows.type(size)

    def at(self, row: Any, column: Any, form: Any) -> Any:
        """Where a number, or a vector of them along its row, is."""
        row, column = (self._builder.mul(n, by) for n, by in zip((row, column), self._strides, strict=True))
        place = self._builder.gep(self._data, [self._builder.add(row, column)])
        return self._builder.bitcast(place, form.as_pointer())


def _repeated(builder: Any, number: Any, vector: Any) -> Any:
    """A vector of one number."""
    ir: Any = importlib.import_module("llvmlite.ir")
    word, empty = ir.IntType(32), ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, number, word(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(word, vector.count), None))


def _loops(builder: Any, stop: Any, steps: Sequence[int], body: Callable[[Any, int], None]) -> None:
    """Build loops from 0 to ``stop``, one after another: in steps of each size, as far as these go; the last is 1."""
    cgutils: Any = importlib.import_module("numba.core.cgutils")
    index = stop.type
    start = index(0)
    for step in steps:
        end = builder.sub(stop, builder.urem(builder.sub(stop, start), index(step)))
        with cgutils.for_range_slice(builder, start, end, index(step), index) as (place, _):
            body(place, step)
        start = end


matrix = Matrix()
tiled = Product()


@linked("real[:, ::1], real[:, ::1], real[:, :], boolean")
def multiply(a, b, out, add):
    """Write the product of two matrices, or add it to what is there."""
    tiled(a, b, out, add)


@linked("real[::1, :], real[:, ::1], real[:, :], boolean")
def multiply_flipped(a, b, out, add):
    """The same of a matrix whose columns lie side by side, as those of a transposed one do."""
    tiled(a, b, out, add)


@kernel
def product(a, b, out):
    """Write the product of two matrices into the first columns of a third."""
    multiply(a, b, out[:, : b.shape[1]], False)


@kernel
def add_product(a, b, out):
    """Add the product of two matrices to the first columns of a third."""
    multiply(a, b, out[:, : b.shape[1]], True)


@kernel
def add_product_of_flipped(a, b, out):
    """Add the product of a matrix, transposed, and another to the first columns of a third."""
    multiply_flipped(a.T, b, out[:, : b.shape[1]], True)
