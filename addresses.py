"""What kernels find at an address: functions, numbers, and calls with all that they are called on.

Each is an object of its own kind at the top of a module, and called within a kernel like a function.
"""

import importlib
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiling import compiles, load_numba, types_of
from .kernels import Inlined, Kernel, Linked


class Pointer(Inlined):
    """Makes an address a function within a kernel: ``step = DYNAMICS(addresses[0])``; one type for all functions."""

    def __init__(self, signature: str) -> None:
        self.signature = signature

    def of(self, function: Kernel) -> Any:
        """Return what stands for a kernel among the arguments of another."""
        return function.address(self.signature) if compiles() else function.python

    def __call__(self, address: Any) -> Any:
        """Return the function; uncompiled it stands for itself."""
        return address

    @property
    def content(self) -> Iterator[bytes]:
        """The signature, too."""
        yield from super().content
        yield self.signature.encode()

    @cached_property
    def form(self) -> Any:
        """The same for numba."""
        numba = load_numba()
        cgutils: Any = importlib.import_module("numba.core.cgutils")

        function = numba.types.FunctionType(types_of(self.signature))

        @numba.extending.intrinsic
        def function_at(_context: Any, _address: Any) -> Any:
            def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
                made.jit_addr = builder.inttoptr(arguments[0], cgutils.voidptr_t)
                return made._getvalue()

            return function(numba.types.int64), build

        return function_at


class Memory(Inlined):
    """Makes an address numbers within a kernel: ``x = FLOATS(address, size)``, for arrays that no signature names."""

    def __init__(self, real: Any) -> None:
        self._real = np.dtype(real)

    def __call__(self, address: int, size: int) -> NDArray[Any]:
        """Return them uncompiled."""
        kind = np.ctypeslib.as_ctypes_type(self._real)
        return np.frombuffer((kind * int(size)).from_address(int(address)), self._real)

    @property
    def content(self) -> Iterator[bytes]:
        """The precision, too."""
        yield from super().content
        yield self._real.str.encode()

    @cached_property
    def form(self) -> Any:
        """The same for numba."""
        numba = load_numba()
        arrays: Any = importlib.import_module("numba.np.arrayobj")
        kind = numba.types.Array(numba.from_dtype(self._real), 1, "C", readonly=True)

        @numba.extending.intrinsic
        def numbers_at(_context: Any, _address: Any, _size: Any) -> Any:
            def build(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
                address, size = arguments
                made = context.make_array(kind)(context, builder)
                data = builder.inttoptr(address, made.data.type)
                width = size.type(self._real.itemsize)
                arrays.populate_array(made, data, [size], [width], width, meminfo=None)
                return made._getvalue()

            return kind(numba.types.intp, numba.types.intp), build

        return numbers_at


class Prepared(Inlined):
    """Makes packed arguments the call of a linked kernel: ``STEP = Prepared(step_each)``, then ``STEP(packed, like)``.

    ``like`` is an array of the precision that was packed. To unpack some forty arrays takes longer than many a kernel
    runs, and to compile that longer than the kernel. Here they are packed once for any number of calls.
    """

    def __init__(self, function: Linked) -> None:
        self.kernels = (function,)
        self._function = function

    def of(self, arguments: tuple[Any, ...]) -> Any:
        """Return packed arguments, good for as long as these are kept; uncompiled they stand for themselves.

        Raises:
            TypeError: they are not what the function takes.
        """
        if not compiles():
            return arguments
        forms = self._forms(self._function.precision(arguments))
        if len(arguments) != len(forms):
            raise TypeError(f"{self._function.place} takes {len(forms)} arguments, not {len(arguments)}")
        words: list[int] = []
        for value, (kind, dims) in zip(arguments, forms, strict=True):
            found = np.asanyarray(value)
            if dims is None and not found.ndim and np.can_cast(found.dtype, kind):
                words.append(int(found.astype(kind).view(np.uint64)))
            elif found is value and found.dtype == kind and found.ndim == dims and found.flags.carray:
                words += [found.ctypes.data, *found.shape]
            else:
                wanted = kind if dims is None else f"a contiguous array of {kind}, of {dims} dimensions, to write to"
                raise TypeError(f"{self._function.place} takes {wanted}, not {found.dtype} of shape {found.shape}")
        return np.array(words, np.uint64).view(np.int64)

    @cache  # noqa: B019  there are a handful of them, for as long as the process lives
    def _forms(self, real: Any) -> list[tuple[np.dtype[Any], int | None]]:
        """Dtype and dimensions of every argument; of a number, that of the word that it is packed as, and None."""
        numba = load_numba()
        as_dtype = importlib.import_module("numba.np.numpy_support").as_dtype
        forms: list[tuple[np.dtype[Any], int | None]] = []
        for kind in types_of(self._function.signature, real):
            if isinstance(kind, numba.types.Array) and kind.layout == "C":
                forms.append((as_dtype(kind.dtype), kind.ndim))
            elif isinstance(kind, numba.types.Float | numba.types.Integer | numba.types.Boolean):
                forms.append((np.dtype(np.float64 if isinstance(kind, numba.types.Float) else np.int64), None))
            else:
                raise TypeError(f"{self._function.place} takes {kind}, which cannot be packed")
        return forms

    def __call__(self, arguments: Any, _like: Any) -> None:
        """Call it uncompiled."""
        self._function.python(*arguments)

    @cached_property
    def form(self) -> Any:
        """The same for numba."""
        numba = load_numba()
        arrays: Any = importlib.import_module("numba.np.arrayobj")
        as_dtype = importlib.import_module("numba.np.numpy_support").as_dtype
        packed = types_of("int64[::1]")[0]

        @numba.extending.intrinsic
        def call(_context: Any, _packed: Any, like: Any) -> Any:
            real = as_dtype(like.dtype) if self._function.has_precision else None

            def build(context: Any, builder: Any, _: Any, given: Any) -> Any:
                words = _Words(context, builder, arrays.make_array(packed)(context, builder, given[0]).data)
                values = [words.value(kind) for kind in types_of(self._function.signature, real)]
                self._function.build_call(context, builder, real, values)
                return context.get_dummy_value()

            return numba.types.none(packed, like), build

        return call


class _Words:
    """Reads packed arguments, one after another, in the code that is built."""

    def __init__(self, context: Any, builder: Any, start: Any) -> None:
        self._context, self._builder, self._start, self._place = context, builder, start, 0
        self._types, self._arrays = load_numba().types, importlib.import_module("numba.np.arrayobj")

    def value(self, kind: Any) -> Any:
        """The next argument, as numba has it."""
        if isinstance(kind, self._types.Array):
            return self._array(kind)
        if isinstance(kind, self._types.Float):
            double = self._builder.bitcast(self._word(), self._context.get_value_type(self._types.float64))
            return self._context.cast(self._builder, double, self._types.float64, kind)
        return self._context.cast(self._builder, self._word(), self._types.int64, kind)

    def _word(self) -> Any:
        place = self._context.get_constant(self._types.intp, self._place)
        self._place += 1
        return self._builder.load(self._builder.gep(self._start, [place]))

    def _array(self, kind: Any) -> Any:
        made = self._arrays.make_array(kind)(self._context, self._builder)
        data, shape = self._builder.inttoptr(self._word(), made.data.type), [self._word() for _ in range(kind.ndim)]
        width = self._context.get_constant(self._types.intp, self._context.get_abi_sizeof(made.data.type.pointee))
        strides = [width]
        for extent in shape[:0:-1]:
            strides.insert(0, self._builder.mul(strides[0], extent))
        self._arrays.populate_array(made, data, shape, strides, width, meminfo=None)
        return made._getvalue()
