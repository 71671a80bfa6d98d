"""Small result folders whose every number can be worked by hand."""

from pathlib import Path

import pytest

from pgsuite.results import CellStore, CurveRow, write_manifest

ANCHORS = {"random": 0.0, "reference": 100.0}
PROVENANCE = {
    "versions": {"python": "3.11.7", "torch": None, "numpy": "2.4.6"},
    "git": {"commit": "0123456789abcdef", "dirty": True},
    "machine": {"cpu": "A fast one", "cpu_count": 2},
}


class Folder:
    """A results folder under construction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[dict] = []

    def cell(self, algorithm, env="CartPole-v1", *, curves=(), seeds=None, anchors=ANCHORS, status=None, reason=None):
        """Add a cell with a run per curve; a curve is the returns at 0, 100, 200 ... steps.

        Args:
            algorithm: its name.
            env: its environment.
            curves: the returns of the runs of seeds 0, 1 ...
            seeds: what was asked for, if more than the curves.
            anchors: of the environment.
            status: seed -> "partial" or "diverged", where a run is not complete.
            reason: of a failure.
        """
        fingerprint = f"{len(self.asked):x}" * 64
        store = CellStore(self.path, algorithm, env, fingerprint)
        asked = {"algorithm": algorithm, "env": env, "folder": store.path.name, "reason": reason}
        self.asked.append(asked | {"seeds": list(range(len(curves))) if seeds is None else seeds})
        if curves:
            store.create({"suite": "tiny", "anchors": anchors, "protocol": {"episodes": 10}, "provenance": PROVENANCE})
        for seed, returns in enumerate(curves):
            meta = {"status": (status or {}).get(seed, "complete"), "diverged_at": 128, "steps_per_second": 2000.0}
            store.write_curve(seed, [self.row(k, value) for k, value in enumerate(returns)], meta)
        write_manifest(self.path, "tiny", self.asked)
        return store

    @staticmethod
    def row(checkpoint, value):
        steps = 100 * checkpoint
        return CurveRow(checkpoint, steps, steps, float(value), 1.0, 10, 20.0, 200, checkpoint, 0.1)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "runs")
