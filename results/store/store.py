"""The content-addressed store: one folder per cell, named after everything that its results depend on.

``OUT/<algorithm>--<env>--<fingerprint, 12 digits>/`` holds ``cell.json`` (everything needed to repeat the cell)
and, per seed, ``seed-3.parquet`` (the curve) and ``seed-3.safetensors`` (the snapshot: weights and whole state).
A cell is the union of its runs, so workers of different runs never write the same file. Nothing is ever unpickled.

The same names stand below a URL. Wherever it is, two workers may have been given the same run: each writes a file only
over what it has seen there, and where another has written meanwhile, the one who is further stands. Both compute the
same bits; that they do is looked at, since a machine may not.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from platform import node
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from ...errors import PgsuiteError, UsageError
from .atomic import write_atomic
from .bits import bits
from .completeness import check_against_record, check_against_snapshot
from .curve import AnyCurve, Columns, RunStatus, curve_columns, decode_columns, encode_curve
from .digest import sealed_table
from .format import DIGESTS_SINCE, FORMAT
from .places import Place, Version, looked, turns, version, write_after
from .reading import UNREADABLE, DamagedFile
from .record import RECORD, read_record
from .remote import Moved, Remote, RemoteTrouble, fetch
from .snapshot import decode_snapshot, encode_snapshot

if TYPE_CHECKING:
    import pandas as pd

_CURVE = re.compile(r"seed-([0-9]{1,19})\.parquet")
LARGEST_SEED = 2**63 - 1
"""A seed is a signed 64-bit integer in every frame."""
_LONGEST_NAME = 72
_PLACE = ("checkpoint", "diverged_at")
"""Arrays of a snapshot that say how far the run is."""
_MISSING = "it is missing"
_REPAIR = "run the suite again to repair it"


def cell_folder(algorithm: str, env: str, fingerprint: str) -> str:
    """The name of a cell's folder.

    Whatever a file system might refuse in the names, or is too long for it, is left out; six digits of the name's hash
    tell such names apart. Names that differ in nothing but upper and lower case are for who plans cells to refuse.
    """
    return f"{_safe(algorithm)}--{_safe(env)}--{_safe(fingerprint[:12])}"


def _safe(name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.")[:_LONGEST_NAME]
    if safe == name:
        return name
    return f"{safe or 'unnamed'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


class Resumable(NamedTuple):
    """What is whole of an unfinished run."""

    curve: Columns
    """The rows up to the snapshot, by column."""
    tensors: Mapping[str, NDArray[Any]]
    """The snapshot."""
    damage: str = ""
    """What the curve says beyond the snapshot, and cannot be; empty where nothing."""


class CellStore:
    """One cell's folder.

    A crash between two writes must never lose or invent anything, hence `write_checkpoint`: the curve first, then the
    snapshot, and the word "complete" last. So a curve may be one checkpoint ahead of its snapshot; a run that resumes
    drops the rows beyond the snapshot's checkpoint and does that segment again.
    """

    def __init__(self, root: Place, algorithm: str, env: str, fingerprint: str) -> None:
        self.algorithm = algorithm
        self.env = env
        self.fingerprint = fingerprint
        self.path: Place = root / cell_folder(algorithm, env, fingerprint)
        self._known: Mapping[str, Any] | None = None
        self._seen: dict[str, Version] = {}
        """What stood in a file that this store may write over, by name: what it has written, or found unfinished."""

    @classmethod
    def open(cls, folder: Place) -> "CellStore":
        """The store of a folder that exists, whatever it is called now.

        Raises:
            PgsuiteError: it has no readable ``cell.json``.
        """
        record = read_record(folder)
        return cls.at(folder, record["algorithm"], record["env"], record["fingerprint"], record)

    @classmethod
    def at(
        cls, folder: Place, algorithm: str, env: str, fingerprint: str, record: Mapping[str, Any] | None = None
    ) -> "CellStore":
        """The store of a folder, whatever it is called and whether it exists; with its record, where it was read."""
        store = cls(folder.parent, algorithm, env, fingerprint)
        store.path, store._known = folder, record
        return store

    def create(self, record: Mapping[str, Any]) -> str:
        """Make the folder and write ``cell.json``, unless a readable one of this cell is there already.

        Returns:
            What was wrong with one that was replaced; empty where nothing was.

        Args:
            record: everything needed to repeat the cell. Readers use ``suite`` (name), ``anchors`` (``random`` and
                ``reference`` return, or null), ``protocol`` (mapping) and ``provenance``; they ask for none of them.

        Raises:
            UsageError: the folder cannot be written.
        """
        try:
            if not isinstance(self.path, Remote):
                self.path.mkdir(parents=True, exist_ok=True)
            identity = {"algorithm": self.algorithm, "env": self.env, "fingerprint": self.fingerprint}
            text = json.dumps(sealed_table({"format": FORMAT, **record, **identity}), indent=2) + "\n"
            for _ in turns(self.path / RECORD):
                before = version(self.path / RECORD)
                if not (wrong := self._wrong_with_record()):
                    break
                with suppress(Moved):  # somebody else begins the same cell
                    write_after(self.path / RECORD, text.encode(), before)
                    self._known = None
                    break
            return "" if wrong is _MISSING else wrong
        except RemoteTrouble:
            raise
        except (OSError, PgsuiteError) as error:
            raise UsageError(
                f"cannot write results to {self.path}: {_reason(error)}; "
                "choose a folder that can be written with --out, or change its permissions"
            ) from error

    def amend(self, facts: Mapping[str, Any]) -> None:
        """Bring what the record says beside a run's numbers, such as score anchors, up to date; None takes it out.

        A record of another format stays as it is.

        Raises:
            UsageError: the folder cannot be written.
        """
        path = self.path / RECORD
        for _ in turns(path):
            before, record = version(path), self.record()
            if record.get("format") != FORMAT or all(record.get(name) == fact for name, fact in facts.items()):
                return
            kept = {name: fact for name, fact in {**record, **facts}.items() if fact is not None or name == "anchors"}
            try:
                write_after(path, (json.dumps(sealed_table(kept), indent=2) + "\n").encode(), before)
                break
            except Moved:  # somebody else brings it up to date
                continue
            except RemoteTrouble:
                raise
            except (OSError, PgsuiteError) as error:
                raise UsageError(
                    f"cannot write results to {self.path}: {_reason(error)}; change its permissions"
                ) from error
        self._known = None

    def record(self) -> dict[str, Any]:
        """The content of ``cell.json``.

        Raises:
            PgsuiteError: there is none, or it cannot be read.
        """
        return read_record(self.path)

    def seeds(self) -> dict[int, RunStatus]:
        """What is there, by seed, in order.

        A run whose curve or snapshot cannot be read, or which is not what it says, is ``corrupt``: nothing is moved or
        deleted here, and its files are replaced when the run is done again. Files of other names, temporary ones among
        them, are ignored.
        """
        seen = self.looked()
        return {seed: seen._status(seed) for seed in seen.stored()}

    def looked(self, seeds: Iterable[int] | None = None) -> "CellStore":
        """The same cell as it is now, for whoever reads many runs, all by default: at a URL they are read at once."""
        if not isinstance(self.path, Remote):
            return self
        seen = CellStore.at(looked(self.path), self.algorithm, self.env, self.fingerprint, self._known)
        seeds = seen.stored() if seeds is None else seeds
        fetch([seen.path / RECORD, *(file for seed in seeds for file in (seen.curve_file(seed), seen._snapshot(seed)))])
        return seen

    def stored(self) -> list[int]:
        """Seeds that have a curve, readable or not, in order.

        Raises:
            DamagedFile: the folder cannot be read.
        """
        try:
            files: list[Place] = list(self.path.iterdir()) if self.path.is_dir() else []
        except OSError as error:
            raise DamagedFile(self.path, error, "make it readable") from error
        seeds = (int(match[1]) for file in files if (match := _CURVE.fullmatch(file.name)))
        return sorted(seed for seed in seeds if seed <= LARGEST_SEED)

    def curve_file(self, seed: int) -> Place:
        """Where a run's curve is, or would be."""
        return self.path / f"seed-{seed}.parquet"

    def write_curve(
        self,
        seed: int,
        rows: AnyCurve,
        meta: Mapping[str, Any],
    ) -> None:
        """Replace a run's curve.

        Args:
            seed: the run.
            rows: one per checkpoint reached, in order.
            meta: facts of the run, JSON-like: ``status`` ("complete", "partial" or "diverged"), ``diverged_at`` in
                environment steps for a diverged one, ``steps_per_second`` where measured, and any others.
        """
        content = encode_curve(rows, meta, self._run(seed))
        write_atomic(self.curve_file(seed), lambda file: file.write(content))

    def read_curve(self, seed: int) -> "tuple[pd.DataFrame, dict[str, Any]]":
        """A run's rows and its facts.

        Raises:
            PgsuiteError: the file is missing, damaged or not what the cell's record promises.
        """
        import pandas as pd  # a fifth of a second, which workers do without

        columns, facts = self.read_columns(seed)
        return pd.DataFrame(columns), facts

    def read_columns(self, seed: int) -> tuple[Columns, dict[str, Any]]:
        """The same as arrays ``(K+1,)`` by column."""
        path, record = self.curve_file(seed), self._promised()
        columns, facts = decode_columns(path, self._run(seed), old=_without_digests(record))
        try:
            check_against_record(columns, facts["status"], record)
        except ValueError as error:
            raise DamagedFile(path, error, _REPAIR) from error
        return columns, facts

    def write_snapshot(self, seed: int, tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, str]) -> None:
        """Replace a run's snapshot: named arrays of any shape, and text."""
        content = encode_snapshot(tensors, meta, self._run(seed))
        write_atomic(self._snapshot(seed), lambda file: file.write(content))

    def read_snapshot(
        self, seed: int, *, only: Sequence[str] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, str]] | None:
        """A run's arrays and text, or None when it has no snapshot.

        Args:
            seed: the run.
            only: those arrays that are wanted, where they are there; the others are only to be whole.

        Raises:
            PgsuiteError: the file is damaged.
        """
        old = _without_digests(self._promised())
        return decode_snapshot(self._snapshot(seed), self._run(seed), old=old, only=only)

    def resumable(self, seed: int) -> Resumable | None:
        """What a run goes on from; None where there is nothing. This store may write over it, unless it is finished.

        Raises:
            DamagedFile: what is there cannot be gone on from.
        """
        files = (self.curve_file(seed), self._snapshot(seed))
        self._seen |= {file.name: version(file) for file in files}  # whoever writes after this is somebody else
        if seed not in self.stored():
            return None
        columns, facts = self.read_columns(seed)
        if (snapshot := self.read_snapshot(seed)) is None:
            return None
        self._check_pair(seed, columns, "partial", snapshot[0])
        damage = ""
        try:
            self._check_pair(seed, columns, facts["status"], snapshot[0])
        except DamagedFile as error:
            damage = error.reason
        if facts["status"] != "partial" and not damage:  # it is finished, and not this store's to write over
            for file in files:
                del self._seen[file.name]
        before = columns["checkpoint"] <= int(snapshot[0]["checkpoint"][0])
        return Resumable({name: column[before] for name, column in columns.items()}, snapshot[0], damage)

    def write_checkpoint(
        self,
        seed: int,
        rows: AnyCurve,
        meta: Mapping[str, Any],
        tensors: Mapping[str, NDArray[Any]],
        snapshot_meta: Mapping[str, str],
    ) -> str:
        """Curve and snapshot in the order that a crash between them cannot spoil.

        What somebody else has written since is left where it is as far as this, or further.

        Returns:
            How that differs in bits from what it should be equal to; empty where it does not, or nobody wrote.
        """
        columns = curve_columns(rows)

        def curve(status: Any) -> str:
            content = encode_curve(columns, {**meta, "status": status}, self._run(seed))
            return self._write_beside(
                self.curve_file(seed), content, lambda: self._meet_curve(seed, columns, status, meta)
            )

        def snapshot() -> str:
            content = encode_snapshot(tensors, snapshot_meta, self._run(seed))
            return self._write_beside(self._snapshot(seed), content, lambda: self._meet_snapshot(seed, tensors, meta))

        status = meta.get("status")
        return curve("partial") or snapshot() or (curve(status) if status != "partial" else "")

    def _write_beside(self, path: Place, content: bytes, meet: Callable[[], str | None]) -> str:
        """Write a file over what this store has seen of it; over what somebody else has written, if that is behind.

        Args:
            path: the file.
            content: of it.
            meet: looks at what stands there: None where it is behind, else how it differs from what it should be
                equal to, or nothing.
        """
        before = self._seen.get(path.name)
        for _ in turns(path):
            try:
                self._seen[path.name] = write_after(path, content, before)
                break
            except Moved:
                before = version(path)
            if (difference := meet()) is not None:
                return difference
        return ""

    def _meet_curve(self, seed: int, curve: Columns, status: str, meta: Mapping[str, Any]) -> str | None:
        try:
            theirs, facts = self.read_columns(seed)
        except UNREADABLE:
            return None
        rows, shared = len(curve["checkpoint"]), min(len(curve["checkpoint"]), len(theirs["checkpoint"]))
        mine = {name: curve[name] for name in theirs if name in curve}
        here, there = (bits({name: one[:shared] for name, one in each.items()}, {}) for each in (mine, theirs))
        if here != there:
            return self._difference(seed, here, there, meta)
        further = (facts["status"] != "partial", len(theirs["checkpoint"])) >= (status != "partial", rows)
        return "" if further else None

    def _meet_snapshot(self, seed: int, tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> str | None:
        try:
            found = self.read_snapshot(seed)
            theirs = found[0] if found else {}
            mine, reached = (int(one["checkpoint"][0]) for one in (tensors, theirs))
        except (*UNREADABLE, KeyError, IndexError):
            return None
        if mine == reached and (here := bits({}, tensors)) != (there := bits({}, theirs)):
            return self._difference(seed, here, there, meta)
        return "" if reached >= mine else None

    def _difference(self, seed: int, here: str, there: str, meta: Mapping[str, Any]) -> str:
        """Say that two machines came to different bits of one run, and which these are."""
        try:
            facts = self.read_columns(seed)[1]
        except UNREADABLE:
            facts = {}
        return (
            f"seed {seed} came out different on two machines: bits {here} on {node()} ({_machine(meta)}), and {there} "
            f"in {self.curve_file(seed)}, which another worker has written meanwhile ({_machine(facts)}) and which is "
            "kept; a run depends on its seed alone, so one of the two does not compute as it should: compare their "
            "processors and their versions of torch and numpy"
        )

    def _wrong_with_record(self) -> str:
        """Why a record has to be written; empty where there is one of this cell."""
        try:
            found = read_record(self.path)
        except DamagedFile as error:
            return error.reason
        except UNREADABLE:
            return _MISSING
        same = (found["algorithm"], found["env"], found["fingerprint"]) == (self.algorithm, self.env, self.fingerprint)
        return "" if same else "it was that of another cell"

    def _promised(self) -> Mapping[str, Any]:
        """The cell's record, read once; empty where it cannot be read."""
        if self._known is None:
            try:
                self._known = read_record(self.path)
            except UNREADABLE:
                return {}
        return self._known

    def _status(self, seed: int) -> RunStatus:
        try:
            columns, facts = self.read_columns(seed)
            if (snapshot := self.read_snapshot(seed, only=_PLACE)) is not None:
                self._check_pair(seed, columns, facts["status"], snapshot[0])
        except UNREADABLE:
            return "corrupt"
        status: RunStatus = facts["status"]
        return status

    def _check_pair(
        self, seed: int, curve: Mapping[str, NDArray[Any]], status: str, snapshot: Mapping[str, NDArray[Any]]
    ) -> None:
        """Hold curve and snapshot to each other.

        Raises:
            DamagedFile: they do not belong together.
        """
        try:
            check_against_snapshot(curve, status, snapshot)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise DamagedFile(self._snapshot(seed), error, _REPAIR) from error

    def _run(self, seed: int) -> str:
        """What the files of a run say whose they are."""
        return f"{self.fingerprint} seed {seed}"

    def _snapshot(self, seed: int) -> Place:
        return self.path / f"seed-{seed}.safetensors"


def _without_digests(record: Mapping[str, Any]) -> bool:
    """Whether a cell's files are of a format that had no digests."""
    return bool(record.get("format", FORMAT) < DIGESTS_SINCE)


def _machine(facts: Mapping[str, Any]) -> str:
    """The processor that a run was made on, as far as its facts say it."""
    machine = (facts.get("provenance") or {}).get("machine") or {}
    return (
        ", ".join(str(machine[name]) for name in ("cpu", "cpu_capability") if machine.get(name)) or "nobody says which"
    )


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return getattr(cause, "strerror", None) or str(cause)
