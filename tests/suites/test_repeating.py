"""Environments that do not repeat themselves, and those that hang: said, and no plan stopped."""

import sys
import time
from pathlib import Path

import gymnasium
import pytest

from pgsuite.suites import repeating
from pgsuite.suites.cells import Environment
from pgsuite.suites.planning import plan_cells
from pgsuite.suites.repeating import Trial, difference
from pgsuite.suites.schema import parse_suite

MODULE = """
import os, random, threading, time
import gymnasium
import numpy as np

class Noisy(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-9, 9, (1,))
    action_space = gymnasium.spaces.Discrete(2)
    made = 0

    def __init__(self, kind="own"):
        print("an environment may print")
        self.kind = kind
        Noisy.made += 1
        self.number = Noisy.made

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.kind == "reseeded" and seed is not None:
            np.random.seed(seed)
        if self.kind == "reset":
            return np.random.random(1).astype(np.float32), {}
        return np.zeros(1, np.float32), {}

    def step(self, action):
        match self.kind:
            case "hangs":
                time.sleep(60)
            case "dies":
                os._exit(3)
            case "raises":
                raise RuntimeError("no")
            case "thread":
                threading.Thread(target=time.sleep, args=(60,)).start()
        draw = {
            "own": self.np_random.random,
            "global": random.random,
            "numpy": np.random.random,
            "reseeded": np.random.random,
            "shared": lambda: self.number,
        }
        reward = float(draw.get(self.kind, self.np_random.random)())
        end = random.random() < 0.5 if self.kind == "end" else self.np_random.random() < 0.1
        return np.zeros(1, np.float32), reward, bool(end), False, {}

gymnasium.register("tests/Noisy-v0", Noisy, max_episode_steps=20)
"""
SUITE = {
    "name": "mine",
    "description": "",
    "seeds": "0",
    "modules": ["noisy_of_a_test"],
    "algorithms": {"reinforce": {}, "trpo": {}},
}


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    Path(tmp_path / "noisy_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "noisy_of_a_test", raising=False)
    monkeypatch.setattr(repeating, "_TRIALS", {})
    yield lambda kind, name="": Environment(
        id="tests/Noisy-v0", options={"kind": kind}, modules=("noisy_of_a_test",), name=name
    )
    gymnasium.registry.pop("tests/Noisy-v0", None)


@pytest.mark.parametrize(
    ("kind", "differs"),
    [
        ("own", ""),
        ("global", "reward at step 1"),
        ("numpy", "reward at step 1"),
        ("reseeded", "reward at step 1"),  # alone it would repeat itself
        ("shared", "reward at step 1"),
        ("reset", "the observation of their reset"),
        ("end", "terminated at step"),
    ],
)
def test_what_differs(kind, differs, noisy):
    found = difference(noisy(kind))
    assert found.startswith(differs)
    assert bool(found) == bool(differs)


def test_gymnasiums_own_repeat_themselves():
    for env, options in (("CartPole-v1", {}), ("FrozenLake-v1", {"is_slippery": True}), ("Blackjack-v1", {})):
        assert difference(Environment(id=env, backend="gymnasium", options=options)) == ""


@pytest.mark.parametrize("prefix", ["", "noisy_of_a_test:"])
def test_an_id_may_name_its_module(prefix, noisy, tmp_path):
    table = {"id": f"{prefix}tests/Noisy-v0", "steps": 100, "options": {"kind": "global"}}
    modules = {} if prefix else {"modules": SUITE["modules"]}
    plain = {name: value for name, value in SUITE.items() if name != "modules"} | modules
    found = plan_cells(parse_suite({**plain, "environments": {"mine": table}}, "test"), tmp_path)
    assert all("does not repeat itself" in p.notes[0] for p in found)


def test_a_plan_tells_and_records_it_once_a_command(noisy, tmp_path, monkeypatch):
    made = []

    class Counted(Trial):
        def __init__(self, environment):
            made.append(environment.name)
            super().__init__(environment)

    monkeypatch.setattr(repeating, "Trial", Counted)
    tables = {kind: {"id": "tests/Noisy-v0", "steps": 100, "options": {"kind": kind}} for kind in ("own", "global")}
    suite = parse_suite({**SUITE, "environments": {**tables, "CartPole-v1": {"steps": 100}}}, "test")
    for _ in range(2):
        planned = {(p.cell.algorithm, p.cell.environment.name): p for p in plan_cells(suite, tmp_path)}
    assert made == ["own", "global"]
    for (_, env), p in planned.items():
        expected = ["environment 'global' does not repeat itself"] if env == "global" else []
        assert [note.partition(":")[0] for note in p.notes] == expected
        assert p.record.get("environment_notes", []) == list(p.notes)


@pytest.mark.parametrize("kind", ["dies", "raises", "thread"])
def test_what_fails_is_left_to_the_run(kind, noisy):
    trial = Trial(noisy(kind))
    assert trial.verdict() == ("", "")


def test_what_hangs_is_given_up(noisy, monkeypatch):
    monkeypatch.setattr(repeating, "LIMIT", 1.0)
    start = time.monotonic()
    trial = Trial(noisy("hangs", "slow"))
    process = trial._process
    assert trial.verdict() == ("", "whether environment 'slow' repeats itself was not to be told within 1 s")
    assert time.monotonic() - start < 10
    assert process.poll() is not None
    assert trial.verdict().note  # kept
