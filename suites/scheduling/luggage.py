"""A user's own code on its way to other machines: what is not installed there comes along.

These are the files that the cells' fingerprints are made of, found by the same static walk, and all that lies in the
packages that they belong to. What is installed in site-packages has to be installed there too.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple

from ...algorithms.registry import locate
from ...errors import UsageError, is_users
from ...results.store.fingerprint import source_files
from ..cells import Cell
from ..named_code import inner_classes

_REMOVER = """
import os, shutil, sys
if os.fork():
    os._exit(0)  # nobody's child any more: who ends a process with its children leaves it
os.setsid()
sys.stdin.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
"""What waits for the end of the process that started it, which closes its input, and removes a folder."""
_open: list[IO[bytes] | None] = []
"""What such processes listen to, as long as this one lasts."""
LARGEST = 2**26
"""Bytes of a user's code that travel at most."""
_LEFT = ("__pycache__", ".git")


class Luggage(NamedTuple):
    """Files, and how they are found again where they arrive."""

    files: Mapping[str, bytes]
    """By their path there."""
    roots: tuple[str, ...]
    """Folders that imports are looked for in, of those paths; the working folder first, if anything lies there."""
    moved: Mapping[str, str]
    """Files that addresses name, as they name them -> their path there."""


def pack(cells: Iterable[Cell]) -> Luggage:
    """Pack the code of a user's own that cells are made of.

    Raises:
        UsageError: it is too large.
    """
    cells, here = list(cells), Path.cwd()
    addresses = dict.fromkeys(address for cell in cells for address in _addresses(cell))
    found = {file: root for address in addresses for file, root in source_files(address).items() if _travels(file)}
    roots = sorted(set(found.values()), key=lambda root: (root != here, str(root)))
    files: dict[str, bytes] = {}
    for file, root in found.items():
        top = root / file.relative_to(root).parts[0]
        for each in _inside(top) if top != file else [file]:
            files[f"{roots.index(root)}/{each.relative_to(root).as_posix()}"] = each.read_bytes()
    if (size := sum(map(len, files.values()))) > LARGEST:
        raise UsageError(
            f"the packages of your own code have {size / 2**20:.0f} MiB, and no more than {LARGEST / 2**20:.0f} travel "
            "to other machines: install them there, or keep data files elsewhere"
        )
    files_named = {module for module in (one.rpartition(":")[0] for one in addresses) if module.endswith(".py")}
    where = {module: Path(module).resolve() for module in files_named}
    moved = {
        module: f"{roots.index(found[file])}/{file.relative_to(found[file]).as_posix()}"
        for module, file in where.items()
        if file in found
    }
    return Luggage(files, tuple(map(str, range(len(roots)))), moved)


def folder_of_this_process() -> Path:
    """Make a folder that is removed when this process has ended, also where it is killed.

    Raises:
        OSError: no folder can be made, or no process started.
    """
    folder = tempfile.mkdtemp(prefix="pgsuite-")
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _REMOVER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    remover.wait()
    _open.append(remover.stdin)
    return Path(folder)


def unpack(luggage: Luggage, folder: Path) -> list[Path]:
    """Write the files into a folder, and return the folders that imports are looked for in."""
    for name, content in luggage.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [folder / root for root in luggage.roots]


def arrived(cell: Cell, luggage: Luggage, folder: Path) -> Cell:
    """Return a cell with the addresses that its files have where they were unpacked; everything else as it was."""
    moved = {module: str(folder / path) for module, path in luggage.moved.items()}
    return replace(cell, reference=_moved(cell.reference, moved), options=_with_moved_classes(cell.options, moved))


def _addresses(cell: Cell) -> list[str]:
    """All that a cell names, as `source_files` takes it."""
    environment = cell.environment
    modules = [*environment.modules, *([environment.id.partition(":")[0]] if ":" in environment.id else [])]
    references = [cell.reference, *map(str, inner_classes(cell.options))]
    located = [":".join(locate(reference)) for reference in references]
    return [*(one for one in references if ".py:" in one), *located, cell.trainer, *modules]


def _travels(file: Path) -> bool:
    return is_users("", str(file)) and all(part not in _LEFT for part in file.parts)


def _inside(package: Path) -> list[Path]:
    return [
        path
        for path in sorted(package.rglob("*"))
        if path.is_file() and not any(part in _LEFT or part.startswith(".") for part in path.relative_to(package).parts)
    ]


def _moved(reference: str, moved: Mapping[str, str]) -> str:
    module, colon, name = reference.rpartition(":")
    return f"{moved.get(module, module)}{colon}{name}"


def _with_moved_classes(options: Mapping[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _with_moved_classes(value, moved)
        if isinstance(value, Mapping)
        else _moved(value, moved)
        if name == "class" and isinstance(value, str)
        else value
        for name, value in options.items()
    }
