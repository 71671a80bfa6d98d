"""A user's own code on its way: what is packed, and that it works where nothing else of it is."""

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pgsuite.errors import UsageError
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.scheduling import luggage as packing
from pgsuite.suites.scheduling.luggage import pack
from pgsuite.suites.schema import parse_suite

ALGORITHM = """
from dataclasses import dataclass
from luggage_beside import K
from luggage_package.inner import L
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    def update(self, state, rollout):
        assert (K, L) == (3, 4)
        return super().update(state, rollout)

@dataclass(frozen=True, kw_only=True)
class Other(Reinforce):
    pass  # uses nothing of what its file imports
"""
ENVIRONMENTS = """
import gymnasium
if "luggage/Pole-v0" not in gymnasium.registry:
    pole = "gymnasium.envs.classic_control:CartPoleEnv"
    gymnasium.register("luggage/Pole-v0", entry_point=pole, max_episode_steps=20)
"""
SUITE = {
    "name": "test",
    "description": "",
    "seeds": "0",
    "modules": ["luggage_environments"],
    "evaluation": {"checkpoints": 1, "episodes": 1},
    "environments": {"luggage/Pole-v0": {"steps": 40}},
    "algorithms": {"mine": {"class": "luggage_mine.py:Mine", "num_envs": 2}, "reinforce": {"num_envs": 2}},
}


@pytest.fixture
def cells(tmp_path, monkeypatch):
    place = tmp_path / "place"
    (place / "luggage_package" / "data").mkdir(parents=True)
    (place / "__pycache__").mkdir()
    for name, content in {
        "luggage_mine.py": ALGORITHM,
        "luggage_beside.py": "K = 3",
        "luggage_package/__init__.py": "",
        "luggage_package/inner.py": "L = 4",
        "luggage_package/data/table.csv": "1,2",
        "luggage_environments.py": ENVIRONMENTS,
        "unrelated.py": "",
        "results.bin": "much",
    }.items():
        (place / name).write_text(content)
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    return [p.cell for p in plan_cells(parse_suite(SUITE, "test"), tmp_path / "out")]


def test_what_the_cells_are_made_of_travels_and_nothing_else(cells):
    packed = pack(cells)
    assert sorted(packed.files) == [
        "0/luggage_beside.py",
        "0/luggage_environments.py",
        "0/luggage_mine.py",
        "0/luggage_package/__init__.py",
        "0/luggage_package/data/table.csv",
        "0/luggage_package/inner.py",
    ]
    assert packed.moved["luggage_mine.py"] == "0/luggage_mine.py"


def test_what_a_file_imports_travels_also_where_the_algorithm_does_not_use_it(cells):
    assert "0/luggage_beside.py" in pack([replace(cells[0], reference="luggage_mine.py:Other")]).files


def test_ours_alone_needs_no_luggage(small_cell):
    assert pack([small_cell("reinforce"), small_cell("trpo")]) == ({}, (), {})


def test_it_works_where_it_is_unpacked(cells, tmp_path):
    """In a process that sees nothing of the folder where it was packed."""
    (tmp_path / "order").write_bytes(pickle.dumps((cells, pack(cells))))
    code = (
        "import pickle, sys; from pathlib import Path; from pgsuite.suites.scheduling.luggage import arrived, unpack\n"
        "from pgsuite.algorithms.registry import load_class; from pgsuite.suites.cells import open_environments\n"
        "cells, packed = pickle.loads(Path('order').read_bytes()); here = Path('unpacked').absolute()\n"
        "sys.path += map(str, unpack(packed, here)); mine, ours = (arrived(cell, packed, here) for cell in cells)\n"
        "print(load_class(mine.reference).__name__, ours.reference)\n"
        "print(len(open_environments(mine.environment, [1]).reset()))\n"
        "import luggage_beside; print(Path(luggage_beside.__file__).is_relative_to(here))\n"
        "print(mine.fingerprint == cells[0].fingerprint)"
    )
    there = [folder for folder in sys.path if folder != str(Path.cwd())]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(there)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["Mine", "reinforce", "1", "True", "True"], done.stderr


def test_where_it_is_unpacked_is_removed_though_the_process_is_killed(tmp_path):
    code = (
        "import time; from pgsuite.suites.scheduling.luggage import folder_of_this_process as folder\n"
        "(folder() / 'a').touch(); print(flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert [file.name for file in tmp_path.glob("pgsuite-*/*")] == ["a"]
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_too_large_stays_and_is_said(cells, monkeypatch):
    monkeypatch.setattr(packing, "LARGEST", 100)
    with pytest.raises(UsageError, match="travel to other machines: install them there"):
        pack(cells)
