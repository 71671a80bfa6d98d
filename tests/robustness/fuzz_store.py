"""Damage files of the store at random: `python tests/robustness/fuzz_store.py`, some minutes.

A small results folder is made once; a case damages one file in it, reads all, and puts it back. Whatever happens to a
file, what is still shown has to be what was there before, bit for bit, and a file that is left out has to be named.
"resealed" is damage whose digest was made anew, as somebody does who means it: there only the types, the order and the
possible stand guard, so that another number may be taken for one. The table goes to docs/robustness/fuzz-store.md.
"""

import argparse
import json
import os
import random
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pgsuite.errors import PgsuiteError
from pgsuite.reports.content import content as report_content
from pgsuite.results import CellStore, CurveRow, Gathered, gather, write_manifest
from pgsuite.results.store.audit import assemble, read_audit, write_audit
from pgsuite.results.store.bank import Bank, BankedCell, read_bank, read_run, write_bank
from pgsuite.results.store.curve import curve_rows, encode_curve
from pgsuite.results.store.digest import sealed_table

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import ABSURD, Case, damage_bytes, damage_tree, fuzz, write_table

DOCS = Path(__file__).parents[2] / "docs" / "robustness"
RECORD = {
    "suite": "tiny",
    "steps": 400,
    "protocol": {"checkpoints": 4, "episodes": 5, "deterministic": False},
    "anchors": {"random": 20.0, "reference": 500.0},
    "environment": {"id": "CartPole-v1", "backend": "compiled", "options": {}, "max_episode_steps": 500},
    "configuration": {"class": "A", "learning_rate": 0.01, "hidden": [64, 64]},
}


class Store:
    """A results folder of two algorithms with two runs each, and what it says while it is whole."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "runs"
        self.stores = [CellStore(self.folder, name, "CartPole-v1", digit * 64) for name, digit in ("one", "a"), ("two", "b")]
        rng = np.random.default_rng(0)
        for store in self.stores:
            store.create(RECORD)
            for seed in range(2):
                rows = [
                    CurveRow(k, 100 * k, 100 * k, rng.normal(), 1.5, 5, 20.0, 100, k, 0.5 * k, {"kl": rng.random()} if k else {})
                    for k in range(5)
                ]
                tensors = {"checkpoint": np.array([4]), "diverged_at": np.array([-1]), "w": rng.normal(size=(1, 30))}
                store.write_checkpoint(seed, rows, {"status": "complete", "steps_per_second": 9.0}, tensors, {})
        asked = [{"algorithm": s.algorithm, "env": s.env, "folder": s.path.name, "seeds": [0, 1]} for s in self.stores]
        write_manifest(self.folder, "tiny", asked)
        self.bank, self.audit = place / "bank.json", place / "audit.json"
        cells = {
            (s.algorithm, s.env): BankedCell(s.record(), {seed: read_run(s, seed) for seed in range(2)}) for s in self.stores
        }
        write_bank(self.bank, Bank("tiny", cells, "c" * 40, {"one": []}))
        record = {"model": "chain", "policy": "random", "variant": "", "p_values": {"exact": 0.5}, "cosine": [0.9, 0.8, 1.0]}
        found = {"one": {"cases": [record], "updates": [], "bias_variance": []}}
        write_audit(self.audit, assemble(found, seed=1, batches=9, seconds=1.0, versions={}))
        self.whole = gather([self.folder])
        self.snapshots = {store: store.read_snapshot(0)[0] for store in self.stores}
        self.curve, self.snapshot = self.stores[0].curve_file(0), self.stores[0].path / "seed-0.safetensors"
        self.record, self.manifest = self.stores[0].path / "cell.json", self.folder / "manifest.json"

    def rows(self) -> list[CurveRow]:
        """The run that is damaged."""
        return curve_rows(self.stores[0].read_curve(0)[0])


def shown(store: Store, paths: Mapping[str, Path]) -> str:
    """Read the folder as a report does, and say what came of it."""
    try:
        found = gather([store.folder])
        report_content(found) if paths.get("report") else None
    except PgsuiteError as error:
        return "named" if "\n" not in str(error) else "traceback"
    return compared(found, store.whole)


def compared(found: Gathered, whole: Gathered) -> str:
    """Hold what is shown to what was there."""
    keys = ["label", "env", "seed", "env_steps"]
    merged = found.frame.merge(whole.frame, on=keys, how="left", suffixes=("", " before"), indicator=True)
    if len(merged) and (merged["_merge"] != "both").any():
        return "wrong number"
    for name in whole.frame.columns:
        if name not in keys and name in found.frame and len(merged):
            now, before = merged[name], merged[f"{name} before"]
            if not ((now == before) | (now.isna() & before.isna())).all():
                return "wrong number"
    if found.whole and len(found.frame) == len(whole.frame):
        return "unnoticed, nothing changed"
    return "named" if found.damaged and not found.whole else "wrong number"


def damaged(store: Store, path: Path, damage: Callable[[bytes, random.Random], bytes], see: Callable[[], str]) -> Case:
    """Damage a file, see what comes of it, and put it back."""
    content = path.read_bytes()

    def case(rng: random.Random) -> str:
        path.write_bytes(damage(content, rng))
        try:
            return see()
        finally:
            path.write_bytes(content)

    return case
