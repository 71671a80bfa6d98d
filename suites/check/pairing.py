"""From runs to pairs: what a run is worth in score units, and the differences within seeds."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ...results.checked import NAN, UNKNOWN, Band, Diagnostic, Interval
from ...results.statistics.gate import Pairs
from ...results.statistics.metrics import area_under_curve, mean_interval
from ...results.store.bank import Run

Array = NDArray[np.float64]
Metric = Literal["auc", "final"]
_TELLING = 0.01
"""A diagnostic is said to have changed where chance alone would say so this rarely, over all that were compared."""


class Scale(NamedTuple):
    """What score units are: 0 at one return, 1 at another."""

    low: float
    high: float
    steps: NDArray[np.int64]
    """``(K+1,)`` the checkpoints of a whole run."""
    own: bool = False
    """Whether it is made of the baseline's own returns, for want of anchors."""

    @classmethod
    def of(cls, anchors: Mapping[str, Any] | None, baseline: Sequence[Run], candidate: Sequence[Run] = ()) -> Self:
        """Return the scale of the anchors, else from the baseline's untrained return up to its last.

        Args:
            anchors: ``random`` and ``reference`` return, or None.
            baseline: some of its runs.
            candidate: some of the other's: a whole run of either tells the checkpoints.
        """
        steps = max((run.env_steps for run in (*baseline, *candidate)), key=len)
        if anchors:
            return cls(float(anchors["random"]), float(anchors["reference"]), steps)
        whole = [run.returns for run in baseline if len(run.returns) == len(steps)] or [np.zeros(2)]
        first, last = (float(np.mean([returns[at] for returns in whole])) for at in (0, -1))
        spread = float(np.std(np.concatenate(whole)))
        high = last if last - first > spread / 10 else first + (spread or 1.0)  # more is better, also where none learns
        return cls(first, high, steps, own=True)

    def curve(self, run: Run) -> Array:
        """Return ``(K+1,)`` scores; what a diverged run did not reach is worth a score of 0."""
        scores = np.zeros(len(self.steps))
        scores[: len(run.returns)] = (run.returns - self.low) / (self.high - self.low)
        return scores

    def score(self, run: Run, metric: Metric) -> float:
        """Return a run's score at the last checkpoint, or the area under its curve."""
        curve = self.curve(run)
        return float(curve[-1] if metric == "final" else area_under_curve(self.steps, curve))


class Arms(NamedTuple):
    """The runs of both arms, seed by seed."""

    baseline: Sequence[Run]
    candidate: Sequence[Run]

    def pairs(self, scale: Scale, metric: Metric) -> Pairs:
        """Return the differences within seeds."""
        lost = [b.status != "diverged" and c.status == "diverged" for b, c in zip(*self, strict=True)]
        saved = [b.status == "diverged" and c.status != "diverged" for b, c in zip(*self, strict=True)]
        before, after = self.scores(scale, metric)
        return Pairs(after - before, np.asarray(lost, np.bool_), np.asarray(saved, np.bool_), before)

    def scores(self, scale: Scale, metric: Metric) -> tuple[Array, Array]:
        """Return ``(n,)`` scores of each."""
        before, after = (np.array([scale.score(run, metric) for run in runs]) for runs in self)
        return before, after

    def diverged(self) -> tuple[int, int]:
        """Return how many runs of each diverged."""
        before, after = (sum(run.status == "diverged" for run in runs) for runs in self)
        return before, after

    def bands(self, scale: Scale) -> tuple[Band, Band]:
        """Return the mean curve of each in returns, over the runs that came to the end."""
        before, after = (_band([run.returns for run in runs if len(run.returns) == len(scale.steps)]) for runs in self)
        return before, after

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what both say of themselves and differs, by how surely."""
        names = [
            name
            for name in (self.baseline[0].diagnostics if self.baseline else {})
            if all(name in run.diagnostics for runs in self for run in runs)
        ]
        found = []
        for name in names:
            before, after = (np.array([run.diagnostics[name] for run in runs]) for runs in self)
            p = min(1.0, _two_sided(after - before) * len(names))
            if p < _TELLING:
                found.append(Diagnostic(name, float(before.mean()), float(after.mean()), p))
        return tuple(sorted(found, key=lambda one: one.p))


def _two_sided(difference: Array) -> float:
    from scipy import stats

    if len(difference) < 2 or not difference.any():
        return 1.0
    if difference.std() == 0:
        return 0.0
    return float(stats.ttest_1samp(difference, 0.0).pvalue)


def _band(curves: Sequence[Array]) -> Band:
    if not curves:
        return Band((), (), ())
    matrix = np.stack(curves)
    ends = [mean_interval(column) for column in matrix.T]
    return Band(tuple(matrix.mean(0).tolist()), tuple(low for low, _ in ends), tuple(high for _, high in ends))


def estimate(difference: Array) -> Interval:
    """Return the mean of differences with its interval."""
    return (float(difference.mean()), *mean_interval(difference)) if len(difference) else UNKNOWN


def correlation(before: Array, after: Array) -> float:
    """Return Pearson's correlation of a seed's two scores; NaN where one of them does not vary."""
    if len(before) < 3 or before.std() < 1e-9 or after.std() < 1e-9:
        return NAN
    return float(np.corrcoef(before, after)[0, 1])


def lower_tail(scores: Array) -> float:
    """Return the mean of the worst quarter of runs, at least one."""
    return float(np.sort(scores)[: max(1, len(scores) // 4)].mean()) if len(scores) else NAN
