"""An algorithm's options as its source declares them, read without importing it: torch takes seconds to load.

The class is the one truth. What cannot be told from its text for certain is left for the class itself to tell.
"""

import ast
import importlib.util
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from .described import described
from .registry import Address, check_options, inside, is_written_class_variable, load_class, locate
from .search_space import DECLARING

PACKAGE = __name__.partition(".")[0]
_WITHOUT_FIELDS = {"abc.ABC", "typing.Generic", "typing.Protocol", "builtins.object"}


class Option(NamedTuple):
    """A hyperparameter as its class declares it."""

    name: str
    kind: str
    """Its annotation, as it is written."""
    default: str
    """As it is written; empty where a value has to be given."""
    meaning: str
    """Its docstring on one line; empty where it has none."""
    algorithm: str = ""
    """Where it is an algorithm, the one that it is by default."""
    searched: str = ""
    """Where `pgsuite tune` looks for it, as it is written; empty where nothing is declared."""


def options(reference: str) -> list[Option]:
    """Return the hyperparameters of an algorithm given by name or by address; its code runs only where it must.

    Raises:
        UsageError: there is no such algorithm, or it cannot be imported.
    """
    return _declared(locate(reference)) or _of_class(load_class(reference))


def unwritable_of(reference: str) -> tuple[str, ...]:
    """Return the hyperparameters of an algorithm that no suite file can give; a class whose text tells all has none."""
    return () if _declared(locate(reference)) is not None else described(load_class(reference)).unwritable


def declared_options(address: Address) -> list[str] | None:
    """Return the names of a dataclass's fields in order; None where only importing it can tell."""
    found = _declared(address)
    return None if found is None else [option.name for option in found]


def summary(address: Address) -> str:
    """Return the first line of a docstring, from its text; empty where there is none.

    It is the class's own, or stands below the line that makes the class.
    """
    try:
        body = _parsed(_file(address.module).read_bytes()).body
    except (_Unknown, OSError, SyntaxError, ValueError, RecursionError):
        return ""
    found = ""
    for node, following in zip_longest(body, body[1:]):
        if isinstance(node, ast.ClassDef) and node.name == address.name:
            found = ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == [address.name]:
            found = _text(following)
    return found.partition("\n")[0]


def check_declared(reference: str, given: Mapping[str, Any]) -> None:
    """Refuse an option that an algorithm, or one among its options, does not have; their text alone is read.

    Raises:
        UsageError: naming it, or an algorithm that there is not.
    """
    found = _declared(locate(reference))
    if found is None:
        return
    check_options(reference, given, [option.name for option in found])
    for option in found:
        table = given.get(option.name)
        if option.algorithm and isinstance(table, Mapping):
            inner = dict(table)
            with inside(reference, option.name):
                check_declared(str(inner.pop("class", option.algorithm)), inner)


def _declared(address: Address) -> list[Option] | None:
    try:
        found = {option.name: option for option in _fields(_file(address.module), address.name)}
    except (_Unknown, OSError, SyntaxError, ValueError, RecursionError):
        return None
    return list(found.values())


def _of_class(found: type[Any]) -> list[Option]:
    """The fields of a class that has been imported, with what the text of its hierarchy says of them."""
    known = {option.name: option for one in reversed(found.__mro__) for option in written(one)}
    return [known.get(one.name) or _undocumented(one) for one in fields(found)]


def written(found: type[Any]) -> list[Option]:
    """Return the fields that the text of a class declares itself; none where there is no text, or it cannot tell."""
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(found))).body
        return list(_own_fields(node)) if isinstance(node, ast.ClassDef) else []
    except (OSError, TypeError, SyntaxError, ValueError, _Unknown):
        return []


def _undocumented(field: Any) -> Option:
    kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
    default = "" if field.default is MISSING else repr(field.default)
    return Option(field.name, kind, default, field.metadata.get("meaning", ""))


class _Unknown(Exception):
    """The text does not tell."""


def _file(module: str) -> Path:
    """Return the source of a file or of a module of this package: looking for another one might import its parents."""
    if module.endswith(".py"):
        return Path(module)
    spec = importlib.util.find_spec(module) if module.partition(".")[0] == PACKAGE else None
    if spec is None or spec.origin is None:
        raise _Unknown
    return Path(spec.origin)


@lru_cache(maxsize=64)
def _parsed(content: bytes) -> ast.Module:
    """The syntax of a file: that of a class is read together with that of each class above it."""
    return ast.parse(content)


def _fields(file: Path, name: str) -> Iterator[Option]:
    tree = _parsed(file.read_bytes())
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    if not found:
        module, original = _imported(tree, file, name)
        if f"{module}.{original}" not in _WITHOUT_FIELDS:
            yield from _fields(_file(module), original)
        return
    node = found[-1]
    if node.keywords or not all(_is_dataclass(decorator) for decorator in node.decorator_list):
        raise _Unknown
    for base in reversed(node.bases):  # as dataclasses does; a subscript is a generic's parameter
        base = base.value if isinstance(base, ast.Subscript) else base
        if not isinstance(base, ast.Name):
            raise _Unknown
        yield from _fields(file, base.id)
    if node.decorator_list:
        yield from _own_fields(node)


def _own_fields(node: ast.ClassDef) -> Iterator[Option]:
    for statement, following in zip_longest(node.body, node.body[1:]):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            kind, searched = _kind(statement.annotation)
            if not is_written_class_variable(kind):
                default = "" if statement.value is None else ast.unparse(statement.value)
                algorithm = _algorithm(statement.value)
                yield Option(statement.target.id, kind, algorithm or default, _text(following), algorithm, searched)
        elif not isinstance(statement, ast.FunctionDef | ast.Expr | ast.Assign | ast.Pass):
            raise _Unknown


def _kind(annotation: ast.expr) -> tuple[str, str]:
    """A field's type as it is written, and apart from it where a search looks."""
    match annotation:
        case ast.Subscript(
            value=ast.Name(id="Annotated"),
            slice=ast.Tuple(elts=[kind, ast.Call(func=ast.Name(id=name)) as declared]),
        ) if name in DECLARING:
            return ast.unparse(kind), ast.unparse(declared)
    return ast.unparse(annotation), ""


def _algorithm(node: ast.expr | None) -> str:
    """The algorithm that a field made by `algorithm_field` is by default; empty for any other field."""
    match node:
        case ast.Call(func=ast.Name(id="algorithm_field"), args=[ast.Constant(value=str(reference))], keywords=[]):
            return reference
    return ""


def _text(node: ast.stmt | None) -> str:
    """A docstring on one line, if the statement is one."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""


def _is_dataclass(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called) in ("dataclass", "dataclasses.dataclass")


def _imported(tree: ast.Module, file: Path, name: str) -> tuple[str, str]:
    """Return the module that a name is imported from, and its name there; also where only type checkers import it."""
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            if (alias.asname or alias.name) == name and isinstance(node, ast.ImportFrom):
                return _absolute(node, file), alias.name
    if name == "object":
        return "builtins", name
    raise _Unknown


def _absolute(node: ast.ImportFrom, file: Path) -> str:
    if not node.level:
        return node.module or ""
    root = Path(__file__).resolve().parents[1]
    folders = [PACKAGE, *file.resolve().relative_to(root).parts[:-1]]  # ValueError for a file that is not of ours
    return ".".join([*folders[: len(folders) - node.level + 1], *([node.module] if node.module else [])])
