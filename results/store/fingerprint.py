"""Fingerprints: the address of a result is a hash of everything that it depends on."""

import ast
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from .closure import closure


def fingerprint(parts: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of JSON-like parts in canonical form.

    Keys are sorted, floats written by their shortest exact form, tuples are lists. ``1``, ``1.0`` and ``True`` differ.

    Raises:
        TypeError: something is not JSON-like; the message names where.
    """
    canonical = json.dumps(_plain(parts, "parts"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}: only strings can be fingerprinted as keys")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    raise TypeError(f"{where} is a {type(value).__name__}, which cannot be fingerprinted; give its JSON form")


def source_modules(*roots: str, without: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the modules that `source_hash` would read."""
    return tuple(closure(*roots, without=without))


def source_hash(*roots: str, without: Collection[str] = ()) -> str:
    """SHA-256, in hex, of the code that the roots are made of, blind to comments, layout and docstrings.

    Args:
        roots: module names (``pgsuite.algorithms.trpo``) or file paths (``my/algorithm.py``); see `closure`.
        without: names of modules left out, with what only they import.

    Raises:
        UsageError: a root does not exist, or a file is not Python.
    """
    digest = hashlib.sha256()
    for name, source in closure(*roots, without=without).items():
        digest.update(f"{name}\0{_text(source.tree)}\0".encode())
    return digest.hexdigest()


@lru_cache(maxsize=512)
def _text(tree: ast.Module) -> str:
    """The text that a file is hashed by; a suite's cells share most of their files, and parsed files are kept."""
    return "".join(_syntax(tree))


def _syntax(node: Any) -> Iterator[str]:
    """The syntax tree as text, without positions and without bare strings, which include every docstring.

    Like ``ast.dump``, but empty fields are left out, so that a new optional field of a later Python changes nothing.
    """
    if isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for field, value in ast.iter_fields(node):
            if value is not None and value != [] and field not in {"kind", "ctx", "type_comment"}:
                yield f"{field}="
                yield from _syntax(value)
                yield ","
        yield ")"
    elif isinstance(node, list):
        yield "["
        for item in node:
            if not _is_bare_string(item):
                yield from _syntax(item)
                yield ","
        yield "]"
    else:
        yield repr(node)


def _is_bare_string(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
