"""Which names code binds, to what, and what of it runs at all."""

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

_QUIET = (
    *("dataclasses.dataclass", "functools.cache", "functools.cached_property", "functools.lru_cache"),
    *("functools.total_ordering", "functools.wraps", "contextlib.", "abc.", "enum.", "typing.", "typing_extensions."),
    *("numba.njit", "numba.jit", "torch.no_grad", "torch.inference_mode", "torch.enable_grad"),
    "torch.autograd.function.once_differentiable",
    *("property", "staticmethod", "classmethod"),
    *("?.kernels.kernel", "pgsuite.kernels.kernel", "pgsuite.envs.kernel"),  # which lists what can be compiled
    *("?.losses.compiled_loss", "pgsuite.algorithms.losses.compiled_loss", "pgsuite.algorithms.compiled_loss"),
)
"""Decorators that neither register what they decorate nor read its annotations; with a dot at the end, all below."""
_UNTYPED_BASES = {"ABC", "Enum", "IntEnum", "StrEnum", "Generic", "NamedTuple", "Protocol", "object"}
"""Base classes that make nothing of the annotations in a class, or (NamedTuple) of the types that they name."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class ImportedName(NamedTuple):
    """What an import binds a name to."""

    level: int
    """Dots of a relative import."""
    module: str
    name: str | None
    """None for the module itself."""


Binding: TypeAlias = ast.stmt | ImportedName
Bindings: TypeAlias = Mapping[str, Sequence[Binding]]
"""What binds each module-level name of a file, in order: several where a definition is conditional or replaced."""


class Scope(NamedTuple):
    """Names of one function, class or comprehension."""

    kind: Literal["function", "class", "comprehension"]
    names: frozenset[str]
    imports: dict[str, ImportedName]
    """Local names that are one import and nothing else."""
    outer: frozenset[str] = frozenset()
    """Names declared ``global``."""


class _Bound(ast.NodeVisitor):
    """Names that statements bind in their own scope, not in those of functions and classes inside."""

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self.names: dict[str, None] = {}
        self.imports: dict[str, ImportedName | None] = {}
        self.stars: list[ImportedName] = []
        self.declared_global: set[str] = set()
        self.declared_nonlocal: set[str] = set()
        for node in nodes:
            self.visit(node)

    def scope(self, kind: Literal["function", "class"], more: Iterable[str]) -> Scope:
        outer = frozenset(self.declared_global)
        names = frozenset([*self.names, *more]) - outer - self.declared_nonlocal
        imports = {name: one for name, one in self.imports.items() if one and name in names and name not in more}
        return Scope(kind, names, imports, outer)

    def add(self, name: str | None, imported: ImportedName | None = None) -> None:
        if name is not None:
            known = name in self.names
            self.names[name] = None
            self.imports[name] = imported if not known or self.imports.get(name) == imported else None

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.add(node.id)

    def visit_If(self, node: ast.If) -> None:
        if _is_type_checking(node.test):
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def _visit_function(self, node: Function) -> None:
        self.add(node.name)
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        for inner in (*node.decorator_list, *defaults):
            self.visit(inner)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.add(node.name)
        for inner in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(inner)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for default in (*node.args.defaults, *(default for default in node.args.kw_defaults if default)):
            self.visit(default)

    def _visit_comprehension(self, node: ast.AST) -> None:
        """Only assignment expressions bind outside a comprehension."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                self.visit(inner.target)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension  # noqa: N815

    def _visit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, imported, _ in imports_of(node):
            self.add(name, imported)
        self.stars += stars_of(node)

    visit_Import = visit_ImportFrom = _visit_import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.add(node.name)
        self.generic_visit(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.add(node.rest)
        self.generic_visit(node)

    def _visit_capture(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.add(node.name)
        self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = _visit_capture  # noqa: N815

    def visit_Global(self, node: ast.Global) -> None:
        self.declared_global |= set(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.declared_nonlocal |= set(node.names)


def scope_of(kind: Literal["function", "class"], body: Iterable[ast.stmt], parameters: Iterable[str] = ()) -> Scope:
    """The scope of a function or class with this body."""
    return _Bound(body).scope(kind, [*parameters])


def bound_by(statement: ast.stmt) -> tuple[list[str], list[ImportedName]]:
    """The names that a statement binds where it stands, and the modules whose every name it imports."""
    bound = _Bound([statement])
    return [*bound.names], bound.stars


def imports_of(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, ImportedName, ast.alias]]:
    """Names that an import binds, and to what."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, ImportedName(0, alias.name, None), alias
            else:
                top = alias.name.partition(".")[0]
                yield top, ImportedName(0, top, None), alias
    elif node.module != "__future__":
        for alias in node.names:
            if alias.name != "*":
                yield alias.asname or alias.name, ImportedName(node.level, node.module or "", alias.name), alias


def stars_of(node: ast.Import | ast.ImportFrom) -> list[ImportedName]:
    """The module whose every name an import binds, if it is such a one."""
    star = isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    return [ImportedName(node.level, node.module or "", None)] if isinstance(node, ast.ImportFrom) and star else []


def running(body: Iterable[ast.stmt], *, module: bool = False) -> Iterator[ast.stmt]:
    """Statements that run: not those for a type checker alone, nor those of a program started by itself."""
    for statement in body:
        if isinstance(statement, ast.If) and (_is_type_checking(statement.test) or (module and _is_main(statement))):
            yield from running(statement.orelse, module=module)
        else:
            yield statement


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _is_main(statement: ast.If) -> bool:
    match statement.test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
    return False


def is_bare(node: object) -> bool:
    """Whether a statement does nothing: a docstring or another constant, or ``pass``."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def dotted(bindings: Bindings, node: ast.expr) -> str:
    """The full name of what a decorator or base is, as far as this file's imports tell."""
    node = node.func if isinstance(node, ast.Call) else node
    node = node.value if isinstance(node, ast.Subscript) else node
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    known = bindings.get(node.id, [])
    first = [node.id] if not known and hasattr(builtins, node.id) else ["?"]
    if len(known) == 1 and isinstance(known[0], ImportedName):
        first = [*(["?"] if known[0].level else []), *(part for part in known[0][1:] if part)]
    return ".".join([*first, *reversed(attributes)])


def is_quiet(bindings: Bindings, decorators: Iterable[ast.expr]) -> bool:
    """Whether decorators neither register what they decorate nor read its annotations."""
    names = [dotted(bindings, decorator) for decorator in decorators]
    quiet = (any(name == q or (q[-1] == "." and name.startswith(q)) for q in _QUIET) for name in names)
    accessors = (name.startswith("?.") and name.endswith((".setter", ".getter", ".deleter")) for name in names)
    return all(a or b for a, b in zip(quiet, accessors, strict=True))


def reads_annotations(bindings: Bindings, node: ast.ClassDef) -> bool:
    """Whether a class's decorators or bases may make something of its fields' annotations."""
    if not is_quiet(bindings, node.decorator_list):
        return True
    made = any(dotted(bindings, decorator).startswith("dataclasses.") for decorator in node.decorator_list)
    return not made and any(dotted(bindings, b).rpartition(".")[2] not in _UNTYPED_BASES for b in node.bases)


def is_protocol(node: ast.ClassDef) -> bool:
    """Whether a class only says what others have: nothing of it runs."""
    parts = (part for base in node.bases for part in ast.walk(base))
    return any((getattr(part, "id", None) or getattr(part, "attr", None)) == "Protocol" for part in parts)
