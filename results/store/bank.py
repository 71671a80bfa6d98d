"""What a gate needs of a run, and banks: a suite's runs blessed as a baseline, in one text file.

A bank holds every run's curve, fate and a digest of its final weights, no weights; and for each cell what is needed to
run it again. A run is a line, so that two branches that bless other cells merge.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from .atomic import write_text
from .bits import bits
from .curve import METRIC
from .digest import DIGEST, check_table, digest_of, sealed_table
from .reading import UNREADABLE, read_json
from .remote import Remote
from .store import LARGEST_SEED, CellStore

KIND = "pgsuite bank"
VERSION = 2
"""Of banks that are written. Since 2 every cell has a digest, and so has all that is said beside the cells."""
READABLE = (1, VERSION)


class Run(NamedTuple):
    """A run as a gate sees it."""

    status: str
    """``complete`` or ``diverged``."""
    env_steps: NDArray[np.int64]
    """``(k,)`` the checkpoints that it reached."""
    returns: NDArray[np.float64]
    """``(k,)`` mean return of each."""
    bits: str
    """Digest of the curve and of the final weights, whatever these are called."""
    diagnostics: Mapping[str, float] = {}
    """What the algorithm says of itself, the mean over the checkpoints; a bank has none."""


class BankedCell(NamedTuple):
    """A cell of a bank."""

    record: Mapping[str, Any]
    """Its ``cell.json``."""
    runs: Mapping[int, Run]
    """By seed."""


class Bank(NamedTuple):
    """A suite's blessed runs."""

    suite: str
    cells: Mapping[tuple[str, str], BankedCell]
    """By algorithm and environment."""
    commit: str = ""
    """Of the repository that it was blessed in; empty where it was in none."""
    departures: Mapping[str, Sequence[str]] = {}
    """What the gradient audit found, by algorithm; an algorithm that was not audited is not there."""
    sealed: bool = True
    """Whether it had digests: damage to one that had none may go unnoticed."""
    refusals: Mapping[tuple[str, str], str] = {}
    """Why an algorithm cannot act in an environment, of pairs that were asked for and have no runs."""


def read_run(store: CellStore, seed: int) -> Run | None:
    """Return a finished run of a cell; None where there is none, or where it cannot be read."""
    try:
        curve, facts = store.read_columns(seed)
        snapshot = store.read_snapshot(seed)
    except UNREADABLE:
        return None
    if facts["status"] not in ("complete", "diverged") or not np.isfinite(curve["return_mean"]).all():
        return None
    return Run(
        facts["status"],
        np.asarray(curve["env_steps"], np.int64),
        np.asarray(curve["return_mean"], np.float64),
        bits(curve, snapshot[0] if snapshot else {}),
        {
            name.removeprefix(METRIC): float(values[known].mean())
            for name, values in curve.items()
            if name.startswith(METRIC) and (known := np.isfinite(values)).any()
        },
    )


def read_runs(store: CellStore, seeds: Iterable[int]) -> dict[int, Run]:
    """Return those of a cell's runs that are finished, by seed."""
    seeds = list(seeds)
    seen = store.looked(seeds) if seeds else store
    return {seed: run for seed in seeds if (run := read_run(seen, seed)) is not None}


def write_bank(path: Path | Remote, bank: Bank) -> None:
    """Write a bank: JSON, a line for every run.

    Raises:
        UsageError: it cannot be written.
    """
    cells = []
    for cell in bank.cells.values():
        record = json.dumps(cell.record, indent=1, sort_keys=True).replace("\n", "\n  ")
        grid = max((run.env_steps.tolist() for run in cell.runs.values()), key=len)
        plain = {str(seed): _plain(run) for seed, run in sorted(cell.runs.items())}
        digest = digest_of({"record": cell.record, "steps": grid, "runs": plain})
        runs = ",\n".join(f'   "{seed}": {json.dumps(run)}' for seed, run in plain.items())
        head = f'  {{"record": {record},\n  "steps": {json.dumps(grid)},\n  "{DIGEST}": "{digest}"'
        cells.append(f'{head},\n  "runs": {{\n{runs}\n  }}}}')
    beside: dict[str, Any] = {"kind": KIND, "version": VERSION, "suite": bank.suite, "commit": bank.commit}
    refused = [{"algorithm": key[0], "env": key[1], "reason": reason} for key, reason in bank.refusals.items()]
    beside |= {"departures": bank.departures} | ({"not_applicable": refused} if refused else {})
    opening = json.dumps(sealed_table(beside), indent=1)[:-2]
    text = opening + ',\n "cells": [\n' + ",\n".join(cells) + "\n ]\n}\n"
    try:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise UsageError(f"cannot write the bank {path}: {error.strerror}; choose another place with -o") from None


def read_bank(path: Path | Remote) -> Bank:
    """Read what `write_bank` wrote; anybody may have written it.

    Raises:
        UsageError: it is no bank of this version, or damaged.
    """
    try:
        content = read_json(path)
        if content["kind"] != KIND or content["version"] not in READABLE:
            raise ValueError(f"its kind is {content['kind']!r:.40}, version {content['version']!r:.40}")
        sealed = content["version"] == VERSION
        content = {**check_table(_without_cells(content), required=sealed), "cells": content["cells"]}
        cells = {}
        for found in content["cells"]:
            cell = check_table(found, required=sealed)
            record = cell["record"]
            key = str(record["algorithm"]), str(record["env"])
            if key in cells:
                raise ValueError(f"{key[0]} on {key[1]} is there twice")
            grid = _grid(cell["steps"])
            cells[key] = BankedCell(record, {_seed(seed): _run(run, grid) for seed, run in cell["runs"].items()})
        departures = {str(name): [str(line) for line in lines] for name, lines in content["departures"].items()}
        refused = content.get("not_applicable", [])
        refusals = {(str(one["algorithm"]), str(one["env"])): str(one["reason"]) for one in refused}
        return Bank(str(content["suite"]), cells, str(content["commit"]), departures, sealed, refusals)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{path} is no readable bank ({reason}): make one with `pgsuite bless SUITE -o FILE`"
        ) from None


def _without_cells(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is said beside the cells, which have digests of their own: branches that bless other cells merge."""
    return {name: value for name, value in content.items() if name != "cells"}


def _plain(run: Run) -> dict[str, Any]:
    return {"status": run.status, "returns": run.returns.tolist(), "bits": run.bits}


def _seed(written: str) -> int:
    """A run's seed."""
    if not written.isdecimal() or int(written) > LARGEST_SEED:
        raise ValueError(f"{written!r} is no seed")
    return int(written)


def _grid(found: Any) -> NDArray[np.int64]:
    """The checkpoints of a cell, held to what readers rely on."""
    if not isinstance(found, list) or not all(type(step) is int for step in found):
        raise TypeError("the steps are no list of whole numbers")
    steps = np.asarray(found, np.int64)
    if len(steps) < 2 or steps[0] < 0 or (np.diff(steps) <= 0).any():
        raise ValueError("there are fewer than two checkpoints, or they are out of order or before the start")
    return steps


def _run(found: Mapping[str, Any], grid: NDArray[np.int64]) -> Run:
    """A run of the file, held to what readers rely on: it came to the end of the grid unless it diverged."""
    returns = np.asarray(found["returns"], np.float64)
    if found["status"] not in ("complete", "diverged") or returns.ndim != 1 or not np.isfinite(returns).all():
        raise ValueError("a run has no status, or a return that is not finite")
    if len(returns) > len(grid) or (found["status"] == "complete" and len(returns) < len(grid)):
        raise ValueError("a run has not one return for each checkpoint")
    return Run(found["status"], grid[: len(returns)], returns, str(found["bits"]))
