"""Fingerprints: the address of a result is a hash of everything that it depends on."""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .closure import WHOLE, Definition, program


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


def source_definitions(*roots: str, without: Collection[str] = ()) -> tuple[str, ...]:
    """Where the definitions are that `source_hash` would hash, as ``module:name``, sorted."""
    known = program()
    left_out = known.excluded(without)
    _, first, rest = known.reached([known.root(root) for root in roots], left_out)
    return tuple(sorted(node.address for node in {*first, *rest} - left_out))


def source_files(*roots: str) -> dict[Path, Path]:
    """Files of others' that importing the code at the roots takes -> the folder that each is imported from.

    Raises:
        UsageError: a root does not exist, or a file is not Python.
    """
    known = program()
    found: dict[Path, Path] = {}
    targets = [known.root(root) for root in roots]
    while targets:
        _, first, rest = known.reached(targets)
        sources = dict.fromkeys(node.source for node in (*first, *rest) if node.source.home != known.package)
        new = [each for each in sources if each.path not in found]
        found |= {each.path: each.home.folder if each.home.top is None else each.home.folder.parent for each in new}
        targets = [Definition(each, WHOLE) for each in new]  # an import runs all of a file, used or not
    return found


def source_hash(*roots: str, without: Collection[str] = ()) -> str:
    """SHA-256, in hex, of the code that the roots are made of, blind to all that cannot change a number.

    Args:
        roots: ``module:Name``, ``path/to/file.py:Name``, ``module:TABLE[key]`` for one value of a dict, or a whole
            module. Their order counts. See `closure` for what they bring, and `syntax` for what is left out.
        without: addresses of definitions that count as nothing, with what only they refer to.

    Raises:
        UsageError: a root does not exist, or a file is not Python.
        LookupError: something of ``without`` does not exist.
    """
    known = program()
    return known.digest([known.root(root) for root in roots], known.excluded(without))
