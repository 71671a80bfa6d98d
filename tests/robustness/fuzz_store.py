"""Damage files of the store at random: `python tests/robustness/fuzz_store.py`, some minutes.

A small results folder is made once; a case damages one file in it, reads all, and puts it back. Whatever happens to a
file, what is still shown has to be what was there before, bit for bit, and a file that is left out has to be named.
"Resealed" is damage whose digest was made anew, as somebody does who means it: there only types, order and what is
possible stand guard, so that another number may be taken for one. The table goes to docs/robustness/fuzz-store.md.
"""

import argparse
import io
import json
import os
import random
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pgsuite.errors import PgsuiteError
from pgsuite.reports.audit import read_section
from pgsuite.reports.content import content
from pgsuite.results import CellStore, CurveRow, gather, write_manifest
from pgsuite.results.statistics.comparison import compare
from pgsuite.results.store.audit import assemble, read_audit, write_audit
from pgsuite.results.store.bank import Bank, BankedCell, read_bank, read_run, write_bank
from pgsuite.results.store.curve import COLUMNS, curve_rows, encode_curve
from pgsuite.results.store.digest import sealed_table
from pgsuite.results.store.reading import DamagedFile

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import ABSURD, FAULTS, Case, damage_bytes, damage_tree, fuzz, write_table

DOCS = Path(__file__).parents[2] / "docs" / "robustness"
RECORD = {
    "suite": "tiny",
    "steps": 400,
    "protocol": {"checkpoints": 4, "episodes": 5, "deterministic": False},
    "anchors": {"random": 20.0, "reference": 500.0},
    "environment": {"id": "CartPole-v1", "backend": "compiled", "options": {}, "max_episode_steps": 500},
    "configuration": {"class": "A", "learning_rate": 0.01, "hidden": [64, 64]},
}
FACTS = {"status": "complete", "steps_per_second": 9.0}
CASE = {
    "model": "chain",
    "policy": "uniform",
    "variant": "exact critic",
    "batches": 300,
    "steps": 99.5,
    "p_values": {"exact": 0.4, "variance": 1.0},
    "adjusted_p": 1.0,
    "t_squared": 4.2,
    "target": {"normalised": False},
    "cosine": {"estimate": 0.99, "low": 0.98, "high": 1.0},
    "norm_ratio": {"estimate": 1.02, "low": 0.97, "high": 1.05},
    "variance": {"estimate": 2.0, "low": 1.8, "high": 2.2},
    "variance_to_declared": {"estimate": 1.0, "low": 1.0, "high": 1.0},
    "variance_to_reinforce": {"estimate": 0.31, "low": 0.3, "high": 0.32},
    "signal_to_noise": [[1, 0.5], [4, 1.0]],
    "departures": [],
}
UPDATE = {
    "model": "chain",
    "policy": "uniform",
    "variant": "",
    "predicted": [0.02, 0.001],
    "realised": [0.01, 0.002],
    "objective": [0.3, 0.04],
    "kl": [0.004, 0.001],
    "residual": 1e-9,
    "angle_to_natural": 12.4,
    "critic_error": {"before": 0.5, "after": 0.4},
    "departures": [],
}
AUDITED = {"cases": [CASE], "updates": [UPDATE], "bias_variance": []}
KEYS = ["label", "env", "seed", "env_steps"]
COMPARED_EVERY = 20
"""Of the cases with absurd numbers, those whose statistics are computed as well."""


class Store:
    """A results folder of two algorithms with two runs each, and what it says while it is whole."""

    def __init__(self, place: Path) -> None:
        self.folder, rng = place / "runs", np.random.default_rng(0)
        names = (("one", "a"), ("two", "b"))
        self.cells = [CellStore(self.folder, name, "CartPole-v1", 64 * digit) for name, digit in names]
        for cell in self.cells:
            cell.create(RECORD)
            for seed in range(2):
                cell.write_checkpoint(seed, _rows(rng), FACTS, _snapshot(rng), {})
        asked = [{"algorithm": c.algorithm, "env": c.env, "folder": c.path.name, "seeds": [0, 1]} for c in self.cells]
        write_manifest(self.folder, "tiny", asked)
        self.first = self.cells[0]
        self.curve, self.snapshot = self.first.curve_file(0), self.first.path / "seed-0.safetensors"
        self.record, self.manifest = self.first.path / "cell.json", self.folder / "manifest.json"
        self.bank, self.audit = place / "bank.json", place / "audit.json"
        runs = {cell: {seed: read_run(cell, seed) for seed in range(2)} for cell in self.cells}
        banked = {(cell.algorithm, cell.env): BankedCell(cell.record(), runs[cell]) for cell in self.cells}
        write_bank(self.bank, Bank("tiny", banked, "c" * 40, {"one": []}))
        write_audit(self.audit, assemble({"one": AUDITED}, seed=1, batches=9, seconds=1.0, versions={}))
        self.whole = gather([self.folder])
        assert self.whole.whole
        assert self.tensors

    def shown(self, *, resealed: bool = False, compared: bool = False) -> str:
        """What comes of it where a report reads the folder.

        Args:
            resealed: whether other numbers may be there by right.
            compared: whether the statistics are computed, too.
        """
        try:
            found = gather([self.folder])
            if compared:
                content(compare(found.frame, found.asked, replicates=20), found)
        except PgsuiteError:
            return "named"
        if found.whole:
            return "unnoticed, nothing changed" if resealed or same(found.frame, self.whole.frame) else "wrong number"
        rest = self.whole.frame.merge(found.frame[KEYS], on=KEYS)
        return "named" if resealed or (found.damaged and same(found.frame, rest)) else "wrong number"

    def resumed(self) -> str:
        """What comes of it where a run goes on from its snapshot."""
        status = self.first.seeds()[0]
        try:
            found = self.first.resumable(0)
        except DamagedFile:
            return "named" if status == "corrupt" else "wrong number"
        unchanged = found is not None and all(map(np.array_equal, found.tensors.values(), self.tensors.values()))
        return "unnoticed, nothing changed" if unchanged else "wrong number"

    @cached_property
    def tensors(self) -> dict[str, Any]:
        """Of the snapshot while it is whole."""
        tensors, _ = self.first.read_snapshot(0) or ({}, {})
        return tensors


def _rows(rng: np.random.Generator) -> list[CurveRow]:
    returns = rng.normal(size=5)
    return [
        CurveRow(k, 100 * k, 100 * k, r, 1.5, 5, 20.0, 100, k, 0.5 * k, {"kl": r**2}) for k, r in enumerate(returns)
    ]


def _snapshot(rng: np.random.Generator) -> dict[str, Any]:
    return {"checkpoint": np.array([4]), "diverged_at": np.array([-1]), "weights": rng.normal(size=(1, 30))}


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two frames hold the same, bit for bit."""
    names = [name for name in other.columns if name in one.columns]
    return len(one) == len(other) and one[names].reset_index(drop=True).equals(other[names].reset_index(drop=True))


def put_back(path: Path, write: Callable[[bytes, random.Random], bytes], see: Callable[[], str]) -> Case:
    """Write something else into a file, see what comes of it, and put it back."""
    whole = path.read_bytes()

    def case(rng: random.Random) -> str:
        path.write_bytes(write(whole, rng))
        try:
            return see()
        finally:
            path.write_bytes(whole)

    return case


def resealed(whole: bytes, rng: random.Random) -> bytes:
    """JSON that somebody changed who means it; a bank has digests within."""
    tree = damage_tree(json.loads(whole), rng)
    cells = tree.get("cells")
    if "kind" in tree and isinstance(cells, list):
        head = sealed_table({name: value for name, value in tree.items() if name != "cells"})
        tree = {**head, "cells": [sealed_table(cell) if isinstance(cell, dict) else cell for cell in cells]}
    else:
        tree = sealed_table(tree)
    return json.dumps(tree).encode()


def impossible(store: Store) -> Case:
    """A curve, one number of which is absurd, or one of whose facts, under a digest of its own."""
    rows = curve_rows(store.first.read_curve(0)[0])

    def write(_: bytes, rng: random.Random) -> bytes:
        while True:
            changed, row, name = list(rows), rng.randrange(len(rows)), rng.choice([*COLUMNS, "facts"])
            value, facts = rng.choice(ABSURD), dict(FACTS)
            if name == "facts":
                facts[rng.choice(["diverged_at", "steps_per_second", "peak_memory"])] = value
            else:
                changed[row] = changed[row]._replace(**{name: value})
            with suppress(Exception):  # what the format cannot hold
                return encode_curve(changed, facts, f"{store.first.fingerprint} seed 0")

    number = count()
    return put_back(store.curve, write, lambda: store.shown(resealed=True, compared=next(number) % COMPARED_EVERY == 0))


def without_digest(store: Store) -> Case:
    """A curve of an earlier format, damaged: its pages have checksums, its footer has none."""
    columns, facts = store.first.read_columns(0)
    table = pa.table(columns).replace_schema_metadata({"pgsuite": json.dumps(facts)})
    file = io.BytesIO()
    pq.write_table(table, file, write_page_checksum=True)
    record = json.loads(store.record.read_text()) | {"format": 2}
    del record["digest"]

    def see() -> str:
        of_today = store.record.read_bytes()
        store.record.write_text(json.dumps(record))
        try:
            return store.shown(resealed=True)
        finally:
            store.record.write_bytes(of_today)

    return put_back(store.curve, lambda _, rng: damage_bytes(file.getvalue(), rng), see)


def no_file(store: Store) -> Case:
    """Something else stands where a file should be."""

    def case(rng: random.Random) -> str:
        path = rng.choice((store.curve, store.snapshot, store.record, store.manifest))
        whole = path.read_bytes()
        path.unlink()
        try:
            rng.choice(INSTEAD)(path)
            return store.resumed() if path == store.snapshot else store.shown()
        finally:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            path.write_bytes(whole)

    return case


def _socket(path: Path) -> None:
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(path.parent)  # an address is at most a hundred bytes long
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


INSTEAD: tuple[Callable[[Path], object], ...] = (
    os.mkfifo,
    Path.mkdir,
    _socket,
    *map(_link, ("/dev/zero", "/dev/full", "/dev/tty", "nowhere", ".", "/proc/self/mem")),
    lambda path: path.symlink_to(path.name),
)


def kinds(place: Path) -> dict[str, Case]:
    """What is damaged, by name."""
    store = Store(place)
    files = {"curve": store.curve, "record": store.record, "manifest": store.manifest}

    def read(reader: Callable[[Path], Any], path: Path, *, forged: bool = False) -> Callable[[], str]:
        whole = repr(reader(path))

        def see() -> str:
            try:
                found = reader(path)
            except PgsuiteError:
                return "named"
            return "unnoticed, nothing changed" if forged or repr(found) == whole else "wrong number"

        return see

    return {
        **{name: put_back(path, damage_bytes, store.shown) for name, path in files.items()},
        "snapshot": put_back(store.snapshot, damage_bytes, store.resumed),
        "bank": put_back(store.bank, damage_bytes, read(read_bank, store.bank)),
        "audit": put_back(store.audit, damage_bytes, read(read_audit, store.audit)),
        "no file": no_file(store),
        "curve, resealed": impossible(store),
        "record, resealed": put_back(store.record, resealed, partial(store.shown, resealed=True)),
        "manifest, resealed": put_back(store.manifest, resealed, partial(store.shown, resealed=True)),
        "bank, resealed": put_back(store.bank, resealed, read(read_bank, store.bank, forged=True)),
        "audit, resealed": put_back(store.audit, resealed, read(read_section, store.audit, forged=True)),
        "curve without digest": without_digest(store),
    }


TEXT = """\
`python tests/robustness/fuzz_store.py --cases {cases} --seed {seed}`: one file of a results folder is damaged, and all
is read as a report, a resumption or a check reads it. Bits flip, pieces are cut out, inserted, overwritten; FIFOs,
devices, sockets, folders and links stand in place of files. What is still shown has to be what was there, bit for bit,
and what is left out has to be named. *Resealed*: one value is absurd, under a digest that fits. *Without digest*: a
curve of the format before digests. In these two a number that is possible may pass for one; they must not raise or
hang."""


KINDS = [
    *("curve", "record", "manifest", "snapshot", "bank", "audit", "no file", "curve without digest"),
    *(f"{name}, resealed" for name in ("curve", "record", "manifest", "bank", "audit")),
]


def one_kind(name: str, cases: int, seed: int) -> Counter[str]:
    """Outcomes of one kind, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return fuzz(name, kinds(Path(folder))[name], cases, seed)


def main() -> None:
    """Run the cases and write the table; exit code 1 where there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one kind")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    names = [options.only] if options.only else KINDS
    found: dict[str, Counter[str]] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {pool.submit(one_kind, name, options.cases, options.seed): name for name in names}
        for done in as_completed(running):
            found[running[done]] = done.result()
            if not options.only:
                text = TEXT.format(cases=options.cases, seed=options.seed)
                so_far = {name: found[name] for name in names if name in found}
                write_table(options.docs / "fuzz-store.md", "Damaged at random", text, so_far)
    sys.exit(any(counts[fault] for counts in found.values() for fault in FAULTS))


if __name__ == "__main__":
    main()
