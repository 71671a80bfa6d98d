"""`pgsuite anchors`: what it prints is what a suite file takes."""

import tomllib

import pytest
from typer.testing import CliRunner

from pgsuite.cli.main import app

MODULE = """
import gymnasium

class Coin(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (1,))
    action_space = gymnasium.spaces.Discrete(2)
    def __init__(self, prize=1.0):
        self.prize = prize
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.low, {}
    def step(self, action):
        return self.observation_space.low, self.prize * float(action), True, False, {}

gymnasium.register("Coin-v0", Coin, max_episode_steps=5)
gymnasium.register("Endless-v0", Coin)
"""
SUITE = """
name = "mine"
description = ""
seeds = "0"
modules = ["coin_of_a_test"]
[environments.rich]
id = "Coin-v0"
steps = 100
options = { prize = 100.0 }
[environments.known]
id = "Coin-v0"
steps = 100
anchors = { random = 0.5, reference = 1.0, source = "by hand" }
[environments."Endless-v0"]
steps = 100
[algorithms.reinforce]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "coin_of_a_test.py").write_text(MODULE)
    (tmp_path / "mine.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def measured(*arguments):
    return CliRunner().invoke(app, ["anchors", *arguments, "--suite", "mine.toml", "--episodes", "200"])


def test_what_is_printed_can_be_pasted(folder):
    result = measured("rich")
    assert result.exit_code == 0
    table, line = result.output.splitlines()[1:3]
    assert 'the table [environments."rich"] of mine.toml' in table
    found = tomllib.loads(line.replace("REFERENCE", "100.0"))["anchors"]
    assert found["random"] == pytest.approx(50, abs=15)  # a fair coin for 100, four standard errors of 200 tosses
    assert "200 episodes" in found["source"]


def test_those_that_the_suite_declares_stand_beside(folder):
    (line,) = measured("known").output.splitlines()
    assert line.endswith("declared 0.5, reference 1")


def test_an_environment_that_never_ends_is_refused(folder):
    result = measured("Endless-v0")
    assert result.exit_code != 0
    assert "declares no time limit" in str(result.exception)
