"""All figures of a comparison."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from ...results.statistics.comparison import Comparison
from ...results.store.audit import BiasVariance
from ...wording import plural
from ..catalogue import STATISTICS
from .aggregates import aggregates_figure
from .bands import efficiency_figure, profiles_figure
from .bias_variance import bias_variance_figure
from .curves import curves_apart, curves_by_training, curves_together
from .diagnostics import diagnostics_apart, diagnostics_together
from .drawing import Drawing, save
from .improvement import improvement_figure
from .style import line_styles
from .thresholds import thresholds_figure


class Figures(NamedTuple):
    """The figures of a report, by section; empty where there is nothing to draw."""

    curves: tuple[Drawing, ...]
    """One per environment, for the page."""
    diagnostics: tuple[Drawing, ...]
    """One per environment, for the page."""
    efficiency: tuple[Drawing, ...]
    profiles: tuple[Drawing, ...]
    aggregates: tuple[Drawing, ...]
    """Of the final score, then of the area under the curve."""
    improvement: tuple[Drawing, ...]
    """Of the final score, then of the area under the curve."""
    thresholds: tuple[Drawing, ...]
    bias_variance: tuple[Drawing, ...]
    """Of the algorithms of an audit that have a λ."""
    curves_together: tuple[Drawing, ...]
    """All environments in one figure, for Markdown and papers."""
    curves_by_training: tuple[Drawing, ...]
    """All environments in one figure, where some algorithm has steps that are not of training."""
    diagnostics_together: tuple[Drawing, ...]
    """All environments in one figure, for Markdown and papers."""

    def on_page(self) -> tuple[Drawing, ...]:
        """Those that stand in the page; their ids never meet."""
        return (
            *self.curves,
            *self.curves_by_training,
            *self.diagnostics,
            *self.efficiency,
            *self.profiles,
            *self.thresholds,
            *self.bias_variance,
        )

    def on_their_own(self) -> tuple[Drawing, ...]:
        """Those that are files beside the page, learning curves first: all but the ones per environment."""
        return (
            *self.curves_together,
            *self.curves_by_training,
            *self.aggregates,
            *self.profiles,
            *self.efficiency,
            *self.thresholds,
            *self.improvement,
            *self.diagnostics_together,
            *self.bias_variance,
        )

    def save(self, out: Path, formats: Collection[str]) -> list[Path]:
        """Write those that are files of their own."""
        return [path for drawing in self.on_their_own() for path in save(drawing, out, formats)]


def build(
    comparison: Comparison, bias_variance: Mapping[str, Sequence[BiasVariance]] = MappingProxyType({})
) -> Figures:
    """Draw everything that there are numbers for.

    Args:
        comparison: the results.
        bias_variance: what λ trades, by algorithm: from an audit.
    """
    frame, level = _curves(comparison.frame), comparison.level
    styles = line_styles(comparison.algorithms)
    boards = (aggregates_figure(comparison.leaderboard, styles, statistic=one, level=level) for one in STATISTICS)
    matrices = (improvement_figure(comparison.improvement, styles, statistic=one, level=level) for one in STATISTICS)
    runs = _runs(comparison.leaderboard)
    budgets = {str(env): float(steps) for env, steps in frame.groupby("env", sort=False)["env_steps"].max().items()}
    return Figures(
        curves=curves_apart(frame, styles, level=level),
        diagnostics=diagnostics_apart(frame, styles),
        efficiency=_saying(runs, [efficiency_figure(comparison.efficiency, styles, level=level)]),
        profiles=_saying(runs, [profiles_figure(comparison.profiles, styles, level=level)]),
        aggregates=_saying(runs, boards),
        improvement=_saying(runs, matrices),
        thresholds=_there([thresholds_figure(comparison.thresholds, budgets, styles)]),
        bias_variance=tuple(bias_variance_figure(label, points) for label, points in bias_variance.items()),
        curves_together=_there([curves_together(frame, styles, level=level)]),
        curves_by_training=curves_by_training(frame, styles, level=level),
        diagnostics_together=_there([diagnostics_together(frame, styles)]),
    )


def _curves(frame: pd.DataFrame) -> pd.DataFrame:
    """The environments on which some run has more than one checkpoint: of a score alone there is no curve to draw."""
    points = frame.groupby(["label", "env", "seed"], sort=False)["env_steps"].transform("size")
    return frame[frame["env"].isin(set(frame["env"][points > 1]))]


def _runs(leaderboard: pd.DataFrame) -> str:
    """``10 runs per algorithm and environment.``: what the intervals of aggregates are made of."""
    numbers = leaderboard["runs"][leaderboard["estimate"].notna()]
    if numbers.empty:
        return ""
    low, high = int(numbers.min()), int(numbers.max())
    return (
        f"{plural(high, 'run')} per algorithm and environment."
        if low == high
        else f"At least {low} to {plural(high, 'run')} per algorithm and environment."
    )


def _saying(words: str, drawings: Iterable[Drawing | None]) -> tuple[Drawing, ...]:
    return tuple(replace(one, caption=f"{one.caption} {words}".strip()) for one in _there(drawings))


def _there(drawings: Iterable[Drawing | None]) -> tuple[Drawing, ...]:
    return tuple(drawing for drawing in drawings if drawing is not None)
