"""What a file says, as data: made of its syntax once, and kept on disk for the next process.

To read the syntax of some sixty files takes longer than all else that planning a suite does. What is kept is found
again by the file's content, the version of Python and the code that made it.
"""

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...caching import cache_folder
from . import file, scopes, syntax
from .scopes import ImportedName
from .syntax import Reference

_MOST = 4096
"""Files that are kept; of more, the oldest half goes."""
MAKERS = (__file__, *(str(module.__file__) for module in (file, scopes, syntax)))
"""All files of this package that decide what is kept."""
_MADE_BY = b"".join([repr(sys.version_info).encode(), *(Path(maker).read_bytes() for maker in MAKERS)])


class Outline:
    """The module-level names of a file, the texts of their definitions, and what it does besides binding names."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.bindings = {name: [one and ImportedName(*one) for one in each] for name, each in plain["bindings"].items()}
        """What binds a name, in order: an import, or None for anything else."""
        self.stars = [ImportedName(*one) for one in plain["stars"]]
        """Modules whose every name is imported."""
        self.unused = [ImportedName(*one) for one in plain["unused"]]
        """Imports that bind what the file never reads: made for their effect, or for others to import from here."""
        self.effects: bool = plain["effects"]
        """Whether it does anything besides binding names."""
        self.lazy: dict[str, str] = plain["lazy"]
        """Names that a module-level ``__getattr__`` resolves by a literal dict of ``"module:Name"`` strings."""
        self.kinds: dict[str, file.Kind] = plain["kinds"]
        """What a name stands for that is bound once, by a class or an assignment."""
        self._plain: list[Any] = plain["texts"]
        self._places: dict[str, int] = plain["places"]
        self._texts: dict[int, syntax.Text] = {}

    def __contains__(self, name: str) -> bool:
        """Whether it has a text: also ``TABLE[key]``, one value of a dict that is written out."""
        return name in self._places

    def text(self, name: str) -> syntax.Text:
        """The text of a name's definition; that of what the file does besides is called "" here."""
        place = self._places[name]
        if place not in self._texts:
            pieces, types = self._plain[place]
            self._texts[place] = syntax.Text(tuple(map(_piece, pieces)), tuple(map(_reference, types)))
        return self._texts[place]


def _piece(plain: Any) -> str | Reference:
    return plain if isinstance(plain, str) else _reference(plain)


def _reference(plain: list[Any]) -> Reference:
    name, *attributes = plain
    return Reference(name if isinstance(name, str) else ImportedName(*name), tuple(attributes))


def _plain(made: file.File) -> dict[str, Any]:
    """A file as JSON can say it."""
    texts, places = made.texts()
    return {
        "bindings": {
            name: [one if isinstance(one, ImportedName) else None for one in each]
            for name, each in made.bindings.items()
        },
        "stars": made.stars,
        "unused": made.unused,
        "effects": bool(made.effects),
        "lazy": made.lazy,
        "kinds": made.kinds(),
        "texts": [[_listed(text.pieces), _listed(text.types)] for text in texts],
        "places": places,
    }


def _listed(pieces: Iterable[str | Reference]) -> list[Any]:
    return [piece if isinstance(piece, str) else [piece.name, *piece.attributes] for piece in pieces]


@lru_cache(maxsize=1024)
def outline(content: bytes) -> Outline:
    """A file by its content.

    Raises:
        SyntaxError, ValueError: it is not Python.
    """
    key = hashlib.sha256(_MADE_BY + content).hexdigest()
    with suppress(OSError, ValueError):
        place = cache_folder("sources") / key
        seal, _, kept = place.read_bytes().partition(b"\n")
        if seal == _seal(key, kept):
            os.utime(place)  # what was not asked for the longest goes first
            return Outline(json.loads(kept))
    made = json.dumps(_plain(file.File(content))).encode()
    with suppress(OSError):  # no room, or no folder: the next process makes it again
        _keep(cache_folder("sources") / key, _seal(key, made) + b"\n" + made)
    return Outline(json.loads(made))


def _seal(key: str, kept: bytes) -> bytes:
    """What tells that something is whole, and of this content."""
    return hashlib.sha256(key.encode() + kept).hexdigest().encode()


def _keep(place: Path, content: bytes) -> None:
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(6)}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
    others = list(os.scandir(place.parent))
    if len(others) > _MOST:
        for old in sorted(others, key=lambda each: each.stat().st_mtime)[: _MOST // 2]:
            with suppress(OSError):  # another process did
                Path(old).unlink()
