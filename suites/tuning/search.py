"""The whole search: the same schedule for every algorithm, kept so that a command that was killed goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ...algorithms.options import check_declared
from ...errors import UsageError
from ...results.store.atomic import write_text
from ...results.store.locking import locked
from ...results.tuned import Measured, Trial, Tuned
from ...wording import plural
from ..console import say
from ..planned import PlannedCell
from ..planning import plan_cells
from ..scheduling.places import check_place
from ..schema import Suite, TuningTable
from .asked import StudyRequest, checked_suite
from .halving import Bracket, Schedule, best, schedule
from .measuring import Task, Unmeasured, measure, with_trial
from .said import announcement, sentence
from .space import Space, read_spaces, some_setting, space_of, with_settings
from .study import SAMPLERS, AlgorithmStudy
from .written import tuned_suite, written

_CHECKPOINTS = 4
"""Of a run in the stages, at most: its end ranks a trial, and its area breaks ties. The finals have the suite's."""
BRACKET = 8
"""Trials that a sampler which learns is asked for at once."""


@dataclass(frozen=True, kw_only=True)
class Request(StudyRequest):
    """What is asked of a search."""

    spaces: Path | None = None
    """File of search spaces, for those algorithms that are not searched for as their classes declare."""
    sampler: str = "random"
    trials: int = 32
    seeds_per_trial: int = 4
    bracket: int | None = None
    """Trials that are halved together; by default all for random search, `BRACKET` for what learns."""
    shares: tuple[float, ...] = (0.25, 1.0)
    """Of the budgets, one after another; the last is 1."""
    finalists: int = 4
    final_seeds: int = 10
    first_seed: int = 1000
    """The trials' seeds begin here, and the finals' follow."""
    seed: int = 0
    """What the draws depend on."""

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise UsageError(f"--sampler {self.sampler}: choose from {', '.join(SAMPLERS)}")
        rising = all(0 < low < high for low, high in zip(self.shares, self.shares[1:], strict=False))
        if not self.shares or not rising or self.shares[-1] != 1 or self.shares[0] <= 0:
            written = ",".join(f"{share:g}" for share in self.shares)
            raise UsageError(f"--budgets {written}: shares of the budget rise and end with 1, as in 0.25,1")


class Search:
    """A search that has been checked, and can be carried out."""

    def __init__(self, request: Request) -> None:
        """Check all that is asked for: suite, algorithms, environments, seeds, search spaces.

        Raises:
            UsageError: naming what is wrong.
        """
        check_place(request.on, mixed=request.mixed)
        self.request = request
        self.suite = checked_suite(request.suite, request.algorithms, request.environments, request.steps)
        environments = request.environments or tuple(self.suite.environments)
        budgets = {name: self.suite.environment(name, request.steps).steps for name in environments}
        first, count = request.first_seed, request.seeds_per_trial
        together = request.trials if request.sampler == "random" else BRACKET
        self.schedule: Schedule = schedule(
            budgets,
            trials=request.trials,
            bracket=min(request.bracket or together, request.trials),
            shares=request.shares,
            finalists=request.finalists,
            seeds=range(first, first + count),
            final_seeds=range(first + count, first + count + request.final_seeds),
        )
        self._check_seeds()
        self.base = self._planned(environments)
        self.algorithms = {cell.cell.algorithm: cell.cell.reference for cell in self.base}
        self.spaces = self._spaces()

    @property
    def announcement(self) -> list[str]:
        """What is said before anything is run: the effort, which is the same for every algorithm."""
        return announcement(self.suite.name, list(self.algorithms), self.request.sampler, self.schedule)

    @property
    def seeds(self) -> tuple[int, ...]:
        """All that the search sees."""
        return (*self.schedule.seeds, *self.schedule.final_seeds)

    def _check_seeds(self) -> None:
        if seen := sorted(set(self.seeds) & set(self.suite.seeds)):
            raise UsageError(
                f"the search would see seed{'s' * (len(seen) > 1)} {', '.join(map(str, seen[:5]))}, which suite "
                f"{self.suite.name} reports: let it begin with others, --first-seed {max(self.suite.seeds) + 1}"
            )
        before = self.suite.tuning.seeds if self.suite.tuning else ()
        if seen := sorted(set(self.schedule.final_seeds) & set(before)):
            raise UsageError(
                f"the finals would not be on fresh seeds: an earlier search of suite {self.suite.name} has seen "
                f"{', '.join(map(str, seen[:5]))}; let this one begin with others, --first-seed {max(before) + 1}"
            )

    def _planned(self, environments: Sequence[str]) -> list[PlannedCell]:
        """The cells of the suite as it is: that they can be planned says that all names and options are right."""
        request = self.request
        planned = plan_cells(
            self.suite,
            request.out,
            algorithms=request.algorithms,
            environments=environments,
            seeds=self.schedule.seeds,
            steps=request.steps,
        )
        for one in planned:
            if one.refusal:
                raise UsageError(
                    f"{one.cell.name} is not applicable: {one.refusal}; the effort would not be the same for all: "
                    "name environments in which all can act (-e), or search for it alone (-a)"
                )
            if not one.record["anchors"]:
                raise UsageError(
                    f"environment {one.cell.environment.name} has no score anchors, and trials are ranked by score: "
                    "give it some in the suite file; `pgsuite anchors` measures the random one"
                )
        return planned

    def _spaces(self) -> dict[str, Space]:
        file = self.request.spaces
        tables = read_spaces(file) if file else {}
        where = str(file or "the declared search spaces")
        if unknown := [name for name in tables if name not in self.algorithms and name not in self.suite.algorithms]:
            raise UsageError(
                f"{file}: {unknown[0]!r} is not in suite {self.suite.name}: it has {', '.join(self.suite.algorithms)}"
            )
        spaces = {}
        for name, reference in self.algorithms.items():
            spaces[name] = space_of(name, reference, tables.get(name), where)
            try:
                check_declared(reference, with_settings({}, some_setting(spaces[name])))
            except UsageError as error:
                raise UsageError(f"{where}: {error}") from error
        return spaces

    def carry_out(self, *, workers: int | None, console: Console) -> Tuned:
        """Search from where an earlier command of the same words left off.

        Raises:
            UsageError: the folder holds another search, or cannot be written.
            Unmeasured: trials cannot be scored now, for no reason of their own; the same command goes on with them.
            KeyboardInterrupt: the user asked for the end; the same command goes on.
        """
        with locked(self.request.out) as note:
            if note:
                say(console, f"note: {note}")
            studies = {name: self._study(name) for name in self.algorithms}
            for number, bracket in enumerate(self.schedule.brackets):
                for study in studies.values():
                    study.draw(bracket.trials)
                self._halve(studies, bracket, number, workers, console)
            self._finals(studies, workers, console)
        return self._tuned(studies)

    def _study(self, algorithm: str) -> AlgorithmStudy:
        request, startup = self.request, self.schedule.brackets[0].sizes[0]
        study = AlgorithmStudy(
            request.out,
            algorithm,
            self.spaces[algorithm],
            sampler=request.sampler,
            startup=startup,
            seed=request.seed,
        )
        study.hold_to(
            {
                "suite": self.suite.name,
                "sampler": f"{request.sampler}, seed {request.seed}",
                "space": {name: str(searched) for name, searched in self.spaces[algorithm].items()},
                "schedule": self.schedule,
                "score anchors": {
                    cell.cell.environment.name: cell.record["anchors"]
                    for cell in self.base
                    if cell.cell.algorithm == algorithm
                },
                "code, settings or environments": [
                    cell.cell.fingerprint for cell in self.base if cell.cell.algorithm == algorithm
                ],
            }
        )
        return study

    def _halve(
        self,
        studies: Mapping[str, AlgorithmStudy],
        bracket: Bracket,
        number: int,
        workers: int | None,
        console: Console,
    ) -> None:
        """Run a bracket from stage to stage, all algorithms together, and end its trials."""
        alive, several = {name: list(bracket.trials) for name in studies}, len(self.schedule.brackets) > 1
        for stage, size in enumerate(bracket.sizes):
            if stage:
                alive = {
                    name: best({n: studies[name].standing(n, stage - 1)[::2] for n in numbers}, size)
                    for name, numbers in alive.items()
                }
            self._run(studies, alive, stage, f"bracket {number + 1}, " if several else "", workers, console)
            for name, numbers in alive.items():
                for n in numbers:
                    studies[name].report(n, stage)
        for study in studies.values():
            for n in bracket.trials:
                study.end(n, len(bracket.sizes))

    def _run(
        self,
        studies: Mapping[str, AlgorithmStudy],
        alive: Mapping[str, Sequence[int]],
        number: int,
        where: str,
        workers: int | None,
        console: Console,
    ) -> None:
        """Run a stage for those trials that have no result of it."""
        stage, own = self.schedule.stages[number], self.suite.evaluation
        todo = [(name, n) for name in alive for n in alive[name] if number not in studies[name].measured(n)]
        if not todo:
            return
        size = plural(max(map(len, alive.values())), "trial")
        say(console, f"{where}rung {number + 1}: {stage.environment}, {stage.steps:,} steps, {size} of each")
        short = own.model_copy(update={"checkpoints": min(_CHECKPOINTS, own.checkpoints)})
        suite = self._with(studies, todo).model_copy(update={"evaluation": short})
        task = Task(suite, (stage,), self.schedule.seeds, self.request.out / "runs" / f"rung-{number + 1}")

        def keep(measured: Mapping[tuple[str, int], list[Measured]]) -> None:
            for (name, n), found in measured.items():
                studies[name].record(n, number, found[0])

        self._measure(task, todo, keep, workers, console)

    def _finals(self, studies: Mapping[str, AlgorithmStudy], workers: int | None, console: Console) -> None:
        """Run the best of all brackets on fresh seeds, by the suite's own protocol."""
        last = len(self.schedule.stages) - 1
        todo = []
        for name, study in studies.items():
            if not study.finals():
                left = [n for bracket in self.schedule.brackets for n in bracket.trials if last in study.measured(n)]
                ranked = {n: study.standing(n, last)[::2] for n in left}
                todo += [(name, n) for n in best(ranked, self.schedule.finalists)]
        if not todo:
            return
        several = plural(self.schedule.finalists, "trial"), plural(len(self.schedule.final_seeds), "fresh seed")
        say(console, f"finals: {several[0]} of each on {several[1]}")
        task = Task(
            self._with(studies, todo), self.schedule.finals, self.schedule.final_seeds, self.request.out / "runs/finals"
        )

        def keep(measured: Mapping[tuple[str, int], list[Measured]]) -> None:
            for name in dict.fromkeys(name for name, _ in todo):
                if all(trial in measured for trial in todo if trial[0] == name):
                    studies[name].record_finals({n: tuple(measured[name, n]) for own, n in todo if own == name})

        self._measure(task, todo, keep, workers, console)

    def _with(self, studies: Mapping[str, AlgorithmStudy], trials: Sequence[tuple[str, int]]) -> Suite:
        """The suite with trials for algorithms, whose results are on seeds that a search sees: this one."""
        tables = {
            f"{name}#{n}": with_trial(self.suite, name, self.algorithms[name], studies[name].settings(n))
            for name, n in trials
        }
        seen = TuningTable.model_construct(seeds=self.seeds)
        return self.suite.model_copy(update={"algorithms": tables, "tuning": seen})

    def _measure(
        self,
        task: Task,
        trials: Sequence[tuple[str, int]],
        keep: Callable[[Mapping[tuple[str, int], list[Measured]]], None],
        workers: int | None,
        console: Console,
    ) -> None:
        """Measure trials, and keep what is measured also where some cannot be."""
        trouble = None
        try:
            measured = measure(task, workers=workers, console=console, on=self.request.on, mixed=self.request.mixed)
        except Unmeasured as error:
            measured, trouble = error.measured, error
        for name, found in measured.items():
            for one in found:
                if one.failure:
                    say(console, f"note: {name} on {one.environment} has a bad score: {one.failure}")
        keep({(name, n): measured[f"{name}#{n}"] for name, n in trials if f"{name}#{n}" in measured})
        if trouble:
            raise trouble

    def _tuned(self, studies: Mapping[str, AlgorithmStudy]) -> Tuned:
        trials: list[Trial] = [trial for study in studies.values() for trial in study.trials()]
        logarithmic = {
            (name, key)
            for name, space in self.spaces.items()
            for key, searched in space.items()
            if getattr(searched, "log", False)
        }
        return Tuned(
            suite=self.suite.name,
            sampler=self.request.sampler,
            sentence=sentence(self.suite.name, list(self.algorithms), self.request.sampler, self.schedule),
            effort=self.schedule.effort,
            trials=tuple(trials),
            importance={name: study.importance() for name, study in studies.items()},
            logarithmic=frozenset(logarithmic),
            at_random=self.schedule.trials if self.request.sampler == "random" else self.schedule.brackets[0].sizes[0],
        )

    def write_suite(self, tuned: Tuned) -> Path:
        """Write the suite with the settings that were found, and return its file."""
        tables = {}
        for name, reference in self.algorithms.items():
            if (trial := tuned.chosen(name)) is not None:
                tables[name] = with_trial(self.suite, name, "" if reference == name else reference, trial.settings)
        found = tuned_suite(self.suite, tables, tuned, self.seeds)
        file = self.request.out / f"{found.name}.toml"
        write_text(file, written(found))
        return file
