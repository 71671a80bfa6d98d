"""Code that lies in the working folder: importable where the user names some, and only then.

The folder may be a stranger's, and a ``struct.py`` in it must not stand in for Python's. So it is on the import path
only where a suite, an option or an argument names code that is nowhere else, and there it is last.
"""

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .schema import Suite


def let_in(references: Iterable[str], modules: Iterable[str] = (), environments: Iterable[str] = ()) -> None:
    """Append the working folder to the import path, where what the user names can only lie there.

    Args:
        references: algorithms, by name or address; those in a file may import what lies beside it.
        modules: that a suite names.
        environments: ids, of which those of the form ``module:Env-v0`` name a module.
    """
    addresses = [reference.rpartition(":")[0] for reference in references]
    named = [*addresses, *modules, *(name.rpartition(":")[0] for name in environments)]
    here = str(Path.cwd())
    if here not in sys.path and any(name.endswith(".py") or not _is_elsewhere(name) for name in named if name):
        reserve_names()
        sys.path.append(here)


def reserve_names() -> None:
    """Let those of Python's modules that this system lacks, such as ``msvcrt``, be missing whatever the path holds."""
    for name in sys.stdlib_module_names - sys.modules.keys() - {"distutils"}:  # asked for that, setuptools loads itself
        if not _is_elsewhere(name):
            sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ModuleNotFoundError


def let_in_code_of(suite: "Suite", algorithms: Iterable[str] = (), environments: Iterable[str] = ()) -> None:
    """The same for all that a suite and a request for some of it name."""
    tables = suite.algorithms.values()
    references = [table.reference for table in tables if table.reference]
    settings = [each.model_extra for table in tables for each in (table, *table.environments.values())]
    references += [str(name) for table in settings for name in inner_classes(table)]
    ids = [table.id or name for name, table in suite.environments.items()]
    let_in([*references, *algorithms], suite.modules, [*ids, *environments])


def inner_classes(options: Any) -> list[Any]:
    """Return what the tables among an algorithm's options name as their classes, however deep."""
    tables = [value for value in options.values() if isinstance(value, Mapping)] if isinstance(options, Mapping) else []
    own = [table["class"] for table in tables if "class" in table]
    return [*own, *(name for table in tables for name in inner_classes(table))]


def _is_elsewhere(module: str) -> bool:
    """Whether a module's package is found without the working folder; nothing is imported."""
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except ValueError:  # no name of a module, or a program's own
        return False
