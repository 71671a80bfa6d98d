"""The picture of group weights: its numbers are those that are known, and those that are printed."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pgsuite.suites.process import single_thread

FOLDER = Path(__file__).parents[3] / "docs/groups"
STORED = pd.read_csv(FOLDER / "normalisations.csv")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("normalisations", FOLDER / "normalisations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of(table, variant, prompt):
    (row,) = table[(table["variant"] == variant) & (table["prompt"] == prompt)].itertuples()
    return row


@pytest.mark.parametrize(
    ("variant", "prompt", "known"),
    [
        ("RLOO", "p = 0.05", 1.0),
        ("Dr. GRPO", "p = 0.95", 15 / 16),
        ("GRPO, deviation", "p = 0.5", 1.93),
        ("GRPO, deviation", "p = 0.05", 3.27),
        ("RLOO", "wrong, 20 steps", -0.08),
        ("Dr. GRPO", "right, 2 steps", 0.12),
        ("GRPO, both", "right, 2 steps", 0.121),
        ("GRPO, both", "wrong, 2 steps", -0.09),
        ("GRPO, both", "wrong, 20 steps", -0.031),
    ],
)
def test_known_values(variant, prompt, known):
    row = of(STORED, variant, prompt)
    assert row.exact == pytest.approx(known, abs=0.005 if known > 0.5 else 0.0006)
    assert abs(row.measured - row.exact) < 4 * row.standard_error


def test_the_algorithms_come_to_the_exact_numbers(script):
    """Again, from few batches: within their errors of those stored, none of which is far from what was measured."""
    with single_thread():
        found = script.measured(150)
    np.testing.assert_allclose(found["exact"], STORED["exact"], atol=1e-5)
    assert (np.abs(found["measured"] - found["exact"]) < 4.5 * found["standard_error"]).all()
    assert (np.abs(STORED["measured"] - STORED["exact"]) < 4 * STORED["standard_error"]).all()
    assert len(found) == len(STORED) == 15 + 15


def test_a_large_group_tends_to_the_gradient_over_the_deviation(script):
    for p in (0.05, 0.3, 0.5):
        assert script.factor("GRPO, deviation", p, 4000) == pytest.approx(1 / np.sqrt(p * (1 - p)), rel=0.01)


def test_the_page_prints_the_stored_numbers():
    text = (FOLDER / "README.md").read_text().replace("−", "-")
    for row in STORED.itertuples():
        if row.panel == "prompts":
            assert f"| {row.measured:.3f} ± {row.standard_error:.3f} | {row.exact:.3f} |" in text
        else:
            assert f"| {row.measured:.3f} ({row.exact:.3f}) |" in text
