"""Definitions as text: what of a file's syntax can change a number, with every global name left open as a reference.

Left out: comments, layout, docstrings and other bare constants, ``pass``, what only a type checker or a program started
by itself runs, annotations of functions and variables, the annotations of a dataclass's or named tuple's fields (they
say what is accepted, and what came of it is in the configuration that is hashed beside the source), the arguments of
``raise`` and the message of ``assert``. Kept: names of attributes, parameters and local variables, a field's name,
place, default and whether it is a ClassVar, decorators and their options, constants and f-strings everywhere else.
Annotations are kept where something may read them: a decorator or a base class that is not known to ignore them.
"""

import ast
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeVar

from .scopes import (
    Binding,
    Bindings,
    Function,
    ImportedName,
    Scope,
    imports_of,
    is_bare,
    is_quiet,
    reads_annotations,
    running,
    scope_of,
    stars_of,
)

_Other = TypeVar("_Other")
_BITS = 14_000
"""Of a whole number that is written in decimals: Python refuses somewhat longer ones."""
_FIELD_KINDS = {"ClassVar", "InitVar", "KW_ONLY"}


class Reference(NamedTuple):
    """A global name in a text with the attributes read from it; what it means only the other files tell."""

    name: str | ImportedName
    """A name of the file, or what an import inside a function binds."""
    attributes: tuple[str, ...] = ()


class Text(NamedTuple):
    """What a definition is hashed by."""

    pieces: tuple[str | Reference, ...]
    types: tuple[Reference, ...]
    """Named by annotations: no part of the text, but the methods of these classes may be what runs."""


class Writer:
    """Writes syntax as text; ``pieces`` is what came of it."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.pieces: list[str | Reference] = []
        self.types: list[Reference] = []
        self._scopes: list[Scope] = []
        self._loaded: list[set[str]] = []
        """Names that the functions and classes around read."""

    def text(self) -> Text:
        """What was written."""
        return Text(tuple(joined(self.pieces)), tuple(dict.fromkeys(self.types)))

    def binding(self, node: Binding | ast.expr) -> None:
        """Write one of the things that bind a name."""
        if isinstance(node, ImportedName):
            self._emit("import ", Reference(node), ";")
        else:
            self._node(node)

    def _emit(self, *pieces: str | Reference) -> None:
        self.pieces += pieces

    def _node(self, node: object) -> None:
        if isinstance(node, ast.AST):
            writer = getattr(self, "_" + type(node).__name__, None)
            if writer is not None:
                writer(node)
            else:
                self._generic(node)
        elif isinstance(node, list):
            self._list(node)
        else:
            self._emit(f"{type(node).__name__} {node!r}" if isinstance(node, str) else repr(node))

    def _generic(self, node: ast.AST, *without: str) -> None:
        self._emit(type(node).__name__, "(")
        for field, value in ast.iter_fields(node):
            # Empty fields are left out, so that a new optional field of a later Python changes nothing.
            if value is not None and value != [] and field not in {"kind", "ctx", "type_comment", *without}:
                self._emit(field, "=")
                self._node(value)
                self._emit(",")
        self._emit(")")

    def _list(self, nodes: Sequence[object]) -> None:
        self._emit("[")
        statements = any(isinstance(node, ast.stmt) for node in nodes)
        for node in running([n for n in nodes if isinstance(n, ast.stmt)]) if statements else nodes:
            self._item(node)
        self._emit("]")

    def _item(self, node: object) -> None:
        """One of a list; what writes nothing leaves no trace."""
        before = len(self.pieces)
        if not is_bare(node):
            self._node(node)
        if len(self.pieces) > before:
            self._emit(",")

    def _Constant(self, node: ast.Constant) -> None:  # noqa: N802
        value = node.value
        self._emit(hex(value) if isinstance(value, int) and value.bit_length() > _BITS else repr(value))

    def _lookup(self, name: str) -> Literal["local", "global", "either"] | ImportedName:
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.outer:
                return "global"
            if scope.kind == "class" and depth:
                continue
            if name in scope.imports:
                return scope.imports[name]
            if name in scope.names:
                return "either" if scope.kind == "class" else "local"
        return "global"

    def _reference(self, name: str, attributes: tuple[str, ...] = ()) -> Reference | None:
        """What a name refers to outside the text; None for a local one."""
        found = self._lookup(name)
        if isinstance(found, ImportedName):
            return Reference(found, attributes)
        return Reference(name, attributes) if found == "global" else None

    def _Name(self, node: ast.Name) -> None:  # noqa: N802
        self._name(node.id, read=isinstance(node.ctx, ast.Load))

    def _name(self, name: str, *, read: bool = False) -> None:
        if reference := self._reference(name):
            self._emit(reference)
            return
        self._emit(f"Name({name})")
        if read and self._lookup(name) == "either":  # a class's own name, or the module's where that is not bound yet
            self._emit("|", Reference(name))

    def _Attribute(self, node: ast.Attribute) -> None:  # noqa: N802
        attributes, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            attributes.append(base.attr)
            base = base.value
        if isinstance(base, ast.Name) and (reference := self._reference(base.id, tuple(reversed(attributes)))):
            self._emit(reference)
        else:
            self._generic(node)

    def _annotation(self, node: ast.expr | None, *, kept: bool = False) -> None:
        """Note the types that an annotation names; it is text itself only where something may read it."""
        if node is None:
            return
        inner = Writer(self._bindings)
        inner._scopes, inner._loaded = self._scopes, self._loaded
        inner._node(node)
        if kept:
            self._emit(":")
            self.pieces += inner.pieces
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                with contextlib.suppress(SyntaxError, ValueError):
                    inner._node(ast.parse(part.value, mode="eval").body)
        self.types += [piece for piece in inner.pieces if isinstance(piece, Reference)]

    def _FunctionDef(self, node: Function) -> None:  # noqa: N802
        kept = not is_quiet(self._bindings, node.decorator_list)
        self._emit(type(node).__name__, "(")
        self._name(node.name)
        self._list(node.decorator_list)
        self._function(node, node.body, kept=kept)
        self._emit(")")

    _AsyncFunctionDef = _FunctionDef

    def _Lambda(self, node: ast.Lambda) -> None:  # noqa: N802
        self._emit("Lambda(")
        self._function(node, [ast.Return(node.body)], kept=False)
        self._emit(")")

    def _function(self, node: Function | ast.Lambda, body: list[ast.stmt], *, kept: bool) -> None:
        args = node.args
        self._list(args.defaults)
        for default in args.kw_defaults:
            self._node(default)
            self._emit(",")
        parameters = {
            "positional": args.posonlyargs,
            "any": args.args,
            "*": [args.vararg] if args.vararg else [],
            "keyword": args.kwonlyargs,
            "**": [args.kwarg] if args.kwarg else [],
        }
        outside = len(self._scopes)
        self._scopes += _type_scope(node)
        for kind, arguments in parameters.items():
            for argument in arguments:
                self._emit(kind, " ", argument.arg)
                self._annotation(argument.annotation, kept=kept)
                self._emit(",")
        self._annotation(getattr(node, "returns", None), kept=kept)
        names = [argument.arg for arguments in parameters.values() for argument in arguments]
        self._inside(scope_of("function", body, names), body)
        del self._scopes[outside:]

    def _inside(self, scope: Scope, body: list[ast.stmt]) -> None:
        self._scopes.append(scope)
        self._loaded.append(
            {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        )
        self._list(body)
        self._loaded.pop()
        self._scopes.pop()

    def _ClassDef(self, node: ast.ClassDef) -> None:  # noqa: N802
        self._emit("ClassDef(")
        self._name(node.name)
        self._list(node.decorator_list)
        outside = len(self._scopes)
        self._scopes += _type_scope(node)
        self._list(node.bases)
        self._list(node.keywords)
        self._scopes.append(scope_of("class", node.body)._replace(imports={}))
        self._loaded.append(set())
        kept = reads_annotations(self._bindings, node)
        self._emit("[")
        for statement in running(node.body):
            if isinstance(statement, ast.AnnAssign):
                self._field(statement, kept=kept)
            else:
                self._item(statement)
        self._emit("])")
        self._loaded.pop()
        del self._scopes[outside:]

    def _field(self, node: ast.AnnAssign, *, kept: bool) -> None:
        """An annotated name of a class: a field of a dataclass, unless it is a ClassVar."""
        named = {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in _outer(node)}
        self._emit("field ", *sorted(named & _FIELD_KINDS), " ")
        self._node(node.target)
        self._annotation(node.annotation, kept=kept)
        if node.value is not None:
            self._emit("=")
            self._node(node.value)
        self._emit(",")

    def _AnnAssign(self, node: ast.AnnAssign) -> None:  # noqa: N802
        """As an assignment without annotation."""
        self._annotation(node.annotation)
        if node.value is not None:
            self._node(ast.Assign([node.target], node.value))

    def _TypeAlias(self, node: ast.AST) -> None:  # noqa: N802
        outside = len(self._scopes)
        self._scopes += _type_scope(node)
        self._generic(node, "type_params")
        del self._scopes[outside:]

    def _Raise(self, node: ast.Raise) -> None:  # noqa: N802
        self._emit("Raise(")
        self._node(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
        self._emit(")")

    def _Assert(self, node: ast.Assert) -> None:  # noqa: N802
        self._generic(node, "msg")

    def _Global(self, node: ast.Global) -> None:  # noqa: N802
        """Said by the references themselves."""

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        """An import inside a function or a compound statement; one that only names what is used says nothing."""
        for name, imported, _ in imports_of(node):
            alias = self._scopes and self._scopes[-1].imports.get(name) == imported
            if not (alias and name in self._loaded[-1]):
                self._emit("import ")
                if not alias:
                    self._name(name)
                self._emit("=", Reference(imported), ";")
        for star in stars_of(node):
            self._emit("import *", Reference(star), ";")

    _Import = _ImportFrom = _import

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self._emit(type(node).__name__, "(")
        self._node(node.generators[0].iter)  # belongs to the scope around it
        names = (n for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name))
        stored = frozenset(n.id for n in names if isinstance(n.ctx, ast.Store))
        self._scopes.append(Scope("comprehension", stored, {}))
        for index, generator in enumerate(node.generators):
            self._emit(" async for " if generator.is_async else " for ")
            self._node(generator.target)
            if index:
                self._emit(" in ")
                self._node(generator.iter)
            self._list(generator.ifs)
        for field in ("key", "value", "elt"):
            if hasattr(node, field):
                self._emit(":")
                self._node(getattr(node, field))
        self._scopes.pop()
        self._emit(")")

    _ListComp = _SetComp = _DictComp = _GeneratorExp = _comprehension

    def _captured(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar | ast.MatchMapping) -> None:
        """Syntax that binds a name without a `Name`."""
        field = "rest" if isinstance(node, ast.MatchMapping) else "name"
        if (name := getattr(node, field)) is not None:
            self._name(name)
        self._generic(node, field)

    _ExceptHandler = _MatchAs = _MatchStar = _MatchMapping = _captured


def _outer(node: ast.AnnAssign) -> Iterator[ast.expr]:
    """An annotation without what stands in its brackets, be it written as a string."""
    annotation: ast.expr = node.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        with contextlib.suppress(SyntaxError, ValueError):
            annotation = ast.parse(annotation.value, mode="eval").body
    yield annotation.value if isinstance(annotation, ast.Subscript) else annotation


def _type_scope(node: ast.AST) -> list[Scope]:
    """The scope of the names in the brackets of ``def f[T]``, ``class C[T]`` and ``type X[T]``."""
    names = frozenset(parameter.name for parameter in getattr(node, "type_params", ()))
    return [Scope("function", names, {})] if names else []


def joined(pieces: Iterable[str | _Other]) -> Iterator[str | _Other]:
    """The same pieces with neighbouring strings in one."""
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            text.append(piece)
            continue
        if text:
            yield "".join(text)
            text.clear()
        yield piece
    if text:
        yield "".join(text)
