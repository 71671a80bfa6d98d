"""Two runs, one of them diverged, in the frame that reports read."""

import pandas as pd
import pytest

from pgsuite.results import CellStore, CurveRow, load


@pytest.fixture
def frame(tmp_path) -> pd.DataFrame:
    store = CellStore(tmp_path / "results", "trpo", "CartPole-v1", "a" * 64)
    store.create({"suite": "quick", "anchors": {"random": 20.0, "reference": 500.0}})
    rows = [
        CurveRow(0, 0, 0, 20.0, 1.0, 10, 20.0, 200, 0, 0.0, {}),
        CurveRow(1, 1000, 990, 260.0, 2.0, 10, 260.0, 2600, 9, 1.5, {"kl": 0.01}),
    ]
    store.write_curve(0, rows, {"status": "complete"})
    store.write_curve(3, rows[:1], {"status": "diverged", "diverged_at": 640})
    return load(tmp_path / "results")


SETTINGS = {"a" * 64: {"class": "TRPO", "hidden": [64, 64], "max_kl": 0.01}}


@pytest.fixture
def settings():
    return SETTINGS
