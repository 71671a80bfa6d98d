"""Names of a package that are imported when they are first used, so that naming one loads nothing of the others."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def front_door(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``.

    Args:
        package: its name, for messages.
        homes: public name to the ``module:Name`` that it stands for.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = homes[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    return find, lambda: sorted(homes)
