"""Digests by which damage is found: every file that carries a number carries the digest of all that it holds.

They guard against accidents (a flipped bit, a file cut short or put in another's place), not against forgery: whoever
writes a number can write its digest.

Of a binary file the digest is over every byte, its headers and metadata among them, with zeros where the digest itself
stands. It is checked before anything interprets the bytes. Of JSON it is over what is said, in canonical form, so that
reformatting or a version control that changes line ends is no damage.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

DIGEST = "digest"
_MARK = b"pgsuite-blake2b:"
_HEX = 64
_MISMATCH = "its digest is another one: bytes have changed since it was written"
BLANK = (_MARK + _HEX * b"0").decode()
"""What stands in a file's metadata until it is sealed."""


def sealed(content: bytes) -> bytes:
    """The bytes of a file with their digest in place of the one `BLANK` that they hold.

    Raises:
        ValueError: there is none, or more than one.
    """
    if content.count(_MARK) != 1 or BLANK.encode() not in content:
        raise ValueError(f"a file is sealed in exactly one place, this one has {content.count(_MARK)}")
    return content.replace(BLANK.encode(), _MARK + _digest([content]).hexdigest().encode())


def check_seal(parts: Iterable[bytes]) -> bool:
    """Hold the bytes of a file to the digest in them; return whether there is one.

    Args:
        parts: the file, in order, cut so that the digest lies within one part.

    Raises:
        ValueError: it is another digest.
    """
    found, digest = b"", _digest(())
    for part in parts:
        start = -1 if found else part.find(_MARK)
        if start >= 0:
            end = start + len(BLANK)
            found = part[start:end]
            part = b"".join((part[:start], BLANK.encode(), part[end:]))
        digest.update(part)
    if found and found != _MARK + digest.hexdigest().encode():
        raise ValueError(_MISMATCH)
    return bool(found)


def _digest(parts: Iterable[bytes]) -> "hashlib.blake2b":
    digest = hashlib.blake2b(digest_size=_HEX // 2)
    for part in parts:
        digest.update(part)
    return digest


def digest_of(tree: Any) -> str:
    """The digest of a JSON-like tree, whatever the order of its keys and the white space between them."""
    plain = json.loads(json.dumps(tree))  # as it will be read: keys are text, tuples are lists
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return _MARK.decode() + _digest([canonical.encode()]).hexdigest()


def sealed_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON-like table with its digest, in place of one that it has."""
    rest = {name: value for name, value in table.items() if name != DIGEST}
    return {**rest, DIGEST: digest_of(rest)}


def check_table(table: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    """Hold a table that was read to its digest; return it without.

    Args:
        table: as it was read.
        required: whether one without a digest is damaged.

    Raises:
        ValueError: it is another digest, or there is none and there should be.
        AttributeError, TypeError: it is no table.
    """
    rest = {name: value for name, value in table.items() if name != DIGEST}
    if DIGEST not in table:
        if required:
            raise ValueError("its digest is missing")
    elif table[DIGEST] != digest_of(rest):
        raise ValueError(_MISMATCH)
    return rest
