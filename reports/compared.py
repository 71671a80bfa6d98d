"""Results side by side, for Python: the verdict, every table as a frame, every figure as axes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import UsageError
from ..results.statistics.bootstrap import REPLICATES
from ..results.statistics.comparison import Comparison
from ..results.statistics.comparison import compare as compare_frame
from ..results.store.gathering import Gathered, gather
from ..results.store.places import Place
from ..results.store.protocol import Grid
from .catalogue import STATISTICS
from .content import Content, content
from .notebook import show_content

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .figures.drawing import Drawing
    from .figures.style import LineStyle


@dataclass(frozen=True, repr=False)
class Compared:
    """What `compare` found. A notebook shows it as verdict and leaderboard; ``print`` gives the verdict.

    Every ``plot_…`` draws one figure of the report and returns the axes of its panels, for the caller to change; the
    figure is ``axes[0].figure``.
    """

    comparison: Comparison
    """Every statistic as a tidy frame: ``leaderboard``, ``pairs``, ``profiles``, ``improvement``, ``efficiency``,
    ``thresholds``, ``cost``, ``environments_table``."""
    gathered: Gathered
    """What was read: runs, what was asked for, what is damaged."""

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        return self.content.headline

    @property
    def frame(self) -> pd.DataFrame:
        """One row per run and checkpoint that was compared; the columns are those of `pgsuite.load`."""
        return self.comparison.frame

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row per algorithm, statistic (``final``, ``auc``) and metric: ``estimate``, ``low``, ``high``."""
        return self.comparison.leaderboard

    @property
    def pairs(self) -> pd.DataFrame:
        """One row per environment and pair of algorithms: difference, interval, tests with Holm's correction."""
        return self.comparison.pairs

    @property
    def ok(self) -> bool:
        """Whether every run that was asked for is there and could be read."""
        return self.content.whole

    @cached_property
    def content(self) -> Content:
        """All that a report says, as text and tables."""
        return content(self.comparison, self.gathered)

    def __str__(self) -> str:
        return f"{self.headline}\n{self.content.completeness}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return show_content(self.content)

    def plot_curves(self, env: str | None = None) -> "tuple[Axes, ...]":
        """Draw learning curves, mean and interval over runs: of one environment, or a panel for each.

        Raises:
            UsageError: the environment is not there, or has no curve yet.
        """
        from .figures.curves import curves_together

        frame = self.frame if env is None else self._only(env)
        return self._axes(lambda styles: curves_together(frame, styles, level=self.comparison.level))

    def plot_diagnostics(self, env: str | None = None) -> "tuple[Axes, ...]":
        """Draw what the algorithms say of themselves (KL, entropy, gradient norm …) over training.

        Raises:
            UsageError: the environment is not there, or nothing is recorded.
        """
        from .figures.diagnostics import diagnostics_together

        frame = self.frame if env is None else self._only(env)
        return self._axes(lambda styles: diagnostics_together(frame, styles))

    def plot_profiles(self) -> "tuple[Axes, ...]":
        """Draw performance profiles: the share of runs above each score."""
        from .figures.bands import profiles_figure

        comparison = self.comparison
        return self._axes(lambda styles: profiles_figure(comparison.profiles, styles, level=comparison.level))

    def plot_efficiency(self) -> "tuple[Axes, ...]":
        """Draw the interquartile mean of scores against the share of the budget."""
        from .figures.bands import efficiency_figure

        comparison = self.comparison
        return self._axes(lambda styles: efficiency_figure(comparison.efficiency, styles, level=comparison.level))

    def plot_aggregates(self, statistic: str = "final") -> "tuple[Axes, ...]":
        """Draw IQM, median, mean and optimality gap with intervals, of ``final`` scores or of ``auc``.

        Raises:
            UsageError: there is no such statistic, or nothing to aggregate.
        """
        from .figures.aggregates import aggregates_figure

        board, level = self.leaderboard, self.comparison.level
        chosen = _statistic(statistic)
        return self._axes(lambda styles: aggregates_figure(board, styles, statistic=chosen, level=level))

    def plot_improvement(self, statistic: str = "final") -> "tuple[Axes, ...]":
        """Draw the probability that a run of one algorithm scores above one of another.

        Raises:
            UsageError: there is no such statistic, or only one algorithm.
        """
        from .figures.improvement import improvement_figure

        comparison, chosen = self.comparison, _statistic(statistic)
        return self._axes(
            lambda styles: improvement_figure(comparison.improvement, styles, statistic=chosen, level=comparison.level)
        )

    def plot_thresholds(self) -> "tuple[Axes, ...]":
        """Draw the steps until runs reach given scores, those that never did included."""
        from .figures.thresholds import thresholds_figure

        budgets = {str(env): float(n) for env, n in self.frame.groupby("env", sort=False)["env_steps"].max().items()}
        return self._axes(lambda styles: thresholds_figure(self.comparison.thresholds, budgets, styles))

    def _only(self, env: str) -> pd.DataFrame:
        if env not in self.comparison.environments:
            raise UsageError(f"no environment {env!r} here: there are {', '.join(self.comparison.environments)}")
        return self.frame[self.frame["env"] == env]

    def _axes(self, draw: "_Draw") -> "tuple[Axes, ...]":
        from .figures.drawing import for_pyplot
        from .figures.style import line_styles

        with for_pyplot():
            drawing = draw(line_styles(self.comparison.algorithms))
        if drawing is None:
            raise UsageError("there is nothing to draw: no run has the numbers that this figure shows")
        return tuple(drawing.figure.axes)


if TYPE_CHECKING:
    from collections.abc import Callable

    _Draw = Callable[[Mapping[str, LineStyle]], Drawing | None]


def compare(
    *paths: str | Place,
    level: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
    grid: Grid = "same",
) -> Compared:
    """Compare what results folders hold; nothing is written.

    Args:
        *paths: results folders or cell folders, or URLs of these.
        level: confidence of the intervals, and of the verdicts together.
        replicates: of the bootstrap.
        seed: of the bootstrap; the same results give the same numbers.
        grid: whether budgets, checkpoints and evaluations that differ on an environment are an error, or runs are read
            on a ``common`` grid.

    Raises:
        UsageError: a folder holds no results, or folders do not fit together; the message says the way out.
        PgsuiteError: nothing that was asked for can be read.
    """
    gathered = gather(paths, grid=grid)
    options: Any = {"level": level, "replicates": replicates, "seed": seed, "grid": grid}
    return Compared(compare_frame(gathered.frame, gathered.asked, gathered.unreadable, **options), gathered)


def _statistic(name: str) -> Any:
    if name not in STATISTICS:
        raise UsageError(f"no statistic {name!r}: choose {' or '.join(STATISTICS)}")
    return name
