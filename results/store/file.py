"""A parsed file: its module-level names, and what it does besides binding them."""

import ast
import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from .scopes import Binding, ImportedName, bound_by, imports_of, is_bare, is_protocol, is_quiet, running, stars_of
from .syntax import Text, Writer

Kind = Literal["class", "value"]
"""What a name stands for that is bound once, as far as `File.kinds` tells."""


class File:
    """A parsed file: what binds each of its module-level names, and what it does besides binding names."""

    def __init__(self, content: bytes) -> None:
        with _deep_recursion():
            tree = ast.parse(content)
        self.bindings: dict[str, list[Binding]] = {}
        """What binds a name, in order: several where a definition is conditional or replaced."""
        self.stars: list[ImportedName] = []
        """Modules whose every name is imported."""
        body = list(running(tree.body, module=True))
        with _deep_recursion():
            for statement in body:
                self._bind(statement)
        loaded = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}
        self.unused = [
            imported
            for statement in body
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for name, imported, alias in imports_of(statement)
            if name not in loaded and alias.asname != alias.name
        ]
        """Imports that bind what the file never reads: made for their effect, or for others to import from here."""
        self.effects = [statement for statement in body if self._has_effect(statement)]
        """Statements that may change something else than the names they bind."""
        self.lazy = self._lazy_table(body)
        """Names that a module-level ``__getattr__`` resolves by a literal dict of ``"module:Name"`` strings."""

    def texts(self) -> tuple[list[Text], dict[str, int]]:
        """Texts, and which is that of a name, or of ``TABLE[key]``, one value of a dict that is written out.

        That of what the file does besides binding names is called "". One statement may bind hundreds of names, by one
        text.
        """
        nodes: dict[str, Sequence[Binding | ast.expr]] = {"": self.effects, **self.bindings}
        for name, bindings in self.bindings.items():
            for value in (getattr(binding, "value", None) for binding in bindings):
                if isinstance(value, ast.Dict):
                    pairs = zip(value.keys, value.values, strict=True)
                    entries = [(key.value, each) for key, each in pairs if isinstance(key, ast.Constant)]
                    nodes |= {f"{name}[{key}]": [each] for key, each in reversed(entries) if isinstance(key, str)}
        texts: list[Text] = []
        known: dict[tuple[int, ...], int] = {}
        places: dict[str, int] = {}
        for name, each in nodes.items():
            same = tuple(map(id, each))
            if same not in known:
                known[same] = len(texts)
                texts.append(self._write(each))
            places[name] = known[same]
        return texts, places

    def kinds(self) -> dict[str, Kind]:
        """What names stand for that are bound once: classes, protocols apart, and what is assigned."""
        found: dict[str, Kind] = {}
        for name, bindings in self.bindings.items():
            match bindings:
                case [ast.ClassDef() as node]:
                    if not is_protocol(node):
                        found[name] = "class"
                case [ast.Assign() | ast.AnnAssign()]:
                    found[name] = "value"
                case [node] if type(node).__name__ == "TypeAlias":
                    found[name] = "value"
        return found

    def _bind(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, imported, _ in imports_of(statement):
                bindings = self.bindings.setdefault(name, [])
                if imported not in bindings:
                    bindings.append(imported)
            self.stars += stars_of(statement)
            return
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            return
        names, stars = bound_by(statement)
        self.stars += stars
        for name in names:
            self.bindings.setdefault(name, []).append(statement)

    def _has_effect(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return not is_quiet(self.bindings, statement.decorator_list)
            case ast.ClassDef():
                calls = any(isinstance(s, ast.Expr) and not is_bare(s) for s in statement.body)
                options = any(keyword.arg != "metaclass" for keyword in statement.keywords)
                return calls or options or not is_quiet(self.bindings, statement.decorator_list)
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Global():
                return False
            case ast.Assign():
                names = [n for target in statement.targets for n in _flat_targets(target)]
                return not all(isinstance(n, ast.Name) and n.id != "_" for n in names)
            case ast.AnnAssign() | ast.AugAssign():
                return not isinstance(statement.target, ast.Name)
            case ast.Delete():
                return not all(isinstance(target, ast.Name) for target in statement.targets)
            case ast.Expr():
                return not is_bare(statement)
            case ast.If() | ast.For() | ast.While() | ast.Try() | ast.Match():
                return any(self._has_effect(inner) for inner in running(_blocks(statement)))
        return type(statement).__name__ != "TypeAlias"

    def _lazy_table(self, body: Iterable[ast.stmt]) -> dict[str, str]:
        table: dict[str, str] = {}
        if "__getattr__" not in self.bindings:
            return table
        values = [s.value for s in body if isinstance(s, ast.Assign | ast.AnnAssign) and s.value is not None]
        for node in (node for value in values for node in ast.walk(value) if isinstance(node, ast.Dict)):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    table[str(key.value)] = value.value
        return table

    def _write(self, nodes: Sequence[Binding | ast.expr]) -> Text:
        writer = Writer(self.bindings)
        with _deep_recursion():
            for node in nodes:
                writer.binding(node)
        return writer.text()


def _flat_targets(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _flat_targets(element)
    else:
        yield target.value if isinstance(target, ast.Starred) else target


def _blocks(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Statements directly inside a compound one."""
    for field in ("body", "orelse", "finalbody"):
        yield from getattr(statement, field, [])
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield from part.body


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for a sum of thousands of terms, whose syntax is as deep as it is long."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
