"""A user's folder: environments that break in one way each, algorithms that raise and die, suite files."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pgsuite import cli

ENVIRONMENTS = '''
"""Environments that break in one way each."""
import os, time
import gymnasium
import numpy as np
from gymnasium import spaces

class Broken(gymnasium.Env):
    def __init__(self, fault):
        self.fault = fault
        self.observation_space = spaces.Box(-1, 1, (2,))
        if fault == "observes":
            self.observation_space = spaces.Sequence(spaces.Discrete(2))
        if fault == "image":
            self.observation_space = spaces.Box(0, 255, (84, 84, 3), np.uint8)
        self.action_space = spaces.Dict({"a": spaces.Discrete(2)}) if fault == "acts" else spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        if self.fault == "reset":
            raise RuntimeError("no map")
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.time += 1
        observation, reward = np.zeros(2, np.float32), 1.0
        if self.fault == "slow":
            time.sleep(float(os.environ.get("NAP", "0")))
        if self.time == 4:
            if self.fault == "step":
                raise ZeroDivisionError("division by zero")
            if self.fault == "reward":
                reward = float("nan")
            if self.fault == "observation":
                observation[1] = np.inf
        return observation, reward, self.time == 8, False, {}

for fault in ("none", "slow", "step", "reset", "reward", "observation", "observes", "acts", "image"):
    if f"broken/{fault}-v0" not in gymnasium.registry:
        kwargs = {"fault": fault}
        gymnasium.register(f"broken/{fault}-v0", entry_point=Broken, max_episode_steps=20, kwargs=kwargs)
if "broken/endless-v0" not in gymnasium.registry:
    gymnasium.register("broken/endless-v0", entry_point=Broken, kwargs={"fault": "none"})
'''

ALGORITHMS = """
import os, signal
from dataclasses import dataclass
from pgsuite.algorithms import Reinforce

@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    pass

@dataclass(frozen=True, kw_only=True)
class Raises(Reinforce):
    def update(self, state, rollout):
        raise RuntimeError("no luck")

@dataclass(frozen=True, kw_only=True)
class Brackets(Reinforce):
    def update(self, state, rollout):
        raise RuntimeError("expected [red] at [/tmp/x]")

@dataclass(frozen=True, kw_only=True)
class Dies(Reinforce):
    def update(self, state, rollout):
        os.kill(os.getpid(), signal.SIGKILL)
"""

SUITE = """
name = "mine"
description = "of mine"
seeds = "0-1"
modules = ["environments_of_test_cli"]
[evaluation]
checkpoints = 2
episodes = 1
[environments."broken/none-v0"]
steps = 40
[algorithms.reinforce]
num_envs = 2
"""


FAULTS = ("step", "reset", "reward", "observation")


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """The folder; every test has results folders of its own in it."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "environments_of_test_cli.py").write_text(ENVIRONMENTS)
    (folder / "algorithms.py").write_text(ALGORITHMS)
    (folder / "file").write_text("in the way")
    (folder / "mine.toml").write_text(SUITE)
    table = '[environments."broken/{}-v0"]\nsteps = {}\n'
    (folder / "faults.toml").write_text(SUITE + "".join(table.format(fault, 40) for fault in FAULTS))
    long_one_first = SUITE.replace("steps = 40", "steps = 400") + table.format("slow", 300)
    (folder / "interrupted.toml").write_text(long_one_first)
    return folder


@pytest.fixture
def csv(place) -> str:
    """Results from elsewhere, in the folder."""
    (place / "mine.csv").write_text(
        "algorithm,env,seed,env_steps,return\nmine,CartPole-v1,0,0,20\nmine,CartPole-v1,0,9,30\n"
    )
    return "mine.csv"


@pytest.fixture
def pgsuite(place, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process, which is quick: exit code, stdout, stderr."""
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pgsuite", *arguments])
        monkeypatch.setattr("pgsuite.cli.options.debug", False)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), *capsys.readouterr()

    return run


def _heed_signals() -> None:
    """Before a command starts: a background job ignores Ctrl-C, and ``nohup`` a closed terminal."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope="session")
def start(place) -> Callable[..., subprocess.Popen[str]]:
    """Start a command as a user does: in a process and a session of its own."""

    def popen(*arguments: str, stderr: int = subprocess.PIPE, **surroundings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pgsuite.cli", *arguments],
            cwd=place,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(place), *sys.path]),
                "COLUMNS": "200",
                **surroundings,
            },
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_signals,
        )

    return popen
