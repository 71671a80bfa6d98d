"""Running a suite: what is missing is run, what is there is left alone, what fails is recorded."""

import io
import json

import pytest
from rich.console import Console

from pgsuite.errors import UsageError
from pgsuite.results import CellStore, load, read_manifest
from pgsuite.results.store.digest import sealed_table
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.running import run_cells
from pgsuite.suites.scheduling.local import LocalWorkers
from pgsuite.suites.schema import parse_suite


@pytest.fixture
def run(tmp_path):
    """Run cells of CartPole and return the outcome and what was said."""
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from dataclasses import dataclass\nfrom pathlib import Path\nfrom pgsuite.algorithms import Reinforce\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Broken(Reinforce):\n"
        "    def update(self, state, rollout):\n"
        "        if not Path(__file__).with_name('mended').exists():\n            raise RuntimeError('no luck')\n"
        "        return super().update(state, rollout)\n"
    )

    def go(*algorithms, seeds="0-1", steps=100, workers=1):
        references = {"broken": f"{broken}:Broken"}
        data = {
            "name": "mine",
            "description": "",
            "seeds": seeds,
            "evaluation": {"checkpoints": 2, "episodes": 2},
            "environments": {"CartPole-v1": {"steps": steps}},
            "algorithms": {name: {"class": references.get(name, name), "num_envs": 2} for name in algorithms},
        }
        said = io.StringIO()
        out = tmp_path / "out"
        planned = plan_cells(parse_suite(data, "test"), out)
        outcome = run_cells(planned, out, workers=workers, console=Console(file=said, width=200))
        return outcome, said.getvalue()

    return go


def files(folder):
    return {f: (f.stat().st_mtime_ns, f.read_bytes()) for f in folder.rglob("*") if f.is_file()}


def test_runs_what_is_missing_and_nothing_else(run, tmp_path):
    outcome, said = run("reinforce")
    assert (outcome.failures, outcome.interruption) == ([], None)
    assert "0 of 2 runs are there, 2 to do on 1 worker\n" in said
    there = files(tmp_path / "out")
    _, said = run("reinforce")
    assert "2 of 2 runs are there, 0 to do" in said
    assert {f: v for f, v in files(tmp_path / "out").items() if f.name != "manifest.json"} == {
        f: v for f, v in there.items() if f.name != "manifest.json"
    }
    _, said = run("reinforce", seeds="1-2")
    assert "1 of 2 runs are there, 1 to do" in said
    now = files(tmp_path / "out")
    assert all(now[f] == there[f] for f in there if f.name.startswith("seed-"))
    assert sorted(load(tmp_path / "out").seed.unique()) == [0, 1, 2]


def flip(path):
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def bits(folder):
    """What runs hold, but for the clock."""
    store = CellStore.open(folder)
    return {
        (seed, name): array.tobytes()
        for seed in store.stored()
        for name, array in {**store.read_columns(seed)[0], **store.read_snapshot(seed)[0]}.items()
        if name not in ("wall_time", "seconds")
    }


def test_what_is_damaged_is_repaired_to_the_same_bits_and_said(run, tmp_path):
    run("reinforce", seeds="0-3")
    (folder,) = plan_folders(tmp_path)
    whole = bits(folder)
    flip(folder / "seed-0.safetensors")
    flip(folder / "seed-1.parquet")
    store = CellStore.open(folder)
    curve, facts = store.read_curve(2)
    store.write_curve(2, curve[:1], facts)  # it says that it is complete
    flip(folder / "cell.json")
    outcome, said = run("reinforce", seeds="0-3")
    assert outcome.failures == []
    assert "1 of 4 runs are there, 3 to do" in said
    assert "the record of reinforce on CartPole-v1 is written anew: " in said
    assert "seed 0 begins anew: seed-0.safetensors is damaged (its digest is another one" in said
    assert "seed 1 begins anew: seed-1.parquet is damaged" in said
    assert "seed 2 begins anew: seed-2.parquet is damaged (1 of 3 checkpoints are there, and it says that" in said
    assert bits(folder) == whole


def test_the_record_tells_how_it_was_made(run, tmp_path):
    run("reinforce")
    (cell,) = plan_folders(tmp_path)
    import json

    record = json.loads((cell / "cell.json").read_text())
    assert record["configuration"]["num_envs"] == 2
    assert record["protocol"] == {"checkpoints": 2, "episodes": 2, "deterministic": False}
    assert record["provenance"]["machine"]["cpu_capability"]
    assert record["anchors"]["reference"] > record["anchors"]["random"]


def plan_folders(tmp_path):
    return [folder for folder in (tmp_path / "out").iterdir() if folder.is_dir()]


def test_failures_are_recorded_until_they_are_mended(run, tmp_path):
    outcome, _ = run("broken", "reinforce")
    assert [f.cell.algorithm for f in outcome.failures] == ["broken"]
    cells = read_manifest(tmp_path / "out").cells
    assert [(c.algorithm, c.reason is None) for c in cells] == [("broken", False), ("reinforce", True)]
    assert "no luck" in cells[0].reason
    kept = load(tmp_path / "out").groupby("algorithm").checkpoint.max()
    assert kept.to_dict() == {"broken": 0, "reinforce": 2}  # what it had before it failed is there


def test_why_a_cell_failed_stands_until_all_of_it_is_there(run, tmp_path):
    """Also where another command, as of another shard, has done its own share of it."""

    def reason():
        return read_manifest(tmp_path / "out").cells[0].reason

    run("broken", seeds="0")
    (tmp_path / "mended").touch()
    outcome, _ = run("broken", seeds="1")
    assert outcome.failures == []
    assert "no luck" in reason()
    run("broken", seeds="0")
    assert reason() is None


def test_the_folder_remembers_all_that_was_asked_of_it(run, tmp_path):
    run("reinforce")
    run("reinforce-baseline", seeds="5")
    cells = read_manifest(tmp_path / "out").cells
    assert [(c.algorithm, c.seeds) for c in cells] == [("reinforce", (0, 1)), ("reinforce-baseline", (5,))]
    run("reinforce", steps=50, seeds="3")  # another budget is another cell, in its place
    cells = read_manifest(tmp_path / "out").cells
    assert [(c.algorithm, c.seeds) for c in cells] == [("reinforce", (3,)), ("reinforce-baseline", (5,))]


def test_an_interruption_is_an_outcome(run, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalWorkers, "run", interrupted)
    outcome, _ = run("reinforce")
    assert isinstance(outcome.interruption, KeyboardInterrupt)
    assert read_manifest(tmp_path / "out").cells[0].seeds == (0, 1)


def test_results_of_an_earlier_format_are_not_added_to(run, tmp_path):
    run("reinforce", seeds="0")
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(json.dumps(sealed_table(json.loads(manifest.read_text()) | {"format": 1})))
    before = files(tmp_path / "out")
    for algorithm, seeds in (("reinforce", "0"), ("reinforce", "0-1"), ("actor-critic", "0")):
        with pytest.raises(
            UsageError, match=r"manifest\.json has format 1.*not resumed.*another folder with --out"
        ) as error:
            run(algorithm, seeds=seeds)
        assert "\n" not in str(error.value)
    assert files(tmp_path / "out") == before
    assert len(load(tmp_path / "out")["seed"].unique()) == 1  # and still read
