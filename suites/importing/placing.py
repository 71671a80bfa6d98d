"""Putting imported cells into a results folder: all of them or none."""

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import PgsuiteError, UsageError
from ...results.store.completeness import IMPORTED
from ...results.store.curve import CurveRow, curve_rows
from ...results.store.fingerprint import fingerprint
from ...results.store.locking import locked
from ...results.store.manifest import ExpectedCell, Manifest, manifest_of
from ...results.store.protocol import ALLOWED, Grid, check_protocol
from ...results.store.record import read_record
from ...results.store.store import CellStore, cell_folder

MARK = IMPORTED


class StoredRun(NamedTuple):
    """A run as the store keeps it."""

    rows: tuple[CurveRow, ...]
    facts: Mapping[str, Any]


class ImportedCell(NamedTuple):
    """One algorithm on one environment, on its way into a folder."""

    algorithm: str
    env: str
    record: Mapping[str, Any]
    """What goes into ``cell.json``, with budget, protocol and anchors."""
    runs: Mapping[int, StoredRun]

    @property
    def fingerprint(self) -> str:
        """Hash of the content: of every number, and of how it was measured."""
        rules = {name: self.record[name] for name in ("steps", "protocol", "anchors")}
        runs = {str(seed): [_plain(row) for row in run.rows] for seed, run in self.runs.items()}
        return fingerprint({MARK: 1, "algorithm": self.algorithm, "env": self.env, **rules, "runs": runs})


def _plain(row: CurveRow) -> list[Any]:
    return [*row[:-1], dict(row.metrics)]


def place(cells: Sequence[ImportedCell], out: Path, suite: str, *, grid: Grid = "same") -> list[ImportedCell]:
    """Add cells to a results folder; one that was imported there before is extended by the new seeds.

    The cells are written beside the results first and moved in whole; the manifest, which makes them count, comes last.

    Returns:
        The cells as they are now.

    Raises:
        UsageError: the folder holds something else by the same name, results measured otherwise, of another suite or of
            a format that takes no more, or cannot be written.
    """
    with locked(out, "-o"):
        return _placed(cells, out, suite, grid)


def _placed(cells: Sequence[ImportedCell], out: Path, suite: str, grid: Grid) -> list[ImportedCell]:
    before = manifest_of(out, suite)
    there = {(cell.algorithm, cell.env): cell for cell in before.cells}
    merged = [_extended(cell, out, there.get((cell.algorithm, cell.env))) for cell in cells]
    _check(merged, before, out, grid)
    stores = {(c.algorithm, c.env): CellStore(out, c.algorithm, c.env, c.fingerprint) for c in merged}
    _write(merged, stores, out)
    places = {key: store.path.name for key, store in stores.items()}
    before.asking(ExpectedCell(*cell[:2], places[cell[:2]], tuple(cell.runs)) for cell in merged).write(out)
    for key, old in there.items():
        if old.folder != places.get(key, old.folder):  # imported before, and now part of the new one
            shutil.rmtree(out / old.folder, ignore_errors=True)
    return merged


def _extended(cell: ImportedCell, out: Path, old: ExpectedCell | None) -> ImportedCell:
    """The cell together with the runs imported before."""
    if old is None:
        return cell
    record = read_record(out / old.folder)
    if MARK not in record or old.folder != cell_folder(old.algorithm, old.env, str(record["fingerprint"])):
        raise UsageError(
            f"{out} holds {cell.algorithm} on {cell.env} that was run here; "
            "import under another name with --algorithm, or into another folder with -o"
        )
    check_protocol([(str(out), cell.env, record), ("what is imported", cell.env, cell.record)])
    store, runs = CellStore.open(out / old.folder), dict(cell.runs)
    for seed in store.stored():
        frame, facts = store.read_curve(seed)
        kept = StoredRun(tuple(curve_rows(frame)), facts)
        if seed in runs and not _same(runs[seed], kept):
            raise UsageError(
                f"{out} holds another run of {cell.algorithm} on {cell.env}, seed {seed}; "
                "give this one another seed, or import into another folder with -o"
            )
        runs[seed] = kept
    return cell._replace(runs=dict(sorted(runs.items())))


def _same(one: StoredRun, other: StoredRun) -> bool:
    return json.dumps([_plain(row) for row in one.rows]) == json.dumps([_plain(row) for row in other.rows])


def _check(cells: Sequence[ImportedCell], before: Manifest, out: Path, grid: Grid) -> None:
    """Refuse to put results beside others of the same environment that were measured by other rules.

    On a common grid they may be: whoever reports them says how.
    """
    known = []
    for old in before.cells:
        try:
            known.append((str(out), old.env, read_record(out / old.folder)))
        except UsageError:
            raise
        except PgsuiteError:
            continue  # never begun, or damaged: the report names it
    allowing = ALLOWED[grid] if grid == "common" else ()
    check_protocol([*known, *(("what is imported", cell.env, cell.record) for cell in cells)], allowing=allowing)


def _write(cells: Sequence[ImportedCell], stores: Mapping[tuple[str, str], CellStore], out: Path) -> None:
    # Readers look for cells one level deep, so that what lies here is never taken for one.
    staging = out / f".importing-{secrets.token_hex(6)}" / "cells"
    try:
        staging.mkdir(parents=True)
        for cell in cells:
            store = CellStore(staging, cell.algorithm, cell.env, cell.fingerprint)
            store.create(cell.record)
            for seed, run in cell.runs.items():
                store.write_curve(seed, run.rows, run.facts)
        for cell in cells:
            target = out / stores[cell.algorithm, cell.env].path.name
            if not target.exists():
                (staging / target.name).rename(target)
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}; choose another folder with -o") from error
    finally:
        shutil.rmtree(staging.parent, ignore_errors=True)
