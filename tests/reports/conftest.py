"""Small result folders whose every number can be worked by hand."""

from pathlib import Path

import pandas as pd
import pytest

from pgsuite.results import CellStore, CurveRow, write_manifest
from pgsuite.results.statistics.comparison import Comparison

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

    def cell(
        self,
        algorithm,
        env="CartPole-v1",
        *,
        curves=(),
        seeds=None,
        anchors=ANCHORS,
        status=None,
        reason=None,
        refusal=None,
        configuration=None,
        provenance=PROVENANCE,
        suite="tiny",
    ):
        """Add a cell with a run per curve; a curve is the returns at 0, 100, 200 ... steps.

        Args:
            algorithm: its name.
            env: its environment.
            curves: the returns of the runs of seeds 0, 1 ...
            seeds: what was asked for, if more than the curves.
            anchors: of the environment.
            status: seed -> "partial" or "diverged", where a run is not complete.
            reason: of a failure.
            refusal: why there are no runs.
            configuration: its hyperparameters.
            provenance: what it was made with.
            suite: its name.
        """
        fingerprint = f"{len(self.asked):x}" * 64
        store = CellStore(self.path, algorithm, env, fingerprint)
        asked = {"algorithm": algorithm, "env": env, "folder": store.path.name, "reason": reason, "refusal": refusal}
        self.asked.append(asked | {"seeds": list(range(len(curves))) if seeds is None else seeds})
        if curves:
            store.create(
                {
                    "suite": suite,
                    "anchors": anchors,
                    "protocol": {"checkpoints": len(curves[0]) - 1, "episodes": 10, "deterministic": False},
                    "steps": 100 * (len(curves[0]) - 1),
                    "environment": {"id": env, "backend": "numpy", "backend_version": "2.4.6", "options": {}},
                    "configuration": configuration or {"learning_rate": 0.01},
                    "provenance": provenance,
                }
            )
        for seed, returns in enumerate(curves):
            meta = {"status": (status or {}).get(seed, "complete"), "diverged_at": 128, "steps_per_second": 2000.0}
            meta["peak_memory"] = 300 * 2**20
            store.write_curve(seed, [self.row(k, value) for k, value in enumerate(returns)], meta)
        write_manifest(self.path, suite, self.asked)
        return store

    @staticmethod
    def row(checkpoint, value):
        steps = 100 * checkpoint
        metrics = {"kl": 0.01, "entropy": 0.5, "gradient_norm": 0.25} if checkpoint else {}
        return CurveRow(checkpoint, steps, steps, float(value), 1.0, 10, 20.0, 200, checkpoint, 0.1, metrics)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "runs")


def rows(columns, *lines):
    return pd.DataFrame([dict(zip(columns.split(), line, strict=True)) for line in lines], columns=columns.split())


@pytest.fixture
def comparison():
    """Two algorithms on two environments, one of which only the better one finished; every number made up."""
    nan = float("nan")
    metrics = ("iqm", "mean", "median", "optimality_gap", "rank")
    board = [
        (label, statistic, metric, estimate, *bounds, runs, environments, lacking)
        for statistic in ("final", "auc")
        for label, estimate, bounds, runs, environments, lacking in (
            ("slow_one", 0.25, (nan, nan), 4, 1, ("Pole-v0",)),
            ("fast", 0.75, (0.5, 0.875), 10, 2, ()),
        )
        for metric in metrics
    ]
    pairs = (
        (
            "Cart-v0",
            "slow_one",
            "fast",
            -50.0,
            -60.0,
            -40.0,
            0.0001,
            0.002,
            0.0002,
            0.004,
            -2.5,
            12.0,
            4,
            10,
            "y better",
        ),
        ("Pole-v0", "slow_one", "fast", *[nan] * 9, 0, 10, "too few runs"),
    )
    return Comparison(
        frame=pd.DataFrame(
            {"label": ["fast"], "env": ["Cart-v0"], "seed": [0], "env_steps": [100], "status": "complete"}
        ),
        algorithms=("slow_one", "fast"),
        environments=("Cart-v0", "Pole-v0"),
        level=0.95,
        replicates=2000,
        headline="fast is ahead.",
        leaderboard=rows("label statistic metric estimate low high runs environments lacking", *board),
        profiles=rows("label threshold share low high"),
        improvement=rows(
            "statistic x y probability low high runs_x runs_y environments",
            *[
                (statistic, *line)
                for statistic in ("final", "auc")
                for line in (
                    ("slow_one", "fast", 0.1, 0.0, 0.25, 4, 10, 1),
                    ("fast", "slow_one", 0.9, 0.75, 1.0, 10, 4, 1),
                )
            ],
        ),
        efficiency=rows("label progress env_steps iqm low high"),
        pairs=rows(
            "env x y difference low high welch_p permutation_p welch_holm permutation_holm effect_size detectable "
            "runs_x runs_y verdict",
            *pairs,
        ),
        thresholds=rows(
            "label env threshold threshold_return reached runs median_steps median_seconds",
            ("slow_one", "Cart-v0", 0.5, 50.0, 1, 4, nan, nan),
            ("fast", "Cart-v0", 0.5, 50.0, 9, 10, 60.0, 1.5),
        ),
        cost=rows(
            "label env steps_per_second wall_time seconds_to_threshold peak_memory "
            "completed diverged partial damaged missing",
            ("slow_one", "Cart-v0", 1500.0, 0.5, nan, nan, 4, 1, 0, 2, 3),
            ("fast", "Cart-v0", 120000.0, 75.0, 1.5, 2.0**28, 10, 0, 0, 0, 0),
        ),
        environments_table=rows(
            "label env budget runs final_return_mean final_return_std final_return_low final_return_high "
            "final_score_mean final_score_std auc_return_mean auc_score_mean auc_score_std",
            ("slow_one", "Cart-v0", 100, 4, 25.0, 10.0, nan, nan, 0.25, 0.1, 20.0, 0.2, 0.1),
            ("fast", "Cart-v0", 100, 10, 75.0, 5.0, 71.4, 78.6, 0.75, 0.05, 50.0, 0.5, 0.1),
            ("slow_one", "Pole-v0", nan, 0, *[nan] * 9),
            ("fast", "Pole-v0", 2000000, 10, -1234.5, 20.0, -1248.8, -1220.2, 0.75, 0.02, -1300.0, 0.5, 0.1),
        ),
    )
