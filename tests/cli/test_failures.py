"""What fails while running: one line in the summary, exit code 1, and the other cells finish."""

import re
import subprocess

import pytest

from pgsuite.results import load

FAULTS = {
    "step": r"broken/step-v0.* raised ZeroDivisionError in step: division by zero; fix the environment",
    "reset": r"broken/reset-v0.* raised RuntimeError in reset: no map; fix the environment",
    "reward": r"broken/reward-v0.* non-finite reward .*mend the environment or leave it out",
    "observation": r"broken/observation-v0.* non-finite .*observation .*mend the environment or leave it out",
}


COMMAND = ["run", "faults.toml", "-a", "reinforce", "--out", "faults", "--workers", "1"]


def failures(text, name):
    return re.findall(rf"^failed: {re.escape(name)}: (.*)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def faults(start):
    """One command over environments that break in all ways, and a sound one: exit code, both outputs as one."""
    process = start(*COMMAND, stderr=subprocess.STDOUT)
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


@pytest.mark.parametrize("fault", FAULTS)
def test_an_environment_that_breaks_fails_its_cell_in_one_line(fault, faults):
    (line,) = failures(faults[1], f"reinforce on broken/{fault}-v0")
    assert re.search(FAULTS[fault], line)


def test_the_other_cells_finish_and_the_exit_code_is_1(faults, place):
    code, said = faults
    assert code == 1
    assert "Traceback" not in said
    results = load(place / "faults")
    assert results[results.status == "complete"].env.unique().tolist() == ["broken/none-v0"]
    assert (place / "faults/report/report.md").is_file()


def test_failures_come_last_with_the_users_line(faults):
    """As on a terminal: tables of what there is, then what failed, then how to see where."""
    said = faults[1].splitlines()
    assert [line.partition(":")[0] for line in said[-5:-1]] == ["failed"] * 4
    assert said[-5].endswith("(in environments_of_test_cli.py:32)")
    assert said[-1] == f"see where with a traceback: pgsuite --debug {' '.join(COMMAND)}"
    assert said[-6].startswith("also report.md")


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        ("Raises", r"RuntimeError: no luck \(in algorithms.py:13\)$"),
        ("Brackets", r"RuntimeError: expected \[red\] at \[/tmp/x\] \(in algorithms.py:18\)$"),
        ("Dies", r"its worker process died \(signal SIGKILL: .*\); .*run the same command again"),
    ],
)
def test_an_algorithm_that_breaks_fails_its_cell_in_one_line(algorithm, reason, pgsuite, place):
    both = ["-a", f"algorithms.py:{algorithm}", "-a", "algorithms.py:Mine"]
    code, out, err = pgsuite("run", "mine.toml", *both, "--out", algorithm, "--workers", "1", "--no-report")
    assert code == 1
    assert "Traceback" not in out + err
    (line,) = failures(err, f"{algorithm} on broken/none-v0")
    assert re.search(reason, line)
    results = load(place / algorithm)
    assert set(zip(results.algorithm, results.status, strict=True)) >= {("Mine", "complete")}


def test_where_nothing_was_run_no_empty_table_is_shown(pgsuite, place):
    code, out, err = pgsuite("run", "mine.toml", "-a", "algorithms.py:Raises", "--out", "empty", "--workers", "1")
    assert (code, out) == (1, "")
    assert "failed: Raises on broken/none-v0: RuntimeError: no luck (in algorithms.py:13)" in err.splitlines()
    assert not (place / "empty/report").exists()


def test_debug_shows_the_traceback(pgsuite):
    failing = ["run", "mine.toml", "-a", "algorithms.py:Raises", "--out", "debug", "--workers", "1"]
    code, _, err = pgsuite("--debug", *failing)
    assert code == 1
    assert "Traceback (most recent call last)" in err
    assert 'raise RuntimeError("no luck")' in err


def test_seeds_shared_out_fail_as_one_cell(pgsuite):
    code, _, err = pgsuite("run", "mine.toml", "-a", "algorithms.py:Dies", "--out", "shared", "--workers", "2")
    assert code == 1
    assert len(failures(err, "Dies on broken/none-v0")) == 1


def test_a_budget_below_the_number_of_checkpoints(pgsuite):
    code, _, err = pgsuite("run", "mine.toml", "--steps", "1", "--seeds", "0", "--out", "tiny", "--workers", "1")
    assert code in (0, 2)
    assert "Traceback" not in err
