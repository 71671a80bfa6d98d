"""The modules that a module is made of: its static import closure inside the package, found without importing anything.

A parent package's ``__init__`` runs on import, but it is not part of the closure unless it is imported from, and then
only by the import that binds the name asked for: otherwise every algorithm would be made of all the others.
Imports built at run time (``importlib.import_module``) and data files are not seen.
"""

import ast
import importlib.util
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError


class Home(NamedTuple):
    """Where modules are looked for: those of one top-level name, or of any name beside a user's file."""

    top: str | None
    folder: Path

    def locate(self, module: str) -> Path | None:
        """The file of a module, or None when it is none of ours."""
        top, *parts = module.split(".")
        if self.top not in (None, top):
            return None
        stem = self.folder.joinpath(*([top] if self.top is None else []), *parts)
        candidates = (stem / "__init__.py", stem.with_name(stem.name + ".py"))
        return next((path for path in candidates if path.is_file()), None)


PACKAGE = Home(__name__.partition(".")[0], Path(__file__).resolve().parents[2])


class Source:
    """A parsed file: a module of the package, or one of a user's."""

    def __init__(self, name: str, path: Path, home: Home) -> None:
        self.name = name
        self.path = path
        self.home = home
        self.tree = _parse(path, path.stat().st_mtime_ns)
        self.package = name if path.name == "__init__.py" else name.rpartition(".")[0]


@lru_cache(maxsize=512)
def _parse(path: Path, _modified: int) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UsageError(f"{path}, line {error.lineno}: {error.msg}; correct the file") from error


def closure(*roots: str, without: Collection[str] = ()) -> dict[str, Source]:
    """All sources that the roots are made of, by name, sorted.

    Args:
        roots: names of modules, or paths of files, named after their stem wherever they lie. They bring what they
            import of this package, of their own top-level package, and of the files beside a file.
        without: names of modules that are left out, with what only they import.

    Raises:
        UsageError: a root does not exist, or a file is not Python.
    """
    walk = _Walk(without)
    for root in roots:
        walk.follow_root(root)
    return dict(sorted(walk.found.items()))


class _Walk:
    """A depth-first walk over imports; ``found`` is what the roots are made of."""

    def __init__(self, without: Collection[str]) -> None:
        self.without = without
        self.found: dict[str, Source] = {}
        self.names_done: set[tuple[str, str]] = set()

    def follow_root(self, root: str) -> None:
        if root.endswith(".py"):
            path = Path(root)
            if not path.is_file():
                raise UsageError(f"the file {root} does not exist; check its path")
            self.follow(Source(path.stem, path.resolve(), Home(None, path.resolve().parent)))
            return
        home = _home(root)
        located = home.locate(root) if home else None
        if home is None or located is None:
            raise UsageError(f"the module {root} does not exist; check its name, or install what holds it")
        self.follow(Source(root, located, home))

    def follow(self, source: Source) -> None:
        """Take a whole source: everything it imports, at any depth of nesting."""
        if source.name in self.found or source.name in self.without:
            return
        self.found[source.name] = source
        for node, alias in _imports(source.tree):
            self.follow_import(source, node, alias)
        for target in lazy_table(source).values():
            self.follow_target(source, target)

    def follow_import(self, source: Source, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> None:
        if isinstance(node, ast.Import):
            self.follow_module(source, alias.name)
        else:
            self.follow_name(source, absolute(source, node), alias.name)

    def follow_module(self, source: Source, module: str) -> None:
        found = _resolve(source, module)
        if found is not None:
            self.follow(found)

    def follow_name(self, source: Source, module: str, name: str) -> None:
        """``from module import name``."""
        submodule = _resolve(source, f"{module}.{name}")
        if submodule is not None:
            self.follow(submodule)
        target = _resolve(source, module)
        if target is None or (target.name, name) in self.names_done:
            return
        self.names_done.add((target.name, name))
        if target.path.name != "__init__.py" or name == "*":
            self.follow(target)
            return
        bindings = list(_bindings(target.tree, name))
        table = lazy_table(target)
        for node, alias in bindings:
            self.follow_import(target, node, alias)
        if not bindings and name in table:
            self.follow_target(target, table[name])
        elif not bindings and submodule is None:
            # Defined in the package itself, or made by a `__getattr__` that only running it could resolve.
            self.follow(target)

    def follow_target(self, source: Source, target: str) -> None:
        """``module:Name`` or ``module`` of a lazy table; a leading dot, or a bare name, is relative to the package."""
        module, _, name = target.partition(":")
        if module.startswith("."):
            module = source.package + "." + module.lstrip(".")
        elif _resolve(source, module) is None:
            module = f"{source.package}.{module}"
        if name:
            self.follow_name(source, module, name)
        else:
            self.follow_module(source, module)


def _home(module: str) -> Home | None:
    """Where a root module's top-level package lies; finding a top-level name imports nothing."""
    top = module.partition(".")[0]
    if top == PACKAGE.top:
        return PACKAGE
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    if folders:
        return Home(top, Path(folders[0]))
    return Home(top, Path(spec.origin).with_suffix("")) if spec.has_location and spec.origin else None


def _resolve(source: Source, module: str) -> Source | None:
    """The source that an absolute module name means when imported from ``source``; None outside our reach."""
    for home in (PACKAGE, source.home):
        if module and (path := home.locate(module)):
            return Source(module, path, home)
    return None


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """The absolute name of the module that ``from ... import`` names."""
    if node.level == 0:
        return node.module or ""
    parts = source.package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, save what only a type checker runs."""
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.orelse:
                yield statement
                yield from _runtime_nodes(statement)
        else:
            yield from _runtime_nodes(child)


@lru_cache(maxsize=512)
def _imports(tree: ast.Module) -> tuple[tuple[ast.Import | ast.ImportFrom, ast.alias], ...]:
    """What a file imports, name by name, at any depth of nesting."""
    nodes = (node for node in _runtime_nodes(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return tuple((node, alias) for node in nodes for alias in node.names)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _bindings(tree: ast.Module, name: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, ast.alias]]:
    """The imports of an ``__init__`` that bind a name, wherever they stand in it."""
    for node, alias in _imports(tree):
        bound = alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
        if bound == name:
            yield node, alias


def lazy_table(source: Source) -> dict[str, str]:
    """Names that a module-level ``__getattr__`` resolves by a literal dict of ``"module:Name"`` strings."""
    body = source.tree.body
    if not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in body):
        return {}
    table: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    table[str(key.value)] = value.value
    return table
