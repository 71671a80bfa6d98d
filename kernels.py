"""Compiled inner loops: functions over numpy arrays and numbers that numba turns into machine code.

`@kernel` marks one. It is compiled when it is first called, by its own name in any other kernel, and kept on disk: the
next process loads it. Nothing here loads numba before that. It is compiled into each kernel that calls it, unless it is
`linked`.

What is kept is found again by everything that it was made of: the byte code of the function and of all kernels that it
calls, the constants that they name, this file, that of `compiling` and those of what is `Inlined`, and the versions of
Python, numba, llvmlite, numpy and scipy; numba adds the processor. A kernel whose callee has changed is therefore
another kernel (numba itself looks at the caller's file alone). It lies in ``NUMBA_CACHE_DIR``, else in the user's cache
folder, else, where that cannot be written, in a temporary one.

The package's own kernels allocate nothing: what they work in is handed to them (`scratch`). Numba then counts no
references, which takes as long as the arithmetic of a short row. A user's kernel, and what is called through a
`addresses.Pointer`, may allocate.

With ``NUMBA_DISABLE_JIT=1`` the same functions run uncompiled.
"""

import hashlib
import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, update_wrapper
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from . import compiling
from .compiling import FLAGS, compiles, load_numba, made_by, types_of
from .errors import UsageError

_SOURCE = Path(__file__).read_bytes() + compiling.SOURCE
"""How kernels are compiled, and called. As it is loaded: an edit while this process runs changes no key, or a symbol
would stand for two things."""

PRECISIONS = (np.dtype(np.float32), np.dtype(np.float64))
"""What ``real`` stands for."""

Part = Literal["composing", "stepping"]
"""What some runs do without: ``composing`` an update in torch, of losses by autograd or pieces, as algorithms do whose
losses are not compiled; ``stepping`` an environment, and acting in it, from Python."""
PARTS: tuple[Part, ...] = get_args(Part)


class Kernel:
    """A function that runs compiled; called like the function."""

    def __init__(
        self, function: Callable[..., Any], signature: str, counted: bool | None, part: Part | None = None
    ) -> None:
        update_wrapper(self, function)
        self.part = part
        """What calls it, where that is not every run."""
        self.python = function
        """The function itself."""
        self.signature = signature
        own = function.__module__.partition(".")[0] == __package__
        self._counted = not own if counted is None else counted
        self._versions: dict[Any, Callable[..., Any]] = {}
        self._addresses: dict[str, int] = {}
        # Where the arguments differ by precision alone, the first of them tells which.
        parts = _arguments(signature)
        self._real = next((n for n, part in enumerate(parts) if part.startswith("real[")), None)

    def __call__(self, *args: Any) -> Any:
        """Call the function on arrays and numbers, by position."""
        real = self.precision(args)
        known = self._versions.get(real)
        return self.prepared(real)(*args) if known is None else known(*args)

    def precision(self, args: Sequence[Any]) -> Any:
        """Return that of arguments; None where they have no ``real`` array."""
        return None if self._real is None else args[self._real].dtype

    def prepared(self, real: Any = None) -> Callable[..., Any]:
        """Return the compiled function for arrays of the precision ``real``, compiled or loaded if need be.

        Raises:
            UsageError: it cannot be compiled; the line says what it calls that is no kernel, or what numba found.
        """
        key = None if self._real is None else np.dtype(real)
        if key not in self._versions:
            self._versions[key] = self._compiled(key) if compiles() else self.python
        return self._versions[key]

    def address(self, signature: str) -> int:
        """Return where the machine code for a signature is, to be called by another kernel."""
        if signature in self._addresses:
            return self._addresses[signature]
        self._link(*PRECISIONS)
        types, dispatcher = types_of(signature), self._dispatcher(counted=True, called=False)
        dispatcher.compile(types)
        address = compiling.start_of(dispatcher.overloads[types.args])
        self._addresses[signature] = address
        return address

    @property
    def place(self) -> str:
        """Its name and where it stands, for messages."""
        code = self.python.__code__
        return f"{self.python.__qualname__} ({Path(code.co_filename).name}:{code.co_firstlineno})"

    @property
    def key(self) -> str:
        """Hash of everything that the compiled function is made of, the processor apart."""
        return self._made_of[0]

    @cached_property
    def _made_of(self) -> "tuple[str, list[Kernel]]":
        """The key, and the kernels that it covers: this one and all that it calls."""
        kernels: list[Kernel] = []
        digest = hashlib.sha256(repr((FLAGS, made_by())).encode() + _SOURCE)
        for part in _closure([self], kernels):
            digest.update(part)
        return digest.hexdigest(), kernels

    @cached_property
    def form(self) -> Any:
        """What numba calls within another kernel."""
        return compiling.part(_resolved(self.python), counted=self._counted)

    def _dispatcher(self, *, counted: bool, called: bool = True) -> Any:
        return compiling.entry(_resolved(self.python), self.key, self.place, counted=counted, called=called)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process."""
        here = ("form", "_made_of", "_versions", "_addresses")
        kept = {name: value for name, value in vars(self).items() if name not in here}
        return {**kept, "_versions": {}, "_addresses": {}}

    def _link(self, *reals: Any) -> None:
        """Link what it calls: before its machine code is made, or loaded."""
        for callee in self._made_of[1][1:]:
            if isinstance(callee, Linked):
                callee.link(*reals)

    def _compiled(self, real: Any) -> Callable[..., Any]:
        reals = [real] if real else PRECISIONS
        self._link(*reals)
        if not self.signature:
            return self._dispatcher(counted=True)  # type: ignore[no-any-return]
        with _linking(reals):
            dispatcher = self._dispatcher(counted=self._counted)
            dispatcher.compile(types_of(self.signature, real))
            dispatcher.disable_compile()
        return dispatcher  # type: ignore[no-any-return]


_linked: Sequence[Any] = PRECISIONS
"""Precisions for which what is compiled now may call linked kernels."""


@contextmanager
def _linking(reals: Sequence[Any]) -> Iterator[None]:
    global _linked
    before, _linked = _linked, reals
    try:
        yield
    finally:
        _linked = before


class Linked(Kernel):
    """A kernel that is compiled once, for all others that call it, which find it by a symbol.

    Any other kernel is compiled into each that calls it; for large ones that takes most of the time of compiling.
    """

    def link(self, *reals: Any) -> None:
        """Compile it for these precisions, or load it, and tell LLVM where it is.

        Raises:
            UsageError: it returns something.
        """
        binding: Any = importlib.import_module("llvmlite.binding")
        for real in reals:
            (result,) = self.prepared(real).overloads.values()  # type: ignore[attr-defined]
            if result.signature.return_type != load_numba().types.none:
                raise UsageError(
                    f"kernel {self.place} returns something: one that is linked writes to an array instead"
                )
            binding.add_symbol(self.symbol(real), compiling.start_of(result))

    def symbol(self, real: Any) -> str:
        """Return its name for a precision: with its key, as that changes with anything that it is made of."""
        return f"pgsuite.{self.key}" + (f".{np.dtype(real)}" if self.has_precision else "")

    @property
    def has_precision(self) -> bool:
        """Whether one of its arguments is an array of ``real`` numbers: there is then one of each precision."""
        return self._real is not None

    @cached_property
    def form(self) -> Any:
        """What numba calls instead: a function that is declared, and defined elsewhere."""
        numba, cgutils = load_numba(), importlib.import_module("numba.core.cgutils")
        safe: Any = importlib.import_module("numba.core.typeconv").Conversion.safe
        nothing = numba.types.none
        known = {real: tuple(types_of(self.signature, real)) for real in PRECISIONS}

        def fits(context: Any, given: Sequence[Any], types: Sequence[Any]) -> bool:
            found = [context.can_convert(*pair) for pair in zip(given, types, strict=False)]
            return len(given) == len(types) and all(each is not None and each <= safe for each in found)

        @numba.extending.intrinsic
        def call(context: Any, *given: Any) -> Any:
            real = next((real for real in _linked if fits(context, given, known[real])), None)
            if real is None:
                wanted = " or ".join(f"({_listed(known[real])})" for real in _linked)
                raise numba.TypingError(f"{self.place} takes {wanted}, and is given ({_listed(given)})")
            types = known[real]

            def build(context: Any, builder: Any, _: Any, packed: Any) -> Any:
                values = cgutils.unpack_tuple(builder, packed[0])
                values = [context.cast(builder, *each) for each in zip(values, given, types, strict=True)]
                self.build_call(context, builder, real, values)
                return context.get_dummy_value()

            return nothing(numba.types.StarArgTuple(given)), build

        return call

    def build_call(self, context: Any, builder: Any, real: Any, values: Sequence[Any]) -> None:
        """Build a call of what is compiled for a precision, by its symbol."""
        cgutils: Any = importlib.import_module("numba.core.cgutils")
        nothing, types = load_numba().types.none, tuple(types_of(self.signature, real))
        declared = context.call_conv.get_function_type(nothing, types)
        function = cgutils.get_or_insert_function(builder.module, declared, self.symbol(real))
        status, _ = context.call_conv.call_function(builder, function, nothing, types, values)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)


ENTRIES: list[Kernel] = []
"""Kernels with a signature: those that Python calls, in the order in which they were defined."""


def kernel(given: Callable[..., Any] | str, /, *, counted: bool | None = None, part: Part | None = None) -> Any:
    """Mark a function as a kernel.

    Args:
        given: the function; or the types of the arguments, in numba's notation with ``real`` for float32 or float64,
            where Python calls it: it is then compiled for these alone, and refuses others.
        counted: whether references to arrays are counted, which a function needs that allocates or returns one;
            of the package's own they are not, unless this says so.
        part: what calls it, where most runs do without: `prepare` leaves it out unless that is named.
    """
    if not isinstance(given, str):
        return Kernel(given, "", counted)

    def mark(function: Callable[..., Any]) -> Kernel:
        ENTRIES.append(made := Kernel(function, given, counted, part))
        return made

    return mark


def linked(signature: str, *, entry: bool = False) -> Callable[[Callable[..., Any]], Linked]:
    """Mark a function as a kernel that is compiled once for all that call it, for arguments of these types alone.

    Arrays of ``real`` numbers are of the same precision as its caller's. It returns nothing.

    Args:
        signature: as `kernel` takes it.
        entry: whether Python calls it too.
    """

    def mark(function: Callable[..., Any]) -> Linked:
        made = Linked(function, signature, None)
        if entry:
            ENTRIES.append(made)
        return made

    return mark


class Inlined(ABC):
    """What a kernel calls that is built in LLVM's language; called like a function, in a kernel and outside."""

    kernels: "tuple[Kernel, ...]" = ()
    """What it calls."""
    _source = b""
    """The files of its class and of those above it, as they are loaded."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with suppress(OSError, AttributeError):  # a class that is typed in has no file
            cls._source += Path(str(sys.modules[cls.__module__].__file__)).read_bytes()

    @property
    def content(self) -> Iterator[bytes]:
        """What the code that is built follows from: whole files, and in a subclass what it is given."""
        yield self._source

    @property
    @abstractmethod
    def form(self) -> Any:
        """What numba calls instead."""


_SCRATCH: dict[np.dtype[Any], NDArray[Any]] = {}


def scratch(size: int, real: Any) -> NDArray[Any]:
    """Return memory for a kernel to work in: ``size`` numbers or more, which the next kernel overwrites."""
    kind = np.dtype(real)
    found = _SCRATCH.get(kind)
    if found is None or len(found) < size:
        found = _SCRATCH[kind] = np.empty(size, kind)
    return found


def prepare(*reals: Any, parts: Collection[str] = PARTS) -> None:
    """Load, or compile, the kernels defined so far that Python calls: for these precisions, of all or of some parts."""
    for entry in ENTRIES:
        if entry.part is None or entry.part in parts:
            for real in reals:
                entry.prepared(real)


def _arguments(signature: str) -> list[str]:
    """The arguments of a signature, as text."""
    parts, depth = [""], 0
    for letter in signature:
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _listed(types: Sequence[Any]) -> str:
    return ", ".join(map(str, types))


def _closure(calls: list[Kernel], seen: list[Kernel]) -> Iterator[bytes]:
    """What the last of calls is made of, each thing once, in the order in which reading meets it.

    Raises:
        UsageError: a kernel calls what it cannot, be it itself.
    """
    owner = calls[-1]
    seen.append(owner)
    function = owner.python
    yield repr((type(owner).__name__, owner.signature, owner._counted)).encode()
    yield from _code(function.__code__)
    yield repr(function.__defaults__).encode()
    for name, value in _named(function):
        yield name.encode()
        yield from _content(calls, name, value, seen)


def _code(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_argcount)).encode()
    for constant in code.co_consts:
        yield from _code(constant) if isinstance(constant, CodeType) else (repr(constant).encode(),)


def _content(calls: list[Kernel], name: str, value: Any, seen: list[Kernel]) -> Iterator[bytes]:
    """What a name in a kernel stands for."""
    owner = calls[-1]
    if isinstance(value, Kernel):
        if value in calls:
            raise UsageError(f"kernel {value.place} calls itself, which kernels cannot: write it as a loop")
        yield from (str(seen.index(value)).encode(),) if value in seen else _closure([*calls, value], seen)
    elif isinstance(value, Inlined):
        yield from value.content
        for called in value.kernels:
            yield from _content(calls, name, called, seen)
    elif isinstance(value, np.ndarray):
        yield repr((value.dtype, value.shape)).encode() + value.tobytes()
    elif isinstance(value, ModuleType):
        yield value.__name__.encode()
        for attribute in owner.python.__code__.co_names:
            if isinstance(getattr(value, attribute, None), Kernel | Inlined):
                raise UsageError(
                    f"kernel {owner.place} names {attribute} by its module: "
                    f"import it by its own name, from {value.__name__} import {attribute}"
                )
    elif isinstance(value, FunctionType) and value.__module__.partition(".")[0] not in ("numpy", "numba"):
        raise UsageError(f"kernel {owner.place} calls {name}, which is plain Python: decorate it with @kernel")
    else:
        yield repr(value).encode()


def _named(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The names of a function, and of functions within it, that mean something outside it."""
    code: CodeType = function.__code__
    codes = [code]
    for each in codes:
        codes += [constant for constant in each.co_consts if isinstance(constant, CodeType)]
    names = dict.fromkeys(name for each in codes for name in each.co_names)
    outside: dict[str, Any] = function.__globals__
    yield from ((name, outside[name]) for name in names if name in outside)
    cells = getattr(function, "__closure__", None) or ()
    yield from ((name, cell.cell_contents) for name, cell in zip(code.co_freevars, cells, strict=True))


def _resolved(function: Callable[..., Any]) -> FunctionType:
    """The function with numba's forms in place of kernels and of what is inlined."""
    load_numba()  # before these load parts of it

    def form(value: Any) -> Any:
        return value.form if isinstance(value, Kernel | Inlined) else value

    outside = dict(function.__globals__)
    outside.update((name, form(value)) for name, value in _named(function))
    made = FunctionType(function.__code__, outside, function.__name__, function.__defaults__, _cells(function, form))
    made.__module__, made.__qualname__ = function.__module__, function.__qualname__
    return made


def _cells(function: Callable[..., Any], form: Callable[[Any], Any]) -> Any:
    cells = getattr(function, "__closure__", None)
    return tuple(CellType(form(cell.cell_contents)) for cell in cells) if cells else None
