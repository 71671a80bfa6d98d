"""What a change is compared with: a revision that is run, or runs that were recorded, or both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ...errors import UsageError
from ...results.store.bank import Bank, BankedCell, Run, read_bank, read_runs
from ...results.store.folders import read_folder
from ...results.store.format import DIGESTS_SINCE, FORMAT
from ...results.store.manifest import MANIFEST
from ...results.store.places import Place, looked
from ...results.store.record import RECORD
from .arms import Arm, Incomparable

Key = tuple[str, str]
"""Algorithm and environment."""


def named(key: Key) -> str:
    """How messages call a cell."""
    return f"{key[0]} on {key[1]}"


class Side(Protocol):
    """One side of a comparison."""

    def fingerprint(self, key: Key) -> str:
        """What a cell's results depend on."""

    def record(self, key: Key) -> Mapping[str, Any]:
        """Everything needed to repeat a cell."""

    def ran(self, key: Key) -> str:
        """Return the file and the fingerprint of what was run."""

    def cell_keys(self) -> Sequence[Key]:
        """Return its cells."""

    @property
    def refusals(self) -> Mapping[Key, str]:
        """Why an algorithm cannot act in an environment, of pairs that are no cells therefore."""

    def recorded_seeds(self, key: Key) -> list[int]:
        """Return the seeds of a cell whose runs were there before the check, in order."""

    def runs(self, key: Key, seeds: Sequence[int]) -> Mapping[int, Run]:
        """Return those of a cell's runs that are finished."""

    def run(
        self, wanted: Mapping[Key, Sequence[int]], workers: int | None, on_share: Callable[[float], None] = ...
    ) -> Mapping[Key, str]:
        """Run what is missing; return why cells failed."""


@dataclass
class Live:
    """A version of the code that can be run."""

    arm: Arm
    recorded: Mapping[Key, BankedCell] = field(default_factory=dict)
    """Runs of the same code that are there already."""

    def fingerprint(self, key: Key) -> str:
        """Return what a cell's results depend on."""
        return self.arm.cells[key].fingerprint

    def record(self, key: Key) -> Mapping[str, Any]:
        """Return everything needed to repeat a cell."""
        return self.arm.cells[key].record

    def ran(self, key: Key) -> str:
        """Return the file and the fingerprint of what it runs."""
        return f"{self.arm.files[key]} ({self.fingerprint(key)[:12]})"

    def cell_keys(self) -> Sequence[Key]:
        """Return the planned cells."""
        return list(self.arm.cells)

    @property
    def refusals(self) -> Mapping[Key, str]:
        """Why an algorithm cannot act in an environment, of planned pairs that are no cells therefore."""
        return self.arm.refusals

    def recorded_seeds(self, key: Key) -> list[int]:
        """Return the seeds of a cell that a bank beside the code has, in order."""
        return sorted(self.recorded[key].runs) if key in self.recorded else []

    def runs(self, key: Key, seeds: Sequence[int]) -> Mapping[int, Run]:
        """Return those of a cell's runs that are finished, recorded ones first."""
        known = self.recorded[key].runs if key in self.recorded else {}
        others = [seed for seed in seeds if seed not in known]
        return {seed: known[seed] for seed in seeds if seed in known} | self.arm.runs(key, others)

    def run(
        self,
        wanted: Mapping[Key, Sequence[int]],
        workers: int | None,
        on_share: Callable[[float], None] = lambda _: None,
    ) -> Mapping[Key, str]:
        """Run what is missing; return why cells failed."""
        known = {key: self.recorded[key].runs if key in self.recorded else {} for key in wanted}
        others = {key: [seed for seed in seeds if seed not in known[key]] for key, seeds in wanted.items()}
        return self.arm.run(others, workers, on_share)


@dataclass
class Recorded:
    """Runs whose code is not at hand."""

    name: str
    cells: Mapping[Key, BankedCell]
    commit: str = ""
    """Of the repository that they were run in, as far as anybody says."""
    departures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What the gradient audit found, by algorithm that was audited."""
    sealed: bool = True
    """Whether the files that they were read from had digests."""
    refusals: Mapping[Key, str] = field(default_factory=dict)
    """Why an algorithm could not act in an environment, of pairs that were asked for and are no cells therefore."""

    def fingerprint(self, key: Key) -> str:
        """Return what a cell's results depend on."""
        return str(self.record(key).get("fingerprint", ""))

    def record(self, key: Key) -> Mapping[str, Any]:
        """Return everything needed to repeat a cell."""
        return self.cells[key].record

    def ran(self, key: Key) -> str:
        """Return the file that they were read from, and the fingerprint of what was run."""
        return f"{self.name} ({self.fingerprint(key)[:12]})"

    def cell_keys(self) -> Sequence[Key]:
        """Return the recorded cells."""
        return list(self.cells)

    def recorded_seeds(self, key: Key) -> list[int]:
        """Return the seeds of a cell, in order."""
        return sorted(self.cells[key].runs)

    def runs(self, key: Key, seeds: Sequence[int]) -> Mapping[int, Run]:
        """Return those of a cell's runs that were recorded."""
        return {seed: run for seed in seeds if (run := self.cells[key].runs.get(seed)) is not None}

    def run(
        self,
        wanted: Mapping[Key, Sequence[int]],
        workers: int | None,  # noqa: ARG002
        on_share: Callable[[float], None] = lambda _: None,  # noqa: ARG002
    ) -> Mapping[Key, str]:
        """Return which cells lack runs, for none can be run."""
        return {
            key: f"{self.name} has no run of seed {seed}"
            for key, seeds in wanted.items()
            for seed in seeds
            if seed not in self.cells[key].runs
        }


def is_recorded(path: Place) -> bool:
    """Whether a path is a file or a folder with results or banks; a folder may have a revision's name, no URL has."""
    if not isinstance(path, Path):
        return True
    patterns = ("*.json", f"*/{RECORD}")
    return path.is_file() or (path.is_dir() and any(next(path.glob(pattern), None) for pattern in patterns))


def recorded(path: Place, suite: str) -> Recorded:
    """Read a bank, the banks of a suite in a folder, or a results folder.

    Raises:
        Incomparable: there is nothing in it.
        UsageError: a file of it is damaged.
    """
    if path.is_file():
        return _banked(path, [read_bank(path)])
    path = looked(path)
    banks = [] if (path / MANIFEST).exists() or not path.is_dir() else _banks_in(path)
    if banks:
        every = [read_bank(file) for file in banks]
        return _banked(path, [bank for bank in every if bank.suite == suite] or every)
    try:
        cells = read_folder(path).cells
    except UsageError as error:
        raise Incomparable(f"{error}, or bless a baseline with `pgsuite bless SUITE -o {path}`") from None
    found = {
        (cell.store.algorithm, cell.store.env): BankedCell(cell.record, read_runs(cell.store, cell.there))
        for cell in cells
        if cell.record
    }
    commits = {str(_git_of(cell.record).get("commit", "")) for cell in found.values()}
    sealed = all(cell.record.get("format", FORMAT) >= DIGESTS_SINCE for cell in found.values())
    refusals = {(cell.store.algorithm, cell.store.env): cell.refusal for cell in cells if cell.refusal}
    return Recorded(str(path), found, commits.pop() if len(commits) == 1 else "", sealed=sealed, refusals=refusals)


def _banks_in(folder: Place) -> list[Place]:
    return sorted((file for file in folder.iterdir() if file.suffix == ".json"), key=str)


def _banked(path: Place, banks: Sequence[Bank]) -> Recorded:
    cells = {key: cell for bank in banks for key, cell in bank.cells.items()}
    departures = {name: lines for bank in banks for name, lines in bank.departures.items()}
    commits = {bank.commit for bank in banks}
    refusals = {key: reason for bank in banks for key, reason in bank.refusals.items()}
    sealed = all(bank.sealed for bank in banks)
    return Recorded(str(path), cells, commits.pop() if len(commits) == 1 else "", departures, sealed, refusals)


def _git_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of the repository that a cell was run in."""
    git = (record.get("provenance") or {}).get("git")
    return git if isinstance(git, Mapping) else {}


class Refused(NamedTuple):
    """A pair that has no runs to compare, because an algorithm cannot act in an environment."""

    reason: str
    is_lost: bool
    """Whether it could in the baseline."""


def refused_pairs(candidate: Side, baseline: Side) -> dict[Key, Refused]:
    """Return the candidate's pairs that either side refuses; one that the baseline has not at all is none of them."""
    there = set(baseline.cell_keys())
    found = {key: Refused(reason, key in there) for key, reason in candidate.refusals.items()}
    for key in candidate.cell_keys():
        if key not in there and (reason := baseline.refusals.get(key)):
            found[key] = Refused(f"nothing to compare with, for it was not in the baseline ({reason})", is_lost=False)
    return found


PROTOCOL = ("steps", "protocol", "device")
"""Parts of a cell's record that say how it was measured."""


def check_comparable(
    candidate: Side, baseline: Side, keys: Sequence[Key], *, across_versions: bool, another: bool
) -> None:
    """Refuse to compare what was measured differently.

    Args:
        candidate: one side.
        baseline: the other.
        keys: the candidate's cells.
        across_versions: whether libraries may differ.
        another: whether the baseline is another version of the code, whose configuration is part of the change.

    Raises:
        Incomparable: naming the cell and what differs.
    """
    for key in keys:
        name = named(key)
        try:
            ours, theirs = candidate.record(key), baseline.record(key)
        except KeyError:
            raise Incomparable(
                f"the baseline has no {name}: leave it out by naming the others with -a and -e, or bless it"
            ) from None
        environments = [_without(record.get("environment", {}), "backend_version") for record in (ours, theirs)]
        parts = {part: (ours.get(part), theirs.get(part)) for part in PROTOCOL} | {"environment": tuple(environments)}
        if not another:
            parts["configuration"] = ours.get("configuration"), theirs.get("configuration")
        for part, (one, other) in parts.items():
            if one != other:
                way_out = (
                    "give the baseline the suite file that both agree on" if another else "bless the baseline anew"
                )
                raise Incomparable(f"{name} was measured differently: {_difference(part, one, other)}; {way_out}")
        versions = [_versions(record) for record in (ours, theirs)]
        if versions[0] != versions[1] and not across_versions:
            raise Incomparable(
                f"{name}: {_difference('versions', *versions)}; install those, bless the baseline anew, or compare "
                "across versions with --across-versions"
            )


def _versions(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record.get("versions", {}), "backend": record.get("environment", {}).get("backend_version")}


def _without(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != name}


def _difference(name: str, one: Any, other: Any) -> str:
    """The first thing that differs, in words."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                return _difference(f"{name}.{key}", one.get(key), other.get(key))
    return f"{name} is {one!r} here and {other!r} in the baseline"
