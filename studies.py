"""Studies of hyperparameters for Python and the command line alike: a sweep, a search, and what tuning is worth."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .api import Names, _check_counts, _check_fresh, _references, _seeds, _several, failure_lines

if TYPE_CHECKING:
    import pandas as pd

    from .reports.tables.table import Table
    from .suites.scheduling.interface import Failure
    from .suites.tuning.search import Request
    from .suites.tuning.sweep import SweepRequest


@dataclass(frozen=True, repr=False)
class SweepResult:
    """What a sweep found. ``print`` says how sensitive the score is; a notebook shows the tables, too."""

    out: Path
    """The folder of the sweep; ``out / "runs"`` is an ordinary results folder."""
    points: "pd.DataFrame"
    """A row per hyperparameter, environment and value: mean final ``score``, ``auc`` and ``return`` with their
    intervals (``score_low``, ``score_high`` …), ``runs``, ``diverged``, ``failed``, ``missing``, ``suite_setting``, and
    ``score_possibly_best`` and ``auc_possibly_best``: whether the value is not shown worse than any other; ``told``:
    whether there are runs enough to show that of any."""
    runs: "pd.DataFrame"
    """A row per run, with its final return and score, areas under the curve, and what became of it."""
    effort: "pd.DataFrame"
    """A row per algorithm and number of values tried: the ``score`` that the best of them is expected to have."""
    lines: tuple[str, ...]
    """How sensitive the score is: a sentence for each hyperparameter and environment."""
    tables: "tuple[Table, ...]"
    """The points as the command prints them."""
    paths: tuple[Path, ...]
    """What was written, figures apart."""
    figures: tuple[Path, ...]
    failures: tuple["Failure", ...] = ()
    """What failed: cell, reason and place."""
    interruption: KeyboardInterrupt | None = None
    """What stopped it; finished runs and snapshots are kept."""

    @property
    def ok(self) -> bool:
        """Whether every run came to its end, were it that it diverged."""
        return not self.failures and self.interruption is None

    def failure_lines(self, *, debug: bool = False, again: Sequence[str] = ()) -> Iterator[str]:
        """What went wrong and where: a line for cells that failed alike.

        Args:
            debug: whether tracebacks are wanted.
            again: the command that would show them.
        """
        return failure_lines(self.failures, debug=debug, again=again)

    def __str__(self) -> str:
        return "\n".join([*self.lines, *self.failure_lines()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .reports.notebook import show

        return show(f"Sensitivity: {self.out}", [*self.lines, *self.failure_lines()], self.tables)


def sweep(
    suite: str | Path,
    values: Mapping[str, str | Iterable[Any]],
    *,
    algorithms: Names = (),
    environments: str | Iterable[str] = (),
    seeds: str | Iterable[int] | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    on: str = "local",
    mixed: bool = False,
    formats: Iterable[str] = ("svg", "png"),
    progress: bool = False,
) -> SweepResult:
    """Run a suite with hyperparameters at several values, one hyperparameter at a time, and tell how much it matters.

        pgsuite.sweep("classic", {"max_kl": "0.001..0.1:log:8"}, algorithms="trpo")

    What is there already of an earlier call with the same folder is not run again, and is part of the result.

    Args:
        suite: name of a shipped suite, or path of a TOML file.
        values: by hyperparameter, ``"0.001..0.1:log:8"``, ``"2..10:5"``, ``"a,b,c"`` or several values; one of an inner
            algorithm is named ``"base.learning_rate"``.
        algorithms: of the suite, or any other, which then has its defaults; all of the suite by default. All must have
            the hyperparameters.
        environments: of the suite, or, with ``steps``, any id; all of the suite by default.
        seeds: ``"0-9"``, or numbers; by default as many as the suite has, none of which it reports or was tuned on.
        steps: budget of every run instead of the suite's.
        out: folder; ``runs/sweeps/SUITE`` by default.
        workers: jobs at once; one per core, or CPU of the cluster, by default.
        on: where, as `pgsuite.run` has it.
        mixed: whether machines of a cluster may differ.
        formats: of the figures: ``svg``, ``png``, ``pdf``.
        progress: whether to say what will be run and how it gets on, on the error output.

    Raises:
        UsageError: the request cannot be carried out as written.
        KeyboardInterrupt: it was interrupted; what is done is kept, and the same call goes on from there.
    """
    from .suites.console import progress_console, say
    from .suites.tuning.values import read_values

    _check_counts(steps=steps, workers=workers)
    request = sweep_request(
        suite,
        {name: read_values(name, given) for name, given in values.items()},
        algorithms=algorithms,
        environments=environments,
        seeds=seeds,
        steps=steps,
        out=out,
        on=on,
        mixed=mixed,
    )
    console = progress_console(progress)
    done = carry_out_sweep(
        request,
        workers=workers,
        formats=formats,
        progress=progress,
        announce=lambda line: say(console, line),
        lasting=True,
    )
    if done.interruption:
        raise done.interruption
    return done


def sweep_request(
    suite: str | Path,
    values: Mapping[str, Any],
    *,
    algorithms: Names = (),
    environments: str | Iterable[str] = (),
    seeds: str | Iterable[int] | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    on: str = "local",
    mixed: bool = False,
) -> "SweepRequest":
    """Return what `sweep` asks for; its args.

    Raises:
        UsageError: seeds or names that are none, or a URL for ``out``.
    """
    from .results.store.places import local
    from .suites.tuning.asked import checked_suite

    references, ids = _references(algorithms), _several(environments)
    checked_suite(suite, references, ids, steps, hyperparameters=values)  # a typo is answered before torch is loaded
    own_seeds = _seeds(seeds) or ()
    from .suites.tuning.sweep import SweepRequest

    return SweepRequest(
        suite=str(suite),
        out=local(out or Path("runs/sweeps") / Path(suite).stem, "--out"),
        values=dict(values),
        algorithms=references,
        environments=ids,
        seeds=own_seeds,
        steps=steps,
        on=on,
        mixed=mixed,
    )


def carry_out_sweep(
    request: "SweepRequest",
    *,
    workers: int | None,
    formats: Iterable[str],
    progress: bool,
    announce: Callable[[str], None],
    lasting: bool = False,
) -> SweepResult:
    """Do what `sweep` does; an interruption is part of what is returned.

    Args:
        request: what is asked for.
        workers: jobs at once.
        formats: of the figures.
        progress: whether to show how it gets on, on the error output.
        announce: told, line by line, what will be run before it is.
        lasting: whether this process goes on, so that code may be edited meanwhile.
    """
    from .reports.report import check_formats
    from .suites.console import progress_console
    from .suites.tuning.sweep import Sweep

    kinds = _several(formats)
    check_formats(kinds)
    study = Sweep(request)
    if lasting:
        _check_fresh(study.planned)
    for line in study.announcement:
        announce(line)
    swept, outcome = study.carry_out(workers=workers, console=progress_console(progress))
    from .reports.sweep import write_sweep

    files = write_sweep(swept, request.out, kinds)
    return SweepResult(
        request.out,
        files.points,
        files.runs,
        files.effort,
        files.lines,
        files.tables,
        files.paths,
        files.figures,
        tuple(outcome.failures),
        outcome.interruption,
    )


@dataclass(frozen=True, repr=False)
class TuneResult:
    """What a search found. ``print`` gives the settings and the sentence for a paper."""

    out: Path
    """The folder of the search."""
    suite: Path
    """The suite's file with the settings that were found."""
    settings: Mapping[str, Mapping[str, Any]]
    """By algorithm what was found, where any setting gave a result."""
    trials: "pd.DataFrame"
    """A row per trial: ``algorithm``, ``trial``, ``chosen``, how it stood, and its hyperparameters."""
    effort: "pd.DataFrame"
    """A row per algorithm and number of trials: the ``score`` that the best of them is expected to have."""
    sentence: str
    """For a paper: what was searched for, with how much effort, and on which seeds."""
    lines: tuple[str, ...]
    """What was chosen, and the sentence."""
    paths: tuple[Path, ...]
    """What was written beside the suite's file."""
    figures: tuple[Path, ...]
    lost: tuple[str, ...] = ()
    """Algorithms of which no setting gave a result."""

    @property
    def ok(self) -> bool:
        """Whether a setting was found for every algorithm."""
        return not self.lost

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__


def tune(
    suite: str | Path,
    *,
    algorithms: Names = (),
    environments: str | Iterable[str] = (),
    trials: int = 32,
    seeds_per_trial: int = 4,
    sampler: str = "random",
    spaces: str | Path | None = None,
    steps: int | None = None,
    budgets: Iterable[float] = (0.25, 1.0),
    bracket: int | None = None,
    finalists: int = 4,
    final_seeds: int = 10,
    first_seed: int = 1000,
    random_seed: int = 0,
    out: str | Path | None = None,
    workers: int | None = None,
    on: str = "local",
    mixed: bool = False,
    progress: bool = False,
) -> TuneResult:
    """Search for hyperparameters, with the same number of environment steps for every algorithm.

    The same call goes on where an earlier one with the same folder was interrupted.

    Args:
        suite: name of a shipped suite, or path of a TOML file.
        algorithms: of the suite, or any other, which then starts from its defaults; all of the suite by default.
        environments: of the suite, in the order of the rungs; all by default.
        trials: settings of each algorithm.
        seeds_per_trial: runs of a setting on a rung.
        sampler: ``"random"``, ``"tpe"`` or ``"gp"``.
        spaces: TOML file of search spaces; what the classes declare by default.
        steps: budget of every run instead of the suite's.
        budgets: shares of the budget that are tried one after another; the last is 1.
        bracket: trials that are halved together; all by default, 8 for samplers that learn.
        finalists: settings that run the finals.
        final_seeds: runs of a finalist, on fresh seeds.
        first_seed: the search's seeds begin here.
        random_seed: what the draws depend on.
        out: folder; ``runs/tuning/SUITE`` by default.
        workers: jobs at once; one per core, or CPU of the cluster, by default.
        on: where, as `pgsuite.run` has it.
        mixed: whether machines of a cluster may differ.
        progress: whether to say what it will cost and how it gets on, on the error output.

    Raises:
        UsageError: the request cannot be carried out as written.
        KeyboardInterrupt: it was interrupted; what is done is kept, and the same call goes on from there.
    """
    from .results.store.places import local
    from .suites.console import progress_console, say
    from .suites.tuning.search import Request

    _check_counts(
        trials=trials, seeds_per_trial=seeds_per_trial, steps=steps, bracket=bracket, finalists=finalists,
        final_seeds=final_seeds, workers=workers,
    )  # fmt: skip
    _check_counts(least=0, first_seed=first_seed, random_seed=random_seed)
    request = Request(
        suite=str(suite),
        out=local(out or Path("runs/tuning") / Path(suite).stem, "--out"),
        algorithms=_references(algorithms),
        environments=_several(environments),
        steps=steps,
        spaces=None if spaces is None else Path(spaces),
        sampler=sampler,
        trials=trials,
        seeds_per_trial=seeds_per_trial,
        bracket=bracket,
        shares=tuple(budgets),
        finalists=finalists,
        final_seeds=final_seeds,
        first_seed=first_seed,
        seed=random_seed,
        on=on,
        mixed=mixed,
    )
    console = progress_console(progress)
    return carry_out_search(
        request, workers=workers, progress=progress, announce=lambda line: say(console, line), lasting=True
    )


def carry_out_search(
    request: "Request",
    *,
    workers: int | None,
    progress: bool,
    announce: Callable[[str], None],
    lasting: bool = False,
) -> TuneResult:
    """Do what `tune` does; the args are those of `carry_out_sweep`."""
    import pandas as pd

    from .suites.console import progress_console
    from .suites.tuning.search import Search

    search = Search(request)
    if lasting:
        _check_fresh(search.base)
    for line in search.announcement:
        announce(line)
    tuned = search.carry_out(workers=workers, console=progress_console(progress))
    from .reports.tuning import TRIALS, write_tuning

    suite_file = search.write_suite(tuned)
    files = write_tuning(tuned, request.out)
    chosen = {name: trial.settings for name in tuned.algorithms if (trial := tuned.chosen(name))}
    return TuneResult(
        request.out,
        suite_file,
        chosen,
        pd.read_csv(request.out / TRIALS),
        files.effort,
        tuned.sentence,
        files.lines,
        files.paths,
        files.figures,
        tuple(name for name in tuned.algorithms if name not in chosen),
    )


@dataclass(frozen=True, repr=False)
class EffortResult:
    """Performance against the effort of tuning. ``print`` says who is ahead with how much of it, shown or not."""

    effort: "pd.DataFrame"
    """A row per algorithm and number of trials: ``steps`` that they take, the ``score`` that the best of them is
    expected to have, its standard error ``score_error`` and its interval over trials, and ``search_score``, what the
    search itself would have believed."""
    table: "Table"
    """Some of its rows, as the command prints them."""
    lines: tuple[str, ...]
    paths: tuple[Path, ...]
    """What was written, the figure apart."""
    figures: tuple[Path, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .reports.notebook import show

        return show("Performance against the effort of tuning", self.lines, [self.table])


def effort(
    *folders: str | Path, out: str | Path = "runs/effort", formats: Iterable[str] = ("svg", "png")
) -> EffortResult:
    """Put the trials of searches and sweeps on one axis of effort: how good is the best of k?

    Args:
        *folders: of `pgsuite.tune` and `pgsuite.sweep`, whose trials ran on the same environments with one budget.
        out: folder of what is written.
        formats: of the figure: ``svg``, ``png``, ``pdf``.

    Raises:
        UsageError: a folder is not of these, two have trials of one algorithm, or their budgets differ.
    """
    from .reports.effort import read_runs, write_effort
    from .reports.report import check_formats
    from .results.store.places import local

    kinds = _several(formats)
    check_formats(kinds)
    place = local(out, "--out")
    return EffortResult(*write_effort(read_runs([local(one, "FOLDER") for one in folders]), place, kinds))
