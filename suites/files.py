"""Suite files on the disk: where the shipped ones are, and what TOML a file holds. `schema` says what it means."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import UsageError

FOLDER = Path(__file__).parent
"""Where the shipped suites are."""
_SHOWN = 3
"""Names that a message offers."""


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
        raise UsageError(_missing(name, path))
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise UsageError(f"{path} is not valid TOML: its brackets are nested too deeply") from None
    except ValueError as error:  # also of a number with thousands of digits
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _missing(name: str, path: Path) -> str:
    """One line on a suite that is not there; what looks like a path is told of the files beside it."""
    if path.is_dir():
        inside = ", ".join(sorted(one.name for one in path.glob("*.toml"))[:_SHOWN])
        return f"{name} is a folder: name a suite file, {f'such as {inside}' if inside else 'and it holds none'}"
    if path.suffix == ".toml" or path.parent != Path():
        if not path.parent.is_dir():
            return f"no such file: {name} (there is no folder {path.parent})"
        near = get_close_matches(path.stem, [one.stem for one in path.parent.glob("*.toml")], n=_SHOWN, cutoff=0.5)
        own = [str(path.parent / f"{one}.toml") for one in near] or get_close_matches(path.stem, shipped(), n=1)
        return f"no such file: {name}" + (f"; did you mean {' or '.join(own)}?" if own else "")
    beside = [f"{name}.toml"] if Path(f"{name}.toml").is_file() else []
    near = beside or get_close_matches(name, shipped(), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown suite {name!r}: {hint}shipped are {', '.join(shipped())}; your own is the path of a TOML file"
