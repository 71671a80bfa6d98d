"""Means of an algorithm's diagnostics, from one checkpoint to the next."""

import numpy as np
from numpy.typing import NDArray

from ..algorithms.interface import Metrics
from ..kernels import linked


class MetricMeans:
    """Means of an algorithm's diagnostics since the last checkpoint, per seed; non-finite values are left out."""

    def __init__(self, seeds: int) -> None:
        self._places: dict[str, int] = {}
        self._places_of: dict[tuple[str, ...], NDArray[np.intp]] = {}
        self.sums: NDArray[np.float64] = np.zeros((0, seeds))
        """``(M, S)`` of every metric, at its place."""
        self.counts: NDArray[np.int64] = np.zeros((0, seeds), np.int64)
        """``(M, S)`` how many were added."""

    def add(self, metrics: Metrics, rows: NDArray[np.intp]) -> None:
        """Take one update's metrics, ``(R,)`` each, of the seeds ``rows``."""
        if not metrics:
            return
        places = self.places(tuple(metrics))
        values = np.array([metric.numpy() for metric in metrics.values()], np.float64)
        add_finite(values, places, rows, self.sums, self.counts)

    def places(self, names: tuple[str, ...]) -> NDArray[np.intp]:
        """Return where metrics have their sums and counts, which are made where there are none yet."""
        places = self._places_of.get(names)
        if places is None:
            places = np.array([self._places.setdefault(name, len(self._places)) for name in names])
            more = ((0, len(self._places) - len(self.sums)), (0, 0))
            self.sums, self.counts = np.pad(self.sums, more), np.pad(self.counts, more)
            self._places_of[names] = places
        return places

    def of(self, row: int) -> dict[str, float]:
        """Return the means of one seed."""
        return {
            name: float(self.sums[place, row] / count)
            for name, place in self._places.items()
            if (count := int(self.counts[place, row]))
        }


@linked("float64[:, ::1], int64[::1], int64[::1], float64[:, ::1], int64[:, ::1]", entry=True)
def add_finite(values, places, rows, sums, counts):
    """Add values ``(M, R)`` that are finite to the sums at their places and rows, and count them."""
    for m in range(len(places)):
        for r in range(len(rows)):
            if np.isfinite(values[m, r]):
                sums[places[m], rows[r]] += values[m, r]
                counts[places[m], rows[r]] += 1
