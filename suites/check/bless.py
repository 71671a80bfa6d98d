"""Blessing: a suite's runs become a bank, the baseline of later checks."""

from collections.abc import Sequence

from rich.console import Console

from ...errors import PgsuiteError, UsageError
from ...results.store.audit import departures_of
from ...results.store.bank import Bank, BankedCell, read_bank, read_runs, write_bank
from ...results.store.places import Place
from ..audit.run import lacking_gradient, plan_audit, run_audit
from ..planned import PlannedCell
from ..planning import plan_cells
from ..running import Outcome, run_cells
from ..schema import Suite
from .revisions import commit_of, working_tree

SEEDS = 40
"""Seeds of a cell by default; checks can use four times as many."""
_KEPT = ("fingerprint", "algorithm", "env")


def bless(
    suite: Suite,
    place: Place,
    *,
    algorithms: Sequence[str] = (),
    environments: Sequence[str] = (),
    seeds: int = SEEDS,
    steps: int | None = None,
    audit: bool = True,
    workers: int | None = None,
    out: Place,
    console: Console,
) -> tuple[Place, Outcome]:
    """Run what is missing of a suite and write its bank; what of the bank was blessed before and not now stays.

    A pair of which the algorithm cannot act in the environment has no runs, and its reason in the bank.

    Args:
        suite: the suite.
        place: file of the bank, or a folder, which gets ``SUITE.json``; or a URL of one.
        algorithms: of the suite; all by default.
        environments: the same.
        seeds: of every cell.
        steps: budget instead of the suite's.
        audit: whether the gradient audit's outcome is recorded.
        workers: processes at once.
        out: folder of the runs, that of checks.
        console: where progress is shown.

    Returns:
        The file, and how the runs ended; where some failed, nothing is written.

    Raises:
        UsageError: the request cannot be carried out as written.
    """
    path = place / f"{suite.name}.json" if place.is_dir() or not place.suffix else place
    before = read_bank(path) if path.exists() else Bank(suite.name, {})
    if before.suite != suite.name:
        raise UsageError(f"{path} is a bank of suite {before.suite}: choose another file with -o")
    planned = plan_cells(suite, out, algorithms=algorithms, environments=environments, seeds=range(seeds), steps=steps)
    outcome = run_cells(planned, out, workers=workers, console=console)
    if outcome.failures or outcome.interruption:
        return path, outcome
    refusals = {_key(p): p.refusal for p in planned if p.refusal}
    run = [p for p in planned if not p.refusal]
    cells = {_key(p): _banked(p) for p in run}
    departures = _departures(run, workers) if audit else {}
    asked = {*cells, *refusals}
    bank = Bank(
        suite.name,
        {**{key: cell for key, cell in before.cells.items() if key not in asked}, **cells},
        _commit(),
        {**before.departures, **departures},
        refusals={**{key: reason for key, reason in before.refusals.items() if key not in asked}, **refusals},
    )
    write_bank(path, bank)
    return path, outcome


def _banked(planned: PlannedCell) -> BankedCell:
    runs = read_runs(planned.store, planned.seeds)
    if len(runs) < len(planned.seeds):
        raise PgsuiteError(f"{planned.cell.name}: a run cannot be read; bless again to replace it")
    identity = dict(zip(_KEPT, (planned.cell.fingerprint, *_key(planned)), strict=True))
    return BankedCell({**planned.store.record(), **identity}, runs)


def _key(planned: PlannedCell) -> tuple[str, str]:
    return planned.cell.algorithm, planned.cell.environment.name


def _departures(planned: Sequence[PlannedCell], workers: int | None) -> dict[str, list[str]]:
    """What the gradient audit finds of each algorithm that can be audited."""
    found = {}
    for name, reference in {p.cell.algorithm: p.cell.reference for p in planned}.items():
        if not lacking_gradient(reference):
            found[name] = departures_of(run_audit(plan_audit([reference], ()), workers=workers))
    return found


def _commit() -> str:
    """Of the repository of the working folder; empty where there is none."""
    try:
        return commit_of(working_tree().root, "HEAD") or ""
    except UsageError:
        return ""
