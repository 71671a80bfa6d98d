"""Which classes of a file are algorithms, read from its text: nothing is imported to answer a typo."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path


def algorithm_classes(file: Path, methods: Sequence[str]) -> list[str]:
    """Return the public classes of a file that can be algorithms, in order.

    Such a class has all the methods itself, or comes, by way of other classes of the file too, from one that is
    imported from anywhere but the standard library.

    Args:
        file: Python source; a file that cannot be parsed has none.
        methods: what a class needs to be run.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    found = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    foreign = set(_imported(tree))

    def comes_from_elsewhere(name: str, through: frozenset[str]) -> bool:
        if name not in found or name in through:
            return name in foreign
        return any(comes_from_elsewhere(_root(base), through | {name}) for base in found[name].bases)

    def has_methods(node: ast.ClassDef) -> bool:
        return set(methods) <= {one.name for one in node.body if isinstance(one, ast.FunctionDef)}

    return [
        name
        for name, node in found.items()
        if not name.startswith("_") and (has_methods(node) or comes_from_elsewhere(name, frozenset()))
    ]


def _imported(tree: ast.Module) -> list[str]:
    """The names that a module has from modules which are not Python's own."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or not _is_pythons(node.module or "")):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [(a.asname or a.name).partition(".")[0] for a in node.names if not _is_pythons(a.name)]
    return names


def _is_pythons(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _root(base: ast.expr) -> str:
    """``a`` of ``a``, ``a.b`` and ``a[b]``."""
    while isinstance(base, ast.Attribute | ast.Subscript):
        base = base.value
    return base.id if isinstance(base, ast.Name) else ""
