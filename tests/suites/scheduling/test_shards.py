"""Shards: disjoint, together the plan, the same whatever is done already, and the same store in any order."""

import io
import itertools

import pytest
from rich.console import Console

from pgsuite.errors import UsageError
from pgsuite.results import read_manifest
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.scheduling.shards import Shard, parse_shard, shares
from pgsuite.suites.schema import parse_suite

SUITE = {
    "name": "test",
    "description": "",
    "seeds": "0-2",
    "evaluation": {"checkpoints": 1, "episodes": 1},
    "environments": {"CartPole-v1": {"steps": 60}},
    "algorithms": {"reinforce": {"num_envs": 2}, "actor-critic": {"num_envs": 2, "num_steps": 5}},
}


@pytest.fixture
def planned(tmp_path):
    def plan(out="out"):
        return plan_cells(parse_suite(SUITE, "test"), tmp_path / out)

    return plan


@pytest.mark.parametrize("total", [1, 2, 3, 4, 6, 7, 100])
def test_every_run_is_in_one_shard(total, planned):
    cells = planned()
    dealt = [
        [(p.cell.algorithm, seed) for p in shares(cells, Shard(number, total)) for seed in p.own_seeds]
        for number in range(1, total + 1)
    ]
    everything = [(p.cell.algorithm, seed) for p in cells for seed in p.seeds]
    assert sorted(itertools.chain(*dealt)) == sorted(everything)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_whose_a_run_is_does_not_depend_on_what_is_done(planned, monkeypatch):
    before = [p.own_seeds for p in shares(planned(), Shard(1, 2))]
    run_cells(shares(planned(), Shard(1, 2)), planned()[0].store.path.parent, workers=1, console=quiet())
    assert [p.own_seeds for p in shares(planned(), Shard(1, 2))] == before
    assert [p.missing() for p in shares(planned(), Shard(1, 2))] == [[], []]
    assert [p.missing() for p in shares(planned(), Shard(2, 2))] == [[1], [0, 2]]


@pytest.mark.parametrize("text", ["0/10", "11/10", "3", "3/0", "a/b", "-1/3", "1/2/3", "1.0/2", ""])
def test_what_is_no_shard_is_said(text):
    with pytest.raises(UsageError, match=r"^--shard '.*': give a number and how many there are, 1/10 to 10/10$"):
        parse_shard(text)


def test_a_shard_is_read():
    assert parse_shard("3/10") == Shard(3, 10)


def quiet():
    return Console(file=io.StringIO())


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same(store, seed):
    """What a run holds but for what the clock, and the company, have to do with."""
    columns, facts = store.read_columns(seed)
    columns.pop("wall_time")
    tensors = store.read_snapshot(seed)[0]
    tensors.pop("seconds")
    kept = {name: value.tobytes() for name, value in (*columns.items(), *tensors.items())}
    return kept, facts["status"]


def test_any_order_and_repetition_give_the_same_store(planned, tmp_path):
    for out, order in (("a", (1, 2, 3)), ("b", (3, 1, 1, 2))):
        for number in order:
            outcome = run_cells(shares(planned(out), Shard(number, 3)), tmp_path / out, workers=1, console=quiet())
            assert not outcome.failures
    run_cells(planned("whole"), tmp_path / "whole", workers=1, console=quiet())
    names, manifests = {}, {}
    for out in ("a", "b", "whole"):
        found = contents(tmp_path / out)
        names[out], manifests[out] = sorted(found), found["manifest.json"]
        assert all(p.missing() == [] for p in planned(out))
    assert names["a"] == names["b"] == names["whole"]
    assert manifests["a"] == manifests["b"] == manifests["whole"]
    for a, b, whole in zip(planned("a"), planned("b"), planned("whole"), strict=True):
        for seed in a.seeds:
            assert same(a.store, seed) == same(b.store, seed) == same(whole.store, seed)
    before = contents(tmp_path / "a")
    for number in (2, 1, 3):
        run_cells(shares(planned("a"), Shard(number, 3)), tmp_path / "a", workers=1, console=quiet())
    assert contents(tmp_path / "a") == before, "byte for byte"


def test_a_shard_asks_for_everything_so_that_a_report_says_what_is_missing(planned, tmp_path):
    said = io.StringIO()
    run_cells(shares(planned(), Shard(1, 6)), tmp_path / "out", workers=1, console=Console(file=said, width=200))
    assert "0 of 1 run of this shard is there, 1 to do on 1 worker\n" in said.getvalue()
    assert [cell.seeds for cell in read_manifest(tmp_path / "out").cells] == [(0, 1, 2), (0, 1, 2)]
