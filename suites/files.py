"""Suite files on the disk: where the shipped ones are, and what TOML a file holds. `schema` says what it means."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import UsageError

FOLDER = Path(__file__).parent
"""Where the shipped suites are."""


def shipped() -> dict[str, Path]:
    """Return the files of the shipped suites by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def read_suite(name: str) -> tuple[Path, dict[str, Any]]:
    """Return the path and the content, not yet validated, of a suite given by name or by path.

    Raises:
        UsageError: if there is no such suite, or its file is not TOML.
    """
    path = shipped().get(name) or Path(name)
    if not path.is_file():
        close = get_close_matches(name, shipped(), n=1, cutoff=0.4)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(
            f"unknown suite {name!r}: {hint}shipped are {', '.join(shipped())}; your own is the path of a TOML file"
        )
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
