"""What of numba and LLVM kernels need: how functions are compiled, and where that is kept.

Nothing here loads numba before the first call. All that reaches into its inside is in this file: its compiler, its
cache on disk, its errors.
"""

import gc
import importlib
import os
import platform
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .caching import cache_folder
from .errors import UsageError

FLAGS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
"""How kernels are compiled. Products and sums are contracted, which changes bits, and so everywhere; sums keep their
order, which would follow the width of the processor's vectors otherwise; a division by zero is infinite, as numpy's."""

SOURCE = Path(__file__).read_bytes()
"""How kernels are compiled, as it is loaded: it is part of their keys."""

_COMPILING = threading.RLock()
_WITHOUT_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_QUIET = {"NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS"}
"""Variables of the environment that change no machine code."""


@cache
def compiles() -> bool:
    """Whether kernels are compiled; ``NUMBA_DISABLE_JIT=1``, when this process first asks, runs them as they are."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def load_numba() -> Any:
    """Import numba, without the vector mathematics that some installations add: its last bits are not libm's.

    Nor does it obey a ``.numba_config.yaml`` in the working folder, which could name a folder of code to unpickle.
    """
    os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"  # also where it was loaded: it looks each time that it compiles
    first = "numba" not in sys.modules
    numba = importlib.import_module("numba")
    if first and Path(numba.config._config_fname).exists():
        numba.config._config_fname = os.devnull
        numba.config.reload_config()
    return numba


@cache
def _versions() -> tuple[str, ...]:
    """What compiles; scipy has the ``np.dot`` of kernels."""
    return (sys.version, *(version(name) for name in ("numba", "llvmlite", "numpy", "scipy")))


def made_by() -> tuple[str, ...]:
    """What compiles, and what the environment told it when this process first asked."""
    return (*_versions(), *(f"{name}={value}" for name, value in sorted(_told().items())))


@cache
def _told() -> dict[str, str]:
    load_numba()
    return _telling()


def _telling() -> dict[str, str]:
    """The variables that change machine code."""
    return {name: value for name, value in os.environ.items() if name.startswith("NUMBA_") and name not in _QUIET}


@contextmanager
def _as_told() -> Iterator[None]:
    """Tell numba the same whenever it compiles, as it looks each time.

    Otherwise a kernel would be made in another way than its key says; and where a variable changes between a kernel's
    key and its caller's, the caller would look for a symbol that nobody has, which is a null pointer.
    """
    with _COMPILING:
        told, now = _told(), _telling()
        changed = [name for name in told.keys() | now.keys() if told.get(name) != now.get(name)]
        try:
            _set(changed, told)
            yield
        finally:
            _set(changed, now)


def _set(names: Iterable[str], values: Mapping[str, str]) -> None:
    """Give variables of the environment their values; those without are not there."""
    for name in names:
        if name in values:
            os.environ[name] = values[name]
        else:
            os.environ.pop(name, None)


def types_of(text: str, real: Any = None) -> Any:
    """The types of ``"int64, real[::1]"``, or of ``"boolean(float64[::1])"`` where what is returned counts."""
    numba = load_numba()
    names = {**vars(numba.types), "real": numba.from_dtype(np.dtype(real)) if real is not None else None}
    text = " ".join(text.split())
    return eval(text if text.endswith(")") else f"({text},)", names)


def part(function: Callable[..., Any], *, counted: bool) -> Any:
    """Return what numba compiles into each kernel that calls it; ``counted`` as in `kernels.kernel`."""
    _, compiler = _compilers()
    return load_numba().njit(**FLAGS, **_WITHOUT_WRAPPERS, _nrt=counted, pipeline_class=compiler)(function)


def entry(function: Callable[..., Any], key: str, place: str, *, counted: bool, called: bool) -> Any:
    """Return what Python can call, or only other kernels by its address, and is kept on disk by its key.

    Where it has no types of its own, numba compiles it whenever it is called with others.
    """
    function.__dict__["key"] = f"{key}-{counted:d}{called:d}"
    compiler, _ = _compilers()
    wrappers = {**_WITHOUT_WRAPPERS, "no_cpython_wrapper": not called}
    dispatcher = load_numba().njit(**FLAGS, **wrappers, _nrt=counted, pipeline_class=compiler)(function)
    dispatcher._cache = _cache_class()(function)
    compile_anyhow = dispatcher.compile

    def compile_(signature: Any) -> Any:
        with _compiling(place):
            return compile_anyhow(signature)

    dispatcher.compile = compile_
    return dispatcher


def start_of(result: Any) -> int:
    """Where the machine code is that numba made of a function."""
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


@contextmanager
def _compiling(place: str) -> Iterator[None]:
    """Compile a kernel, whose place is named where it cannot be.

    Garbage is not looked for, a sixth of the time: what compiles makes objects by the million, to keep.

    Raises:
        UsageError: instead of numba's errors, in one line.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        with _as_told():
            yield
    except Exception as error:
        if not type(error).__module__.startswith("numba."):
            raise
        text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # numba writes in colours
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if not line.startswith(("Failed in", "During:", "File "))]
        where = next((line.removeprefix("File ") for line in reversed(lines) if line.startswith("File ")), "")
        causes = [line.partition(": ")[2] for line in lines if re.match(r"\w+Error: ", line)]  # of what is called
        said = " ".join(causes[-1:] or (telling or lines)[:2])[:300]
        raise UsageError(
            f"kernel {place} cannot be compiled: {said}"
            + (f" ({where.rstrip(':')})" if where else "")
            + "; a kernel takes numbers and numpy arrays, and calls numpy, math and other kernels alone"
        ) from None
    finally:
        if collects:
            gc.enable()


def host() -> dict[str, str]:
    """Return what the machine code is made for: LLVM's name of the processor and its features, and the C library."""
    binding: Any = importlib.import_module("llvmlite.binding")

    features = ",".join(sorted(name for name, there in binding.get_host_cpu_features().items() if there))
    cpu = os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name()
    return {"cpu": cpu, "features": features, "libc": "-".join(platform.libc_ver())}


@cache
def _compilers() -> tuple[Any, Any]:
    """Numba's compiler for what is called, and for what is compiled into its callers.

    The latter makes no machine code, as nobody would call it. Worse, LLVM would take it for the callers' own, in the
    process that compiles, but not in those that load, where only these are. Optimised alone it may have other bits.
    """
    load_numba()
    binding: Any = importlib.import_module("llvmlite.binding")
    codegen: Any = importlib.import_module("numba.core.codegen")
    compiler: Any = importlib.import_module("numba.core.compiler")
    passes: Any = importlib.import_module("numba.core.typed_passes")

    class Flags(compiler.Flags):
        """Numba's, compared in a tenth of the time, as it does whenever it looks for a function's form.

        Theirs looks up each option by its name; their hash is that of these names alone, so one for all.
        """

        def values(self) -> dict[str, Any]:
            return {**defaults, **self._values}

        def __hash__(self) -> int:
            return usual

    defaults = compiler.Flags().values()
    usual = hash(compiler.Flags())

    class Whole(compiler.Compiler):
        def __init__(
            self, typing: Any, target: Any, library: Any, given: Any, made: Any, flags: Any, types: Any
        ) -> None:
            super().__init__(typing, target, library, given, made, Flags(flags), types)

        def define_pipelines(self) -> list[Any]:
            """Leave out what writes a function's types down, for people to read: nobody does."""
            pipelines: list[Any] = super().define_pipelines()
            for each in pipelines:
                each.passes = [one for one in each.passes if one[0] is not passes.AnnotateTypes]
            return pipelines

    class Part(codegen.JITCodeLibrary):
        """Code alone, and the variables that numba itself writes to."""

        def _optimize_final_module(self) -> None:
            """Leave that to its callers, where it meets what they call it on."""

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._finalized = True
            names = [one.name for one in self._final_module.global_variables]
            written = [f'@"{name}" = common global i64 0\n' for name in names if name.startswith("_ZN08NumbaEnv")]
            self._codegen._add_module(binding.parse_assembly("".join(written)))
            self._codegen._engine.finalize_object()

        def get_pointer_to_function(self, _name: str) -> int:
            self._ensure_finalized()
            return 0  # as where there is none of that name

    class OfPart(Whole):
        def __init__(self, typing: Any, target: Any, _: Any, *given: Any) -> None:
            super().__init__(typing, target, Part(target.codegen(), "part"), *given)

    return Whole, OfPart


@cache
def _cache_class() -> Any:
    """Numba's cache on disk, with our keys instead of its files' times."""
    load_numba()
    caching: Any = importlib.import_module("numba.core.caching")

    class Locator(caching._CacheLocator):
        def __init__(self, key: str) -> None:
            self._key = key

        def get_cache_path(self) -> str:
            return str(cache_folder("kernels"))

        def get_source_stamp(self) -> str:
            return str(self._key)

        def get_disambiguator(self) -> str:
            digest, _, how = self._key.partition("-")
            return f"{digest[:20]}-{how}"

    class Kept(caching.CompileResultCacheImpl):
        def __init__(self, function: Any) -> None:
            # Not numba's own, which NUMBA_CACHE_LOCATOR_CLASSES would lead to keys that miss what is called.
            self._lineno = function.__code__.co_firstlineno
            self._locator = Locator(function.key)
            name = re.sub(r"\W", "", function.__name__)
            self._filename_base = f"{name}-{self._locator.get_disambiguator()}"

    class Kernels(caching.FunctionCache):
        _impl_class = Kept

        def load_overload(self, signature: Any, context: Any) -> Any:
            try:
                return super().load_overload(signature, context)
            except Exception:  # whatever is wrong with the file: it is compiled anew, and written over it
                return None

        def save_overload(self, signature: Any, result: Any) -> None:
            _say_that_it_compiles()
            try:
                super().save_overload(signature, result)
            except Exception:  # a damaged index, or no room: it is begun anew, or this process goes on without
                with suppress(Exception):
                    self.flush()
                    super().save_overload(signature, result)

    return Kernels


@cache
def _say_that_it_compiles() -> None:
    """Say, once in a process, that compiling takes a while, once on a machine."""
    print("compiling the inner loops: once on this machine, some 20 seconds", file=sys.stderr, flush=True)
