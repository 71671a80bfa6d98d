"""A learner that is no `PolicyGradient`, has no network and no gradient is run, resumed, evaluated and replayed."""

from pathlib import Path

import numpy as np
import pytest
import torch

import pgsuite
from pgsuite.algorithms.interface import check_heavy
from pgsuite.algorithms.registry import build
from pgsuite.algorithms.trees import tensors
from pgsuite.errors import UsageError
from pgsuite.results import load
from pgsuite.suites.finite import all_finite
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.replay.policies import find_cell, open_policy
from pgsuite.suites.replay.replay import replay
from pgsuite.suites.running import run_cells
from pgsuite.suites.schema import parse_suite

OWN = f"{Path(__file__).with_name('hill_climbing.py')}:HillClimbing"
KEEP = f"{Path(pgsuite.__file__).parent / 'docs' / 'examples' / 'keep_or_roll_back.py'}:KeepOrRollBack"
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


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({}, [True, True]),
        ({"count": torch.tensor([1, 2])}, [True, True]),
        ({"temperature": torch.tensor([1.0, np.nan])}, [True, False]),
        ({"w": torch.tensor([[np.inf, 0.0], [1.0, 2.0]]), "temperature": torch.ones(2)}, [False, True]),
        ({"w": torch.tensor([[1.0, 2.0], [0.0, np.nan]]).T}, [True, False]),
        ({"w": torch.tensor([[1.0, 2.0], [0.0, np.nan]], dtype=torch.float64)[:, ::2]}, [True, True]),
        ({"w": torch.tensor([1.0, np.nan], dtype=torch.bfloat16)}, [True, False]),
        ({"w": torch.zeros(2, 0)}, [True, True]),
    ],
)
def test_what_is_not_finite_is_told_in_a_state_of_any_form(tree, expected):
    assert all_finite(tensors(tree), 2).tolist() == expected


def test_a_wrapper_of_another_algorithm_replays_with_the_options_of_what_it_wraps(tmp_path):
    options = {"class": KEEP, "every": 2, "episodes": 2, "base": {"learning_rate": 0.003, "num_envs": 3}}
    suite = SUITE | {"seeds": "1", "algorithms": {"keep": options}}
    planned = plan_cells(parse_suite(suite, "test"), tmp_path)
    assert run_cells(planned, tmp_path, workers=1).failures == []
    policy = open_policy(find_cell(tmp_path, "keep", None), 1, algorithm=KEEP)
    assert replay(policy).differences == []


def test_an_option_that_what_is_wrapped_does_not_have_is_refused():
    with pytest.raises(UsageError, match=r"base' has no option 'lr': .*learning_rate"):
        build(KEEP, {"base": {"lr": 0.1}})


@pytest.mark.parametrize(
    ("heavy", "memory", "words"),
    [("buf", {"buf": 0}, "write a set of names"), ({"bfu"}, {"buf": 0}, "names bfu: its memory has buf")],
)
def test_heavy_memory_that_names_none_of_its_memory_is_refused(heavy, memory, words):
    with pytest.raises(ValueError, match=words):
        check_heavy(heavy, memory)
    check_heavy({"buf"}, {"buf": 0})
