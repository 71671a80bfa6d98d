"""What lies in the working folder runs only where the user names it, and never in place of Python or a package."""

import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

BESIDE = {"sitecustomize", "usercustomize", "yaml", "cupy", "numexpr", "bottleneck", "ipywidgets", "colorama", "pygame"}
"""Names that Python or a package tries to import, whether or not there are such modules."""
PYTHON = set(sys.stdlib_module_names)
CANARY = "with open({mark!r}, 'a') as file: file.write('{name} ')\nraise SystemExit('{name} of a stranger ran')\n"
SUITE = """
name = "s"
description = ""
seeds = "0-0"
[evaluation]
checkpoints = 1
episodes = 1
[environments."pgsuite/ProbeAction-v0"]
steps = 64
[algorithms.{algorithm}]
num_envs = 2
"""
MINE = """
from dataclasses import dataclass
import beside_mine
from pgsuite.algorithms import Reinforce
@dataclass(frozen=True, kw_only=True)
class Mine(Reinforce):
    pass
"""


@cache
def installed() -> set[str]:
    """Names of all packages that are."""
    return {name for name in packages_distributions() if name.isidentifier()} - {"pgsuite"}


def canaries(folder: Path, names: set[str]) -> Path:
    """A folder in which every module and package that might be looked for leaves a mark when it is imported."""
    for name in names:
        (folder / f"{name}.py").write_text(CANARY.format(mark=str(folder / "MARK"), name=name))
    (folder / ".numba_config.yaml").write_text("cache_dir: ./stranger\ndisable_jit: 1\n")
    (folder / "canary.pth").write_text("import antigravity\n")
    return folder


@pytest.fixture
def pgsuite():
    def run(folder: Path, *arguments: str, module: bool = False) -> "subprocess.CompletedProcess[str]":
        """As the installed script does, which finds modules beside itself; or as ``python -m``."""
        script = "import sys; from pgsuite.cli import main; sys.argv[0] = 'pgsuite'; main()"
        start = ["-m", "pgsuite.cli"] if module else ["-P", "-c", script]
        return subprocess.run(
            [sys.executable, *start, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_nothing_of_a_strangers_folder_runs(tmp_path, pgsuite):
    folder = canaries(tmp_path, PYTHON | installed() | BESIDE)
    (folder / "s.toml").write_text(SUITE.format(algorithm="reinforce"))
    (folder / "mine.csv").write_text("algorithm,env,seed,env_steps,return\nm,E-v0,0,0,1\nm,E-v0,0,9,2\n")
    for command in (
        "list",
        "run s.toml --workers 2",  # and a report
        "replay runs/s --seed 0",
        "import mine.csv -o imported",
        "audit -a reinforce -m bandit --batches 100 --workers 2",
    ):
        done = pgsuite(folder, *command.split())
        assert (command, done.returncode, done.stderr[-500:] if done.returncode else "") == (command, 0, "")
        assert not (folder / "MARK").exists(), f"{command}: {(folder / 'MARK').read_text()}"
    assert not (folder / "stranger").exists()


@pytest.mark.parametrize("command", ["run", "check"])
def test_code_that_is_named_runs_and_replaces_nothing(command, tmp_path, pgsuite):
    folder = canaries(tmp_path, PYTHON | installed())
    (folder / "mine.py").write_text(MINE)
    (folder / "beside_mine.py").write_text("")
    (folder / "s.toml").write_text(
        SUITE.format(algorithm="Mine").replace("num_envs", 'class = "mine.py:Mine"\nnum_envs')
    )
    arguments = {
        "run": "run s.toml --workers 2 --no-report",
        "check": "check s.toml -a Mine --against reinforce --seeds 1 --no-audit --no-speed",
    }
    done = pgsuite(folder, *arguments[command].split())
    assert not (folder / "MARK").exists(), (folder / "MARK").read_text()
    assert (done.returncode, done.stderr[-500:] if done.returncode else "") == (0, "")


def test_as_a_module_it_leaves_the_working_folder_out_as_soon_as_it_runs(tmp_path, pgsuite):
    """What Python imports before that is Python's to find; it is told in the README to start the script instead."""
    folder = canaries(tmp_path, {"typer", "rich", "torch", "tomllib", "shlex", "difflib"})
    done = pgsuite(folder, "list", module=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (folder / "MARK").exists()
