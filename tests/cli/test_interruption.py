"""What ends a command, Ctrl-C or else, keeps what is done; the same command goes on from there, then rests."""

import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from pgsuite.results import load, read_manifest

from ..processes import left_of, processes_of


@pytest.fixture(scope="module")
def interrupted(start):
    """Ctrl-C once the first cell is done: exit code, what was said, seconds to end, processes left."""
    process = start("run", "interrupted.toml", "--out", "interrupted", "--workers", "1", NAP="0.05")
    said = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if sum("  started  " in word for word in said) == 2:
            break
    time.sleep(0.3)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=300)
    seconds = time.monotonic() - begun
    time.sleep(0.2)
    return process.returncode, "".join(said) + rest, seconds, processes_of(process.pid)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_ctrl_c_ends_at_once_and_leaves_no_process(interrupted):
    code, said, seconds, left = interrupted
    assert code == 130
    assert "run the same command again to go on" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert seconds < 15
    assert left == []


def test_ctrl_c_before_anything_runs(pgsuite, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pgsuite.suites.planning.plan_cells", interrupted)
    code, _, err = pgsuite("run", "mine.toml")
    assert code == 130
    assert "Traceback" not in err


SLOW = ["run", "interrupted.toml", "-e", "broken/slow-v0", "--workers", "2"]
PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


def start_slow(start, out, nap=0.05):
    """Start two workers, a seed each, and wait until both are at work; a step of the environment takes a nap.

    Where naps are short, until both have a snapshot.
    """
    process = start(*SLOW, "--out", str(out), NAP=str(nap))
    lines = iter(process.stderr.readline, "")
    told = (line for line in lines if not line.startswith("note: "))
    assert [next(told).split()[1] for _ in range(3)] == ["of", "started", "started"]
    end = time.monotonic() + 60
    while nap < 1 and len(list(out.glob("*/seed-*.parquet"))) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1.0)
    assert len(processes_of(process.pid)) >= 4  # the parent, the two, and who forks them
    return process


@PROC
@pytest.mark.parametrize(
    ("number", "send", "code"),
    [
        (signal.SIGTERM, os.kill, 143),
        (signal.SIGTERM, os.killpg, 143),
        (signal.SIGINT, os.kill, 130),
        (signal.SIGHUP, os.killpg, 129),
    ],
)
def test_a_signal_ends_a_run_as_calmly_as_ctrl_c(number, send, code, start, place):
    """Slurm and Docker send SIGTERM, to the command alone or to all of its processes."""
    out = f"{number.name}-{send.__name__}"
    process = start_slow(start, place / out)
    send(process.pid, number)
    shown, rest = process.communicate(timeout=20)
    assert process.returncode == code
    assert shown == ""
    kept = f"interrupted; what is done is kept in {place / out}: run the same command again"
    assert rest.splitlines()[-1].startswith(kept)
    assert "Traceback" not in rest
    assert "failed" not in rest
    assert left_of(process.pid) == []
    assert load(place / out).groupby("seed").status.first().to_dict() == {0: "partial", 1: "partial"}


@PROC
@pytest.mark.parametrize("nap", [0.05, 30])
def test_a_parent_that_is_killed_leaves_nobody_at_work_and_loses_nothing(nap, start, place, pgsuite):
    """Workers that have something to say, which nobody hears any more, and those that have not."""
    process = start_slow(start, place / f"killed-{nap}", nap)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert left_of(process.pid) == []
    process.communicate()
    if nap < 1:
        seeds = load(place / f"killed-{nap}").groupby("seed").status.first()
        assert seeds.to_dict() == {0: "partial", 1: "partial"}
        for out in (f"killed-{nap}", "never-killed"):
            assert pgsuite(*SLOW, "--no-report", "--out", out)[0] == 0
        killed, never = (load(place / out) for out in (f"killed-{nap}", "never-killed"))
        assert set(killed.status) == {"complete"}
        clock = ["wall_time", "steps_per_second", "peak_memory"]
        pd.testing.assert_frame_equal(killed.drop(columns=clock), never.drop(columns=clock), check_exact=True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_any_command_in_one_line(number, code, pgsuite, monkeypatch):
    monkeypatch.setattr("pgsuite.suites.planning.plan_cells", lambda *_, **__: os.kill(os.getpid(), number))
    monkeypatch.setattr("pgsuite.cli.interruption._mute", lambda _: None)  # the output of the tests
    default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    inherited = signal.signal(number, default)  # a background job of a shell ignores Ctrl-C
    try:
        assert pgsuite("run", "mine.toml") == (code, "", "pgsuite: interrupted\n")
        assert signal.getsignal(number) is default
    finally:
        signal.signal(number, inherited)


def test_a_signal_that_was_ignored_before_stays_ignored(pgsuite, monkeypatch):
    """As `nohup` has it."""
    monkeypatch.setattr("pgsuite.suites.schema.load_suite", lambda *_: os.kill(os.getpid(), signal.SIGHUP))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        code, _, err = pgsuite("run", "mine.toml")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert code == 1
    assert "interrupted" not in err


def content(folder):
    return {f: (f.stat().st_mtime_ns, f.read_bytes()) for f in folder.glob("*--*/*") if f.is_file()}


def test_what_was_interrupted_goes_on_then_rests_then_grows(interrupted, pgsuite, place):
    """The cell that was finished is kept; the same command does the rest, then nothing; more seeds run alone."""
    command, out = ["run", "interrupted.toml", "--out", "interrupted", "--workers", "1"], place / "interrupted"
    kept = {f: v for f, v in content(out).items() if "none" in f.parent.name}
    assert {f.name for f in kept} >= {"seed-0.parquet", "seed-1.parquet", "seed-0.safetensors"}

    code, table, err = pgsuite(*command)
    assert code == 0
    assert "2 of 4 runs are there, 2 to do" in err
    assert "broken/slow-v0" in table
    done = content(out)
    assert kept.items() <= done.items()
    assert (load(out).groupby(["env", "seed"]).status.first() == "complete").sum() == 4

    begun = time.monotonic()
    code, again, err = pgsuite(*command)
    assert (code, again) == (0, table)
    assert "4 of 4 runs are there, 0 to do" in err
    assert time.monotonic() - begun < 15
    assert content(out) == done

    code, table, err = pgsuite(*command, "--seeds", "0-2")
    assert code == 0
    assert "4 of 6 runs are there, 2 to do" in err
    assert done.items() <= content(out).items()
    assert {cell.seeds for cell in read_manifest(out).cells} == {(0, 1, 2)}

    code, shown, err = pgsuite("report", "interrupted")
    assert (code, shown) == (0, table)
    assert load(out).groupby("env").seed.nunique().to_dict() == {"broken/none-v0": 3, "broken/slow-v0": 3}
