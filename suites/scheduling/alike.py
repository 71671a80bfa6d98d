"""What machines have to share so that a run has the same bits on each of them."""

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_info

from ...compiling import host
from ...results.store.provenance import provenance, versions

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NUMBA_CPU_FEATURES",
    "NUMBA_CPU_NAME",
    "NUMBA_DISABLE_JIT",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
"""Of the environment: those that numbers may depend on. Workers have them as the command has, wherever they are."""
SOURCE = "source of pgsuite"
"""The trait that has to be shared always: results are addressed by it."""
_COMPUTING = ("*.py", "algorithms/**/*.py", "envs/**/*.py", "results/**/*.py", "suites/**/*.py")


def surroundings() -> dict[str, Any]:
    """Where and with what a result is made: `provenance`, and what this process's kernels are made for."""
    facts = provenance()
    facts["machine"] |= {"cpu_capability": torch.backends.cpu.get_cpu_capability(), "compiled_for": host()}
    return facts


def installed(packages: Iterable[str]) -> dict[str, str]:
    """What is installed: Python, versions of packages, and which source of ours."""
    found = {name: version or "none" for name, version in versions(*packages).items()}
    python = ".".join(platform.python_version_tuple()[:2])
    return {SOURCE: _source(Path(__file__).resolve().parents[2]), "Python": python, **found}


def processor() -> dict[str, str]:
    """What this process computes with: instructions of torch, BLAS and compiled kernels, and the C library."""
    made_for = host()
    pools = (one for one in _pools() if one["user_api"] == "blas")
    blas = {f"{one['internal_api']} for {one.get('architecture', 'any')}" for one in pools}
    return {
        "CPU capability": torch.backends.cpu.get_cpu_capability(),
        "BLAS": ", ".join(sorted(blas)) or "none",
        "fused multiply-add": "yes" if "fma" in made_for["features"].split(",") else "no",
        "C library": made_for["libc"],
    }


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The traits that differ: name -> ours and theirs."""
    return {name: (value, theirs.get(name, "none")) for name, value in ours.items() if theirs.get(name) != value}


def in_words(differing: Mapping[str, tuple[str, str]]) -> str:
    """What somebody else has instead of ours, on one line."""
    return "; ".join(f"{name} {theirs} instead of {ours}" for name, (ours, theirs) in differing.items())


def environment() -> dict[str, str | None]:
    """This process's values of `VARIABLES`; None for one that is not set."""
    return {name: os.environ.get(name) for name in VARIABLES}


def set_environment(values: Mapping[str, str | None]) -> None:
    """Give this process, and those that it starts, the values of another one."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _pools() -> list[dict[str, Any]]:
    import scipy.linalg.cython_blas  # noqa: F401  (where kernels' np.dot is: a library of its own)

    return threadpool_info()  # type: ignore[no-any-return]


@cache
def _source(root: Path) -> str:
    """Twelve digits of a hash of all source files that results may depend on."""
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _COMPUTING for file in root.glob(pattern)):
        digest.update(f"{file.relative_to(root)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]
