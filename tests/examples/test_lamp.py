"""The example of a compiled environment: it registers, is stepped, learned, and its fingerprint follows its code."""

import subprocess
import sys
from pathlib import Path

import pytest

import pgsuite
from pgsuite.cli import main
from pgsuite.envs.tasks import ADDED

EXAMPLE = Path(pgsuite.__file__).parent / "docs" / "examples" / "lamp.py"
SUITE = """
name = "lamps"
description = ""
seeds = "0-1"
modules = {modules}

[environments]
{environments}

[algorithms.actor-critic]
"""
SPOILT = {
    "unmarked": ("@kernel\ndef blown", "def blown", "blown, which is plain Python: decorate it with @kernel"),
    "short": ("return 1.0 if there else -0.01, there", "return 1.0", "cannot be compiled"),
    "untyped": ("following[1] = state[1]", "following[1] = {}[state]", "cannot be compiled"),
}
"""What is told where its kernels are compiled: old text, new text, what is said."""


def lamps(place, *names):
    """Write a suite of environments, each registered by a module of that name."""
    environments = "\n".join(f'"{name.capitalize()}-v0" = {{ steps = 2000 }}' for name in names)
    (place / "lamps.toml").write_text(SUITE.format(modules=[*names], environments=environments))


def edited(old, new):
    text = EXAMPLE.read_text()
    assert old in text
    assert old != new
    return text.replace(old, new)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "lamp.py").write_text(EXAMPLE.read_text())
    lamps(tmp_path, "lamp")
    return tmp_path


def pgsuite_run(place, *arguments):
    """In a process of its own, as a user does."""
    code = "import sys; sys.path.insert(0, '.'); from pgsuite.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "run", "lamps.toml", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def run_here(place, monkeypatch, capsys):
    """Run the suite in this process, which is quick and knows no lamp before: exit code, and all that was said."""
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(sys, "argv", ["pgsuite", "run", "lamps.toml", "--no-report"])
    monkeypatch.setenv("COLUMNS", "200")

    def forget():
        sys.modules.pop("lamp", None)
        ADDED.pop("Lamp-v0", None)

    def run():
        forget()
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), "".join(capsys.readouterr())

    yield run
    forget()


def test_it_runs_compiled_and_again_only_after_an_edit_of_a_helper(place, run_here):
    first = pgsuite_run(place)
    assert first.returncode == 0, first.stderr
    assert "Lamp-v0" in first.stdout
    assert "2 of 2 runs are there" in run_here()[1]
    (place / "lamp.py").write_text(edited("0.02 * (1", "0.03 * (1"))
    code, said = run_here()
    assert code == 0
    assert "0 of 2 runs are there" in said


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """One command over lamps that are spoilt in one way each."""
    place = tmp_path_factory.mktemp("spoilt")
    for name, (old, new, _) in SPOILT.items():
        (place / f"{name}.py").write_text(edited(old, new).replace('"Lamp-v0"', f'"{name.capitalize()}-v0"'))
    lamps(place, *SPOILT)
    return pgsuite_run(place, "--no-report")


@pytest.mark.parametrize("name", SPOILT)
def test_what_cannot_be_compiled_is_said_in_one_line(name, spoilt):
    assert spoilt.returncode == 1
    cell = f"failed: actor-critic on {name.capitalize()}-v0: "
    (line,) = [line for line in spoilt.stderr.splitlines() if line.startswith(cell)]
    assert SPOILT[name][2] in line
    assert "Traceback" not in spoilt.stdout + spoilt.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("@kernel\ndef observe", "def observe", "its observe is plain Python"),
        ("time_limit=100", "time_limit=0", "time_limit is 0"),
        ('"Lamp-v0",', '"CartPole-v1",', "is there already"),
    ],
)
def test_what_cannot_be_registered_is_said_in_one_line(old, new, said, place, run_here):
    (place / "lamp.py").write_text(edited(old, new))
    code, told = run_here()
    assert code == 2
    assert said in told
    assert told.count("\n") == 1
    assert "Traceback" not in told
