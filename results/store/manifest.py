"""What the latest run command asked for in a results folder: the yardstick for what is missing.

Results outlive the code that made them: a folder can hold cells of earlier fingerprints. The manifest says which cells
and seeds are meant, so that a report shows exactly those, and a run that is not there as missing.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import PgsuiteError, UsageError
from .atomic import write_atomic
from .digest import DIGEST, check_table, sealed_table
from .format import DIGESTS_SINCE, FORMAT, check_extensible, check_format
from .locking import in_one_step
from .places import Place
from .reading import DamagedFile, read_json
from .store import LARGEST_SEED

MANIFEST = "manifest.json"
MOST_CELLS = MOST_SEEDS = 10**5
LONGEST_NAME = 1000
_REMEDY = "delete it and run the suite again"
LONGEST_FOLDER = 255
"""Bytes of a folder's name that file systems take."""


class ExpectedCell(NamedTuple):
    """A cell that was asked for."""

    algorithm: str
    env: str
    folder: str
    """Name of its folder inside the results folder."""
    seeds: tuple[int, ...]
    reason: str | None = None
    """Why it failed, in one line; None when it did not."""
    refusal: str | None = None
    """Why its algorithm cannot act in its environment, so that no run was asked for; None where it can."""
    tuned_on: tuple[int, ...] = ()
    """Seeds that the search for its hyperparameters saw; none where no search is known."""

    def table(self) -> dict[str, Any]:
        """The cell as it stands in the file: a search that is not known is left out."""
        content = {**self._asdict(), "seeds": [int(seed) for seed in self.seeds], "tuned_on": [*self.tuned_on]}
        return {name: value for name, value in content.items() if name != "tuned_on" or value}


class Manifest(NamedTuple):
    """All that was asked for."""

    suite: str
    cells: tuple[ExpectedCell, ...]
    format: int = FORMAT
    """Of the file that it was read from."""

    def asking(self, cells: Iterable[ExpectedCell]) -> "Manifest":
        """The manifest that asks for these cells, too.

        The seeds of a cell join those that were asked of it before, and why it failed then stands until it is known to
        be complete; a cell in another folder, of other code or another configuration, takes the place of the one of its
        algorithm and environment.

        Raises:
            UsageError: two folders would be one where file systems take upper and lower case for the same.
        """
        asked = {cell[:2]: cell for cell in self.cells}
        for cell in cells:
            check_case([*(cell.folder for cell in asked.values()), cell.folder])
            before = asked.get(cell[:2])
            if before and before.folder == cell.folder:
                seeds, seen = ({*getattr(before, name), *getattr(cell, name)} for name in ("seeds", "tuned_on"))
                reason = cell.reason or before.reason
                cell = cell._replace(seeds=tuple(sorted(seeds)), tuned_on=tuple(sorted(seen)), reason=reason)
            asked[cell[:2]] = cell
        return self._replace(cells=tuple(asked.values()))

    def encoded(self) -> bytes:
        """The content of its file."""
        return _encoded(self.suite, [cell._asdict() for cell in self.cells])

    def write(self, out: Place) -> None:
        """Make it the manifest of a folder, as `write_manifest` does."""
        write_manifest(out, self.suite, [cell.table() for cell in self.cells])


def write_manifest(out: Place, suite: str, expected: Sequence[Mapping[str, Any]]) -> None:
    """Record what is asked for, replacing the record of an earlier command.

    Args:
        out: the results folder; made if it is not there.
        suite: name of the suite.
        expected: per cell ``algorithm``, ``env``, ``folder``, ``seeds``, if it failed ``reason``, and whatever else
            `ExpectedCell` has.

    Raises:
        UsageError: the folder cannot be made.
    """
    try:
        if isinstance(out, Path):
            out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the results folder {out}: {error.strerror}; choose another with --out"
        ) from error
    content = _encoded(suite, expected)
    write_atomic(out / MANIFEST, lambda file: file.write(content))


def _encoded(suite: str, expected: Sequence[Mapping[str, Any]]) -> bytes:
    cells = [ExpectedCell(**cell).table() for cell in expected]
    text = json.dumps(sealed_table({"format": FORMAT, "suite": suite, "cells": cells}), indent=2) + "\n"
    return text.encode()


def check_case(folders: Iterable[str]) -> None:
    """Refuse names of folders that some file systems take for the same.

    Raises:
        UsageError: naming two.
    """
    seen: dict[str, str] = {}
    for folder in folders:
        if (other := seen.setdefault(folder.casefold(), folder)) != folder:
            raise UsageError(
                f"{other} and {folder} differ in upper and lower case alone, which many file systems take for the same "
                "folder: give one of the two another name"
            )


def read_manifest(out: Place) -> Manifest | None:
    """What was asked for, or None when the folder has no manifest.

    Raises:
        PgsuiteError: the manifest cannot be read.
        UsageError: it is of another format.
    """
    path = out / MANIFEST
    try:
        read = read_json(path)
        content = check_table(read, required=False)
        found = check_format(path, content)
        if found >= DIGESTS_SINCE and DIGEST not in read:
            raise ValueError("its digest is missing")
        if len(content["cells"]) > MOST_CELLS:
            raise ValueError(f"it asks for more than {MOST_CELLS} cells")
        manifest = Manifest(content["suite"], tuple(map(_expected, content["cells"])), found)
        _check(manifest)
        return manifest
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise DamagedFile(path, error, _REMEDY) from error
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(path, error, _REMEDY) from error


def manifest_of(out: Place, suite: str) -> Manifest:
    """The manifest of a folder that results of a suite are to be added to; it asks for nothing where there is none.

    Raises:
        PgsuiteError: the manifest cannot be read.
        UsageError: the folder holds results of another suite, or of a format that takes no more.
    """
    manifest = read_manifest(out) or Manifest(suite, ())
    check_extensible(out / MANIFEST, manifest.format)
    if manifest.suite != suite:
        raise UsageError(
            f"{out} holds results of suite {manifest.suite}, not {suite}: choose another folder with --out"
        )
    return manifest


def _expected(cell: Mapping[str, Any]) -> ExpectedCell:
    """A cell of the file, held to what readers rely on: anybody may have written it.

    Raises:
        ValueError, TypeError: it is no cell.
    """
    expected, seeds = ExpectedCell(**cell), cell["seeds"]
    if not all(isinstance(name, str) for name in (expected.algorithm, expected.env, expected.folder)):
        raise TypeError("algorithm, env or folder is no text")
    if len(expected.algorithm) > LONGEST_NAME or len(expected.env) > LONGEST_NAME:
        raise ValueError(f"a name has more than {LONGEST_NAME} characters")
    if not isinstance(expected.reason, str | None) or not isinstance(expected.refusal, str | None):
        raise TypeError("the reason is no text")
    tuned_on = cell.get("tuned_on", [])
    for numbers in (seeds, tuned_on):
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n <= LARGEST_SEED for n in numbers):
            raise TypeError("the seeds are no list of whole numbers")
        if len(numbers) > MOST_SEEDS:
            raise ValueError(f"it asks for more than {MOST_SEEDS} seeds of a cell")
    if expected.folder in ("", ".", "..") or Path(expected.folder).name != expected.folder:
        raise ValueError("the folder is no name inside the results folder")
    if "\0" in expected.folder or len(os.fsencode(expected.folder)) > LONGEST_FOLDER:
        raise ValueError("the folder is no name that a file system takes")
    return expected._replace(seeds=tuple(seeds), tuned_on=tuple(tuned_on))


def _check(manifest: Manifest) -> None:
    """Refuse what would count a run twice."""
    if not isinstance(manifest.suite, str):
        raise TypeError("the suite is no text")
    for of_each in ([cell[:2] for cell in manifest.cells], [cell.folder for cell in manifest.cells]):
        if len(set(of_each)) != len(of_each):
            raise ValueError("a cell is there twice")
    if any(len(set(cell.seeds)) != len(cell.seeds) for cell in manifest.cells):
        raise ValueError("a seed is there twice")


def change_manifest(out: Place, suite: str, change: Callable[[Manifest], Manifest], option: str = "--out") -> str:
    """Change the manifest of a folder as one step, whoever else does so at the same time.

    Args:
        out: the results folder; made if it is not there.
        suite: whose results it holds, or is to hold.
        change: from what was asked for before, as `manifest_of` gives it, to what is asked for now. It may be called
            several times, where others are quicker.
        option: by which the user named the folder.

    Returns:
        What the user has to know where the file system has no locks, or the object store does not compare before it
        writes; else empty.

    Raises:
        PgsuiteError: the manifest is damaged, or somebody else keeps the lock.
        UsageError: as `manifest_of` raises it, or the folder cannot be written.
    """
    return in_one_step(out / MANIFEST, lambda: change(manifest_of(out, suite)).encoded(), option)


def record_failures(
    out: Place, reasons: Mapping[str, str], complete: Callable[[ExpectedCell], bool] = lambda _: False
) -> None:
    """Add to the manifest why cells failed, and take out why others did that are complete now.

    Args:
        out: the results folder.
        reasons: folder name -> reason in one line.
        complete: whether all runs of a cell are there that are asked for; of those that failed before.

    Raises:
        PgsuiteError: there is no manifest, or it is damaged.
    """

    def before() -> Manifest:
        if (manifest := read_manifest(out)) is None:
            raise PgsuiteError(f"{out} has no {MANIFEST} to record failures in; run the suite again")
        return manifest

    def reason_of(cell: ExpectedCell) -> str | None:
        if cell.folder in reasons:
            return reasons[cell.folder]
        return None if cell.reason and complete(cell) else cell.reason

    def with_reasons(manifest: Manifest) -> Manifest:
        return manifest._replace(cells=tuple(cell._replace(reason=reason_of(cell)) for cell in manifest.cells))

    if with_reasons(manifest := before()) != manifest:
        in_one_step(out / MANIFEST, lambda: with_reasons(before()).encoded())
