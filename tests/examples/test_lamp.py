"""The example of a compiled environment: it registers, is stepped, learned, and its fingerprint follows its code."""

import subprocess
import sys
from pathlib import Path

import pytest

import pgsuite

EXAMPLE = Path(pgsuite.__file__).parent / "docs" / "examples" / "lamp.py"
SUITE = """
name = "lamps"
description = ""
seeds = "0-1"
modules = ["lamp"]

[environments."Lamp-v0"]
steps = 2000

[algorithms.actor-critic]
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "lamp.py").write_text(EXAMPLE.read_text())
    (tmp_path / "lamps.toml").write_text(SUITE)
    return tmp_path


def pgsuite_run(place, *arguments):
    code = "import sys; sys.path.insert(0, '.'); from pgsuite.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "run", "lamps.toml", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_it_runs_compiled_and_again_only_after_an_edit_of_a_helper(place):
    first = pgsuite_run(place)
    assert first.returncode == 0, first.stderr
    assert "Lamp-v0" in first.stdout
    assert "2 of 2 runs are there" in pgsuite_run(place, "--no-report").stderr
    edited = EXAMPLE.read_text().replace("0.02 * (1", "0.03 * (1")
    assert edited != EXAMPLE.read_text()
    (place / "lamp.py").write_text(edited)
    assert "0 of 2 runs are there" in pgsuite_run(place, "--no-report").stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("@kernel\ndef blown", "def blown", "blown, which is plain Python: decorate it with @kernel"),
        ("return 1.0 if there else -0.01, there", "return 1.0", "cannot be compiled"),
        ("following[1] = state[1]", "following[1] = {}[state]", "cannot be compiled"),
        ("@kernel\ndef observe", "def observe", "its observe is plain Python"),
        ("time_limit=100", "time_limit=0", "time_limit is 0"),
        ('"Lamp-v0",', '"CartPole-v1",', "is there already"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(place, old, new, said):
    assert old in EXAMPLE.read_text()
    (place / "lamp.py").write_text(EXAMPLE.read_text().replace(old, new))
    ran = pgsuite_run(place)
    assert ran.returncode in (1, 2)
    assert said in " ".join((ran.stdout + ran.stderr).split())
    assert "Traceback" not in ran.stderr
