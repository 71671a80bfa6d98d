"""The two arms of a check, as processes: each runs a version of the code, and says which files it ran."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ...errors import PgsuiteError, UsageError, located
from ...results.store.bank import Run, read_run
from ...results.store.git import outside_hooks
from ...results.store.places import Place, Version, version
from ...results.store.store import CellStore
from .revisions import Tree

_SCRIPT = Path(__file__).with_name("arm.py")
_TICK = 0.5


class Incomparable(PgsuiteError):
    """A baseline is missing or cannot be compared."""

    exit_code = 4


@dataclass(frozen=True)
class ArmCell:
    """A cell as one arm has it."""

    algorithm: str
    env: str
    fingerprint: str
    record: Mapping[str, Any]
    store: CellStore
    number: int
    """In the arm's plan."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the arm's others."""
        return self.algorithm, self.env


class Arm:
    """A process that runs one version of the code, from `arm.py`."""

    def __init__(self, name: str, tree: Tree, out: Path) -> None:
        """Start it.

        Args:
            name: ``baseline`` or ``candidate``, for messages.
            tree: the version; paths in the suite are relative to its folder.
            out: results folder, of both arms.
        """
        self.name, self._out = name, out.absolute()
        inherited = [Path(folder).resolve() for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
        own = [folder for folder in inherited if folder.is_relative_to(Path.cwd().resolve())]
        front = [*tree.package, *(folder for folder in inherited if folder not in own)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT), *map(str, [*tree.path, *own])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tree.folder,
            env={**outside_hooks(), "PYTHONPATH": os.pathsep.join(map(str, front))},
        )
        self.cells: dict[tuple[str, str], ArmCell] = {}
        self.refusals: dict[tuple[str, str], str] = {}
        """Why an algorithm cannot act in an environment, of pairs of the plan that have no cell."""
        self.files: dict[tuple[str, str], str] = {}
        """Where the algorithm of each of both is defined."""
        self.package = ""
        self.modules: tuple[str, ...] = ()
        self.loaded: tuple[str, ...] = ()
        """Files of everything that it has imported and that is not installed."""
        self._runs: dict[tuple[str, str], dict[int, Run]] = {}
        self._reached: dict[Place, tuple[Version, int]] = {}
        """Version of a curve's file, and the checkpoint that it ended with then."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; what it was running is saved."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        for patience, end in ((0.2, self._process.terminate), (10.0, self._process.kill)):
            try:
                self._process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                end()
        self._process.wait()
        self._process.stdout.close()

    def send(self, do: str, **request: Any) -> None:
        """Ask for something; `receive` gives the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._death() from None

    def receive(self, on_tick: Callable[[], None] = lambda: None) -> Any:
        """Wait for an answer, and do something twice a second meanwhile.

        Raises:
            UsageError: the request was wrong.
            PgsuiteError: it could not be carried out, or the process has died.
        """
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not selector.select(_TICK):
                on_tick()
        line = self._process.stdout.readline()
        if not line:
            raise self._death()
        answer = json.loads(line)
        if "error" in answer:
            kind = UsageError if answer["kind"] == "UsageError" else PgsuiteError
            raise kind(f"{self.name}: {answer['error']}")
        return answer["answer"]

    def ask(self, do: str, **request: Any) -> Any:
        """Ask, and wait for the answer."""
        self.send(do, **request)
        return self.receive()

    def planned(self, answer: Mapping[str, Any]) -> None:
        """Take the answer to ``plan``."""
        self.package, self.modules = answer["package"], tuple(map(str, answer["modules"]))
        self.loaded = tuple(map(str, answer["loaded"]))
        self.refusals = {(found["algorithm"], found["env"]): found["reason"] for found in answer["refused"]}
        every = [*answer["cells"], *answer["refused"]]
        self.files = {(found["algorithm"], found["env"]): str(found["file"]) for found in every}
        for number, found in enumerate(answer["cells"]):
            algorithm, env, fingerprint = found["algorithm"], found["env"], found["fingerprint"]
            store = CellStore.at(self._out / found["folder"], algorithm, env, fingerprint)
            cell = ArmCell(algorithm, env, fingerprint, found["record"], store, number)
            self.cells[cell.key] = cell

    def runs(self, key: tuple[str, str], seeds: Sequence[int]) -> dict[int, Run]:
        """Return those of a cell's runs that are finished."""
        known = self._runs.setdefault(key, {})
        for seed in seeds:
            if seed not in known and (run := read_run(self.cells[key].store, seed)) is not None:
                known[seed] = run
        return {seed: known[seed] for seed in seeds if seed in known}

    def run(
        self,
        wanted: Mapping[tuple[str, str], Sequence[int]],
        workers: int | None,
        on_share: Callable[[float], None] = lambda _: None,
    ) -> dict[tuple[str, str], str]:
        """Run what is missing of cells' seeds; return why cells failed.

        Args:
            wanted: seeds by cell.
            workers: processes at once.
            on_share: hears now and then which share is done.
        """
        there = {key: self.runs(key, seeds) for key, seeds in wanted.items()}
        missing = {key: left for key, seeds in wanted.items() if (left := [s for s in seeds if s not in there[key]])}
        if not missing:
            return {}
        self.send("run", seeds={str(self.cells[key].number): seeds for key, seeds in missing.items()}, workers=workers)
        failed = self.receive(lambda: on_share(self._share(missing)))
        keys = {cell.number: key for key, cell in self.cells.items()}
        reasons = {keys[each["cell"]]: located(each["reason"], each["place"]) for each in failed}
        for key, seeds in missing.items():
            if len(self.runs(key, seeds)) < len(seeds):
                reasons.setdefault(key, "runs are missing, and nobody says why")
        return reasons

    def _share(self, wanted: Mapping[tuple[str, str], Sequence[int]]) -> float:
        """Which share of the steps of runs is done."""
        done, whole = 0, 0
        for key, seeds in wanted.items():
            budget = int(self.cells[key].record["steps"])
            whole += budget * len(seeds)
            done += sum(min(budget, self._steps(self.cells[key].store, seed)) for seed in seeds)
        return done / whole

    def _steps(self, store: CellStore, seed: int) -> int:
        """The checkpoint that a run has come to, read again only where its file has changed."""
        file = store.curve_file(seed)
        try:
            written = version(file)
            if self._reached.get(file, (None, 0))[0] != written:
                self._reached[file] = written, int(store.read_columns(seed)[0]["env_steps"][-1])
        except PgsuiteError:
            return 0
        return self._reached.get(file, (None, 0))[1]

    def _death(self) -> PgsuiteError:
        code = self._process.wait()
        return PgsuiteError(f"{self.name}: its process ended with exit code {code}; see above")
