"""What ``import pgsuite`` offers beyond single rooms, and what the command line does too: one function for both."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import PgsuiteError, UsageError, located
from .foreign import plain

if TYPE_CHECKING:
    import pandas as pd

    from .reports.audit import Audit
    from .reports.compared import Compared
    from .results.store.places import Place
    from .suites.audit.run import AuditJob
    from .suites.cells import Cell
    from .suites.planned import PlannedCell
    from .suites.scheduling.interface import Failure

Names = str | type | Iterable[str | type]
"""An algorithm's name, ``module:Class``, ``file.py:Class`` or class; or several."""


@dataclass(frozen=True, repr=False)
class Ran:
    """How a run of a suite ended. A notebook shows the verdict on all that is in the folder."""

    out: "Place"
    """The results folder, or the URL of one."""
    failures: tuple["Failure", ...] = ()
    """What failed: cell, reason and place."""
    interruption: KeyboardInterrupt | None = None
    """What stopped it; finished runs and snapshots are kept."""

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for is done."""
        return not self.failures and self.interruption is None

    @property
    def frame(self) -> "pd.DataFrame":
        """The results: `pgsuite.load` of the folder."""
        from .results import load

        return load(self.out)

    @cached_property
    def compared(self) -> "Compared":
        """The results side by side: `pgsuite.compare` of the folder."""
        from .reports.compared import compare

        return compare(self.out)

    def failure_lines(self) -> Iterator[str]:
        """What went wrong and where: a line for cells that failed alike."""
        return failure_lines(self.failures)

    def __str__(self) -> str:
        found = str(self.compared) if self.has_runs else f"no run is done in {self.out}"
        return "\n".join([found, *self.failure_lines()])

    __repr__ = __str__

    @property
    def has_runs(self) -> bool:
        """Whether any run in the folder has come to its end, so that there is something to report."""
        from .results import gather

        try:  # damaged files are left out
            return bool(gather([self.out]).frame.status.isin(["complete", "diverged"]).any())
        except PgsuiteError:
            return False

    def _repr_html_(self) -> str:
        from .reports.notebook import show

        failures = show("", self.failure_lines(), ()) if self.failures else ""
        return failures + (self.compared._repr_html_() if self.has_runs else show(str(self), (), ()))


def run(
    suite: str | Path,
    *,
    algorithms: Names = (),
    environments: str | Iterable[str] = (),
    seeds: str | Iterable[int] | None = None,
    steps: int | None = None,
    out: "str | Place | None" = None,
    workers: int | None = None,
    stall_limit: float | None = None,
    tensorboard: bool | str | Path = False,
    on: str = "local",
    mixed: bool = False,
    shard: str | None = None,
    progress: bool = True,
) -> Ran:
    """Run what is missing of a suite, on worker processes or a Ray cluster. What failed is in the result, and said.

    It can be called from a notebook, from a prompt, and from a script with or without ``if __name__ == "__main__"``.

    Args:
        suite: name of a shipped suite, or path of a TOML file.
        algorithms: of the suite, or any other, which then has its defaults; all of the suite by default.
        environments: of the suite, or, with ``steps``, any id; all of the suite by default.
        seeds: ``"0-9"``, or numbers; the suite's by default.
        steps: budget of every run instead of the suite's.
        out: results folder, or a URL of one; ``runs/SUITE`` by default.
        workers: jobs at once; one per core, or CPU of the cluster, by default.
        stall_limit: seconds without a sign of life after which a job fails; 1800 by default.
        tensorboard: whether to write TensorBoard's event files meanwhile, into ``OUT/tensorboard``
            (of a URL, in ``runs``); or the folder.
        on: ``"local"``, for processes of this machine; ``"ray"``, for the cluster that ``RAY_ADDRESS`` names or that
            runs on this machine, else one that is started on it; or ``"ray://HOST:PORT"``.
        mixed: whether machines of a cluster may differ from this one in versions or processor; kept with the runs.
        shard: ``"3/10"`` does the third tenth of the runs, and leaves the others to other commands.
        progress: whether to show how it gets on, on the error output.

    Raises:
        UsageError: the request cannot be carried out as written, or the code has changed since Python imported it.
        KeyboardInterrupt: it was interrupted; what is done is kept, and the same call goes on from there.
    """
    ran = carry_out(
        suite,
        algorithms=algorithms,
        environments=environments,
        seeds=seeds,
        steps=steps,
        out=out,
        workers=workers,
        stall_limit=stall_limit,
        tensorboard=tensorboard,
        on=on,
        mixed=mixed,
        shard=shard,
        progress=progress,
        lasting=True,
    )
    if ran.interruption is not None:
        raise ran.interruption
    return ran


def carry_out(
    suite: str | Path,
    *,
    algorithms: Names = (),
    environments: str | Iterable[str] = (),
    seeds: str | Iterable[int] | None = None,
    steps: int | None = None,
    out: "str | Place | None" = None,
    workers: int | None = None,
    stall_limit: float | None = None,
    tensorboard: bool | str | Path = False,
    on: str = "local",
    mixed: bool = False,
    shard: str | None = None,
    progress: bool = True,
    lasting: bool = False,
) -> Ran:
    """Do what `run` does; an interruption is part of what is returned.

    Args are those of `run`, and ``lasting``: whether this process goes on, so that code may be edited meanwhile.
    """
    from .results.store.places import beside, place_of
    from .suites.named_code import let_in_code_of
    from .suites.scheduling.places import LOCAL, check_place
    from .suites.scheduling.shards import parse_shard, shares
    from .suites.schema import check_names, load_suite

    _check_counts(steps=steps, workers=workers)
    check_place(on, mixed=mixed)
    part = None if shard is None else parse_shard(shard)
    chosen = load_suite(str(suite))
    names, ids = _references(algorithms), _several(environments)
    own_seeds = _seeds(seeds)
    let_in_code_of(chosen, names, ids)
    check_names(chosen, names, ids, steps)  # a typo is answered before torch is loaded, below
    from .suites import forking
    from .suites.console import progress_console, say
    from .suites.planning import plan_cells

    def ahead(cells: "list[Cell]") -> None:
        if on == LOCAL:
            forking.begin(forking.training(cells))

    folder = Path("runs") / chosen.name if out is None else place_of(out)
    planned = plan_cells(chosen, folder, algorithms=names, environments=ids, seeds=own_seeds, steps=steps, ahead=ahead)
    if part:
        planned = shares(planned, part)
    if lasting:
        _check_fresh(planned)
    from .suites.running import run_cells

    console = progress_console(progress)
    with ExitStack() as stack:
        watch: dict[str, Any] = {}
        if tensorboard:
            place = beside(folder) / "tensorboard" if tensorboard is True else Path(tensorboard)
            watch["on_rows"] = stack.enter_context(_watched(planned, place, lambda line: say(console, line)))
        outcome = run_cells(
            planned,
            folder,
            workers=workers,
            console=console,
            stall_limit=stall_limit,
            on=on,
            mixed=mixed,
            **watch,
        )
    return Ran(folder, tuple(outcome.failures), outcome.interruption)


_IMPORTED: dict[tuple[str, str], str] = {}
"""Hash of the code of a cell, algorithm and environment, as this process imported it."""


def _check_fresh(planned: Sequence["PlannedCell"]) -> None:
    """Refuse code that was edited after this process, and the one that workers are forked from, imported it.

    Raises:
        UsageError: naming it; its results would be those of the old code under the new one's name.
    """
    from .algorithms.registry import locate

    for p in planned:
        key, source = (":".join(locate(p.cell.reference)), p.cell.environment.id), p.record["source"]
        if _IMPORTED.setdefault(key, source) != source:
            raise UsageError(
                f"the code of {p.cell.name} has changed since this Python imported it: restart it (in a notebook, its "
                "kernel), or use `pgsuite run`, and what is done already is found again"
            )


@contextmanager
def _watched(planned: Sequence["PlannedCell"], out: Path, note: Callable[[str], None]) -> Iterator[Callable[..., None]]:
    """Write event files of what is finished, and give what writes those of runs at work."""
    from .reports.exports.live import LiveTensorBoard
    from .reports.exports.tracker import TrackedRun
    from .results.store.curve import curve_rows

    board, cells = LiveTensorBoard(out, note), {p.cell.name: p for p in planned}

    def tracked(p: "PlannedCell", seed: int) -> TrackedRun:
        cell = p.cell
        identity = (plain(cell.suite), plain(cell.algorithm), plain(cell.environment.id), seed, cell.fingerprint)
        return TrackedRun(*identity, "partial", p.record["configuration"])

    for p in planned:
        for seed in sorted({*p.own_seeds} - {*p.missing()}):
            if not board.has(tracked(p, seed)):
                with suppress(PgsuiteError):  # a damaged run is told by the report
                    board.take(tracked(p, seed), p.record["anchors"], curve_rows(p.store.read_curve(seed)[0]))
    try:
        yield lambda job, seed, rows: board.take(
            tracked(cells[job.cell.name], seed), cells[job.cell.name].record["anchors"], rows
        )
    finally:
        board.close()


def audit(
    algorithms: Names = (),
    models: str | Iterable[str] = (),
    *,
    batches: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> "Audit":
    """Hold gradient estimators against the exact policy gradients of models that are small enough to solve.

    Args:
        algorithms: names, addresses or classes; all of ours by default.
        models: exact models; all by default.
        batches: per case; 1000 by default.
        seed: another one draws other batches.
        workers: processes at once; one per core by default.
        progress: whether to show how it gets on, on the error output.

    Raises:
        UsageError: an unknown algorithm or model, or an algorithm that cannot be audited.
    """
    from .algorithms.registry import ALGORITHMS
    from .suites import forking
    from .suites.named_code import let_in

    references = _references(algorithms)
    let_in(references)
    _check_counts(workers=workers)
    _check_counts(least=100, batches=batches)
    if workers != 1:
        forking.begin(forking.auditing(references or ALGORITHMS))
    from .reports.audit import Audit
    from .suites.audit.run import BATCHES, plan_audit, run_audit
    from .suites.console import counting, progress_console

    jobs: list[AuditJob] = plan_audit(
        references, _several(models), seed=seed, batches=BATCHES if batches is None else batches
    )
    with counting("audit", len(jobs), progress_console(progress)) as advance:
        return Audit(run_audit(jobs, workers=workers, on_done=lambda _: advance()))


def failure_lines(failures: Sequence["Failure"], *, debug: bool = False, again: Sequence[str] = ()) -> Iterator[str]:
    """What went wrong, where, and how to see more: a line for cells that failed alike.

    Args:
        failures: of the cells.
        debug: whether tracebacks are wanted.
        again: the command that would show them.
    """
    alike: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        alike.setdefault((failure.reason, failure.place), []).append(failure)
    for (reason, place), group in alike.items():
        yield plain(f"failed: {_cells(group)}: {located(reason, place)}")
        if debug and group[0].details:
            yield group[0].details
    if again and not debug and any(failure.details for failure in failures):
        yield f"see where with a traceback: {shlex.join(again)}"


def _cells(failures: Sequence["Failure"]) -> str:
    """Name the cells of failures: each algorithm once, with its environments."""
    environments: dict[str, list[str]] = {}
    for failure in failures:
        environments.setdefault(failure.cell.algorithm, []).append(failure.cell.environment.name)
    return "; ".join(f"{algorithm} on {', '.join(ids)}" for algorithm, ids in environments.items())


def _check_counts(*, least: int = 1, **numbers: int | None) -> None:
    """Refuse what is no whole number, or too small; None stands for a default.

    Raises:
        UsageError: naming it.
    """
    for name, number in numbers.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least):
            raise UsageError(f"{name}={number!r}: give a whole number of at least {least}")


def _several(names: str | Iterable[str]) -> tuple[str, ...]:
    """Each name once; a single one may stand by itself."""
    if not isinstance(names, Iterable):
        raise UsageError(f"{names!r} is no name: give text, or several in a list")
    return tuple(dict.fromkeys([names] if isinstance(names, str) else names))


def _references(algorithms: Names) -> tuple[str, ...]:
    """Names and addresses, each once, of what is given by name or as a class."""
    several = [algorithms] if isinstance(algorithms, str | type) else algorithms
    if not isinstance(several, Iterable):
        raise UsageError(f"algorithms={algorithms!r}: give a name, an address or a class, or several in a list")
    if all(isinstance(one, str) for one in several):
        return _several(several)  # type: ignore[arg-type]  # looked at
    from .algorithms.registry import address_of

    return tuple(dict.fromkeys(one if isinstance(one, str) else address_of(one) for one in several))


def _seeds(given: str | Iterable[int] | None) -> tuple[int, ...] | None:
    """Return the seeds that are asked for, None where none are.

    Raises:
        UsageError: they are none.
    """
    from .suites.schema import parse_seeds

    try:
        return None if given is None else parse_seeds(given if isinstance(given, str) else _written(given))
    except ValueError as error:
        raise UsageError(f"--seeds: {error}") from None


def _written(seeds: Iterable[int]) -> str:
    """Seeds as a suite file has them."""
    if not isinstance(seeds, Iterable):
        raise UsageError(f"seeds={seeds!r}: give numbers, such as range({seeds}), or text such as '0-9'")
    return ",".join(str(int(seed)) if isinstance(seed, int) else repr(seed) for seed in seeds)
