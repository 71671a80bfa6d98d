"""What a check is asked, and the two sides of it: opened, planned, held to their own code, and found comparable."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ...algorithms.registry import locate
from ...errors import PgsuiteError, UsageError
from ...results.store.places import Place, place_of
from ..files import read_suite
from ..schema import Suite, check_names, parse_suite
from .arms import Arm, Incomparable
from .revisions import Tree, check_origins, checked_out, commit_of, working_tree
from .sides import Key, Live, Recorded, Refused, check_comparable, is_recorded, named, recorded, refused_pairs

SEEDS = 160
"""Pairs of runs that screening goes up to by default."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a check is asked."""

    suite: str
    baseline: str = ""
    """A git revision, a results folder or a blessed bank, or a URL of these; or ``against``."""
    against: str = ""
    """Another class, the baseline of the one algorithm that is named."""
    candidate: str = ""
    """A git revision instead of the working tree."""
    algorithms: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    baseline_suite: str = ""
    """The suite that the baseline runs, where it is not the candidate's."""
    seeds: int = SEEDS
    steps: int | None = None
    margin: float | None = None
    """Instead of the suite's."""
    metric: Literal["auc", "final"] = "auc"
    audit: bool = True
    models: tuple[str, ...] = ()
    """Exact models of the audit; all by default."""
    speed: bool = True
    speed_margin: float = 0.10
    across_versions: bool = False
    open_is_ok: bool = False
    workers: int | None = None
    out: Path | None = None


def folder_of(request: Request, suite: str) -> Path:
    """Return where a check's runs are kept."""
    # Two classes may be called as the suite's algorithms are, but for upper and lower case: they have their own folder.
    return request.out or Path("runs") / "check" / (f"{suite}-against" if request.against else suite)


class Opened(NamedTuple):
    """Both sides, ready to be compared."""

    suite: Suite
    candidate: Live
    baseline: Live | Recorded
    names: tuple[str, str]
    """Of the baseline and of the candidate, in words."""
    keys: tuple[Key, ...]
    """The cells to compare."""
    refused: Mapping[Key, Refused]
    """The pairs that are none, because an algorithm cannot act in an environment."""
    notes: tuple[str, ...]
    out: Path

    @property
    def bank(self) -> Recorded | None:
        """The baseline, where its runs are all that there is."""
        return self.baseline if isinstance(self.baseline, Recorded) else None


@contextmanager
def opened(request: Request) -> Iterator[Opened]:
    """Open both sides of a check, and close them afterwards.

    Raises:
        UsageError: the request cannot be carried out as written, or an arm ran code from elsewhere.
        Incomparable: the baseline is missing, or was measured differently.
    """
    if bool(request.baseline) == bool(request.against):
        raise UsageError(
            "name what to compare with: --baseline and a git revision, a results folder or a blessed bank; "
            "or --against and another class"
        )
    if request.seeds < 1:
        raise UsageError(f"--seeds {request.seeds}: at least one pair of runs is needed")
    if request.margin is not None and not 0 < request.margin <= 10:
        raise UsageError(f"--margin {request.margin:g}: a margin is a positive drop of score, such as 0.1")
    path, data = read_suite(request.suite)
    suite = parse_suite(data, str(path))
    check_names(suite, () if request.against else request.algorithms, request.environments, request.steps)
    with ExitStack() as stack:
        opening = _Opening(request, suite, path, data, stack)
        yield opening.against() if request.against else opening.baseline()


class _Opening:
    """One check's sides, while they are opened."""

    def __init__(self, request: Request, suite: Suite, path: Path, data: Mapping[str, Any], stack: ExitStack) -> None:
        self._request, self._suite, self._path, self._stack = request, suite, path, stack
        self._out = folder_of(request, suite.name)
        self._data = _without_check(data)
        self._notes: list[str] = []

    def against(self) -> Opened:
        """Two classes of the working tree: the one algorithm that is named, and the other."""
        request = self._request
        if len(request.algorithms) != 1:
            raise UsageError("--against compares two classes: name the candidate's with one -a")
        tables = [self._table(reference) for reference in (request.against, request.algorithms[0])]
        options = next((table for table in tables if len(table) > 1), {})
        name = request.algorithms[0] if ":" not in request.algorithms[0] else locate(request.algorithms[0]).name
        here = Tree(Path.cwd(), Path.cwd())
        arms = []
        for role, table in zip(("baseline", "candidate"), tables, strict=True):
            settings = table if len(table) > 1 else {**options, **table}  # those of the other, where it has none
            data = {**self._data, "algorithms": {name: settings}}
            arms.append(self._planning(role, here, data, str(self._path), ()))
        for arm in arms:
            arm.planned(arm.receive())
        return self._ready(Live(arms[1]), Live(arms[0]), (request.against, request.algorithms[0]))

    def _table(self, reference: str) -> dict[str, Any]:
        """An algorithm as a suite lists it: with the suite's options where that lists it, by name or by its class."""
        listed = self._data["algorithms"]
        if reference in listed:
            return {"class": reference, **listed[reference]}
        wanted = locate(reference).name
        same = [name for name, table in listed.items() if locate(table.get("class", name)).name == wanted]
        if same:
            self._notes.append(f"{reference} has the suite's settings of {same[0]}")
        return {**(listed[same[0]] if same else {}), "class": reference}

    def baseline(self) -> Opened:
        """The candidate, and a revision or what was recorded."""
        request, place = self._request, place_of(self._request.baseline)
        repository, here = self._trees()
        name = "the working tree" if here.commit == "" else f"{request.candidate} ({here.commit[:9]})"
        if is_recorded(place) or (place.exists() and commit_of(repository.root, request.baseline) is None):
            candidate = Live(self._planning("candidate", here, self._data, str(self._path), request.algorithms))
            candidate.arm.planned(candidate.arm.receive())
            baseline, said = self._recorded(place, candidate)
            return self._ready(candidate, baseline, (said, name))
        if _is_path(request.baseline) and commit_of(repository.root, request.baseline) is None:
            raise self._missing()
        there = self._stack.enter_context(checked_out(repository, request.baseline))
        if not request.candidate and there.commit == commit_of(repository.root, "HEAD") and request.baseline != "HEAD":
            self._notes.append(f"{request.baseline} is what is checked out here: only uncommitted changes can differ")
        data, source = self._suite_of(there, here)
        ours = self._planning("candidate", here, self._data, str(self._path), request.algorithms)
        theirs = self._planning("baseline", there, data, source, request.algorithms)
        ours.planned(ours.receive())
        try:
            theirs.planned(theirs.receive())
        except PgsuiteError as error:
            raise Incomparable(f"{error}; where it needs another suite file, name that with --baseline-suite") from None
        ready = self._ready(Live(ours), Live(theirs), (f"{request.baseline} ({there.commit[:9]})", name))
        check_origins(here, _files(ours, theirs), there, _files(theirs, ours), theirs.loaded)
        return ready

    def _trees(self) -> tuple[Tree, Tree]:
        """The repository, and where the candidate's code lies; no repository is needed where no revision is named."""
        request = self._request
        try:
            repository = working_tree()
        except UsageError:
            if request.candidate or not place_of(request.baseline).exists():
                if _is_path(request.baseline):
                    raise self._missing() from None
                raise
            repository = Tree(Path.cwd(), Path.cwd())
        if request.candidate:
            return repository, self._stack.enter_context(checked_out(repository, request.candidate))
        return repository, repository

    def _missing(self) -> Incomparable:
        place = self._request.baseline
        return Incomparable(
            f"the baseline {place} does not exist: make it with `pgsuite bless {self._request.suite} -o {place}`, or "
            "name a git revision"
        )

    def _suite_of(self, there: Tree, here: Tree) -> tuple[dict[str, Any], str]:
        """The suite for a revision: the one that is asked for, else its own where it has another of that file."""
        if self._request.baseline_suite:
            path, data = read_suite(self._request.baseline_suite)
            return _without_check(data), str(path)
        if here.holds(self._path):
            own = there.root / self._path.resolve().relative_to(here.root.resolve())
            if own.is_file() and own.read_bytes() != self._path.read_bytes():
                data = _without_check(read_suite(str(own))[1])
                if data != self._data:
                    self._notes.append(f"{self._path.name} has changed: the baseline runs its own version of it")
                return data, str(own)
        return self._data, str(self._path)

    def _recorded(self, place: Place, candidate: Live) -> tuple[Live | Recorded, str]:
        """What was recorded; with its code beside it where that is at hand and the same."""
        found = recorded(place, self._suite.name)
        if not found.sealed:
            self._notes.append(f"{place} was written before files had digests: damage to it may go unnoticed")
        wanted = [key for key in candidate.arm.cells if key in found.cells]
        if all(found.fingerprint(key) == candidate.fingerprint(key) for key in wanted):
            return found, str(place)
        try:
            here = working_tree()
            there = self._stack.enter_context(checked_out(here, found.commit))
            data, source = self._suite_of(there, here)
            arm = self._planning("baseline", there, data, source, self._request.algorithms)
            arm.planned(arm.receive())
            live = Live(arm, found.cells)
            if all(live.fingerprint(key) == found.fingerprint(key) for key in wanted):
                check_origins(here, _files(candidate.arm, arm), there, _files(arm, candidate.arm), arm.loaded)
                return live, f"{place} ({found.commit[:9]})"
        except (PgsuiteError, KeyError):  # without it, the bank stands alone
            pass
        self._notes.append(
            f"the code of {place} is not at hand, or its results depend on more: half of its seeds are kept for "
            "confirmation, and the luck of these is part of the error"
        )
        return found, str(place)

    def _planning(
        self, role: str, tree: Tree, data: Mapping[str, Any], source: str, algorithms: tuple[str, ...]
    ) -> Arm:
        """An arm that plans the suite; its answer is still to be received."""
        request = self._request
        arm = self._stack.enter_context(Arm(role, tree, self._out))
        arm.send(
            "plan",
            suite={**data, "name": self._suite.name},
            source=source,
            algorithms=list(algorithms),
            environments=list(request.environments),
            steps=request.steps,
            out=str(self._out.absolute()),
        )
        return arm

    def _ready(self, candidate: Live, baseline: Live | Recorded, names: tuple[str, str]) -> Opened:
        refused = refused_pairs(candidate, baseline)
        keys = tuple(key for key in candidate.cell_keys() if key not in refused)
        if not keys and not any(one.is_lost for one in refused.values()):
            every = "; ".join(f"{named(key)} is not applicable: {one.reason}" for key, one in refused.items())
            raise UsageError(f"there is nothing to check: {every}")
        live = isinstance(baseline, Live)
        check_comparable(candidate, baseline, keys, across_versions=self._request.across_versions, another=live)
        gone = [named(key) for key in baseline.cell_keys() if key not in keys and key not in refused]
        if gone and not (self._request.algorithms or self._request.environments):
            self._notes.append(f"the baseline has {', '.join(gone)}, which is not in the suite any more: not checked")
        return Opened(self._suite, candidate, baseline, names, keys, refused, tuple(self._notes), self._out)


def _files(arm: Arm, other: Arm) -> list[str]:
    """The files that an arm runs: the package, the algorithms that both plan, in one order, the suite's modules."""
    both = sorted(arm.files.keys() & other.files.keys())
    return [arm.package, *(arm.files[key] for key in both), *arm.modules]


def _without_check(data: Mapping[str, Any]) -> dict[str, Any]:
    """A suite for an arm, which need not know of checks."""
    return {key: value for key, value in data.items() if key != "check"}


def _is_path(baseline: str) -> bool:
    """Whether a name that is no revision was meant as a file or a folder."""
    return os.sep in baseline or baseline.endswith(".json")
