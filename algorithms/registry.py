"""Algorithms by name: ours, installed ones (entry points), and any class by its address."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError, in_one_line

ALGORITHMS = {
    "reinforce": "pgsuite.algorithms.reinforce:Reinforce",
    "reinforce-baseline": "pgsuite.algorithms.reinforce_baseline:ReinforceBaseline",
    "actor-critic": "pgsuite.algorithms.actor_critic:ActorCritic",
    "trpo": "pgsuite.algorithms.trpo:TRPO",
}
"""Name to address. Registering an algorithm here also tests it."""


class Address(NamedTuple):
    """Where an algorithm's class is: ``package.module:Class`` or ``path/to/file.py:Class``."""

    module: str
    name: str

    @property
    def is_file(self) -> bool:
        """Whether the module is given as a path."""
        return self.module.endswith(".py")


def available() -> dict[str, str]:
    """Return the addresses of all algorithms known by name; ours win over installed ones of the same name."""
    installed = {entry.name: entry.value for entry in entry_points(group="pgsuite.algorithms")}
    return installed | ALGORITHMS


def locate(reference: str) -> Address:
    """Return the address of an algorithm given by name or by address.

    Raises:
        UsageError: if it is neither a known name nor of the form ``module:Class``, or its file is not there.
    """
    known = ALGORITHMS if reference in ALGORITHMS else available()  # asking what is installed takes 10 ms
    module, colon, name = known.get(reference, reference).rpartition(":")
    if not colon:
        close = get_close_matches(reference, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(
            f"unknown algorithm {reference!r}: {hint}known are {', '.join(known)}; "
            "your own is named package.module:Class or path/to/file.py:Class"
        )
    if module.endswith(".py"):
        module = str(Path(module).resolve())
        if not Path(module).is_file():
            raise UsageError(f"algorithm {reference!r}: there is no file {module}")
    return Address(module, name)


def load_class(reference: str) -> type[Any]:
    """Import an algorithm's class.

    Raises:
        UsageError: if the module cannot be imported, has no such class, or it is not a dataclass with the interface.
    """
    address = locate(reference)
    try:
        module = _import_file(Path(address.module)) if address.is_file else importlib.import_module(address.module)
    except Exception as error:
        raise UsageError(f"algorithm {reference!r} cannot be imported: {in_one_line(error)}") from error
    found = getattr(module, address.name, None)
    if found is None:
        raise UsageError(f"algorithm {reference!r}: {address.module} has no class {address.name!r}")
    missing = [m for m in ("init", "plan", "actor", "behaviour", "gradient", "update") if not hasattr(found, m)]
    if missing or not (isinstance(found, type) and is_dataclass(found)):
        lacks = f"lacks {', '.join(missing)}" if missing else "is not a dataclass's class"
        raise UsageError(f"algorithm {reference!r} {lacks}: derive a frozen dataclass from PolicyGradient")
    unwritten = sorted(getattr(found, "__abstractmethods__", ()))
    if unwritten:
        raise UsageError(f"algorithm {reference!r} is abstract: it has yet to define {', '.join(unwritten)}")
    return found


def check_options(reference: str, options: Iterable[str], known: Sequence[str]) -> None:
    """Refuse an option that an algorithm does not have.

    Raises:
        UsageError: naming it, and those there are.
    """
    for option in options:
        if option not in known:
            close = get_close_matches(option, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"algorithm {reference!r} has no option {option!r}: {hint}its options are {', '.join(known)}"
            )


def build(reference: str, options: dict[str, Any]) -> Any:
    """Return a configured algorithm.

    Raises:
        UsageError: naming an unknown option, or a value of the wrong type or range.
    """
    found = load_class(reference)
    check_options(reference, options, [f.name for f in fields(found)])
    required = [f.name for f in fields(found) if f.default is MISSING and f.default_factory is MISSING]
    unset = [name for name in required if name not in options]
    if unset:
        raise UsageError(f"algorithm {reference!r} needs a value for {', '.join(unset)}: set it in the suite file")
    return found(**options)


def _import_file(path: Path) -> Any:
    name = f"pgsuite_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
