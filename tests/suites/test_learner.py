"""A learner that is no `PolicyGradient`, has no network and no gradient is run, resumed, evaluated and replayed."""

from pathlib import Path

import numpy as np
import pytest

from pgsuite.results import load
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import replay
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

OWN = f"{Path(__file__).with_name('hill_climbing.py')}:HillClimbing"
SUITE = {
    "name": "hill",
    "description": "Hill climbing",
    "seeds": "0-4",
    "evaluation": {"checkpoints": 5, "episodes": 5},
    "environments": {"CartPole-v1": {"steps": 8000}},
    "algorithms": {"hill": {"class": OWN}},
}


@pytest.fixture(scope="module")
def climbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    outcome = run_cells(plan_cells(parse_suite(SUITE, "test"), out), out, workers=1)
    assert outcome.failures == []
    return out


def test_it_learns_what_a_linear_policy_can(climbed):
    frame = load(climbed)
    last = frame[frame["env_steps"] == frame["env_steps"].max()]
    assert len(last) == 5
    assert last["return_mean"].median() > 100  # nine to ten at the start, where it always pushes to the left


def test_each_seed_is_its_own(climbed, tmp_path):
    planned = plan_cells(parse_suite(SUITE | {"seeds": "3"}, "test"), tmp_path)
    run_cells(planned, tmp_path, workers=1)
    alone, together = (load(out).query("seed == 3")["return_mean"].to_numpy() for out in (tmp_path, climbed))
    assert np.array_equal(alone, together)


def test_its_policy_replays_bit_for_bit(climbed):
    """Its behaviour is one bare tensor, not a tree of them."""
    policy = open_policy(find_cell(climbed, "hill", None), 1, algorithm=OWN)
    assert replay(policy).differences == []
