"""Matrices as small as a network's layers, in kernels: where they lie in memory, and their products.

A product is made in tiles of the result that stay in the processor's registers. Libraries of linear algebra are made
for matrices that fill a cache: they first copy them into an order of their own, and choose their way, and with it the
last bits, by the processor, the sizes and the number of threads. Here every number of a product is one sum in the order
of the inner dimension, each term multiplied and added with one rounding where the processor can: its bits depend on its
row and its column alone. Only how many rows and columns are computed together follows the processor.

Shapes: ``(M, K)`` times ``(K, N)``.

Source: Goto & van de Geijn (2008), "Anatomy of high-performance matrix multiplication", and Van Zee & van de Geijn
(2015), "BLIS", for the tiles; nothing is packed, as a layer's weights lie in the cache.
"""

import importlib
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..kernels import Inlined, code_of, kernel

REGISTER = {"AVX512": 64, "AVX2": 32}.get(torch.backends.cpu.get_cpu_capability(), 16)
"""Bytes of a vector register."""
SUMS = 8
"""Registers with sums: as many additions begin before the first has ended."""


class Matrix(Inlined):
    """The matrix ``(rows, columns)`` that lies in memory from ``start`` on; numba's own way to it calls a function."""

    def __call__(self, memory: NDArray[Any], start: int, rows: int, columns: int) -> NDArray[Any]:
        """Return it uncompiled."""
        return memory[start : start + rows * columns].reshape(rows, columns)

    @property
    def content(self) -> Iterator[bytes]:
        """What the compiled code follows from."""
        yield from code_of(_build_matrix.__code__)

    @cached_property
    def intrinsic(self) -> Any:
        """The same for numba."""
        types: Any = importlib.import_module("numba.core.types")
        extending: Any = importlib.import_module("numba.extending")

        def matrix_of(_context: Any, memory: Any, _start: Any, _rows: Any, _columns: Any) -> Any:
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

    def __init__(self, register: int = REGISTER) -> None:
        """Make the product of a processor whose vector registers hold so many bytes."""
        self._register = register

    def __call__(self, a: NDArray[Any], b: NDArray[Any], out: NDArray[Any], add: bool) -> None:
        """Do so uncompiled."""
        out[:] = a @ b + (out if add else np.zeros((), out.dtype))

    @property
    def content(self) -> Iterator[bytes]:
        """What the compiled code follows from."""
        yield repr((self._register, SUMS)).encode()
        for part in (_build_product, _halves, _repeated, _Operand.__init__, _Operand.at):
            yield from code_of(part.__code__)

    @cached_property
    def intrinsic(self) -> Any:
        """The same for numba."""
        types: Any = importlib.import_module("numba.core.types")
        extending: Any = importlib.import_module("numba.extending")

        def product_of(_context: Any, a: Any, b: Any, out: Any, add: Any) -> Any:
            return types.void(a, b, out, add), partial(_build_product, self._register)

        return extending.intrinsic(product_of)


def _build_product(register: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Build the loops over tiles: columns by two registers, then by one, by half of one …; rows likewise."""
    cgutils: Any = importlib.import_module("numba.core.cgutils")
    ir: Any = importlib.import_module("llvmlite.ir")
    a, b, out = (_Operand(context, builder, *each) for each in zip(signature.args[:3], arguments[:3], strict=True))
    number, index, add = context.get_value_type(signature.args[0].dtype), out.rows.type, arguments[3]
    size = context.get_abi_sizeof(number)
    contract = ("contract",)

    def tile(row: Any, column: Any, high: int, wide: int) -> None:
        """One tile, whose sums grow in registers along the inner dimension."""
        vector = ir.VectorType(number, wide)
        rows = [builder.add(row, index(n)) for n in range(high)]
        sums = [cgutils.alloca_once(builder, vector) for _ in rows]
        for n, one in zip(rows, sums, strict=True):
            there = builder.load(out.at(n, column, vector), align=size)
            builder.store(builder.select(add, there, ir.Constant(vector, None)), one)
        with cgutils.for_range(builder, a.columns) as inner:
            right = builder.load(b.at(inner.index, column, vector), align=size)
            for n, one in zip(rows, sums, strict=True):
                left = builder.load(a.at(n, inner.index, number))
                everywhere = _repeated(builder, left, vector)
                term = builder.fmul(everywhere, right, flags=contract)
                builder.store(builder.fadd(builder.load(one), term, flags=contract), one)
        for n, one in zip(rows, sums, strict=True):
            builder.store(builder.load(one), out.at(n, column, vector), align=size)

    def strip(column: Any, wide: int) -> None:
        high = SUMS // max(1, wide * size // register)
        _halves(builder, out.rows, high, lambda row, high: tile(row, column, high, wide))

    _halves(builder, out.columns, 2 * register // size, strip)
    return context.get_dummy_value()


class _Operand:
    """A matrix among the arguments: the numbers of a row, or of a transposed one's column, lie side by side."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        cgutils: Any = importlib.import_module("numba.core.cgutils")
        array = context.make_array(kind)(context, builder, value)
        self._builder, self._data = builder, builder.bitcast(array.data, cgutils.voidptr_t)
        self.rows, self.columns = cgutils.unpack_tuple(builder, array.shape, 2)
        self._strides = cgutils.unpack_tuple(builder, array.strides, 2)
        size = context.get_abi_sizeof(context.get_value_type(kind.dtype))
        self._strides[0 if kind.layout == "F" else 1] = self.rows.type(size)

    def at(self, row: Any, column: Any, kind: Any) -> Any:
        """Where a number, or a vector of them along its row, is."""
        row, column = (self._builder.mul(n, by) for n, by in zip((row, column), self._strides, strict=True))
        place = self._builder.gep(self._data, [self._builder.add(row, column)])
        return self._builder.bitcast(place, kind.as_pointer())


def _repeated(builder: Any, number: Any, vector: Any) -> Any:
    """A vector of one number."""
    ir: Any = importlib.import_module("llvmlite.ir")
    word, empty = ir.IntType(32), ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, number, word(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(word, vector.count), None))


def _halves(builder: Any, stop: Any, step: int, body: Callable[[Any, int], None]) -> None:
    """Build loops from 0 to ``stop``: in steps of a power of two, what is left in steps of half as much, … of 1."""
    cgutils: Any = importlib.import_module("numba.core.cgutils")
    index = stop.type
    start = index(0)
    while step:
        end = builder.add(start, builder.and_(builder.sub(stop, start), index(-step)))
        with cgutils.for_range_slice(builder, start, end, index(step), index) as (place, _):
            body(place, step)
        start, step = end, step // 2


matrix = Matrix()
PRODUCT = Product()


@kernel
def product(a, b, out):
    """Write the product of two matrices."""
    PRODUCT(a, b, out, False)


@kernel
def add_product(a, b, out):
    """Add the product of two matrices to a third."""
    PRODUCT(a, b, out, True)
