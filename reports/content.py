"""What a report says, before it is a page, Markdown, LaTeX or lines on a terminal."""

from typing import NamedTuple

from ..results.statistics.bootstrap import MEANINGFUL
from ..results.statistics.comparison import Comparison
from ..results.statistics.identical import said
from ..results.store.gathering import Gathered
from ..wording import plural
from . import evaluated, untouched
from .audit import AuditSection
from .catalogue import SCORE_IN_WORDS, STATISTICS
from .notation import percent, ranges, si
from .tables import absent, cost, details, environments, improvement, leaderboard
from .tables.table import Table


class Content(NamedTuple):
    """A report as text and tables."""

    title: str
    headline: str
    """The verdict in one sentence."""
    completeness: str
    """How much of what was asked for is there, in one sentence, and on which seeds hyperparameters were found, if that
    is known."""
    whole: bool
    """Whether that is everything."""
    facts: tuple[tuple[str, str], ...]
    """What was compared, as pairs of a term and its description."""
    warnings: tuple[str, ...]
    """What must be known before any number is read."""
    leaderboards: tuple[Table, ...]
    improvement: tuple[Table, ...]
    """None where there is one algorithm."""
    environments: Table
    pairs: Table
    cost: Table
    diagnostics: Table
    audit: AuditSection | None
    """Of the algorithms' gradients, where one is given."""
    details: tuple[Table, ...]
    inapplicable: Table
    """Those rows of ``absent`` that are no fault of anybody's, for where it is not shown."""
    absent: Table
    remarks: tuple[str, ...]
    """What lies in the folders and cannot be read, or was not asked for."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of them, in order."""
        return (
            *self.leaderboards,
            *self.improvement,
            self.environments,
            self.pairs,
            self.cost,
            self.diagnostics,
            *(self.audit.tables if self.audit else ()),
            *self.details,
            self.absent,
        )


def content(comparison: Comparison, gathered: Gathered, audit: AuditSection | None = None) -> Content:
    """Say what is compared, the verdict, the tables, and what is not there."""
    how = evaluated.label(comparison, gathered)
    there = [name for name in STATISTICS if name == "final" or not evaluated.scores_alone(comparison)]

    def labelled(table: Table) -> Table:
        return table._replace(caption=f"{table.caption} {how}".strip())

    return Content(
        title=_title(comparison, gathered),
        headline=untouched.headline(comparison.headline, gathered),
        completeness=" ".join([absent.completeness(gathered), *untouched.provenance(gathered)]),
        whole=gathered.whole,
        facts=_facts(comparison, gathered),
        warnings=_warnings(comparison, gathered),
        leaderboards=tuple(
            labelled(leaderboard.leaderboard(comparison, statistic, gathered.refusals)) for statistic in there
        ),
        improvement=tuple(
            labelled(improvement.improvement_table(comparison, name))
            for name in there
            if len(comparison.algorithms) > 1
        ),
        environments=labelled(environments.environment_table(comparison, gathered.refusals)),
        pairs=labelled(environments.pairs_table(comparison)),
        cost=labelled(cost.cost_table(comparison)),
        diagnostics=cost.diagnostics_table(comparison),
        audit=audit,
        details=(
            details.settings_table(gathered),
            details.protocol_table(gathered),
            details.cells_table(gathered),
            details.software_table(gathered),
        ),
        inapplicable=absent.inapplicable_table(gathered),
        absent=absent.absent_table(gathered),
        remarks=absent.remarks(gathered),
    )


def _title(comparison: Comparison, gathered: Gathered) -> str:
    suites = ", ".join(dict.fromkeys(member.suite for member in gathered.members if member.suite))
    number = plural(len(comparison.algorithms), "algorithm")
    return f"{suites or 'Results'}: {number} on {plural(len(comparison.environments), 'environment')}"


def _facts(comparison: Comparison, gathered: Gathered) -> tuple[tuple[str, str], ...]:
    seeds = sorted({seed for member in gathered.members for seed in member.asked})
    budgets = comparison.environments_table.groupby("env", sort=False)["budget"].max()
    return (
        ("algorithms", ", ".join(comparison.algorithms)),
        ("environments", ", ".join(f"{env} ({_steps(steps)})" for env, steps in budgets.items())),
        ("seeds", ranges(seeds)),
        *(("tuning", line) for line in untouched.provenance(gathered)),
        ("unit of replication", "the run (one seed); episodes are never counted as replicates"),
        ("evaluation", evaluated.label(comparison, gathered) or "none yet"),
        ("score", f"{SCORE_IN_WORDS} of the environment"),
        (
            "intervals",
            f"{percent(comparison.level)}; stratified bootstrap over runs, {comparison.replicates:,} replicates, for "
            "aggregates; Student t for single environments, on the logit scale of the possible returns where these are "
            "known; Welch for differences",
        ),
    )


def _steps(budget: float) -> str:
    return f"{si(budget)} steps" if budget > 0 else "steps unknown"


def _warnings(comparison: Comparison, gathered: Gathered) -> tuple[str, ...]:
    runs = comparison.environments_table["runs"]
    if not len(runs) or not runs.max():
        return ("No run is complete, so there is nothing to compare yet.",)
    warnings = [*untouched.warnings(gathered)]
    if runs.max() < MEANINGFUL:
        warnings.append(
            f"At most {plural(int(runs.max()), 'run')} per algorithm and environment: with fewer than {MEANINGFUL} "
            "runs intervals are not meaningful, so none is printed, and no difference is called shown."
        )
    warnings += [f"{line}." for line in said(comparison.identical)]
    noted = [f"{note}." for m in gathered.members if m.record for note in m.record.get("environment_notes") or ()]
    warnings += dict.fromkeys(noted)
    warnings += evaluated.without_curves(comparison)
    warnings += evaluated.remarks(comparison, gathered)
    return tuple(warnings)
