"""Cells that differ in numbers alone share jobs, and their results are stored as if each had been run alone."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from rich.console import Console

from pgsuite.suites import running
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.scheduling.interface import Failure
from pgsuite.suites.scheduling.jobs import make_jobs, to_do
from pgsuite.suites.schema import parse_suite

SETTINGS = {
    "slow": {"class": "actor-critic", "learning_rate": 0.0005},
    "fast": {"class": "actor-critic", "learning_rate": 0.02, "discount": 0.9},
    "wide": {"class": "actor-critic", "num_envs": 4},
    "other": {"class": "reinforce"},
}
QUIET = Console(quiet=True)


@pytest.fixture
def planned(tmp_path):
    suite = parse_suite(
        {
            "name": "mine",
            "description": "",
            "seeds": "0-2",
            "evaluation": {"checkpoints": 2, "episodes": 1},
            "environments": {"CartPole-v1": {"steps": 300}},
            "algorithms": SETTINGS,
        },
        "test",
    )
    return lambda folder, **asked: plan_cells(suite, tmp_path / folder, **asked)


def names(job):
    return [one.cell.algorithm for one in job.everyone]


def test_those_of_one_form_share_jobs(planned):
    todo = to_do(planned("runs"))
    jobs = make_jobs(todo, 1, together=True)
    assert sorted(map(names, jobs)) == [["other"], ["slow", "fast"], ["wide"]]
    assert all(one.seeds == (0, 1, 2) for job in jobs for one in job.everyone)
    assert [names(job) for job in make_jobs(todo, 1)] == [[name] for name in SETTINGS]


def test_all_workers_have_some(planned):
    todo = to_do(planned("runs", algorithms=["slow", "fast"]))
    assert sorted(map(names, make_jobs(todo, 2, together=True))) == [["fast"], ["slow"]]


def test_whose_failure_may_be_that_of_others(planned, tmp_path, monkeypatch):
    """Two that train together, and two that do not, as all fail."""

    @contextmanager
    def failing(*_, **__):
        def run(jobs, listener):
            for job in jobs:
                listener.start(job)
                listener.finish(job, Failure(job.cell, "no luck"))

        yield SimpleNamespace(count=1, prepare=lambda _: None, run=run)

    monkeypatch.setattr(running, "workers_at", failing)
    outcome = run_cells(planned("runs"), tmp_path / "runs", console=QUIET, together=True)
    found = {failure.cell.algorithm: failure.in_company for failure in outcome.failures}
    assert found == {"slow": True, "fast": True, "wide": False, "other": False}


def test_results_are_those_of_each_alone(planned, tmp_path):
    (tmp_path / "together").mkdir()
    for folder, together in (("together", True), ("alone", False)):
        outcome = run_cells(planned(folder), tmp_path / folder, workers=1, console=QUIET, together=together)
        assert not outcome.failures
    for one, other in zip(planned("together"), planned("alone"), strict=True):
        assert one.cell.fingerprint == other.cell.fingerprint
        assert not one.missing()
        for seed in (0, 1, 2):
            ours, theirs = (p.store.read_columns(seed)[0] for p in (one, other))
            assert ours.keys() == theirs.keys()
            for name in ours.keys() - {"wall_time"}:
                assert ours[name].tobytes() == theirs[name].tobytes(), (one.cell.algorithm, name)
